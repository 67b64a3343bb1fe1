//! Providers: who makes clusters, and the engine that carries them.
//!
//! In: orders in the model's words. Out: views of what is there, or an error that says what to do.
//! Must not: see a plan, the ledger or the database, or decide whether something may be deleted. What it is told to
//! remove it removes by ID, after looking once more.

mod access;
mod api;
mod containers;
mod docker;
mod error;
mod k3d;
mod kind;
mod manifest;
mod order;
mod phase;
mod preparing;
mod probe;
mod rollout;
mod settings;
mod tool;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

pub use crate::command::end_strays;
pub use api::{ApiAddress, Busy, Credentials, client, client_of_context, words};
pub use containers::{ContainerRecord, Containers, ExecEnded, MountRecord, NetworkOf};
pub use docker::DockerEngine;
pub use error::{Fault, ProviderError};
pub use manifest::{Manifests, Wait};
pub use order::{Access, CreateOrder, Parts, StepLog};
pub use phase::{Balancer, phase_of};
pub use settings::{AfterCreate, DockerSettings, ProviderSettings};

use crate::model::{
    ClusterId, ClusterView, EngineDescription, EngineIdentity, EngineView, PortMap, ProviderId,
    ProviderTraits, Seen, ToolView,
};

/// The container engine: one look shows every provider's clusters.
#[async_trait]
pub trait Engine: Containers {
    /// Looks at everything. Silence within the deadline is `Unknown`, and so is an answer that makes no sense.
    ///
    /// Who the engine is need not be in it: see [`Engine::identify`].
    async fn look(&self, deadline: Duration) -> Seen<EngineView>;

    /// Asks who it is, and whether it is new enough. Apart from the look, because Docker starts two processes of its
    /// own to answer this, and takes longer over it than over all its lists together.
    async fn identify(&self, deadline: Duration) -> Seen<EngineIdentity>;

    /// Asks what it is and what its machine is like, for one who looks what is missing.
    async fn describe(&self, deadline: Duration) -> Seen<EngineDescription>;

    /// Starts every container of a cluster that does not run, and unpauses the paused ones.
    async fn start(&self, view: &ClusterView, log: &dyn StepLog) -> Result<(), ProviderError>;

    /// Stops every container of a cluster that is up, those that lead to it first: each is asked to end, and ended when
    /// it does not.
    async fn stop(&self, view: &ClusterView, log: &dyn StepLog) -> Result<(), ProviderError>;

    /// Removes these containers, networks and volumes, in this order, and nothing else: each is looked at again by
    /// ID first, what is gone already is fine, a network that carries somebody else's container stays and is an error.
    async fn remove(&self, parts: &Parts, log: &dyn StepLog) -> Result<(), ProviderError>;

    /// Puts a container on a network, both by name. It is on it already: fine.
    async fn join(&self, network: &str, container: &str) -> Result<(), ProviderError>;

    /// Takes a container off a network, both by name. It is not on it, or one of them is gone: fine.
    async fn leave(&self, network: &str, container: &str) -> Result<(), ProviderError>;
}

/// A maker of clusters.
#[async_trait]
pub trait Provider: Send + Sync {
    /// Its identity.
    fn id(&self) -> ProviderId;

    /// What it can do in place.
    fn traits(&self) -> ProviderTraits;

    /// Whether its tool can be called. Starts no process.
    fn tool(&self) -> ToolView;

    /// What its tool says that it is, on one line. Starts the tool.
    async fn version(&self, deadline: Duration) -> Result<String, ProviderError>;

    /// Proves what a create needs and nothing there can tell: the image is on the engine.
    async fn preflight(&self, order: &CreateOrder) -> Result<(), ProviderError>;

    /// Makes the cluster. Everything that is made carries the order's nonce. An `Ok` is advice: the caller looks.
    async fn create(&self, order: &CreateOrder, log: &dyn StepLog) -> Result<(), ProviderError>;

    /// Starts a stopped cluster.
    async fn start(
        &self,
        view: &ClusterView,
        deadline: Duration,
        log: &dyn StepLog,
    ) -> Result<(), ProviderError>;

    /// Adds published ports to a running cluster.
    async fn add_ports(
        &self,
        view: &ClusterView,
        ports: &PortMap,
        deadline: Duration,
        log: &dyn StepLog,
    ) -> Result<(), ProviderError>;

    /// Does what is to follow each creation: loads images, applies manifests, and sees that it is done. Doing it again
    /// does no harm.
    async fn prepare(
        &self,
        view: &ClusterView,
        deadline: Duration,
        log: &dyn StepLog,
    ) -> Result<(), ProviderError>;

    /// How to reach the cluster's API from this host, read from the cluster's own node.
    async fn access(&self, view: &ClusterView) -> Result<Access, ProviderError>;
}

/// Asks a cluster's API whether it is ready.
#[async_trait]
pub trait Prober: Send + Sync {
    /// `Ok(())` when `/readyz` and one authorised read answered; else what did not, on one line.
    async fn ready(&self, id: &ClusterId, access: &Access) -> Result<(), String>;
}

/// A provider that several layers hold.
pub type SharedProvider = Arc<dyn Provider>;

/// The real engine with everybody who makes clusters on it: a new provider is one folder and two lines here.
pub fn all(settings: &DockerSettings) -> (Arc<DockerEngine>, BTreeMap<ProviderId, SharedProvider>) {
    let dialects: Vec<Box<dyn docker::Dialect>> =
        vec![Box::new(k3d::K3dDialect), Box::new(kind::KindDialect)];
    let engine = Arc::new(DockerEngine::new(&settings.env, dialects));
    let providers: [SharedProvider; 2] = [
        Arc::new(k3d::K3d::new(settings, Arc::clone(&engine))),
        Arc::new(kind::Kind::new(settings, Arc::clone(&engine))),
    ];
    let providers = providers.map(|provider| (provider.id(), provider));
    (engine, providers.into())
}

/// Who asks real API servers.
pub fn prober() -> Arc<dyn Prober> {
    Arc::new(probe::ApiProber)
}
