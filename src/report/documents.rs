//! The JSON documents. Within v1 only additions.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::exit::Exit;
use super::flags::Flags;
use crate::execute::{Outcome, StepResult};
use crate::model::Mode;
use crate::plan::{ActionKind, Class, Disruption, Field, Held, Plan, Reason, Refusal, Step};

/// What a document is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Subject {
    /// Whether the world is a sandbox.
    pub sandbox: bool,
    /// The database.
    pub database: String,
    /// When the world was observed, RFC 3339 UTC.
    pub observed_at: String,
    /// The mode.
    pub mode: Mode,
    /// The flags with which another call speaks of the same: every hint gets them.
    #[serde(skip)]
    pub flags: Flags,
}

/// A plan.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct PlanDoc {
    /// Always `rollcall.plan/v1`.
    pub schema: String,
    /// What it is about.
    #[serde(flatten)]
    pub subject: Subject,
    /// The first line of the text.
    pub verdict: String,
    /// The counts in it.
    pub counts: CountsDoc,
    /// What to do, in an order in which it could be done.
    pub steps: Vec<StepDoc>,
    /// What is left alone.
    pub held: Vec<HeldDoc>,
    /// The guards that refuse it.
    pub refusals: Vec<RefusalDoc>,
    /// How a dry run of it ends.
    pub exit: Exit,
}

/// Counts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CountsDoc {
    /// Rows in the table.
    pub rows: usize,
    /// All steps.
    pub changes: usize,
    /// Steps by kind.
    pub by_action: Vec<(ActionKind, usize)>,
    /// Steps that lose something of worth.
    pub destructive: usize,
    /// Differences that are held.
    pub held: usize,
    /// Those of them that a person must see to.
    pub blocked: usize,
    /// Things that could not be observed.
    pub unknown: usize,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct StepDoc {
    /// Its place.
    pub id: usize,
    /// `cluster/k3d/dev`.
    pub address: String,
    /// What to do.
    pub action: ActionKind,
    /// Why.
    pub reasons: Vec<ReasonDoc>,
    /// What it costs those who use the thing.
    pub disruption: Disruption,
    /// Whether something of worth is lost.
    pub destructive: bool,
    /// Whether nobody asked for it by name.
    pub inferred: bool,
    /// The steps that must have succeeded before.
    pub depends_on: Vec<usize>,
    /// How it ended, if it was executed.
    pub result: Option<StepResult>,
    /// What went wrong.
    pub error: Option<String>,
    /// What to do about it.
    pub hint: Option<String>,
    /// How long it took, all its attempts included, if it was begun.
    pub duration_ms: Option<u64>,
    /// The last lines of its log, if it failed.
    pub log_tail: Vec<String>,
    /// Where its log is.
    pub log: Option<String>,
}

/// One reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ReasonDoc {
    /// The reason with its fields.
    #[serde(flatten)]
    pub reason: Reason,
    /// For people.
    pub message: String,
}

/// One difference that is left alone.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct HeldDoc {
    /// What it is about.
    pub address: String,
    /// The reason's name.
    pub code: String,
    /// What it means for the verdict.
    pub class: Class,
    /// For people.
    pub message: String,
    /// What differs.
    pub fields: Vec<Field>,
    /// What would lift it.
    pub hint: Option<String>,
    /// The reason with all it carries.
    pub reason: Value,
}

/// A guard that refuses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RefusalDoc {
    /// The refusal.
    #[serde(flatten)]
    pub refusal: Refusal,
    /// For people.
    pub message: String,
}

/// What a run did.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct RunDoc {
    /// Always `rollcall.run/v1`.
    pub schema: String,
    /// The stored run.
    pub run_id: Option<String>,
    /// What it is about.
    #[serde(flatten)]
    pub subject: Subject,
    /// The first line of the text.
    pub verdict: String,
    /// Every step, with how it ended.
    pub steps: Vec<StepDoc>,
    /// What would still be done: nothing of it was begun.
    pub left: Vec<StepDoc>,
    /// What is left alone after the run.
    pub held: Vec<HeldDoc>,
    /// The guards that refused.
    pub refusals: Vec<RefusalDoc>,
    /// Whether a plan made afterwards is empty and nothing blocks.
    pub converged: bool,
    /// How long it took.
    pub duration_ms: u64,
    /// How it ended.
    pub exit: Exit,
}

/// A list of anything, such as runs or rows.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ListDoc {
    /// The schema's name.
    pub schema: String,
    /// The items.
    pub items: Vec<Value>,
    /// How it ended.
    pub exit: Exit,
}

/// An error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ErrorDoc {
    /// Always `rollcall.error/v1`.
    pub schema: String,
    /// What went wrong.
    pub message: String,
    /// What to do about it.
    pub hints: Vec<String>,
    /// How it ended.
    pub exit: Exit,
}

/// A plan as a document.
pub fn plan_doc(plan: &Plan, subject: Subject, rows: usize, exit: Exit) -> PlanDoc {
    let counts = counts(plan, rows);
    PlanDoc {
        schema: "rollcall.plan/v1".to_owned(),
        verdict: verdict(&counts, subject.mode),
        counts,
        steps: plan
            .steps
            .iter()
            .map(|step| step_doc(step, None, &subject.flags))
            .collect(),
        held: held_docs(&plan.held, &subject.flags),
        refusals: plan
            .refusals
            .iter()
            .map(|refusal| refusal_doc(refusal, &subject.flags))
            .collect(),
        subject,
        exit,
    }
}

/// A run as a document: the steps that ran, and what the last plan holds.
#[expect(
    clippy::too_many_arguments,
    reason = "a document's parts, named where it is made"
)]
pub fn run_doc(
    run_id: Option<String>,
    subject: Subject,
    rounds: &[(Plan, Outcome)],
    last: &Plan,
    verdict: String,
    converged: bool,
    duration_ms: u64,
    exit: Exit,
) -> RunDoc {
    let ran = rounds.iter().flat_map(|(plan, outcome)| {
        plan.steps
            .iter()
            .map(|step| step_doc(step, Some(outcome), &subject.flags))
            .collect::<Vec<_>>()
    });
    let left = last.steps.iter().filter(|_| last.refusals.is_empty());
    let left = left.map(|step| step_doc(step, None, &subject.flags));
    RunDoc {
        schema: "rollcall.run/v1".to_owned(),
        run_id,
        verdict,
        steps: ran.collect(),
        left: left.collect(),
        held: held_docs(&last.held, &subject.flags),
        refusals: last
            .refusals
            .iter()
            .map(|refusal| refusal_doc(refusal, &subject.flags))
            .collect(),
        subject,
        converged,
        duration_ms,
        exit,
    }
}

/// What a plan amounts to.
pub(super) fn counts(plan: &Plan, rows: usize) -> CountsDoc {
    let unknown = |held: &&Held| matches!(held.reason.class(), Class::Unknown | Class::NotReady);
    let by_action: Vec<_> = ActionKind::ALL
        .into_iter()
        .map(|kind| (kind, plan.count(kind)))
        .filter(|(_, n)| *n > 0)
        .collect();
    CountsDoc {
        rows,
        changes: plan.steps.len(),
        by_action,
        destructive: plan.steps.iter().filter(|step| step.destructive()).count(),
        held: plan
            .held
            .iter()
            .filter(|held| !unknown(held) && held.reason.class() != Class::Information)
            .count(),
        blocked: plan
            .held
            .iter()
            .filter(|held| held.reason.class() == Class::Blocks)
            .count(),
        unknown: plan.held.iter().filter(unknown).count(),
    }
}

/// Line 1 of every plan.
pub(super) fn verdict(counts: &CountsDoc, mode: Mode) -> String {
    let rest = format!(
        "{} destructive; {} held; {} unknown",
        counts.destructive, counts.held, counts.unknown
    );
    if counts.changes == 0 {
        let rows = if counts.rows == 1 {
            "1 row".to_owned()
        } else {
            format!("{} rows", counts.rows)
        };
        if mode.clean.is_some() && counts.unknown == 0 {
            return format!(
                "clean: nothing is left to delete; {rows} in the table; {} held; 0 unknown",
                counts.held
            );
        }
        let word = if counts.unknown > 0 {
            "no verdict"
        } else if counts.blocked > 0 {
            "blocked"
        } else if counts.held == 0 {
            "in sync"
        } else {
            "nothing to change"
        };
        return format!(
            "{word}: {rows}; {} held; {} unknown",
            counts.held, counts.unknown
        );
    }
    let kinds: Vec<_> = counts
        .by_action
        .iter()
        .map(|(kind, count)| format!("{count} {kind}"))
        .collect();
    let changes = if counts.changes == 1 {
        "change"
    } else {
        "changes"
    };
    format!("{} {changes}: {}; {rest}", counts.changes, kinds.join(", "))
}

fn step_doc(step: &Step, outcome: Option<&Outcome>, flags: &Flags) -> StepDoc {
    let ended = outcome.and_then(|outcome| outcome.steps.get(&step.id));
    let error = ended.and_then(|ended| ended.error.as_ref());
    StepDoc {
        id: step.id.0,
        address: step.action.address().to_string(),
        action: step.action.kind(),
        reasons: step
            .reasons
            .iter()
            .map(|reason| ReasonDoc {
                reason: reason.clone(),
                message: reason.to_string(),
            })
            .collect(),
        disruption: step.disruption(),
        destructive: step.destructive(),
        inferred: step.inferred,
        depends_on: step.after.iter().map(|id| id.0).collect(),
        result: ended.map(|ended| ended.result),
        error: error.map(ToString::to_string),
        hint: error.and_then(|error| error.hint.as_deref().map(|hint| flags.apply(hint))),
        duration_ms: ended
            .filter(|ended| ended.attempts > 0)
            .map(|ended| u64::try_from(ended.duration.as_millis()).unwrap_or(u64::MAX)),
        log_tail: ended.map_or_else(Vec::new, |ended| ended.log_tail.clone()),
        log: ended.and_then(|ended| ended.log.clone()),
    }
}

/// One held difference as a document.
pub(super) fn held_doc(held: &Held, flags: &Flags) -> HeldDoc {
    HeldDoc {
        address: held.address.to_string(),
        code: held.reason.code().to_owned(),
        class: held.reason.class(),
        message: held.reason.to_string(),
        fields: held.reason.fields().to_vec(),
        hint: held
            .reason
            .hint(&held.address)
            .map(|hint| flags.apply(&hint)),
        reason: serde_json::to_value(&held.reason).unwrap_or(Value::Null),
    }
}

fn held_docs(held: &[Held], flags: &Flags) -> Vec<HeldDoc> {
    held.iter().map(|held| held_doc(held, flags)).collect()
}

fn refusal_doc(refusal: &Refusal, flags: &Flags) -> RefusalDoc {
    RefusalDoc {
        refusal: Refusal {
            hint: flags.apply(&refusal.hint),
            ..refusal.clone()
        },
        message: refusal.to_string(),
    }
}
