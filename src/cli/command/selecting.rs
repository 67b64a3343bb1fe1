//! From names on the command line to clusters: what names nothing, or too much, is refused.

use std::collections::BTreeSet;

use crate::cli::args::Aims;
use crate::cli::error::CliError;
use crate::model::{Address, ClusterId, ClusterName, Ownership, Presence, Scope, Selector};
use crate::plan::HeldReason;
use crate::reconcile::{Look, Question};

/// Whether the call names any cluster.
pub(crate) fn names_any(aims: &Aims) -> bool {
    [&aims.only, &aims.exclude, &aims.replace, &aims.adopt]
        .into_iter()
        .any(|list| !list.is_empty())
}

/// Puts the clusters that `--replace` and `--adopt` name into the policy, and refuses names that select nothing.
pub(crate) fn resolve(now: &Look, aims: &Aims, question: &mut Question) -> Result<(), CliError> {
    if let Some(both) = aims
        .adopt
        .iter()
        .find(|a| aims.replace.iter().any(|r| r.name() == a.name()))
    {
        return Err(
            CliError::usage(format!("{both} cannot be adopted and replaced in one run")).hint(
                format!("rollcall cluster adopt {both}; then look, then decide"),
            ),
        );
    }
    check_scope(now, &question.policy.scope)?;
    for name in &aims.replace {
        let id = to_replace(now, name)?;
        not_management(now, &id, "replaced")?;
        included(&question.policy.scope, &id, "--replace")?;
        question.policy.replace.insert(id);
    }
    for name in &aims.adopt {
        let id = to_adopt(now, name)?;
        included(&question.policy.scope, &id, "--adopt")?;
        question.policy.adopt.insert(id);
    }
    Ok(())
}

/// What a selector can mean: rows, what lives, and what the ledger has. Behind an engine that is not seen nothing
/// lives as far as is known, and rows and ledger alone decide.
struct Known {
    ids: BTreeSet<ClusterId>,
    /// Rows that cannot be right have a name at most.
    rows: BTreeSet<ClusterName>,
}

impl Known {
    fn of(now: &Look) -> Self {
        let desired = &now.snapshot.desired;
        let rows = desired.intents().map(|(_, intent)| &intent.spec.id);
        let live = now.observed.clusters().map(|view| &view.id);
        let ledger = now.snapshot.ledger.entries.iter().map(|entry| &entry.id);
        let registered = now.snapshot.ledger.registrations.iter();
        Self {
            ids: rows
                .chain(live)
                .chain(ledger)
                .chain(registered.map(|entry| &entry.cluster))
                .cloned()
                .collect(),
            rows: desired.claimed_by_invalid().into_iter().cloned().collect(),
        }
    }

    fn has(&self, selector: &Selector) -> bool {
        self.ids.iter().any(|id| selector.matches(id)) || self.rows.contains(selector.name())
    }

    /// Whether a scope leaves anything.
    fn any_in(&self, scope: &Scope) -> bool {
        let named = |list: &[Selector], name: &ClusterName| list.iter().any(|s| s.name() == name);
        self.ids.iter().any(|id| scope.includes(id))
            || self.rows.iter().any(|row| {
                (scope.only.is_empty() || named(&scope.only, row)) && !named(&scope.exclude, row)
            })
    }

    /// The error of a name that means nothing, with what may have been meant.
    fn missing(&self, name: &Selector, what: &str) -> CliError {
        let error = CliError::usage(format!("there is no {what} named {name}"));
        let names = self.ids.iter().map(|id| &id.name).chain(&self.rows);
        let near: BTreeSet<_> = names
            // What is there under this very name is something else than what was asked for.
            .filter(|known| *known != name.name())
            .filter(|known| near(known.as_str(), name.name().as_str()))
            .map(ClusterName::as_str)
            .collect();
        let error = if near.is_empty() {
            error
        } else {
            let near: Vec<_> = near.into_iter().collect();
            error.hint(format!("did you mean {}?", near.join(" or ")))
        };
        let error = if self.has(name) {
            error.hint(format!(
                "rollcall explain {name}   (says what bears that name)"
            ))
        } else {
            error
        };
        error.hint("rollcall status   (shows all)")
    }
}

/// Refuses names that select nothing.
pub(crate) fn check_scope(now: &Look, scope: &Scope) -> Result<(), CliError> {
    let known = Known::of(now);
    let mut all = scope.only.iter().chain(&scope.exclude);
    if let Some(name) = all.find(|name| !known.has(name)) {
        return Err(known.missing(name, "row and no cluster"));
    }
    let selects = !scope.only.is_empty() || !scope.exclude.is_empty();
    if selects && !known.any_in(scope) {
        return Err(CliError::usage("--only and --exclude leave nothing")
            .hint("rollcall status   (shows all)"));
    }
    Ok(())
}

fn included(scope: &Scope, id: &ClusterId, flag: &str) -> Result<(), CliError> {
    if scope.includes(id) {
        return Ok(());
    }
    Err(CliError::usage(format!(
        "{flag} names {id}, and --only or --exclude leaves it out"
    )))
}

/// The clusters that rows of these names want present.
pub(crate) fn to_keep(now: &Look, names: &[Selector]) -> Result<BTreeSet<ClusterId>, CliError> {
    let present = |id: &ClusterId| {
        let mut intents = now.snapshot.desired.intents();
        intents.any(|(_, intent)| intent.spec.id == *id && intent.presence == Presence::Present)
    };
    names
        .iter()
        .map(|name| {
            let id = one_of(now, &wanted(now, name), name, "row")?;
            if present(&id) {
                return Ok(id);
            }
            Err(CliError::usage(format!("row {} says absent", id.name))
                .hint(format!("rollcall cluster set {} --present", id.name)))
        })
        .collect()
}

/// The cluster that a row of this name asks for; a replacement is always for a row.
fn to_replace(now: &Look, name: &Selector) -> Result<ClusterId, CliError> {
    one_of(now, &wanted(now, name), name, "row")
}

/// The management cluster is not a reconcile's to make or to take over.
fn not_management(now: &Look, id: &ClusterId, done: &str) -> Result<(), CliError> {
    if id.name != now.policy.management {
        return Ok(());
    }
    Err(CliError::usage(format!(
        "{id} is the management cluster: it is never {done}"
    )))
}

/// What rows of this name ask for.
fn wanted(now: &Look, name: &Selector) -> BTreeSet<ClusterId> {
    let rows = now.snapshot.desired.intents();
    rows.map(|(_, intent)| intent.spec.id.clone())
        .filter(|id| name.matches(id))
        .collect()
}

/// The foreign live cluster of this name.
pub(crate) fn to_adopt(now: &Look, name: &Selector) -> Result<ClusterId, CliError> {
    if now.observed.engine.known().is_none() {
        // What cannot be seen is held as unknown by the plan, with exit 9 or 12.
        return one_of(now, &wanted(now, name), name, "row");
    }
    let named: Vec<_> = now
        .observed
        .clusters()
        .filter(|v| v.has_nodes() && name.matches(&v.id))
        .collect();
    let ours = |id: &ClusterId| {
        let view = named.iter().find(|view| view.id == *id);
        view.is_some_and(|view| matches!(now.snapshot.ledger.ownership(view), Ownership::Ours(_)))
    };
    let foreign: BTreeSet<ClusterId> = named
        .iter()
        .map(|view| view.id.clone())
        .filter(|id| !ours(id))
        .collect();
    if let (true, Some(view)) = (foreign.is_empty(), named.first()) {
        let mut error = CliError::usage(format!("{} is ours already", view.id));
        error.hints = in_the_way(now, &view.id);
        return Err(error);
    }
    let id = one_of(now, &foreign, name, "live cluster")?;
    not_management(now, &id, "adopted")?;
    Ok(id)
}

/// What to do about entries that somebody else has for a cluster of ours.
fn in_the_way(now: &Look, id: &ClusterId) -> Vec<String> {
    let registrars = now.observed.registrars.iter();
    registrars
        .filter_map(|(registrar, seen)| {
            let entry = seen.known()?.entries.get(id)?;
            let foreign = now.snapshot.ledger.registration(registrar, id).is_none();
            let held = HeldReason::RegistrationNotOurs {
                endpoint: entry.endpoint.clone(),
            };
            let address = Address::Registration(registrar.clone(), id.clone());
            foreign.then(|| held.hint(&address)).flatten()
        })
        .collect()
}

/// The one cluster that a name means, whoever knows of it: a row, what lives, or the ledger.
pub(crate) fn to_reach(now: &Look, name: &Selector) -> Result<ClusterId, CliError> {
    let known = Known::of(now);
    let meant = known.ids.iter().filter(|id| name.matches(id));
    let meant: BTreeSet<_> = meant.cloned().collect();
    if meant.is_empty() && known.rows.contains(name.name()) {
        let message = format!("row {} cannot be right", name.name());
        return Err(CliError::usage(message).hint(format!("rollcall explain {}", name.name())));
    }
    one_of(now, &meant, name, "row and no cluster")
}

fn one_of(
    now: &Look,
    found: &BTreeSet<ClusterId>,
    name: &Selector,
    what: &str,
) -> Result<ClusterId, CliError> {
    let mut all = found.iter();
    match (all.next(), all.next()) {
        (Some(id), None) => Ok(id.clone()),
        (None, _) => Err(Known::of(now).missing(name, what)),
        (Some(_), Some(_)) => {
            let names: Vec<_> = found.iter().map(ToString::to_string).collect();
            Err(CliError::usage(format!("{name} is ambiguous"))
                .hint(format!("say which: {}", names.join(" or "))))
        }
    }
}

/// Whether one was perhaps typed for the other: one begins the other, or at most two letters differ.
pub(crate) fn near(known: &str, typed: &str) -> bool {
    known.starts_with(typed) || typed.starts_with(known) || distance(known, typed) <= 2
}

/// How many letters must be put in, taken out or changed.
fn distance(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.bytes().enumerate() {
        let mut before = row[0];
        row[0] = i + 1;
        for (j, b) in other.bytes().enumerate() {
            let changed = before + usize::from(a != b);
            before = row[j + 1];
            row[j + 1] = changed.min(before + 1).min(row[j] + 1);
        }
    }
    row.last().copied().unwrap_or_default()
}
