//! Clusters out of an inventory: one rule for every provider, which differ in their [`Dialect`].

use std::collections::{BTreeMap, BTreeSet};

use super::dialect::{Dialect, Member};
use super::inventory::{Container, Inventory, Volume};
use crate::model::{
    ClusterId, ClusterMap, ClusterName, ClusterView, Incarnation, NodeRole, NodeState, NodeView,
    Phase, Port, PortMap, Unnamed, one_line,
};
use crate::provider::phase_of;

/// The containers of one cluster with their places.
type Nodes<'i> = Vec<(&'i Container, Member)>;

/// The clusters of one provider, and those whose names rollcall cannot carry.
pub(in crate::provider) fn clusters(
    inventory: &Inventory,
    dialect: &dyn Dialect,
) -> (ClusterMap, Vec<Unnamed>) {
    let mut found: BTreeMap<String, Nodes<'_>> = BTreeMap::new();
    for container in &inventory.containers {
        if let Some(member) = dialect.member(container) {
            let nodes = found.entry(member.cluster.clone()).or_default();
            nodes.push((container, member));
        }
    }
    let mut unnamed = Vec::new();
    let mut map = ClusterMap::new();
    for trace in dialect.traces(inventory) {
        if ClusterName::parse(&trace).is_ok() {
            found.entry(trace).or_default();
        }
    }
    for (cluster, nodes) in found {
        match ClusterName::parse(&cluster) {
            Ok(name) => {
                let id = ClusterId::new(dialect.provider(), name.clone());
                map.insert(name, view(inventory, dialect, id, nodes));
            }
            Err(_) => unnamed.push(Unnamed {
                provider: dialect.provider(),
                shown: one_line(&cluster, 64),
            }),
        }
    }
    (map, unnamed)
}

/// The cluster that a container is a node of, if rollcall can carry its name.
pub(super) fn cluster_of(container: &Container, dialects: &[&dyn Dialect]) -> Option<ClusterId> {
    dialects.iter().find_map(|dialect| {
        let member = dialect.member(container)?;
        let name = ClusterName::parse(&member.cluster).ok()?;
        Some(ClusterId::new(dialect.provider(), name))
    })
}

fn view(
    inventory: &Inventory,
    dialect: &dyn Dialect,
    id: ClusterId,
    mut nodes: Nodes<'_>,
) -> ClusterView {
    nodes.sort_by(|(a, x), (b, y)| (x.role, x.number, &a.name).cmp(&(y.role, y.number, &b.name)));
    one_balancer(&mut nodes);
    let containers: Vec<&Container> = nodes.iter().map(|(container, _)| *container).collect();
    let views: Vec<NodeView> = nodes
        .iter()
        .map(|(container, member)| NodeView {
            id: container.id.clone(),
            name: container.name.clone(),
            role: member.role,
            state: container.state,
            image: container.image.clone(),
            nonce: dialect.nonce(container, inventory),
        })
        .collect();
    let (phase, detail) = phase_of(&views, dialect.balancer(&containers));
    let server = nodes
        .iter()
        .find(|(_, member)| member.role == NodeRole::Server)
        .map(|(container, _)| *container);
    let home = server.and_then(|server| dialect.home(server));
    let balancer_runs = views
        .iter()
        .any(|node| node.role == NodeRole::Balancer && node.state == NodeState::Running);
    let name = id.name.as_str();
    let networks = inventory
        .networks
        .iter()
        .filter(|network| dialect.owns_network(network, name, &containers));
    let volumes = inventory.volumes.iter().filter(|volume| {
        dialect.owns_volume(volume, name) || is_only_theirs(volume, &containers, inventory)
    });
    let (ports, api_port) = published(&nodes);
    ClusterView {
        phase,
        detail,
        incarnation: server.map(|server| Incarnation::new(server.id.as_str())),
        networks: networks.map(|network| network.view()).collect(),
        volumes: volumes.map(Volume::view).collect(),
        ports,
        api_port,
        subnet: home
            .filter(|home| !dialect.is_shared(home))
            .and_then(|home| inventory.networks.iter().find(|n| n.name == home)?.subnet),
        server_ip: server
            .zip(home)
            .and_then(|(server, home)| server.networks.get(home)?.clone()),
        accepts_ports: dialect.adds_ports() && phase == Phase::Running && balancer_runs,
        probed: false,
        nodes: views,
        id,
    }
}

/// Of several load balancers the first counts; the others are helpers that somebody left.
fn one_balancer(nodes: &mut Nodes<'_>) {
    let balancers = nodes
        .iter_mut()
        .filter(|(_, member)| member.role == NodeRole::Balancer);
    for (_, member) in balancers.skip(1) {
        member.role = NodeRole::Helper;
    }
}

/// Whether a volume has no name of its own and only these containers mount it.
fn is_only_theirs(volume: &Volume, nodes: &[&Container], inventory: &Inventory) -> bool {
    let mounts = |container: &Container| {
        let named = |mount: &super::inventory::Mount| mount.volume.as_ref() == Some(&volume.name);
        container.mounts.iter().any(named)
    };
    let own: BTreeSet<_> = nodes.iter().map(|node| &node.id).collect();
    volume.is_anonymous()
        && nodes.iter().any(|node| mounts(node))
        && !inventory
            .containers
            .iter()
            .any(|other| !own.contains(&other.id) && mounts(other))
}

/// What the servers and the load balancer publish: ports without the API's, and the API's. A load balancer's word
/// counts before a server's.
fn published(nodes: &Nodes<'_>) -> (PortMap, Option<Port>) {
    let mut ports = PortMap::new();
    for role in [NodeRole::Server, NodeRole::Balancer] {
        for (container, _) in nodes.iter().rev().filter(|(_, member)| member.role == role) {
            ports.extend(container.port_map());
        }
    }
    let api = ports.keys().find(|inside| **inside == Port::API).copied();
    let api = api.and_then(|inside| ports.remove(&inside));
    (ports, api)
}
