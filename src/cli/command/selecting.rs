//! From names on the command line to clusters: an ambiguous bare name is refused.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::cli::args::Reconcile;
use crate::cli::error::CliError;
use crate::model::{ClusterId, Ownership, Selector};
use crate::ports::World;
use crate::reconcile::{Look, Question, look};
use crate::store::Store;

/// Puts the clusters that `--replace` and `--adopt` name into the policy.
pub(crate) async fn resolve(
    world: &World,
    store: &Arc<Store>,
    args: &Reconcile,
    question: &mut Question,
) -> Result<(), CliError> {
    if args.replace.is_empty() && args.adopt.is_empty() {
        return Ok(());
    }
    if let Some(both) = args
        .adopt
        .iter()
        .find(|a| args.replace.iter().any(|r| r.name() == a.name()))
    {
        return Err(
            CliError::usage(format!("{both} cannot be adopted and replaced in one run")).hint(
                format!("rollcall cluster adopt {both}; then look, then decide"),
            ),
        );
    }
    let now = look(
        world,
        store,
        &Question {
            probe: false,
            ..question.clone()
        },
    )
    .await?;
    for name in &args.replace {
        question.policy.replace.insert(to_replace(&now, name)?);
    }
    for name in &args.adopt {
        question.policy.adopt.insert(to_adopt(&now, name)?);
    }
    Ok(())
}

/// The cluster that a row of this name asks for; a replacement is always for a row.
fn to_replace(now: &Look, name: &Selector) -> Result<ClusterId, CliError> {
    let rows = now
        .snapshot
        .desired
        .intents()
        .map(|(_, intent)| &intent.spec.id);
    one_of(
        &rows.filter(|id| name.matches(id)).cloned().collect(),
        name,
        "row",
    )
}

/// The foreign live cluster of this name.
pub(crate) fn to_adopt(now: &Look, name: &Selector) -> Result<ClusterId, CliError> {
    if now.observed.engine.known().is_none() {
        // What cannot be seen is held as unknown by the plan, with exit 9 or 12.
        let rows = now
            .snapshot
            .desired
            .intents()
            .map(|(_, intent)| &intent.spec.id);
        return one_of(
            &rows.filter(|id| name.matches(id)).cloned().collect(),
            name,
            "row",
        );
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
        return Err(CliError::usage(format!("{} is ours already", view.id)));
    }
    one_of(&foreign, name, "live cluster")
}

fn one_of(found: &BTreeSet<ClusterId>, name: &Selector, what: &str) -> Result<ClusterId, CliError> {
    let mut all = found.iter();
    match (all.next(), all.next()) {
        (Some(id), None) => Ok(id.clone()),
        (None, _) => {
            Err(CliError::usage(format!("there is no {what} named {name}")).hint("rollcall status"))
        }
        (Some(_), Some(_)) => {
            let names: Vec<_> = found.iter().map(ToString::to_string).collect();
            Err(CliError::usage(format!("{name} is ambiguous"))
                .hint(format!("say which: {}", names.join(" or "))))
        }
    }
}
