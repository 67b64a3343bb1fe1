//! What of a cluster is its own: the parts that the ledger records and a deletion takes away.

use crate::model::{ClusterView, Entry, NodeRole};
use crate::provider::Parts;
use crate::store::EntryParts;

/// All of a cluster that is adopted as it is.
pub(super) fn all_parts(view: &ClusterView) -> EntryParts {
    EntryParts {
        containers: view.nodes.iter().map(|node| node.id.clone()).collect(),
        networks: view
            .networks
            .iter()
            .map(|network| network.id.clone())
            .collect(),
        volumes: view
            .volumes
            .iter()
            .map(|volume| volume.id.clone())
            .collect(),
    }
}

/// All of a cluster that was just made, but of its networks only those that carry the entry's mark: a creation does
/// not make somebody else's network its own by using it.
pub fn own_parts(entry: &Entry, view: &ClusterView) -> EntryParts {
    let networks = view
        .networks
        .iter()
        .filter(|n| entry.covers_network(n))
        .map(|n| n.id.clone())
        .collect();
    EntryParts {
        networks,
        ..all_parts(view)
    }
}

/// What a deletion takes away: all containers (the load balancer and helpers among them, which the ledger need not
/// list), and those networks and volumes that the entry covers.
pub(super) fn doomed(entry: &Entry, view: &ClusterView) -> Parts {
    // A load balancer is ours by the servers beside it, or because it is listed.
    let served = view.proving_nodes().next().is_some();
    let containers = view.nodes.iter().filter(|node| {
        served || node.role != NodeRole::Balancer || entry.covers(&node.id, node.nonce.as_ref())
    });
    Parts {
        of: Some(view.id.clone()),
        containers: containers.map(|node| node.id.clone()).collect(),
        networks: view
            .networks
            .iter()
            .filter(|n| entry.covers_network(n))
            .map(|n| n.id.clone())
            .collect(),
        volumes: view
            .volumes
            .iter()
            .filter(|v| entry.covers_volume(v))
            .map(|v| v.id.clone())
            .collect(),
    }
}
