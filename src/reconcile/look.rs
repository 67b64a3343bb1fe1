//! Looking: the table, the ledger and the world as of one moment, and the plan that follows. Writes nothing.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;

use super::error::{RunError, on_store};
use crate::clock::{Clock, SystemClock};
use crate::model::{ClusterId, EngineId, Observed, Policy};
use crate::observe::{Acquaintance, Ask, observe};
use crate::plan::{Plan, PlanInput, plan};
use crate::ports::World;
use crate::store::{Holder, LockView, Snapshot, Store, StoreError, WorldBinding, liveness};

/// What is asked of every look.
#[derive(Debug, Clone)]
pub struct Question {
    /// What the run may do.
    pub policy: Policy,
    /// How to look.
    pub ask: Ask,
    /// Whether API servers are asked.
    pub probe: bool,
    /// Whether another engine than the ledger's is accepted.
    pub accept_engine: bool,
    /// Whether clusters of another run that is under way are left to it. False under our own lease.
    pub respect_others: bool,
}

/// One look: everything as of one moment, and the plan that follows.
#[derive(Debug, Clone)]
pub struct Look {
    /// What the store says.
    pub snapshot: Snapshot,
    /// What the world says.
    pub observed: Observed,
    /// When.
    pub observed_at: Timestamp,
    /// What the run may do.
    pub policy: Policy,
    /// What follows.
    pub plan: Plan,
    /// Who holds the lease and lives, the looker itself included.
    pub at_work: Option<LockView>,
}

impl Look {
    /// What the plan was made from.
    pub fn input(&self) -> PlanInput<'_> {
        PlanInput {
            desired: &self.snapshot.desired,
            observed: &self.observed,
            ledger: &self.snapshot.ledger,
            policy: &self.policy,
        }
    }
}

/// Looks and plans. Writes nothing.
pub async fn look(
    world: &World,
    store: &Arc<Store>,
    question: &Question,
) -> Result<Look, RunError> {
    let snapshot = snapshot(world, store, question).await?;
    let mut ask = question.ask.clone();
    ask.bound = acquaintance(world, &snapshot, question.accept_engine)?;
    if question.probe {
        ask.probe = interesting(&snapshot);
    }
    let observed = observe(world, &ask).await;
    Ok(with_plan(
        world,
        snapshot,
        observed,
        world.clock.now(),
        question,
    ))
}

/// Plans from an observation that was made before.
pub async fn look_at_saved(
    world: &World,
    store: &Arc<Store>,
    question: &Question,
    observed: Observed,
    observed_at: Timestamp,
) -> Result<Look, RunError> {
    let snapshot = snapshot(world, store, question).await?;
    Ok(with_plan(world, snapshot, observed, observed_at, question))
}

async fn snapshot(
    world: &World,
    store: &Arc<Store>,
    question: &Question,
) -> Result<Snapshot, RunError> {
    let providers: BTreeSet<_> = question.policy.providers.keys().cloned().collect();
    let now = world.clock.now();
    on_store(store, move |store| store.snapshot(&providers, now)).await
}

fn with_plan(
    world: &World,
    snapshot: Snapshot,
    observed: Observed,
    at: Timestamp,
    question: &Question,
) -> Look {
    let mut policy = question.policy.clone();
    policy.providers = world
        .providers
        .iter()
        .map(|(id, provider)| (id.clone(), provider.traits()))
        .collect();
    let at_work = at_work(&snapshot).cloned();
    if question.respect_others && at_work.is_some() {
        policy.in_progress.clone_from(&snapshot.in_progress);
    }
    let plan = plan(&PlanInput {
        desired: &snapshot.desired,
        observed: &observed,
        ledger: &snapshot.ledger,
        policy: &policy,
    });
    Look {
        snapshot,
        observed,
        observed_at: at,
        policy,
        plan,
        at_work,
    }
}

/// The lease's holder, if it lives. A lease is a matter of this machine's time, whatever a sandbox's clock says.
fn at_work(snapshot: &Snapshot) -> Option<&LockView> {
    snapshot.lock.as_ref().filter(|lock| {
        let seer = Holder::of_this_process("look");
        !lock.abandoned(&seer, SystemClock.now(), &liveness)
    })
}

/// The engine whose answers count. A ledger of a sandbox says nothing about Docker, and the other way round.
fn acquaintance(
    world: &World,
    snapshot: &Snapshot,
    accept: bool,
) -> Result<Option<Acquaintance>, StoreError> {
    match &snapshot.world {
        Some(bound) if bound.kind != world.kind => Err(StoreError::OtherWorld {
            bound: bound.clone(),
            asked: WorldBinding {
                kind: world.kind,
                engine: EngineId::new("of this command"),
            },
        }),
        Some(_) if !accept => Ok(Acquaintance::of(&snapshot.ledger)),
        Some(_) | None => Ok(None),
    }
}

/// The clusters whose API servers may be asked: those that a row or the ledger names.
fn interesting(snapshot: &Snapshot) -> BTreeSet<ClusterId> {
    let rows = snapshot
        .desired
        .intents()
        .map(|(_, intent)| intent.spec.id.clone());
    rows.chain(snapshot.ledger.entries.iter().map(|entry| entry.id.clone()))
        .collect()
}
