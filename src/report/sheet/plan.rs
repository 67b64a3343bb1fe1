//! A plan, and a run.

use super::changes::{Change, done, done_cases, failures, planned, planned_cases};
use super::layout::{Ending, Sheet};
use super::left::{held_cases, held_table, out_of_scope, refusal_cases, refusals_table};
use super::shown::{moment, took};
use crate::model::Mode;
use crate::report::documents::{PlanDoc, RunDoc, Subject};
use crate::report::human::is_second_half;

/// What would be done, with the command that does it.
pub fn plan_sheet(doc: &PlanDoc, apply: &str) -> Sheet {
    let steps = doc.steps.iter().filter(|step| !is_second_half(step));
    let changes: Vec<Change> = steps.map(Change::from).collect();
    let mut sheet = about(
        Sheet::new("plan", &doc.verdict, Ending::of(&doc.exit)),
        &doc.subject,
    );
    sheet.notes.extend(out_of_scope(&doc.held));
    if !changes.is_empty() {
        let label = if doc.refusals.is_empty() {
            "Nothing was changed. To apply this"
        } else {
            "Nothing was changed. To apply this all the same"
        };
        sheet = sheet.way(label, apply);
    }
    sheet
        .with_tables([
            planned(&changes),
            held_table(&doc.held),
            refusals_table(&doc.refusals),
        ])
        .with_suites([
            planned_cases(&changes),
            held_cases(&doc.held, true),
            refusal_cases(&doc.refusals),
        ])
}

/// What a run did, and what is left.
pub fn run_sheet(doc: &RunDoc) -> Sheet {
    let changes: Vec<Change> = doc.steps.iter().map(Change::from).collect();
    let mut sheet = about(
        Sheet::new("run", &doc.verdict, Ending::of(&doc.exit)),
        &doc.subject,
    );
    if let Some(run) = &doc.run_id {
        sheet = sheet.fact("Run", run);
    }
    sheet = sheet.fact("Took", &took(doc.duration_ms));
    sheet.duration_ms = doc.duration_ms;
    sheet.notes.extend(out_of_scope(&doc.held));
    sheet.failures = failures(&changes);
    sheet
        .with_tables([
            done(&changes),
            held_table(&doc.held),
            refusals_table(&doc.refusals),
        ])
        .with_suites([
            done_cases(&changes, doc.converged),
            held_cases(&doc.held, false),
            refusal_cases(&doc.refusals),
        ])
}

/// The same with what it is about.
pub(super) fn about(mut sheet: Sheet, subject: &Subject) -> Sheet {
    sheet.sandbox = subject.sandbox;
    let at = moment(&subject.observed_at);
    sheet.at = Some(at.clone());
    sheet
        .fact("Database", &subject.database)
        .fact("Observed", &at)
        .fact("Mode", &words(subject.mode))
}

/// The mode as its flags.
fn words(mode: Mode) -> String {
    let prune = mode.prune;
    let what = [
        (prune.rows, "rows"),
        (prune.orphans, "orphans"),
        (prune.registrations, "registrations"),
    ];
    let what: Vec<_> = what
        .iter()
        .filter(|(on, _)| *on)
        .map(|(_, what)| *what)
        .collect();
    let repair = mode.repair.then(|| "repair".to_owned());
    let prune = prune.any().then(|| format!("prune {}", what.join(", ")));
    let words: Vec<_> = repair.into_iter().chain(prune).collect();
    if words.is_empty() {
        "adopt".to_owned()
    } else {
        words.join("; ")
    }
}
