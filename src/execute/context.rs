//! What every step works with.

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use rustix::process::{Signal, getpid, kill_process};
use tokio::sync::watch;

use super::Retries;
use super::scheduler::Caps;
use crate::clock::{Clock, SystemClock};
use crate::model::{ClusterId, ClusterView, EngineView, Ledger, Nonce, Ownership, Seen};
use crate::observe::{Acquaintance, engine, is_ready};
use crate::plan::ActionKind;
use crate::ports::World;
use crate::provider::{Fault, ProviderError};
use crate::store::{FailureClass, Lease, Patience, RunId, Store, StoreError, in_turn};

/// How steps are to be executed.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How many at once.
    pub caps: Caps,
    /// How long a step may take, all its attempts and the wait for readiness included.
    pub step_timeout: Duration,
    /// How long one look may take.
    pub look_timeout: Duration,
    /// What is tried again.
    pub retries: Retries,
    /// Where step logs go.
    pub log_dir: Option<PathBuf>,
    /// Where the process kills or stops itself: how tests prove that a crash anywhere does no harm, and act between two
    /// moments of a step. Nothing but a build with the feature `fault-points` ever sets it.
    pub fault_point: Option<FaultPoint>,
}

/// A place in the executor, and the signal that the process gets there.
#[derive(Debug, Clone)]
pub struct FaultPoint {
    at: String,
    signal: Signal,
    passed: Arc<AtomicBool>,
}

impl FaultPoint {
    /// `at` is `KIND:PLACE`, such as `create:before`; `signal` is KILL, or STOP until somebody sends CONT. It happens
    /// once, at the first step of that kind which gets there.
    pub fn new(at: String, signal: Signal) -> Self {
        Self {
            at,
            signal,
            passed: Arc::default(),
        }
    }
}

/// How far a person has gone in stopping the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Cancel {
    /// Not at all.
    #[default]
    No,
    /// Start nothing more.
    Stop,
    /// End what runs: a person said so.
    Kill,
    /// End what runs: the time for all of it is up.
    TimeUp,
}

/// What every step works with.
pub struct Context<'r> {
    /// The outside world.
    pub world: &'r World,
    /// The store.
    pub store: Arc<Store>,
    /// The lease that this run must still hold.
    pub lease: &'r Lease,
    /// The stored run.
    pub run: RunId,
    /// How to execute.
    pub settings: &'r Settings,
    /// How far a person has gone in stopping the run.
    pub cancel: watch::Receiver<Cancel>,
}

impl Context<'_> {
    /// Runs a short store operation where it may block. While others write it is tried again, until the step's time is
    /// up: what was done and could not be written down would be taken for somebody else's by the next attempt.
    pub(super) async fn db<T, F>(&self, work: F) -> Result<T, ProviderError>
    where
        T: Send + 'static,
        F: Fn(&Store) -> Result<T, StoreError> + Send + Sync + 'static,
    {
        match in_turn(&self.store, Patience::Long, work).await {
            Some(done) => done.map_err(|error| store_failed(&error)),
            None => {
                let torn = "the database call was torn down";
                Err(ProviderError::new(Fault::Permanent, torn))
            }
        }
    }

    /// Gets its signal here, if a test wants that.
    pub(super) fn point(&self, kind: ActionKind, place: &str) {
        let wanted = self.settings.fault_point.as_ref();
        let here = |point: &&FaultPoint| point.at.split_once(':') == Some((kind.code(), place));
        if let Some(point) = wanted.filter(here)
            && !point.passed.swap(true, Ordering::SeqCst)
        {
            let _ = kill_process(getpid(), point.signal);
        }
    }

    /// Gets its signal a moment after the step began, if a test wants that.
    pub(super) async fn point_while_running(&self, kind: ActionKind) -> Infallible {
        if self.settings.fault_point.is_some() {
            SystemClock.sleep(Duration::from_millis(400)).await;
            self.point(kind, "running");
        }
        std::future::pending().await
    }

    /// How much of its time a step has left, by the world's clock: a sandbox's hour takes no hour.
    pub(super) fn left(&self, until: Timestamp) -> Duration {
        let left = until.duration_since(self.world.clock.now());
        Duration::try_from(left).unwrap_or_default()
    }

    /// One look at the engine; silence is an error, and so is another engine than the ledger's: what is not there is
    /// not gone.
    pub(super) async fn look(&self) -> Result<EngineView, ProviderError> {
        let bound = Acquaintance::of(&self.ledger().await?);
        match engine(self.world, self.settings.look_timeout, bound.as_ref()).await {
            Seen::Known(view) => Ok(view),
            Seen::Unknown(unseen) => Err(ProviderError::new(
                Fault::Transient,
                format!("{} could not be observed: {}", unseen.source, unseen.error),
            )),
        }
    }

    /// The ledger as it is now.
    pub(super) async fn ledger(&self) -> Result<Ledger, ProviderError> {
        self.db(Store::ledger).await
    }

    /// A cluster of ours as it is now, of exactly this life: what every change looks at first.
    pub(super) async fn ours(
        &self,
        id: &ClusterId,
        life: &crate::model::Incarnation,
    ) -> Result<ClusterView, ProviderError> {
        let engine = self.look().await?;
        let view = cluster_in(&engine, id).ok_or_else(|| {
            ProviderError::new(
                Fault::Permanent,
                format!("{id} is gone since it was observed"),
            )
        })?;
        let ledger = self.ledger().await?;
        match ledger.ownership(view) {
            Ownership::Ours(_) if view.incarnation.as_ref() == Some(life) => Ok(view.clone()),
            _ => Err(ProviderError::new(
                Fault::NotOurs,
                format!(
                    "{id} is not the cluster that was observed: somebody made it again meanwhile"
                ),
            )
            .hint("run rollcall again")),
        }
    }

    /// Whether some row wants this cluster by now.
    pub(super) async fn wanted(&self, id: &ClusterId) -> Result<bool, ProviderError> {
        let providers = self.world.providers.keys().cloned().collect();
        let now = self.world.clock.now();
        let desired = self.db(move |store| store.desired(&providers, now)).await?;
        Ok(desired.wants(id))
    }

    /// Whether a cluster's API answers.
    pub(super) async fn ready(&self, view: &ClusterView) -> Result<(), String> {
        is_ready(self.world, view, Duration::from_secs(3)).await
    }

    /// Renews the lease, or says that it was lost. Every step asks before it acts.
    pub(super) async fn still_mine(&self) -> Result<(), ProviderError> {
        // A lease is a matter of this machine's time, whatever a sandbox's clock says.
        let (lease, now) = (self.lease.clone(), SystemClock.now());
        self.db(move |store| store.renew(&lease, now)).await
    }
}

/// One cluster of an engine's view.
pub(super) fn cluster_in<'v>(engine: &'v EngineView, id: &ClusterId) -> Option<&'v ClusterView> {
    engine.clusters.get(&id.provider)?.get(&id.name)
}

/// A new mark.
pub(super) fn new_nonce() -> Result<Nonce, ProviderError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| {
        ProviderError::new(
            Fault::Permanent,
            format!("the system gives no random bytes: {error}"),
        )
    })?;
    Ok(Nonce::from_random(bytes))
}

/// A store error as a step's error.
pub(super) fn store_failed(error: &StoreError) -> ProviderError {
    let fault = match (error, error.class()) {
        (StoreError::LeaseLost { .. }, _) => Fault::LeaseLost,
        (_, FailureClass::Locked) => Fault::Transient,
        _ => Fault::Permanent,
    };
    let failed = ProviderError::new(fault, error.to_string());
    match error.hint() {
        Some(hint) => failed.hint(hint),
        None => failed,
    }
}
