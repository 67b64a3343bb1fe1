//! What every row's cluster needs, who leaves, and who may have what.

use std::collections::BTreeSet;

use super::clusters::{Need, need};
use super::contention::{Verdicts, settle};
use super::situation::Situation;
use crate::model::{ClusterId, Intent, Row};

/// What every valid row's cluster needs, with who leaves and who may have what.
pub(super) struct Needs<'a> {
    pub(super) rows: Vec<(&'a Row, &'a Intent, Need<'a>)>,
    pub(super) verdicts: Verdicts<'a>,
}

impl<'a> Needs<'a> {
    /// Looks at every row; then settles ports and subnets until no replacement rests on one that cannot be done.
    pub(super) fn of(s: &Situation<'a>) -> Self {
        let rows: Vec<_> = s
            .input
            .desired
            .intents()
            .map(|(row, intent)| (row, intent, need(s, row, intent)))
            .collect();
        let mut leaving = leaving(s, &rows);
        loop {
            let verdicts = settle(s, &leaving);
            let stuck: Vec<&'a ClusterId> = rows
                .iter()
                .filter_map(|(_, intent, need)| match need {
                    Need::Renew { old, .. }
                        if verdicts.get(&intent.spec.id).is_some_and(Result::is_err) =>
                    {
                        Some(&old.id)
                    }
                    _ => None,
                })
                .filter(|id| leaving.contains(id))
                .collect();
            if stuck.is_empty() {
                return Self { rows, verdicts };
            }
            leaving.retain(|id| !stuck.contains(id));
        }
    }
}

/// The clusters of ours that this plan would take away.
fn leaving<'a>(
    s: &Situation<'a>,
    rows: &[(&'a Row, &'a Intent, Need<'a>)],
) -> BTreeSet<&'a ClusterId> {
    let mode = s.input.policy.mode;
    let hidden = |id: &ClusterId| {
        s.registrars().any(|(r, seen)| {
            seen.unknown().is_some() && s.input.ledger.registration(r, id).is_some()
        })
    };
    let from_rows = rows.iter().filter_map(|(_, intent, need)| match need {
        Need::Remove(view, _)
            if s.removes_absent() && s.in_scope(&view.id) && !hidden(&view.id) =>
        {
            Some(&view.id)
        }
        Need::Sweep(_) if s.removes_absent() && s.in_scope(&intent.spec.id) => {
            Some(&intent.spec.id)
        }
        Need::Renew { old, .. }
            if mode.repair
                && s.in_scope(&intent.spec.id)
                && s.missing_tool(&intent.spec.id).is_none() =>
        {
            Some(&old.id)
        }
        _ => None,
    });
    let orphans = s
        .known_ids()
        .into_iter()
        .filter(|id| mode.prune.orphans && s.is_orphan(id) && s.in_scope(id) && !hidden(id));
    from_rows.chain(orphans).collect()
}
