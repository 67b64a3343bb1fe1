//! What is to be done, or was done, each with why and how it ended.

use super::cases::{Case, CaseEnd, Suite};
use super::layout::{Cell, Failure, Line, Part, Table, code, hint, text, word};
use super::shown::{shown, took};
use crate::execute::{FieldText, StepResult};
use crate::plan::ActionKind;
use crate::report::documents::StepDoc;
use crate::report::human::mark;
use crate::report::paint::Tone;

/// One change.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Change {
    pub(super) address: String,
    /// What is done, with what that means.
    pub(super) word: &'static str,
    pub(super) tone: Tone,
    pub(super) why: String,
    pub(super) fields: Vec<FieldText>,
    /// How it ended, if it was to be executed and came to an end.
    pub(super) result: Option<StepResult>,
    pub(super) error: Option<String>,
    pub(super) hint: Option<String>,
    pub(super) duration_ms: Option<u64>,
    pub(super) tail: Vec<String>,
    pub(super) log: Option<String>,
}

impl From<&StepDoc> for Change {
    fn from(step: &StepDoc) -> Self {
        let (_, word, tone) = mark(step.action, step.disruption);
        let reasons: Vec<_> = step.reasons.iter().map(|r| r.message.as_str()).collect();
        let fields = step.reasons.iter().flat_map(|reason| &reason.reason.fields);
        Self {
            address: step.address.clone(),
            word,
            tone,
            why: reasons.join("; "),
            fields: fields.map(FieldText::from).collect(),
            result: step.result,
            error: step.error.clone(),
            hint: step.hint.clone(),
            duration_ms: step.duration_ms,
            tail: step.log_tail.clone(),
            log: step.log.clone(),
        }
    }
}

/// What would be done.
pub(super) fn planned(changes: &[Change]) -> Table {
    let columns = ["What", "Change", "Why", "Differs"];
    Table::new("Changes", &columns).rows(changes.iter().map(what_and_why))
}

/// What was done.
pub(super) fn done(changes: &[Change]) -> Table {
    let columns = ["What", "Change", "Result", "Took", "Why", "Differs"];
    let rows = changes.iter().map(|change| {
        let mut cells = what_and_why(change);
        let time = change.duration_ms.map(took);
        cells.insert(2, vec![result(change)]);
        cells.insert(3, time.as_deref().and_then(text).into_iter().collect());
        cells
    });
    Table::new("Changes", &columns).rows(rows)
}

fn what_and_why(change: &Change) -> Vec<Cell> {
    vec![
        vec![code(&change.address)],
        vec![word(change.tone, change.word)],
        text(&change.why).into_iter().collect(),
        differing(&change.fields),
    ]
}

fn result(change: &Change) -> Line {
    match change.result {
        None => word(Tone::Bad, "unfinished"),
        Some(StepResult::Succeeded) => word(Tone::Good, "succeeded"),
        Some(StepResult::Failed) => word(Tone::Bad, "failed"),
        Some(result) => word(Tone::Held, result.text()),
    }
}

/// What differs, a line each. What a new thing asks for has no other side.
pub(super) fn differing(fields: &[FieldText]) -> Cell {
    let side = |value: &Option<String>| value.clone().unwrap_or_else(|| "none".to_owned());
    let line = |field: &FieldText| {
        let sides = match (&field.live, &field.row) {
            (None, Some(row)) => row.clone(),
            (live, row) => format!("{} live → {} row", side(live), side(row)),
        };
        let name = shown(&field.field);
        vec![
            Part::Code { text: name },
            Part::Text {
                text: shown(&sides),
            },
        ]
    };
    fields.iter().map(line).collect()
}

/// What did not succeed, with what its log says.
pub(super) fn failures(changes: &[Change]) -> Vec<Failure> {
    let failed = changes.iter().filter(|change| is_failure(change));
    let failure = |change: &Change| Failure {
        word: change.word,
        address: shown(&change.address),
        message: change.error.as_deref().map_or_else(String::new, shown),
        hint: change.hint.as_deref().map(hint),
        tail: change.tail.iter().map(|line| shown(line)).collect(),
        log: change.log.as_deref().map(shown),
    };
    failed.map(failure).collect()
}

fn is_failure(change: &Change) -> bool {
    matches!(change.result, Some(StepResult::Failed | StepResult::Held))
}

/// A dry run's changes: each is drift.
pub(super) fn planned_cases(changes: &[Change]) -> Suite {
    let case = |change: &Change| {
        let detail = change.fields.iter().map(|field| shown(&sides(field)));
        let end = CaseEnd::drift(&change.why, detail.collect());
        Case::new(&format!("{} {}", change.word, change.address), end)
    };
    Suite::new("changes", changes.iter().map(case))
}

fn sides(field: &FieldText) -> String {
    let side = |value: &Option<String>| value.clone().unwrap_or_else(|| "none".to_owned());
    let (live, row) = (side(&field.live), side(&field.row));
    format!("{}  {live} live -> {row} row", field.field)
}

/// A run's steps. `converged`: whether everything is true now, whatever became of a step.
pub(super) fn done_cases(changes: &[Change], converged: bool) -> Suite {
    let case = |change: &Change| {
        let name = format!("{} {}", change.word, change.address);
        Case {
            duration_ms: change.duration_ms.unwrap_or(0),
            ..Case::new(&name, end(change, converged))
        }
    };
    Suite::new("steps", changes.iter().map(case))
}

fn end(change: &Change, converged: bool) -> CaseEnd {
    let why = change.error.as_deref().unwrap_or(change.word);
    match change.result {
        Some(StepResult::Succeeded) => CaseEnd::Passed,
        Some(StepResult::Failed) => CaseEnd::failed("failed", why, detail(change)),
        // A mind changed, and the thing is true now all the same.
        Some(StepResult::Held) if converged => CaseEnd::skipped(why),
        Some(StepResult::Held) => CaseEnd::drift(why, detail(change)),
        Some(StepResult::Skipped | StepResult::Cancelled) => CaseEnd::skipped(why),
        None => CaseEnd::skipped("it did not come to an end"),
    }
}

fn detail(change: &Change) -> Vec<String> {
    let hint = change.hint.iter().map(|hint| format!("-> {}", shown(hint)));
    let tail = change.tail.iter().map(|line| shown(line));
    let log = change.log.iter().map(|log| format!("log: {}", shown(log)));
    hint.chain(tail).chain(log).collect()
}

/// The word for an action that an event names.
pub(super) fn word_of(action: &str) -> (&'static str, Tone) {
    let kind = ActionKind::ALL
        .into_iter()
        .find(|kind| kind.code() == action);
    kind.map_or(("change", Tone::Change), |kind| {
        let (_, word, tone) = mark(kind, kind.disruption());
        (word, tone)
    })
}
