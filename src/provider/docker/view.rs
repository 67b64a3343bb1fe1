//! The engine's view out of an inventory: its facts, and the clusters of every provider.

use std::collections::BTreeMap;

use super::clusters::{cluster_of, clusters};
use super::dialect::Dialect;
use super::inventory::{Inventory, Network, Volume};
use crate::model::{Binding, EngineFacts, EngineId, EngineView, Port};

/// What the engine says of itself.
#[derive(Debug, Clone, Default)]
pub(super) struct Identity {
    pub(super) id: Option<EngineId>,
    pub(super) version: String,
    pub(super) listeners: Option<std::collections::BTreeSet<Port>>,
}

/// Everything that an observer is told.
pub(super) fn view(
    inventory: &Inventory,
    identity: Identity,
    dialects: &[&dyn Dialect],
) -> EngineView {
    let mut found = BTreeMap::new();
    let mut unnamed = Vec::new();
    for dialect in dialects {
        let (map, without) = clusters(inventory, *dialect);
        found.insert(dialect.provider(), map);
        unnamed.extend(without);
    }
    let mut bindings: Vec<Binding> = inventory
        .containers
        .iter()
        .flat_map(|container| {
            let cluster = cluster_of(container, dialects);
            container.ports.iter().map(move |(_, host)| Binding {
                port: *host,
                container: container.name.clone(),
                cluster: cluster.clone(),
            })
        })
        .collect();
    bindings.sort();
    bindings.dedup();
    EngineView {
        facts: EngineFacts {
            id: identity.id,
            version: identity.version,
            networks: inventory.networks.iter().map(Network::view).collect(),
            volumes: inventory.volumes.iter().map(Volume::view).collect(),
            bindings,
            listeners: identity.listeners,
            container_names: inventory
                .containers
                .iter()
                .map(|container| container.name.clone())
                .collect(),
        },
        clusters: found,
        unnamed,
    }
}
