//! Freshness: a saved plan is done only while everything still gives exactly that plan, and once.

use super::Order;
use crate::cli::error::CliError;
use crate::ports::World;
use crate::reconcile::{Look, Runner, look, on_store};
use crate::report::{ExitCode, PlanFingerprints, SavedPlan};
use crate::store::Store;

/// Refuses a plan that was applied before, or whose table or ledger moved. Before the ledger is brought up to what is seen: that is no move.
pub(super) async fn demand_unmoved(runner: &Runner<'_>, order: &Order) -> Result<(), CliError> {
    let Some(saved) = &order.saved else {
        return Ok(());
    };
    let id = saved.id.clone();
    on_store(&runner.store, move |store| store.demand_unused(&id)).await?;
    let now = look(runner.world, &runner.store, &runner.question).await?;
    let found = fingerprints(runner.world, &runner.store, &now);
    let table_and_ledger = PlanFingerprints {
        steps: saved.fingerprints.steps.clone(),
        ..found
    };
    stale(saved, &table_and_ledger)
}

/// Refuses what is not the saved plan.
pub(super) fn demand_same(runner: &Runner<'_>, order: &Order, now: &Look) -> Result<(), CliError> {
    let Some(saved) = &order.saved else {
        return Ok(());
    };
    let steps = PlanFingerprints {
        steps: fingerprints(runner.world, &runner.store, now).steps,
        ..saved.fingerprints.clone()
    };
    stale(saved, &steps)
}

/// Marks the plan as used, before its first step.
pub(super) async fn use_up(runner: &Runner<'_>, order: &Order) -> Result<(), CliError> {
    if let Some(saved) = &order.saved {
        let (id, now) = (saved.id.clone(), runner.world.clock.now());
        on_store(&runner.store, move |store| store.use_plan(&id, now)).await?;
    }
    Ok(())
}

/// What a plan is made from, and what it is. A rehearsed plan is none for the real world, nor one for another database.
pub(crate) fn fingerprints(world: &World, store: &Store, look: &Look) -> PlanFingerprints {
    let path = store.path();
    let place = (
        path.canonicalize().unwrap_or_else(|_| path.to_owned()),
        world.kind,
    );
    let (desired, ledger) = (&look.snapshot.desired, &look.snapshot.ledger);
    PlanFingerprints::of(&place, desired, ledger, &look.plan)
}

fn stale(saved: &SavedPlan, now: &PlanFingerprints) -> Result<(), CliError> {
    let moved = saved.fingerprints.moved(now);
    if moved.is_empty() {
        return Ok(());
    }
    let why = format!(
        "{} changed since the plan was made for {} at {}: nothing was changed",
        moved.join(" and "),
        saved.database,
        saved.made_at
    );
    Err(CliError::new(ExitCode::Stale, why).hint("make a new plan: rollcall plan --out FILE"))
}
