//! What of a cluster is its own: the parts that the ledger records and a deletion takes away.

use crate::model::{ClusterView, Entry};
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

/// All of a cluster that was just made, but of its networks, load balancers and helpers only what was made for the
/// entry: a creation does not make somebody else's network its own by using it.
pub fn own_parts(entry: &Entry, view: &ClusterView) -> EntryParts {
    let networks = view
        .networks
        .iter()
        .filter(|n| entry.covers_network(n))
        .map(|n| n.id.clone())
        .collect();
    let nodes = view.nodes.iter();
    let nodes = nodes.filter(|node| node.role.proves() || entry.made(node));
    EntryParts {
        containers: nodes.map(|node| node.id.clone()).collect(),
        networks,
        ..all_parts(view)
    }
}

/// What a deletion takes away: the servers and workers, all of which the entry covers; of the rest, load balancer and
/// helpers, what was made for the entry; and those networks and volumes that the entry covers. A container that somebody
/// put beside them is theirs.
pub(super) fn doomed(entry: &Entry, view: &ClusterView) -> Parts {
    let containers = view
        .nodes
        .iter()
        .filter(|node| entry.covers(&node.id, node.nonce.as_ref()) || entry.made(node));
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
