//! The engine port.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::clock::SandboxClock;
use super::instruction::{Health, Operation};
use super::operation::{Errand, Run};
use super::state::{ENGINE, State};
use super::vault::Vault;
use crate::clock::Clock as _;
use crate::model::{
    ClusterView, EngineDescription, EngineIdentity, EngineView, NodeState, Phase, Seen, Unseen,
    UnseenKind,
};
use crate::provider::{Containers, Engine, Fault, Parts, ProviderError, StepLog};

/// How long a start usually takes.
pub(super) const START_TAKES: Duration = Duration::from_secs(6);
/// How long nodes usually take to stop.
const STOP_TAKES: Duration = Duration::from_secs(4);

const REMOVE_TAKES: Duration = Duration::from_secs(5);

/// The sandbox's engine.
pub(super) struct SandboxEngine(pub(super) Arc<Vault>);

impl SandboxEngine {
    /// An answer as good as the engine's health.
    async fn answer<T>(&self, deadline: Duration, read: impl FnOnce(&State) -> T) -> Seen<T> {
        let unseen = |kind, error: String, hint: &str| {
            Seen::Unknown(Unseen {
                source: ENGINE.to_owned(),
                kind,
                error,
                hint: Some(hint.to_owned()),
            })
        };
        let up = "rollcall sandbox say docker is up";
        match self.0.read(|state| (state.health(ENGINE), read(state))) {
            Ok((Health::Up, answer)) => Seen::Known(answer),
            Ok((Health::Silent, _)) => {
                SandboxClock(Arc::clone(&self.0)).sleep(deadline).await;
                let error = format!("no answer within {} s", deadline.as_secs());
                unseen(UnseenKind::Silent, error, up)
            }
            Ok((Health::Down | Health::Gone, _)) => {
                unseen(UnseenKind::NotReady, "connection refused".to_owned(), up)
            }
            Err(error) => unseen(
                UnseenKind::NotReady,
                ProviderError::from(error).message,
                "move the sandbox's file away, and a new world begins",
            ),
        }
    }
}

impl Containers for SandboxEngine {}

#[async_trait]
impl Engine for SandboxEngine {
    async fn look(&self, deadline: Duration) -> Seen<EngineView> {
        self.answer(deadline, State::look).await
    }

    async fn identify(&self, deadline: Duration) -> Seen<EngineIdentity> {
        self.answer(deadline, State::identity).await
    }

    async fn describe(&self, deadline: Duration) -> Seen<EngineDescription> {
        self.answer(deadline, State::description).await
    }

    async fn start(&self, view: &ClusterView, log: &dyn StepLog) -> Result<(), ProviderError> {
        let errand = Errand::new(Operation::Start, Some(&view.id), START_TAKES);
        let mut run = Run::begin(&self.0, errand).await?;
        complete(view)?;
        for (at, node) in view.nodes.iter().enumerate() {
            if at == view.nodes.len() / 2 {
                run.half_way().await?;
            }
            run.spend_part(view.nodes.len()).await?;
            if run.does_nothing() {
                continue;
            }
            log.line(&format!("start {}", node.name));
            run.change(|state| {
                if state
                    .container(&node.id)
                    .is_some_and(|c| c.state == NodeState::Paused)
                {
                    state.unpause_container(&node.id)
                } else {
                    state.start_container(&node.id)
                }
            })?;
        }
        run.end()
    }

    async fn stop(&self, view: &ClusterView, log: &dyn StepLog) -> Result<(), ProviderError> {
        let errand = Errand::new(Operation::Stop, Some(&view.id), STOP_TAKES);
        let mut run = Run::begin(&self.0, errand).await?;
        for (at, node) in view.nodes.iter().enumerate() {
            if at == view.nodes.len() / 2 {
                run.half_way().await?;
            }
            run.spend_part(view.nodes.len()).await?;
            if run.does_nothing() {
                continue;
            }
            log.line(&format!("stop {}", node.name));
            run.change(|state| {
                state.stop_container(&node.id);
                Ok(())
            })?;
        }
        run.end()
    }

    async fn remove(&self, parts: &Parts, log: &dyn StepLog) -> Result<(), ProviderError> {
        let errand = Errand::new(Operation::Remove, parts.of.as_ref(), REMOVE_TAKES);
        let mut run = Run::begin(&self.0, errand).await?;
        let count = parts.containers.len() + parts.networks.len() + parts.volumes.len();
        let mut done = 0;
        if run.does_nothing() {
            return run.end();
        }
        for id in &parts.containers {
            pass(&mut run, &mut done, count).await?;
            log.line(&format!("remove container {id:.12}"));
            run.change(|state| {
                state.remove_container(id);
                Ok(())
            })?;
        }
        for id in &parts.networks {
            pass(&mut run, &mut done, count).await?;
            log.line(&format!("remove network {id:.12}"));
            run.change(|state| {
                for guest in &parts.guests {
                    state.leave(id, guest);
                }
                state.remove_network(id)
            })?;
        }
        for id in &parts.volumes {
            pass(&mut run, &mut done, count).await?;
            log.line(&format!("remove volume {}", id.name()));
            run.change(|state| state.remove_volume(id))?;
        }
        run.end()
    }

    async fn join(&self, network: &str, container: &str) -> Result<(), ProviderError> {
        let errand = Errand::new(Operation::Register, None, Duration::ZERO);
        let run = Run::begin(&self.0, errand).await?;
        run.simple(|state| state.join(network, container)).await
    }

    async fn leave(&self, network: &str, container: &str) -> Result<(), ProviderError> {
        let errand = Errand::new(Operation::Deregister, None, Duration::ZERO);
        let run = Run::begin(&self.0, errand).await?;
        run.simple(|state| {
            if let Some(network) = state.network_named(network).map(|n| n.id.clone()) {
                state.leave(&network, container);
            }
            Ok(())
        })
        .await
    }
}

/// Waits for one part; the middle one may be where it ends.
async fn pass(run: &mut Run, done: &mut usize, count: usize) -> Result<(), ProviderError> {
    if *done == count / 2 {
        run.half_way().await?;
    }
    *done += 1;
    run.spend_part(count).await
}

/// A cluster that lacks a node cannot be started: nobody would make that node.
pub(super) fn complete(view: &ClusterView) -> Result<(), ProviderError> {
    if matches!(view.phase, Phase::Partial | Phase::Residue | Phase::Absent) {
        let why = view.detail.as_deref().unwrap_or("it has no node");
        return Err(ProviderError::new(
            Fault::Permanent,
            format!("it cannot be started: {why}"),
        ));
    }
    Ok(())
}
