//! Every word that a document may use for something, and what is available here: a program need know none by heart.

use std::collections::BTreeSet;

use schemars::{JsonSchema, schema_for};
use serde::Serialize;
use serde_json::Value;

use super::exit::{Exit, ExitCode};
use super::lock::LockState;
use super::schema::SCHEMAS;
use super::status::{Health, Owner, RegistrationState, Sync};
use crate::execute::{EventBody, StepResult};
use crate::model::{
    ClusterId, Obstacle, Phase, Presence, RegistrarId, StopIntent, Stranger, Unseen, UnseenKind,
};
use crate::plan::{ActionKind, Class, Disruption, HeldReason, ReasonCode};

/// All words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct EnumsDoc {
    /// Always `rollcall.enums/v1`.
    pub schema: String,
    /// The version of this program.
    pub version: String,
    /// The documents: the names that `rollcall schema NAME` takes.
    pub documents: Vec<String>,
    /// What is available here.
    #[serde(flatten)]
    pub available: Available,
    /// What a step may do.
    pub actions: Vec<Word>,
    /// Why a step may be done.
    pub reasons: Vec<Word>,
    /// Why a difference may be left alone.
    pub held: Vec<HeldWord>,
    /// What being left alone may mean for the verdict.
    pub classes: Vec<Word>,
    /// What a step may cost.
    pub disruptions: Vec<Word>,
    /// How a step may end.
    pub results: Vec<Word>,
    /// Every exit code, by precedence: when several hold, the first is returned.
    pub exit_codes: Vec<ExitWord>,
    /// What a row may want.
    pub desired_states: Vec<Word>,
    /// How alive a cluster may be.
    pub phases: Vec<Word>,
    /// Whether a cluster is as its row says.
    pub sync: Vec<Word>,
    /// How a cluster may be.
    pub health: Vec<Word>,
    /// Whose a cluster may be.
    pub owners: Vec<Word>,
    /// How a cluster may stand in a registrar.
    pub registrations: Vec<Word>,
    /// How the lock may stand.
    pub locks: Vec<Word>,
    /// The types of events.
    pub events: Vec<Word>,
    /// How the call ended.
    pub exit: Exit,
}

/// What is available here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Available {
    /// Whether the world is a sandbox.
    pub sandbox: bool,
    /// Who can make clusters.
    pub providers: Vec<String>,
    /// Where clusters are registered: those that are on.
    pub registrars: Vec<String>,
    /// What `-o` takes.
    pub formats: Vec<String>,
}

/// One word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Word {
    /// As the documents spell it.
    pub word: String,
    /// What it means, for people.
    pub meaning: String,
}

/// One reason for leaving a difference alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct HeldWord {
    /// Its code.
    pub code: String,
    /// What it means for the verdict: one class, except where that depends on what happened.
    pub classes: Vec<Class>,
    /// What it means, for people.
    pub meaning: String,
}

/// One exit code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ExitWord {
    /// The number.
    pub code: u8,
    /// Its name.
    pub name: String,
    /// What it means, for people.
    pub meaning: String,
}

/// All words, with what is available here.
pub fn enums_doc(available: Available) -> EnumsDoc {
    EnumsDoc {
        schema: "rollcall.enums/v1".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        documents: SCHEMAS.map(str::to_owned).to_vec(),
        available,
        actions: words::<ActionKind>(),
        reasons: words::<ReasonCode>(),
        held: held_words(),
        classes: words::<Class>(),
        disruptions: words::<Disruption>(),
        results: words::<StepResult>(),
        exit_codes: exit_words(),
        desired_states: words::<Presence>(),
        phases: words::<Phase>(),
        sync: words::<Sync>(),
        health: words::<Health>(),
        owners: words::<Owner>(),
        registrations: words::<RegistrationState>(),
        locks: words::<LockState>(),
        events: words::<EventBody>(),
        exit: Exit::default(),
    }
}

/// The words of an enum, from its JSON Schema: none can be forgotten.
fn words<T: JsonSchema>() -> Vec<Word> {
    let schema = serde_json::to_value(schema_for!(T)).unwrap_or_default();
    let variants = match schema.get("oneOf").and_then(Value::as_array) {
        Some(variants) => variants.clone(),
        None => vec![schema],
    };
    variants.iter().flat_map(words_of_variant).collect()
}

/// A variant without fields is a word, or one of several that share a description; another one bears it as its tag.
fn words_of_variant(variant: &Value) -> Vec<Word> {
    let meaning = variant.get("description").and_then(Value::as_str);
    let meaning = meaning.unwrap_or_default().to_owned();
    let alone = variant.get("const").into_iter();
    let several = variant.get("enum").and_then(Value::as_array);
    let tags = variant.get("properties").and_then(Value::as_object);
    let tags = tags
        .into_iter()
        .flat_map(|tags| tags.values())
        .filter_map(|tag| tag.get("const"));
    alone
        .chain(several.into_iter().flatten())
        .chain(tags)
        .filter_map(Value::as_str)
        .map(|word| Word {
            word: word.to_owned(),
            meaning: meaning.clone(),
        })
        .collect()
}

fn exit_words() -> Vec<ExitWord> {
    let words = words::<ExitCode>();
    let meaning = |name: &str| {
        let word = words.iter().find(|word| word.word == name);
        word.map_or_else(String::new, |word| word.meaning.clone())
    };
    ExitCode::BY_PRECEDENCE
        .into_iter()
        .map(|code| ExitWord {
            code: code.number(),
            name: code.name().to_owned(),
            meaning: meaning(code.name()),
        })
        .collect()
}

/// What a held code means for the verdict: where that depends on what happened, what it means most often.
pub(super) fn class_of(code: &str) -> Option<Class> {
    let examples = examples();
    let held = examples.iter().find(|held| held.code() == code);
    held.map(HeldReason::class)
}

fn held_words() -> Vec<HeldWord> {
    let examples = examples();
    words::<HeldReason>()
        .into_iter()
        .map(|word| {
            let of_this = examples.iter().filter(|held| held.code() == word.word);
            let classes: BTreeSet<Class> = of_this.map(HeldReason::class).collect();
            HeldWord {
                code: word.word,
                classes: classes.into_iter().collect(),
                meaning: word.meaning,
            }
        })
        .collect()
}

/// A reason of every code, and of every class where a code has several: a class is asked of a reason, not of its code.
fn examples() -> Vec<HeldReason> {
    let text = String::new;
    let phase = Phase::Running;
    let unseen = |kind| {
        HeldReason::SourceUnknown(Unseen {
            source: text(),
            kind,
            error: text(),
            hint: None,
        })
    };
    let mut examples = vec![
        HeldReason::NotOurs {
            stranger: Stranger::Unlisted,
            phase,
        },
        HeldReason::ForeignResidue { names: Vec::new() },
        HeldReason::NeedsReplace {
            fields: Vec::new(),
            phase,
            detail: None,
        },
        HeldReason::StoppedByUser(StopIntent {
            source: text(),
            who: None,
            why: None,
        }),
        HeldReason::InvalidRow { faults: Vec::new() },
        HeldReason::PerhapsClaimed { row: text() },
        HeldReason::NameTaken { row: text() },
        HeldReason::PortTaken {
            column: text(),
            port: 1,
            by: Some(text()),
        },
        HeldReason::SubnetTaken {
            subnet: text(),
            by: text(),
        },
        HeldReason::Orphan,
        HeldReason::Unmanaged,
        HeldReason::Management { would: text() },
        HeldReason::BeyondMode {
            would: ActionKind::Create,
        },
        HeldReason::Excluded,
        HeldReason::InProgress,
        unseen(UnseenKind::NotReady),
        unseen(UnseenKind::OtherEngine),
        HeldReason::ToolMissing {
            program: text(),
            hint: text(),
        },
        HeldReason::RegistrationNotOurs { endpoint: text() },
        HeldReason::RegistrarObstructed(Obstacle {
            what: text(),
            remedy: text(),
            of: Vec::new(),
        }),
        HeldReason::WaitsFor {
            registrar: RegistrarId::new(text()),
        },
        HeldReason::RegistrarNotInstalled,
    ];
    if let Ok(id) = "k3d/dev".parse::<ClusterId>() {
        examples.push(HeldReason::ProviderChanged { live: id.clone() });
        examples.push(HeldReason::BlockedByOrphan { orphan: id });
    }
    examples
}

#[cfg(test)]
mod tests {
    use super::*;

    fn doc() -> Value {
        let available = Available {
            sandbox: true,
            providers: Vec::new(),
            registrars: Vec::new(),
            formats: Vec::new(),
        };
        serde_json::to_value(enums_doc(available)).unwrap()
    }

    #[test]
    fn every_held_code_has_its_class() {
        for held in held_words() {
            assert!(!held.classes.is_empty(), "{} has no example", held.code);
            assert!(!held.meaning.is_empty(), "{}", held.code);
        }
        let codes: Vec<_> = held_words().into_iter().map(|held| held.code).collect();
        for example in examples() {
            assert!(codes.contains(&example.code().to_owned()), "{example:?}");
        }
    }

    #[test]
    fn every_list_of_words_has_words_with_a_meaning() {
        let doc = doc();
        let lists = doc
            .as_object()
            .unwrap()
            .values()
            .filter_map(Value::as_array);
        let words: Vec<_> = lists.flatten().filter(|word| word.is_object()).collect();
        assert!(words.len() > 90, "{}", words.len());
        for word in words {
            assert!(!word["meaning"].as_str().unwrap().is_empty(), "{word}");
        }
        for kind in ActionKind::ALL {
            let actions = doc["actions"].as_array().unwrap();
            let code = serde_json::to_value(kind).unwrap();
            assert!(actions.iter().any(|word| word["word"] == code), "{code}");
        }
    }
}
