//! Registrars: the places where clusters are registered.
//!
//! In: orders in the model's words. Out: what the registrar holds, or an error that says what to do.
//! Must not: see a plan, the ledger or the database, or decide whose an entry is.

mod api;
mod applicationset;
mod argocd;
mod haproxy;
mod import;
mod kubeconfig;
mod network;
mod portainer;
#[cfg(test)]
mod scene;
mod unready;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::model::{
    ClusterId, ClusterView, EngineView, Fingerprint, RegistrarId, RegistrarView, Seen,
};
pub use applicationset::{
    APPLICATIONSET, ApplicationSet, ApplicationSetSettings, DEFAULT_KEY, Way,
};
pub use argocd::{ARGOCD, ArgoCd, ArgoCdSettings, Reach};
pub use haproxy::{
    HAPROXY, Haproxy, HaproxyInContainer, HaproxyOnHost, HaproxyPlace, HaproxySettings,
};
pub use import::{ImportError, Imported};
pub use kubeconfig::{KUBECONFIG, Kubeconfig, Standalone, context_of};
pub use network::{NETWORK, NetworkSettings, Networks};
pub use portainer::{
    AgentHost, ClusterAgents, EdgeAgent, PORTAINER, Portainer, PortainerCredentials,
    PortainerGroup, PortainerSettings,
};

pub use unready::Unready;

use crate::provider::Access;
pub use crate::provider::{Fault, ProviderError as RegistrarError};

/// A place where clusters are registered.
#[async_trait]
pub trait Registrar: Send + Sync {
    /// Its identity.
    fn id(&self) -> RegistrarId;

    /// Looks at all its entries for clusters, ours or not.
    async fn observe(&self, deadline: Duration) -> Seen<RegistrarView>;

    /// What the engine's own look tells of it, where that is all there is to see: then [`Registrar::observe`] says nothing.
    fn derive(&self, _engine: &EngineView) -> Option<RegistrarView> {
        None
    }

    /// The cluster that it lives in: where that is proven gone, so is the registrar.
    fn host(&self) -> Option<ClusterId> {
        None
    }

    /// Whether what the entry of a running cluster holds is good there; `None`: it holds nothing that can be tried.
    async fn prove(&self, _cluster: &ClusterView) -> Option<Result<(), String>> {
        None
    }

    /// The containers that it puts on clusters' networks, by name.
    fn guests(&self, _engine: &EngineView) -> Vec<String> {
        Vec::new()
    }

    /// Writes the entry of one cluster, in place, and says what it wrote. `expected` is the entry that the plan saw
    /// (`None`: there was none); another one there now is a [`Fault::NotOurs`] and is left alone.
    async fn register(
        &self,
        order: &RegisterOrder,
        expected: Option<&Fingerprint>,
    ) -> Result<Fingerprint, RegistrarError>;

    /// Takes the entry of one cluster away. Gone already is fine; another than `expected` is left alone and an error.
    async fn deregister(
        &self,
        id: &ClusterId,
        expected: &Fingerprint,
    ) -> Result<(), RegistrarError>;

    /// Takes out of a cluster that stays what registering it here put into it. Gone already is fine.
    async fn withdraw(&self, _order: &RegisterOrder) -> Result<(), RegistrarError> {
        Ok(())
    }

    /// Takes out of a file of the user's what other tools wrote there and what this registrar has by now, or only says
    /// what that would be.
    async fn import(&self, _file: &Path, _act: Import) -> Result<Imported, ImportError> {
        let message = "nothing can be imported into it";
        let why = RegistrarError::new(Fault::Permanent, message);
        Err(ImportError::NotReady(why))
    }

    /// What its program says that it is, on one line, where it is a program that can be asked. Starts it.
    async fn version(&self, _deadline: Duration) -> Option<Result<String, RegistrarError>> {
        None
    }

    /// Makes the entry of one cluster the one that holds where nobody names any.
    async fn switch(&self, _id: &ClusterId) -> Result<Switched, RegistrarError> {
        let message = "none of its entries is the current one";
        Err(RegistrarError::new(Fault::Permanent, message))
    }

    /// The credentials that the entry of one cluster holds, where the registrar holds usable ones.
    async fn access(&self, _id: &ClusterId) -> Option<Access> {
        None
    }
}

/// Whether an import acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Import {
    /// It says what it would do.
    Show,
    /// It does it.
    Write,
}

/// A current context that was switched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Switched {
    /// The one that is current now.
    pub context: String,
    /// The one that was; `None`: there was none.
    pub before: Option<String>,
    /// The file that says so, where it is one.
    pub file: Option<PathBuf>,
}

/// An order to register one cluster.
#[derive(Debug, Clone)]
pub struct RegisterOrder {
    /// How to reach its API, from this host.
    pub access: Access,
    /// The cluster as it was seen a moment ago.
    pub cluster: ClusterView,
}

/// A registrar that several layers hold.
pub type SharedRegistrar = Arc<dyn Registrar>;
