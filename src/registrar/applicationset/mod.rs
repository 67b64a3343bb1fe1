//! An ApplicationSet of Argo CD as a registrar: the clusters that get its Applications.
//!
//! In: the kubeconfig of the cluster that Argo CD runs in, the set, and how a cluster gets into it. Out: who is in it, and
//! what is wrong with the Applications; changes of exactly one cluster's element.
//! Must not: change anything else of somebody's set, drop an element because something could not be seen, or empty a
//! list whose Applications would take their workloads along.
//!
//! ```text
//! look (set, Applications, cluster Secrets) -> view
//!        |
//!        +-> wire (elements), template (what Argo CD makes of them), selector (labels), application (its troubles)
//! apply: read, change one element, write if nothing changed in between
//! settle: kick the set, wait for the Application
//! free: wait for the Application to go; an Application that nobody frees any more, once its cluster Secret is gone
//! ```
//!
//! With policy `sync` Argo CD deletes every Application of an empty list, and with each its workload if the cluster is
//! still registered. So the last element goes only when the cluster Secret of its cluster is gone and no other
//! Application of a registered cluster is left: then nothing cascades. An element that is not the last one goes when it is asked to; that its
//! Secret went before is the business of whoever orders the steps.

mod application;
mod apply;
mod cluster;
mod element;
mod free;
mod look;
mod observe;
mod selector;
mod set;
mod settle;
mod template;
mod wire;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

use super::api::Kind;
use crate::model::{ClusterId, ProviderId, RegistrarId};

/// The registrar's name.
pub const APPLICATIONSET: &str = "applicationset";

/// The key by which an element names its cluster, unless the settings say another one.
pub const DEFAULT_KEY: &str = "clusterName";

/// How long Argo CD may take over one change.
const PATIENCE: Duration = Duration::from_secs(30);

const APPLICATION_SET_KIND: Kind = Kind::new(
    "argoproj.io",
    "v1alpha1",
    "ApplicationSet",
    "applicationsets",
);
const APPLICATION_KIND: Kind = Kind::new("argoproj.io", "v1alpha1", "Application", "applications");

/// Where the set is, and how clusters get into it.
#[derive(Debug, Clone)]
pub struct ApplicationSetSettings {
    /// The kubeconfig that leads to Argo CD's cluster; read anew at each look.
    pub kubeconfig: PathBuf,
    /// Its context there.
    pub context: String,
    /// The cluster of that context, where it is one of the providers': proven gone, so is the set.
    pub host: Option<ClusterId>,
    /// Argo CD's namespace, `argocd` as a rule.
    pub namespace: String,
    /// The set's name.
    pub name: String,
    /// How clusters get into it.
    pub way: Way,
}

/// How a cluster gets into a set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// The set selects cluster Secrets by their labels (its `clusters` generator): nothing is written, only looked at and
    /// kicked.
    Labels,
    /// The set lists them (its `list` generator): each of ours has an element there.
    Elements {
        /// The key whose value is the cluster's name; [`DEFAULT_KEY`] as a rule.
        key: String,
        /// What an element of ours says besides; values may contain `{name}` and `{provider}`.
        element: BTreeMap<String, String>,
    },
}

/// One ApplicationSet.
#[derive(Debug)]
pub struct ApplicationSet {
    settings: ApplicationSetSettings,
    providers: Vec<ProviderId>,
    patience: Duration,
    /// Whose element this process wrote: a second attempt must not take it for somebody else's.
    written: Mutex<BTreeSet<ClusterId>>,
    /// One writer at a time: ours need not outrun each other.
    writing: tokio::sync::Mutex<()>,
}

impl ApplicationSet {
    /// The set of these settings. An element that does not say whose it is counts for each of these providers.
    pub fn new(settings: ApplicationSetSettings, providers: Vec<ProviderId>) -> Self {
        Self {
            settings,
            providers,
            patience: PATIENCE,
            written: Mutex::default(),
            writing: tokio::sync::Mutex::default(),
        }
    }

    /// The same, but Argo CD may take this long over one change.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// The registrar's identity.
    pub fn registrar_id() -> RegistrarId {
        RegistrarId::new(APPLICATIONSET)
    }

    /// The set, for messages.
    fn shown(&self) -> String {
        let ApplicationSetSettings {
            namespace, name, ..
        } = &self.settings;
        format!("applicationset {namespace}/{name}")
    }
}
