//! The engine port.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use bollard::Docker;
use bollard::query_parameters::{
    RenameContainerOptionsBuilder, StartContainerOptions, StopContainerOptionsBuilder,
};

use super::client::{
    PATIENCE, Remnant, connect, failed, is_gone, remnant, silent, too_old, unreached, unseen,
};
use super::dialect::Dialect;
use super::endpoint::{Endpoint, SOURCE};
use super::inventory::{Container, Volume};
use super::listeners::listeners;
use super::making::{self, NetworkPlan};
use super::others::{LISTING, TAIL};
use super::reading::{self, ReadError};
use super::{archive, attach, others, remove, view, wire};
use crate::model::{
    ClusterView, ContainerId, EngineDescription, EngineIdentity, EngineView, NodeRole, NodeState,
    NodeView, Phase, Seen, Unseen, UnseenKind,
};
use crate::provider::{
    ContainerRecord, Containers, Engine, ExecEnded, Fault, Parts, ProviderError, StepLog,
};

/// Docker.
pub struct DockerEngine {
    /// Where it is, or why nobody knows.
    endpoint: Result<Endpoint, Unseen>,
    /// The providers whose clusters are looked for.
    dialects: Vec<Box<dyn Dialect>>,
}

#[async_trait]
impl Engine for DockerEngine {
    async fn look(&self, deadline: Duration) -> Seen<EngineView> {
        // The kernel takes a while to list its sockets: meanwhile the engine answers.
        let local = matches!(self.endpoint, Ok(Endpoint::Unix(_)));
        let listening = local.then(|| tokio::task::spawn_blocking(listeners));
        let inventory = match self.ask(deadline, reading::read).await {
            Ok(inventory) => inventory,
            Err(unseen) => return Seen::Unknown(unseen),
        };
        let listeners = match listening {
            Some(listening) => listening.await.unwrap_or_default(),
            None => None,
        };
        let dialects: Vec<&dyn Dialect> = self.dialects.iter().map(AsRef::as_ref).collect();
        Seen::Known(view::view(&inventory, listeners, &dialects))
    }

    async fn identify(&self, deadline: Duration) -> Seen<EngineIdentity> {
        match self.ask(deadline, reading::identity).await {
            Ok(identity) => Seen::Known(identity),
            Err(unseen) => Seen::Unknown(unseen),
        }
    }

    async fn describe(&self, deadline: Duration) -> Seen<EngineDescription> {
        match self.ask(deadline, reading::description).await {
            Ok(mut told) => {
                told.is_here &= matches!(self.endpoint, Ok(Endpoint::Unix(_)));
                Seen::Known(told)
            }
            Err(unseen) => Seen::Unknown(unseen),
        }
    }

    async fn start(&self, view: &ClusterView, log: &dyn StepLog) -> Result<(), ProviderError> {
        startable(view)?;
        let docker = self.docker()?;
        let mut nodes: Vec<&NodeView> = lasting(view).collect();
        nodes.sort_by_key(|node| node.role);
        for node in nodes {
            match node.state {
                NodeState::Running | NodeState::Restarting => {}
                NodeState::Paused => resume(&docker, node, log).await?,
                _ => run(&docker, &node.id, &node.name, log).await?,
            }
        }
        Ok(())
    }

    async fn stop(&self, view: &ClusterView, log: &dyn StepLog) -> Result<(), ProviderError> {
        let docker = self.docker()?;
        let mut nodes: Vec<&NodeView> = lasting(view).collect();
        nodes.sort_by_key(|node| std::cmp::Reverse(node.role));
        for node in nodes {
            match node.state {
                NodeState::Running | NodeState::Restarting => {}
                // A frozen process hears nothing.
                NodeState::Paused => resume(&docker, node, log).await?,
                _ => continue,
            }
            halt(&docker, node, log).await?;
        }
        Ok(())
    }

    async fn remove(&self, parts: &Parts, log: &dyn StepLog) -> Result<(), ProviderError> {
        remove::remove(&self.docker()?, parts, log).await
    }

    async fn join(&self, network: &str, container: &str) -> Result<(), ProviderError> {
        attach::join(&self.docker()?, network, container).await
    }

    async fn leave(&self, network: &str, container: &str) -> Result<(), ProviderError> {
        attach::leave(&self.docker()?, network, container).await
    }
}

#[async_trait]
impl Containers for DockerEngine {
    async fn inspect(&self, name: &str) -> Result<Option<ContainerRecord>, ProviderError> {
        others::inspect(&self.docker()?, name).await
    }

    async fn exec(
        &self,
        container: &ContainerId,
        command: &[String],
        deadline: Duration,
    ) -> Result<ExecEnded, ProviderError> {
        others::exec(&self.docker()?, container, command, deadline, TAIL).await
    }

    async fn signal(&self, container: &ContainerId, name: &str) -> Result<(), ProviderError> {
        others::signal(&self.docker()?, container, name).await
    }

    async fn last_lines(
        &self,
        container: &ContainerId,
        count: usize,
    ) -> Result<Vec<String>, ProviderError> {
        others::last_lines(&self.docker()?, container, count).await
    }
}

impl DockerEngine {
    /// The engine that this environment points to. Nothing is connected to yet.
    pub(in crate::provider) fn new(
        env: &BTreeMap<String, String>,
        dialects: Vec<Box<dyn Dialect>>,
    ) -> Self {
        Self {
            endpoint: Endpoint::find(env),
            dialects,
        }
    }

    /// One question, answered within the deadline.
    async fn ask<T>(
        &self,
        deadline: Duration,
        question: impl AsyncFnOnce(&Docker) -> Result<T, ReadError>,
    ) -> Result<T, Unseen> {
        let endpoint = self.endpoint.as_ref().map_err(Unseen::clone)?;
        let docker = connect(endpoint)?;
        let answer = tokio::time::timeout(deadline, question(&docker)).await;
        answer
            .map_err(|_| silent(endpoint, deadline))?
            .map_err(|error| match error {
                ReadError::Engine(error) => unseen(endpoint, &error),
                ReadError::Nonsense(what) => Unseen {
                    source: SOURCE.to_owned(),
                    kind: UnseenKind::Silent,
                    error: format!("{} listed {what}", endpoint.shown()),
                    hint: None,
                },
                ReadError::TooOld(api) => too_old(endpoint, &api),
            })
    }

    /// Unpauses what is paused of a cluster, and starts nothing.
    pub(in crate::provider) async fn unpause(
        &self,
        view: &ClusterView,
        log: &dyn StepLog,
    ) -> Result<(), ProviderError> {
        let docker = self.docker()?;
        for node in lasting(view).filter(|node| node.state == NodeState::Paused) {
            resume(&docker, node, log).await?;
        }
        Ok(())
    }

    /// Starts one container.
    pub(in crate::provider) async fn run(
        &self,
        id: &ContainerId,
        name: &str,
        log: &dyn StepLog,
    ) -> Result<(), ProviderError> {
        run(&self.docker()?, id, name, log).await
    }

    /// Gives a container another name.
    pub(in crate::provider) async fn rename(
        &self,
        id: &ContainerId,
        name: &str,
    ) -> Result<(), ProviderError> {
        let docker = self.docker()?;
        let what = format!("rename container {id:.12} to {name}");
        let options = RenameContainerOptionsBuilder::new().name(name).build();
        within(&what, async {
            let done = docker.rename_container(id.as_str(), options).await;
            done.map_err(|error| failed(&what, &error))
        })
        .await
    }

    /// All containers as they are now.
    pub(in crate::provider) async fn containers(&self) -> Result<Vec<Container>, ProviderError> {
        let docker = self.docker()?;
        within("list its containers", async {
            let listed = reading::containers(&docker).await;
            listed.map_err(|error| error.in_step("list its containers"))
        })
        .await
    }

    /// A volume of this name, if there is one.
    pub(in crate::provider) async fn volume(
        &self,
        name: &str,
    ) -> Result<Option<Volume>, ProviderError> {
        let docker = self.docker()?;
        let what = format!("inspect volume {name}");
        within(&what, async {
            match docker.inspect_volume(name).await {
                Ok(found) => Ok(Some(wire::volume(found))),
                Err(error) if is_gone(&error) => Ok(None),
                Err(error) => Err(failed(&what, &error)),
            }
        })
        .await
    }

    /// Makes a marked network; somebody else's of the same name is an error.
    pub(in crate::provider) async fn make_network(
        &self,
        plan: &NetworkPlan<'_>,
    ) -> Result<(), ProviderError> {
        let docker = self.docker()?;
        let what = format!("make network {}", plan.name);
        within(&what, making::network(&docker, plan)).await
    }

    /// Makes a marked volume; somebody else's of the same name is an error.
    pub(in crate::provider) async fn make_volume(
        &self,
        plan: &NetworkPlan<'_>,
    ) -> Result<(), ProviderError> {
        let docker = self.docker()?;
        let what = format!("make volume {}", plan.name);
        within(&what, making::volume_of(&docker, plan)).await
    }

    /// Proves that an image is there.
    pub(in crate::provider) async fn has_image(&self, image: &str) -> Result<(), ProviderError> {
        let docker = self.docker()?;
        let what = format!("look for image {image}");
        within(&what, making::image(&docker, image)).await
    }

    /// The text of a file in a container, running or not.
    pub(in crate::provider) async fn file(
        &self,
        container: &ContainerId,
        path: &str,
    ) -> Result<Option<String>, ProviderError> {
        archive::file(&self.docker()?, container, path).await
    }

    /// Runs a command in a node, and keeps all that it lists.
    pub(in crate::provider) async fn listed(
        &self,
        node: &ContainerId,
        command: &[String],
    ) -> Result<ExecEnded, ProviderError> {
        others::exec(&self.docker()?, node, command, PATIENCE, LISTING).await
    }

    /// A tool's environment, pointed to this engine.
    pub(in crate::provider) fn apply(
        &self,
        env: &mut BTreeMap<String, String>,
    ) -> Result<(), ProviderError> {
        let endpoint = self.endpoint.as_ref();
        let endpoint = endpoint.map_err(|unseen| unreached(unseen.clone()))?;
        endpoint.apply(env);
        Ok(())
    }

    /// The engine's socket on this machine, if that is how it is reached.
    pub(in crate::provider) fn socket(&self) -> Option<&std::path::Path> {
        match &self.endpoint {
            Ok(Endpoint::Unix(path)) => Some(path),
            _ => None,
        }
    }

    fn docker(&self) -> Result<Docker, ProviderError> {
        match &self.endpoint {
            Ok(endpoint) => connect(endpoint).map_err(unreached),
            Err(unseen) => Err(unreached(unseen.clone())),
        }
    }
}

/// A cluster that lacks a node cannot be started: nobody would make that node.
pub(in crate::provider) fn startable(view: &ClusterView) -> Result<(), ProviderError> {
    if matches!(view.phase, Phase::Partial | Phase::Residue | Phase::Absent) {
        let why = view.detail.as_deref().unwrap_or("it has no node");
        let message = format!("it cannot be started: {why}");
        return Err(ProviderError::new(Fault::Permanent, message));
    }
    Ok(())
}

/// The nodes that belong to the cluster for good.
fn lasting(view: &ClusterView) -> impl Iterator<Item = &NodeView> {
    view.nodes
        .iter()
        .filter(|node| node.role != NodeRole::Helper)
}

async fn resume(docker: &Docker, node: &NodeView, log: &dyn StepLog) -> Result<(), ProviderError> {
    let what = format!("unpause {}", node.name);
    log.line(&what);
    within(&what, async {
        let done = docker.unpause_container(node.id.as_str()).await;
        done.map_err(|error| failed(&what, &error))
    })
    .await
}

/// How long a node may take to end by itself, in seconds; then Docker ends it.
const GRACE: i32 = 20;

async fn halt(docker: &Docker, node: &NodeView, log: &dyn StepLog) -> Result<(), ProviderError> {
    let what = format!("stop {}", node.name);
    log.line(&what);
    let options = StopContainerOptionsBuilder::default().t(GRACE).build();
    within(&what, async {
        match docker.stop_container(node.id.as_str(), Some(options)).await {
            // It has ended by itself, or is gone: either way it is not up.
            Err(error) if is_gone(&error) => Ok(()),
            done => done.map_err(|error| failed(&what, &error)),
        }
    })
    .await
}

async fn run(
    docker: &Docker,
    id: &ContainerId,
    name: &str,
    log: &dyn StepLog,
) -> Result<(), ProviderError> {
    let what = format!("start {name}");
    log.line(&what);
    within(&what, async {
        let done = docker.start_container(id.as_str(), None::<StartContainerOptions>);
        done.await.map_err(|error| {
            let failed = failed(&what, &error);
            match remnant(&error) {
                // Once it is ended, containerd takes a moment to see that.
                Some(Remnant::Task) => ProviderError::new(Fault::Transient, failed.message).hint(format!(
                    "a killed Docker left the last start of {name} in containerd; as root: \
                     pkill -KILL -f 'containerd-shim.* -id {id:.12}'; if it stays, restart containerd and Docker, or \
                     make the cluster again with --replace"
                )),
                Some(Remnant::Port) => failed.hint(
                    "see whose it is: ss -ltnp; a docker-proxy without a container goes when Docker is restarted",
                ),
                None => failed,
            }
        })
    })
    .await
}

async fn within<T>(
    what: &str,
    work: impl Future<Output = Result<T, ProviderError>>,
) -> Result<T, ProviderError> {
    tokio::time::timeout(PATIENCE, work)
        .await
        .unwrap_or_else(|_| {
            let message = format!("Docker did not {what} within {} s", PATIENCE.as_secs());
            Err(ProviderError::new(Fault::Deadline, message))
        })
}
