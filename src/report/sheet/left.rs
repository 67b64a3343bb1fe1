//! What is left alone, and what a guard refuses.

use super::cases::{Case, CaseEnd, Suite};
use super::changes::differing;
use super::layout::{Cell, Table, code, hint, text, word};
use super::shown::shown;
use crate::execute::FieldText;
use crate::plan::Class;
use crate::report::documents::{HeldDoc, RefusalDoc};
use crate::report::human::with_their_sources;
use crate::report::paint::Tone;

/// What was left out by `--only` or `--exclude` is a number.
const OUT_OF_SCOPE: &str = "excluded";

/// What is left alone, with what lifts it.
pub(super) fn held_table(held: &[HeldDoc]) -> Table {
    let held = held
        .iter()
        .filter(|held| held.code != OUT_OF_SCOPE)
        .collect();
    let rows = with_their_sources(held).map(|held| row(&held));
    Table::new("Held", &["What", "Held", "Why", "What lifts it"]).rows(rows)
}

fn row(held: &HeldDoc) -> Vec<Cell> {
    let (tone, class) = match held.class {
        Class::Unknown => (Tone::Held, "unknown"),
        Class::NotReady => (Tone::Held, "not ready"),
        Class::Blocks => (Tone::Bad, "needs a person"),
        Class::BeyondMode => (Tone::Held, "not in this mode"),
        Class::Intended => (Tone::Dim, "on purpose"),
        Class::Information => (Tone::Dim, "information"),
    };
    let fields: Vec<_> = held.fields.iter().map(FieldText::from).collect();
    let why = text(&held.message).into_iter();
    vec![
        vec![code(&held.address)],
        vec![word(tone, class)],
        why.chain(differing(&fields)).collect(),
        held.hint.as_deref().map(hint).into_iter().collect(),
    ]
}

/// How many were left out.
pub(super) fn out_of_scope(held: &[HeldDoc]) -> Option<String> {
    let count = held.iter().filter(|held| held.code == OUT_OF_SCOPE).count();
    (count > 0).then(|| format!("{count} left out by --only or --exclude"))
}

/// What is left alone, as cases.
pub(super) fn held_cases(held: &[HeldDoc], beyond: bool) -> Suite {
    let case = |held: &HeldDoc| Case::new(&held.address, CaseEnd::of_held(held, beyond));
    Suite::new("held", held.iter().map(case))
}

/// What guards refuse.
pub(super) fn refusals_table(refusals: &[RefusalDoc]) -> Table {
    let row = |refusal: &RefusalDoc| {
        vec![
            text(&refusal.refusal.class).into_iter().collect(),
            text(&refusal.message).into_iter().collect(),
            vec![hint(&refusal.refusal.hint)],
        ]
    };
    let columns = ["Of what", "Why", "What lifts it"];
    Table::new("Refused by a guard", &columns).rows(refusals.iter().map(row))
}

/// What guards refuse, as cases.
pub(super) fn refusal_cases(refusals: &[RefusalDoc]) -> Suite {
    let case = |refusal: &RefusalDoc| {
        let hint = format!("-> {}", shown(&refusal.refusal.hint));
        let end = CaseEnd::failed("refused", &refusal.message, vec![hint]);
        Case::new(&refusal.refusal.class, end)
    };
    Suite::new("guards", refusals.iter().map(case))
}
