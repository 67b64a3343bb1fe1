//! The engine's view out of an inventory: its facts, and the clusters of every provider.

use std::collections::{BTreeMap, BTreeSet};

use super::clusters::{cluster_of, clusters};
use super::dialect::Dialect;
use super::inventory::{Inventory, Network, Volume};
use crate::model::{Binding, EngineFacts, EngineView, Port};

/// Everything that an observer is told. `listeners` are the host's, where they can be known.
pub(super) fn view(
    inventory: &Inventory,
    listeners: Option<BTreeSet<Port>>,
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
            id: None,
            version: None,
            networks: inventory.networks.iter().map(Network::view).collect(),
            volumes: inventory.volumes.iter().map(Volume::view).collect(),
            bindings,
            listeners,
            container_names: inventory
                .containers
                .iter()
                .map(|container| container.name.clone())
                .collect(),
            attachments: inventory
                .containers
                .iter()
                .map(|container| {
                    let networks = container.networks.keys().cloned();
                    (container.name.clone(), networks.collect())
                })
                .collect(),
        },
        clusters: found,
        unnamed,
    }
}
