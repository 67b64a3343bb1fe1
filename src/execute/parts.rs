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
        ..Parts::default()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::model::{
        ContainerId, EntryKey, EntryState, Incarnation, NodeRole, NodeState, NodeView, Nonce,
        Origin, Phase, PortMap, Preparation,
    };

    fn node(id: &str, role: NodeRole, nonce: Option<&Nonce>) -> NodeView {
        NodeView {
            id: ContainerId::new(id),
            name: id.to_owned(),
            role,
            state: NodeState::Running,
            image: "image".to_owned(),
            nonce: nonce.cloned(),
        }
    }

    #[test]
    fn a_deletion_takes_no_container_that_somebody_put_beside_the_nodes() {
        let (mark, other) = (Nonce::from_random([1; 16]), Nonce::from_random([2; 16]));
        let id = "k3d/dev".parse().unwrap();
        let entry = Entry {
            key: EntryKey(1),
            id,
            origin: Origin::Made,
            state: EntryState::Live,
            nonce: Some(mark.clone()),
            incarnation: Some(Incarnation::new("server")),
            containers: BTreeSet::from(["server", "listed"].map(ContainerId::new)),
            networks: BTreeSet::new(),
            volumes: BTreeSet::new(),
            preparation: Preparation::None,
            since: jiff::Timestamp::UNIX_EPOCH,
        };
        let view = ClusterView {
            id: entry.id.clone(),
            phase: Phase::Ready,
            detail: None,
            incarnation: entry.incarnation.clone(),
            nodes: vec![
                node("server", NodeRole::Server, None),
                node("listed", NodeRole::Balancer, None),
                node("marked", NodeRole::Balancer, Some(&mark)),
                node("nobodys", NodeRole::Balancer, None),
                node("others", NodeRole::Helper, Some(&other)),
            ],
            networks: Vec::new(),
            volumes: Vec::new(),
            ports: PortMap::new(),
            api_port: None,
            subnet: None,
            server_ip: None,
            accepts_ports: true,
            probed: false,
        };
        let taken = doomed(&entry, &view).containers;
        assert_eq!(taken, ["server", "listed", "marked"].map(ContainerId::new));
        let recorded = own_parts(&entry, &view).containers;
        assert!(recorded.iter().all(|id| taken.contains(id)));
    }
}
