//! Argo CD as a registrar: one Secret for each cluster, and in each cluster a service account for Argo CD.
//!
//! In: the management cluster's context and the namespace of Argo CD. Out: the clusters that Argo CD knows; changes of
//! exactly one cluster's Secret, in place, with credentials that were tried before they are written.
//! Must not: write a Secret that Argo CD cannot read or that switches verification off, delete and make one anew where
//! a change does, or touch a Secret that is somebody else's.
//!
//! ```text
//! cluster: service account, role, binding, token -> tried from here -> Secret cluster-NAME in the management cluster
//! ```

mod account;
mod apply;
mod config;
mod observe;
mod wire;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use crate::model::{ClusterId, ProviderId, RegistrarId};
use crate::provider::ApiAddress;
use crate::registrar::api::Api;
use crate::registrar::{Fault, RegistrarError};
pub(in crate::registrar) use wire::labels;

/// The registrar's name.
pub const ARGOCD: &str = "argocd";

/// Where Argo CD is, and how it reaches clusters.
#[derive(Debug, Clone)]
pub struct ArgoCdSettings {
    /// The kubeconfig with the management cluster's context.
    pub kubeconfig: PathBuf,
    /// The context.
    pub context: String,
    /// The cluster of that context, where it is one of the providers': proven gone, so is Argo CD.
    pub host: Option<ClusterId>,
    /// The namespace of Argo CD.
    pub namespace: String,
    /// How Argo CD reaches clusters.
    pub reach: Reach,
    /// The registrars that come first: what Argo CD is told of a cluster that it cannot reach is no use.
    pub after: Vec<RegistrarId>,
}

/// How a program in the management cluster reaches another cluster's API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// Over the cluster's network, by its node's name.
    Network,
    /// Over the host of this name, by the port that the API is published on.
    Host(String),
}

impl Reach {
    /// For people, and for the Secret.
    fn text(&self) -> &str {
        match self {
            Self::Network => "network",
            Self::Host(host) => host,
        }
    }
}

/// A Secret of somebody else's that Argo CD takes for a cluster.
#[derive(Debug, Clone)]
struct Other {
    secret: String,
    server: String,
    name: String,
}

/// One Argo CD.
pub struct ArgoCd {
    settings: ArgoCdSettings,
    providers: Vec<ProviderId>,
    /// What the entries that were seen last hold.
    held: Mutex<BTreeMap<ClusterId, ApiAddress>>,
    /// The Secrets of others that were seen last.
    others: Mutex<Vec<Other>>,
}

impl ArgoCd {
    /// The Argo CD of these settings. Secrets are recognised for these providers. Nothing is connected to yet.
    pub fn new(settings: ArgoCdSettings, providers: Vec<ProviderId>) -> Self {
        Self {
            settings,
            providers,
            held: Mutex::default(),
            others: Mutex::default(),
        }
    }

    /// The registrar's identity.
    pub fn registrar_id() -> RegistrarId {
        RegistrarId::new(ARGOCD)
    }

    /// The management cluster's API.
    async fn api(&self) -> Result<Api, RegistrarError> {
        Api::of_context(&self.settings.kubeconfig, &self.settings.context).await
    }

    fn others(&self) -> std::sync::MutexGuard<'_, Vec<Other>> {
        self.others.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn held(&self) -> std::sync::MutexGuard<'_, BTreeMap<ClusterId, ApiAddress>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn failed(message: impl Into<String>) -> RegistrarError {
    RegistrarError::new(Fault::Permanent, message)
}
