//! The lock: taken before the first look, renewed until the end. It is a matter of this machine's time, whatever a
//! sandbox's clock says.

use std::sync::Arc;
use std::time::Duration;

use super::Deadline;
use crate::cli::args::{LOCK_TIMEOUT, OnLock};
use crate::cli::error::CliError;
use crate::cli::session::Session;
use crate::clock::{Clock, SystemClock};
use crate::model::EngineId;
use crate::ports::World;
use crate::reconcile::{RunError, Runner, on_store, on_store_once};
use crate::store::{Holder, Lease, Store, StoreError, WorldBinding, liveness};

/// How often a lock that somebody holds is asked for.
const ASK: Duration = Duration::from_millis(500);
/// How long the engine may take to say who it is.
const IDENTIFY: Duration = Duration::from_secs(5);
/// How often the lease is renewed.
const RENEW: Duration = Duration::from_secs(10);

/// How long the lock is waited for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Waiting {
    pub(super) on_lock: OnLock,
    pub(super) lock_timeout: Duration,
    pub(super) deadline: Deadline,
}

/// Takes the lock, or says who holds it.
pub(super) async fn acquire(
    session: &Session,
    store: &Arc<Store>,
    holder: &Holder,
    waiting: Waiting,
) -> Result<Lease, CliError> {
    let began = SystemClock.now();
    let mut told = false;
    loop {
        let (candidate, now) = (holder.clone(), SystemClock.now());
        match on_store_once(store, move |store| {
            store.acquire(&candidate, now, &liveness)
        })
        .await
        {
            Err(RunError::Store(error @ (StoreError::Locked(_) | StoreError::Busy { .. })))
                if waiting.on_lock == OnLock::Wait
                    && SystemClock.now().duration_since(began).unsigned_abs()
                        < waiting.lock_timeout =>
            {
                match &error {
                    StoreError::Locked(view) if !told => {
                        session.say(&format!("waiting for {view}"));
                        told = true;
                    }
                    _ => tracing::debug!(%error, "waiting for the lock"),
                }
                waiting.deadline.bound(tokio::time::sleep(ASK)).await?;
            }
            other => return Ok(other?),
        }
    }
}

/// Does the work of a run and keeps its lease alive meanwhile.
pub(super) fn holding<T>(
    runner: &Runner<'_>,
    work: impl Future<Output = T>,
) -> impl Future<Output = T> {
    renewing(&runner.store, runner.lease, work)
}

async fn renewing<T>(store: &Arc<Store>, lease: &Lease, work: impl Future<Output = T>) -> T {
    tokio::pin!(work);
    loop {
        tokio::select! {
            done = &mut work => return done,
            () = tokio::time::sleep(RENEW) => {
                let (lease, now) = (lease.clone(), SystemClock.now());
                // A lease that is lost is found by the next step, which asks for it before it acts.
                let _ = on_store_once(store, move |store| store.renew(&lease, now)).await;
            }
        }
    }
}

/// Does something short that is no run under the lock, in the world that the ledger is bound to.
pub(crate) async fn alone<T>(
    session: &Session,
    world: &World,
    store: &Arc<Store>,
    what: &str,
    work: impl Future<Output = Result<T, CliError>>,
) -> Result<T, CliError> {
    let holder = Holder::of_this_process(&format!("rollcall {what}"));
    let waiting = Waiting {
        on_lock: OnLock::Wait,
        lock_timeout: LOCK_TIMEOUT,
        deadline: Deadline::after(None),
    };
    let lease = acquire(session, store, &holder, waiting).await?;
    store.demand_lease(&lease);
    let bound = async {
        bind(world, store).await?;
        work.await
    };
    let done = renewing(store, &lease, bound).await;
    let released = on_store(store, move |store| store.release(&lease)).await;
    let done = done?;
    released?;
    Ok(done)
}

/// Binds the ledger to the engine that answers, if it is bound to none; refuses another one, and another kind of world.
async fn bind(world: &World, store: &Arc<Store>) -> Result<(), CliError> {
    let kind = world.kind;
    let silent = EngineId::new("of this command");
    let engine = world.engine.identify(IDENTIFY).await;
    let engine = engine.known().and_then(|known| known.id.clone());
    let bind = on_store(store, move |store| {
        match (&engine, store.world_binding()?) {
            (Some(engine), _) => store.bind_world(kind, engine),
            (None, Some(bound)) if bound.kind != kind => Err(StoreError::OtherWorld {
                bound,
                asked: WorldBinding {
                    kind,
                    engine: silent.clone(),
                },
            }),
            (None, _) => Ok(()),
        }
    });
    Ok(bind.await?)
}
