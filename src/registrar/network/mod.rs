//! The networks of clusters: containers outside of a cluster that have to reach it are put on its network.
//!
//! In: the engine's look. Out: which of those containers are on which cluster's network; joins.
//! Must not: take a container off a network that is not the cluster's own, or touch one that was not named.
//!
//! An attachment serves whoever made it, and goes with its network: this registrar never holds a cluster back.

mod apply;
mod observe;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::model::{ClusterName, RegistrarId};
use crate::provider::Engine;

/// The registrar's name.
pub const NETWORK: &str = "network";

/// Who has to reach clusters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NetworkSettings {
    /// The management cluster: all its nodes do.
    pub management: Option<ClusterName>,
    /// Other containers, by name: one that is not there is said.
    pub containers: Vec<String>,
    /// Containers of registrars, which say themselves when they are not there.
    pub seats: Vec<String>,
}

/// The networks of clusters.
pub struct Networks {
    settings: NetworkSettings,
    engine: Arc<dyn Engine>,
}

impl Networks {
    /// The networks of this engine.
    pub fn new(settings: NetworkSettings, engine: Arc<dyn Engine>) -> Self {
        Self { settings, engine }
    }

    /// The registrar's identity.
    pub fn registrar_id() -> RegistrarId {
        RegistrarId::new(NETWORK)
    }
}
