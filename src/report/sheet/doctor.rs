//! What `doctor` found.

use super::cases::{Case, CaseEnd, Suite};
use super::layout::{Cell, Ending, Sheet, Table, code, hint, text, word};
use super::shown::shown;
use crate::report::doctor::{DoctorDoc, FindingDoc, Level, SettingDoc};
use crate::report::paint::Tone;

/// Everything that was looked at.
pub fn doctor_sheet(doc: &DoctorDoc) -> Sheet {
    let mut findings: Vec<&FindingDoc> = doc.items.iter().collect();
    // What is wrong stands first.
    findings.sort_by_key(|finding| match finding.level {
        Level::Bad => 0,
        Level::Unknown => 1,
        Level::Note => 2,
        Level::Good => 3,
    });
    let rows = findings.into_iter().map(found);
    let found = Table::new("Findings", &["What", "State", "Found", "What mends it"]);
    let settings = Table::new("Settings", &["Setting", "Value", "From"]);
    let set = doc.settings.iter().filter_map(setting);
    Sheet::new("doctor", &verdict(doc), Ending::of(&doc.exit))
        .with_tables([found.rows(rows), settings.rows(set)])
        .with_suites([Suite::new("doctor", doc.items.iter().map(case))])
}

fn verdict(doc: &DoctorDoc) -> String {
    let count = |level| doc.items.iter().filter(|item| item.level == level).count();
    let (wrong, notes, good) = (count(Level::Bad), count(Level::Note), count(Level::Good));
    let unknown = match count(Level::Unknown) {
        0 => String::new(),
        count => format!("{count} unknown, "),
    };
    format!(
        "{} looked at: {good} good, {notes} to note, {unknown}{wrong} wrong",
        doc.items.len()
    )
}

fn found(finding: &FindingDoc) -> Vec<Cell> {
    let state = match finding.level {
        Level::Good => word(Tone::Good, "ok"),
        Level::Note => word(Tone::Held, "note"),
        Level::Unknown => word(Tone::Held, "unknown"),
        Level::Bad => word(Tone::Bad, "wrong"),
    };
    vec![
        text(&finding.what).into_iter().collect(),
        vec![state],
        text(&finding.message).into_iter().collect(),
        finding.remedy.as_deref().map(hint).into_iter().collect(),
    ]
}

/// A setting that is set to something.
fn setting(setting: &SettingDoc) -> Option<Vec<Cell>> {
    let value = setting.value.as_deref().filter(|value| !value.is_empty())?;
    Some(vec![
        vec![code(&setting.name)],
        vec![code(value)],
        text(&setting.origin).into_iter().collect(),
    ])
}

fn case(finding: &FindingDoc) -> Case {
    let remedy = finding
        .remedy
        .iter()
        .map(|remedy| format!("-> {}", shown(remedy)));
    let end = match finding.level {
        Level::Good => CaseEnd::Passed,
        // What cannot be found out has no effect on the exit code, and is no pass either.
        Level::Note | Level::Unknown => CaseEnd::skipped(&finding.message),
        Level::Bad => CaseEnd::failed("wrong", &finding.message, remedy.collect()),
    };
    Case::new(&finding.what, end)
}
