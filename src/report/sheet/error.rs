//! An error, where a result was asked for.

use super::cases::{Case, CaseEnd, Suite};
use super::layout::{Ending, Sheet};
use super::shown::shown;
use crate::plan::Class;
use crate::report::documents::ErrorDoc;
use crate::report::exit::ExitCode;

/// What went wrong, and what to do about it.
pub fn error_sheet(doc: &ErrorDoc) -> Sheet {
    let hints: Vec<_> = doc
        .hints
        .iter()
        .map(|hint| format!("-> {}", shown(hint)))
        .collect();
    let class = match doc.exit.code {
        code if code == ExitCode::NotReady.number() => Some(Class::NotReady),
        code if code == ExitCode::Unknown.number() => Some(Class::Unknown),
        _ => None,
    };
    let end = match class {
        _ if doc.exit.code == 0 => CaseEnd::skipped(&doc.message),
        Some(class) => CaseEnd::unknown(class, &doc.message, hints),
        None => CaseEnd::failed(&doc.exit.name, &doc.message, hints),
    };
    let mut ending = Ending::of(&doc.exit);
    // The message is the verdict.
    ending.reasons.clear();
    let sheet = Sheet::new("error", &doc.message, ending);
    let hints = doc.hints.iter();
    hints
        .fold(sheet, |sheet, hint| sheet.way("What to do", hint))
        .with_suites([Suite::new("error", [Case::new("rollcall", end)])])
}
