//! What the sandbox can be told to do wrong, in words.
//!
//! ```text
//! FAULT   := OPERATION [REGISTRAR] [PROVIDER | PROVIDER/NAME] EFFECT [TIMES]
//!          | REGISTRAR answers CODE [TIMES]
//! OPERATION := create | start | prepare | ports | remove | access | ready | preflight | register | deregister | observe
//! EFFECT  := takes DURATION                      (40s, 40 s, 500ms, 2m)
//!          | fails [half-way | after everything] (before anything is made; in the middle; all was made)
//!          | crashes [half-way]                  (in the middle, as if killed)
//!          | hangs                               (in the middle, until the deadline)
//!          | does nothing                        (says it worked)
//!          | answers CODE
//! TIMES   := once | twice | N times              (nothing: until it is taken back)
//! STATE   := SOURCE is HEALTH
//! SOURCE  := docker | a provider (its tool) | a registrar
//! HEALTH  := up | down | silent | gone           (a tool is up or gone; the engine is never gone)
//! ```
//!
//! A failure that is counted is [`Fault::Transient`](crate::provider::Fault::Transient), one that is not is permanent.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::SandboxError;
use super::registrar;
use super::state::ENGINE;
use super::tool::Tool;
use crate::model::{ClusterId, ProviderId, RegistrarId};

/// One sentence of the grammar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Instruction {
    /// Some operation goes wrong.
    Fault(ScriptedFault),
    /// A source is up, down, silent or gone.
    State {
        /// Which.
        source: String,
        /// How it is from now on.
        health: Health,
    },
}

/// An operation that goes wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScriptedFault {
    /// Which operation; `None`: every one of the registrar's.
    pub operation: Option<Operation>,
    /// In which registrar; `None`: in any.
    pub registrar: Option<RegistrarId>,
    /// With which provider's clusters; `None`: with any.
    pub provider: Option<ProviderId>,
    /// With which cluster; `None`: with any.
    pub cluster: Option<ClusterId>,
    /// What happens.
    pub effect: Effect,
    /// How often; `None`: until it is taken back.
    pub left: Option<u32>,
}

/// What can go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// A cluster is made.
    Create,
    /// A cluster is started, by its tool or the engine.
    Start,
    /// A cluster is stopped.
    Stop,
    /// What follows a creation is done.
    Prepare,
    /// Ports are added.
    Ports,
    /// Containers, networks and volumes are removed.
    Remove,
    /// Credentials are read from a node.
    Access,
    /// An API is asked.
    Ready,
    /// A create is proven possible.
    Preflight,
    /// A registration is written.
    Register,
    /// A registration is taken away.
    Deregister,
    /// A registrar is looked at.
    Observe,
}

/// How it goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// It takes this long.
    Takes(Duration),
    /// It fails.
    Fails(When),
    /// It dies half-way.
    Crashes,
    /// It goes half-way and never ends.
    Hangs,
    /// It does nothing and says it worked.
    DoesNothing,
    /// It fails with this status.
    Answers(u16),
}

/// How far it got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// Nothing was done.
    AtOnce,
    /// Half of it.
    HalfWay,
    /// All of it.
    AfterEverything,
}

/// How a source is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// It answers.
    Up,
    /// Nothing listens.
    Down,
    /// It listens and says nothing.
    Silent,
    /// It is proven not to be installed.
    Gone,
}

const OPERATIONS: [(&str, Operation); 12] = [
    ("create", Operation::Create),
    ("start", Operation::Start),
    ("stop", Operation::Stop),
    ("prepare", Operation::Prepare),
    ("ports", Operation::Ports),
    ("remove", Operation::Remove),
    ("access", Operation::Access),
    ("ready", Operation::Ready),
    ("preflight", Operation::Preflight),
    ("register", Operation::Register),
    ("deregister", Operation::Deregister),
    ("observe", Operation::Observe),
];

const HEALTHS: [(&str, Health); 4] = [
    ("up", Health::Up),
    ("down", Health::Down),
    ("silent", Health::Silent),
    ("gone", Health::Gone),
];

impl FromStr for Instruction {
    type Err = SandboxError;

    fn from_str(text: &str) -> Result<Self, SandboxError> {
        let lower = text.to_lowercase();
        let words: Vec<&str> = lower.split_whitespace().collect();
        sentence(&words).map_err(|problem| SandboxError::Instruction {
            text: text.chars().take(200).collect(),
            problem,
        })
    }
}

fn sentence(words: &[&str]) -> Result<Instruction, String> {
    if let [source, "is", health] = words {
        return state(source, health);
    }
    let (first, mut rest) = words.split_first().ok_or("it is empty")?;
    let mut fault = ScriptedFault {
        operation: named(&OPERATIONS, first),
        registrar: registrar_named(first),
        provider: None,
        cluster: None,
        effect: Effect::Hangs,
        left: None,
    };
    if fault.operation.is_none() && fault.registrar.is_none() {
        let known = OPERATIONS.map(|(name, _)| name).join(", ");
        return Err(format!(
            "{first:?} is neither a registrar nor one of {known}"
        ));
    }
    while let Some((word, more)) = rest.split_first() {
        if let Some(registrar) = registrar_named(word) {
            fault.registrar = Some(registrar);
        } else if let Some(tool) = Tool::of(&ProviderId::new(*word)) {
            fault.provider = Some(tool.id());
        } else if word.contains('/') {
            fault.cluster = Some(word.parse().map_err(|e| format!("{e}"))?);
        } else {
            break;
        }
        rest = more;
    }
    let (effect, rest) = effect(rest)?;
    if fault.operation.is_none() && !matches!(effect, Effect::Answers(_)) {
        return Err(
            "a registrar 'answers CODE' or 'is HEALTH'; else begin with the operation".into(),
        );
    }
    fault.effect = effect;
    fault.left = times(rest)?;
    Ok(Instruction::Fault(fault))
}

fn state(source: &str, health: &str) -> Result<Instruction, String> {
    let known = named(&HEALTHS, health).ok_or_else(|| format!("{health:?} is no health"))?;
    let possible: &[Health] = if source == ENGINE {
        &[Health::Up, Health::Down, Health::Silent]
    } else if Tool::of(&ProviderId::new(source)).is_some() {
        &[Health::Up, Health::Gone]
    } else if registrar_named(source).is_some() {
        &[Health::Up, Health::Down, Health::Silent, Health::Gone]
    } else {
        return Err(format!("{source:?} is no source"));
    };
    if !possible.contains(&known) {
        return Err(format!("{source} is never {health}"));
    }
    Ok(Instruction::State {
        source: source.to_owned(),
        health: known,
    })
}

fn effect<'a, 'w>(words: &'a [&'w str]) -> Result<(Effect, &'a [&'w str]), String> {
    Ok(match words {
        ["takes", rest @ ..] => {
            let (duration, rest) = duration(rest)?;
            (Effect::Takes(duration), rest)
        }
        ["fails", "half-way", rest @ ..] => (Effect::Fails(When::HalfWay), rest),
        ["fails", "after", "everything", rest @ ..] => (Effect::Fails(When::AfterEverything), rest),
        ["fails", rest @ ..] => (Effect::Fails(When::AtOnce), rest),
        ["crashes", "half-way", rest @ ..] | ["crashes", rest @ ..] => (Effect::Crashes, rest),
        ["hangs", rest @ ..] => (Effect::Hangs, rest),
        ["does", "nothing", rest @ ..] => (Effect::DoesNothing, rest),
        ["answers", code, rest @ ..] => {
            let code = code.parse().map_err(|_| format!("{code:?} is no status"))?;
            (Effect::Answers(code), rest)
        }
        [] => return Err("it does not say what happens".into()),
        [word, ..] => return Err(format!("{word:?} is no effect")),
    })
}

fn duration<'a, 'w>(words: &'a [&'w str]) -> Result<(Duration, &'a [&'w str]), String> {
    let (first, rest) = words.split_first().ok_or("it does not say how long")?;
    let digits = first.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let number: u64 = digits
        .parse()
        .map_err(|_| format!("{first:?} is no duration"))?;
    let (unit, rest) = match (first.strip_prefix(digits), rest) {
        (Some(""), [unit, rest @ ..]) => (*unit, rest),
        (unit, rest) => (unit.unwrap_or_default(), rest),
    };
    let duration = match unit {
        "ms" => Duration::from_millis(number),
        "s" => Duration::from_secs(number),
        "m" => Duration::from_secs(number.saturating_mul(60)),
        _ => return Err(format!("{unit:?} is no unit: ms, s and m are")),
    };
    Ok((duration, rest))
}

fn times(words: &[&str]) -> Result<Option<u32>, String> {
    match words {
        [] => Ok(None),
        ["once"] => Ok(Some(1)),
        ["twice"] => Ok(Some(2)),
        [number, "times" | "time"] => match number.parse() {
            Ok(0) | Err(_) => Err(format!("{number:?} is no number of times")),
            Ok(number) => Ok(Some(number)),
        },
        [word, ..] => Err(format!("{word:?} is one word too many")),
    }
}

fn named<T: Copy>(table: &[(&str, T)], word: &str) -> Option<T> {
    table
        .iter()
        .find(|(name, _)| *name == word)
        .map(|(_, value)| *value)
}

fn registrar_named(word: &str) -> Option<RegistrarId> {
    registrar::ids().find(|id| id.as_str() == word)
}

impl fmt::Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(
            HEALTHS
                .iter()
                .find(|(_, h)| h == self)
                .map_or("", |(name, _)| name),
        )
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(
            OPERATIONS
                .iter()
                .find(|(_, o)| o == self)
                .map_or("", |(name, _)| name),
        )
    }
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Takes(duration) if duration.subsec_millis() == 0 => {
                write!(f, "takes {}s", duration.as_secs())
            }
            Self::Takes(duration) => write!(f, "takes {}ms", duration.as_millis()),
            Self::Fails(When::AtOnce) => f.write_str("fails"),
            Self::Fails(When::HalfWay) => f.write_str("fails half-way"),
            Self::Fails(When::AfterEverything) => f.write_str("fails after everything"),
            Self::Crashes => f.write_str("crashes half-way"),
            Self::Hangs => f.write_str("hangs"),
            Self::DoesNothing => f.write_str("does nothing"),
            Self::Answers(code) => write!(f, "answers {code}"),
        }
    }
}

impl fmt::Display for ScriptedFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = [
            self.operation.map(|o| o.to_string()),
            self.registrar.as_ref().map(ToString::to_string),
            self.provider.as_ref().map(ToString::to_string),
            self.cluster.as_ref().map(ToString::to_string),
            Some(self.effect.to_string()),
            self.left.map(|left| match left {
                1 => "once".to_owned(),
                2 => "twice".to_owned(),
                left => format!("{left} times"),
            }),
        ];
        f.write_str(&words.into_iter().flatten().collect::<Vec<_>>().join(" "))
    }
}

impl fmt::Display for Instruction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fault(fault) => fault.fmt(f),
            Self::State { source, health } => write!(f, "{source} is {health}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sentence_means_what_it_says_and_says_what_it_means() {
        for (text, canonical) in [
            ("create takes 40s", "create takes 40s"),
            ("Create takes 40 s", "create takes 40s"),
            ("create takes 2m twice", "create takes 120s twice"),
            ("create kind takes 500ms", "create kind takes 500ms"),
            ("create k3d/dev fails", "create k3d/dev fails"),
            ("create fails 1 time", "create fails once"),
            ("create fails twice", "create fails twice"),
            ("create fails 3 times", "create fails 3 times"),
            ("create k3d/dev hangs", "create k3d/dev hangs"),
            ("create does nothing", "create does nothing"),
            (
                "create fails after everything",
                "create fails after everything",
            ),
            ("remove fails half-way once", "remove fails half-way once"),
            ("create crashes half-way", "create crashes half-way"),
            ("create crashes", "create crashes half-way"),
            (
                "register kubeconfig fails once",
                "register kubeconfig fails once",
            ),
            (
                "register kubeconfig k3d/dev fails",
                "register kubeconfig k3d/dev fails",
            ),
            (
                "Kubeconfig answers 500 twice",
                "kubeconfig answers 500 twice",
            ),
            ("Docker is down", "docker is down"),
            ("docker is silent", "docker is silent"),
            ("docker is up", "docker is up"),
            ("k3d is gone", "k3d is gone"),
            ("kubeconfig is silent", "kubeconfig is silent"),
        ] {
            let read: Instruction = text.parse().unwrap();
            assert_eq!(read.to_string(), canonical);
            assert_eq!(canonical.parse::<Instruction>().unwrap(), read);
        }
    }

    #[test]
    fn what_says_nothing_is_refused_with_a_reason() {
        for (text, reason) in [
            ("", "empty"),
            ("destroy k3d/dev", "neither"),
            ("create", "what happens"),
            ("create k3d/-x fails", "cluster name"),
            ("create explodes", "no effect"),
            ("create takes", "how long"),
            ("create takes long", "no duration"),
            ("create takes 40", "no unit"),
            ("create fails 0 times", "number of times"),
            ("create fails twice again", "too many"),
            ("docker is gone", "never"),
            ("k3d is silent", "never"),
            ("moon is down", "no source"),
            ("docker is purple", "no health"),
            ("kubeconfig fails", "begin with the operation"),
        ] {
            let error = text.parse::<Instruction>().unwrap_err().to_string();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }
}
