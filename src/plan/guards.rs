//! Guards: how much may go without anybody having asked for it by name. They see the whole world, whatever `--only`
//! selected, and refuse the whole plan, never part of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

use super::{Action, Plan, PlanInput};
use crate::model::{ClusterId, Ownership};

/// How many of a class may go only with `--allow-all` once all of it would.
const ALL_OF: usize = 3;

/// A guard that refuses the plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Refusal {
    /// Of what: `k3d clusters`, `rows`, `kubeconfig registrations`.
    pub class: String,
    /// How many would go.
    pub deletes: usize,
    /// How many there are.
    pub total: usize,
    /// Which rule says no.
    pub rule: Rule,
    /// How to proceed.
    pub hint: String,
}

/// The rules of the guards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// More than the limit.
    TooMany {
        /// The limit.
        limit: usize,
    },
    /// All of a class of three or more.
    All,
    /// The table is empty.
    EmptyTable,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            class,
            deletes,
            total,
            ..
        } = self;
        match self.rule {
            Rule::TooMany { limit } => write!(
                f,
                "{deletes} of {total} {class} would go, and at most {limit} may"
            ),
            Rule::All => write!(f, "all {total} {class} would go"),
            Rule::EmptyTable => write!(
                f,
                "{deletes} of {total} {class} would go, and the table is empty"
            ),
        }
    }
}

#[derive(Debug, Default)]
struct Count {
    inferred: usize,
    declared: usize,
    total: usize,
}

/// Counts, and refuses.
pub(super) fn judge(plan: &Plan, input: &PlanInput<'_>) -> Vec<Refusal> {
    let guards = input.policy.guards;
    let empty = input
        .desired
        .rows
        .iter()
        .all(|row| row.name.as_ref() == Some(&input.policy.management));
    counts(plan, input)
        .into_iter()
        .filter_map(|(class, count)| {
            let limit = guards.limit.of(count.total);
            let all = count.inferred + count.declared;
            let (rule, deletes, hint) = if count.inferred > 0 && empty && !guards.allow_all {
                (
                    Rule::EmptyTable,
                    count.inferred,
                    "--allow-all if the table is meant to be empty".to_owned(),
                )
            } else if all >= count.total && count.total >= ALL_OF && !guards.allow_all {
                (Rule::All, all, "--allow-all if that is meant".to_owned())
            } else if count.inferred > limit && !guards.allow_all {
                (
                    Rule::TooMany { limit },
                    count.inferred,
                    format!("--max-deletes {} if that is meant", count.inferred),
                )
            } else {
                return None;
            };
            Some(Refusal {
                class,
                deletes,
                total: count.total,
                rule,
                hint,
            })
        })
        .collect()
}

/// The clusters of ours of which only networks or volumes are left.
fn dead<'a>(input: &PlanInput<'a>) -> BTreeSet<&'a ClusterId> {
    let Some(engine) = input.observed.engine.known() else {
        return BTreeSet::new();
    };
    let ids = input.ledger.entries.iter().map(|entry| &entry.id);
    ids.filter(|id| {
        let alive = input
            .observed
            .cluster(id)
            .is_some_and(|view| view.has_nodes());
        if alive {
            return false;
        }
        let (networks, volumes) = input.ledger.leftovers(id, &engine.facts);
        !networks.is_empty() || !volumes.is_empty()
    })
    .collect()
}

fn counts(plan: &Plan, input: &PlanInput<'_>) -> BTreeMap<String, Count> {
    let management = |id: &ClusterId| id.name == input.policy.management;
    let clusters = |id: &ClusterId| format!("{} clusters", id.provider);
    let leftovers = |id: &ClusterId| format!("{} leftovers", id.provider);
    let mut counts: BTreeMap<String, Count> = BTreeMap::new();
    for view in input
        .observed
        .clusters()
        .filter(|view| view.has_nodes() && !management(&view.id))
    {
        if matches!(input.ledger.ownership(view), Ownership::Ours(_)) {
            counts.entry(clusters(&view.id)).or_default().total += 1;
        }
    }
    for id in dead(input).into_iter().filter(|id| !management(id)) {
        counts.entry(leftovers(id)).or_default().total += 1;
    }
    for row in &input.desired.rows {
        if row.name.as_ref() != Some(&input.policy.management) {
            counts.entry("rows".to_owned()).or_default().total += 1;
        }
    }
    for entry in input
        .ledger
        .registrations
        .iter()
        .filter(|entry| !management(&entry.cluster))
    {
        let seen = input
            .observed
            .registrars
            .get(&entry.registrar)
            .and_then(|seen| seen.known());
        if seen.is_some_and(|view| view.entries.contains_key(&entry.cluster)) {
            counts
                .entry(format!("{} registrations", entry.registrar))
                .or_default()
                .total += 1;
        }
    }
    for step in &plan.steps {
        let class = match &step.action {
            Action::Delete { id, .. } => clusters(id),
            Action::Sweep { id, .. } if step.inferred => leftovers(id),
            Action::PruneRow { .. } if step.inferred => "rows".to_owned(),
            Action::Deregister { registrar, .. } if step.inferred => {
                format!("{registrar} registrations")
            }
            _ => continue,
        };
        let count = counts.entry(class).or_default();
        if step.inferred {
            count.inferred += 1;
        } else {
            count.declared += 1;
        }
    }
    counts.retain(|_, count| count.inferred + count.declared > 0);
    counts
}
