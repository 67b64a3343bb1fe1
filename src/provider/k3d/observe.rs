//! What k3d writes on the engine: labels on every node (k3d v5 `pkg/types/types.go`), names of the rest.

use std::collections::BTreeSet;

use crate::model::{ClusterName, NodeRole, Nonce, ProviderId};
use crate::provider::Balancer;
use crate::provider::docker::{Container, Dialect, Inventory, Member, Network, Volume, nonce};

const APP: &str = "app";
const CLUSTER: &str = "k3d.cluster";
const ROLE: &str = "k3d.role";
const NETWORK: &str = "k3d.cluster.network";
const BALANCER: &str = "k3d.server.loadbalancer";

/// How k3d writes its clusters down.
pub(in crate::provider) struct K3dDialect;

/// The provider's identity.
pub(super) fn provider() -> ProviderId {
    ProviderId::new("k3d")
}

/// The network of a cluster.
pub(super) fn network_name(cluster: &str) -> String {
    format!("k3d-{cluster}")
}

/// The volume for images of a cluster.
pub(super) fn volume_name(cluster: &str) -> String {
    format!("k3d-{cluster}-images")
}

/// The load balancer of a cluster.
pub(super) fn balancer_name(cluster: &str) -> String {
    format!("k3d-{cluster}-serverlb")
}

/// What k3d writes on a cluster's network.
pub(super) fn network_labels() -> [(String, String); 1] {
    [(APP.to_owned(), "k3d".to_owned())]
}

/// What k3d writes on a cluster's volume, and what tells it from others.
pub(super) fn volume_labels(cluster: &str) -> [(String, String); 2] {
    [
        (APP.to_owned(), "k3d".to_owned()),
        (CLUSTER.to_owned(), cluster.to_owned()),
    ]
}

impl Dialect for K3dDialect {
    fn provider(&self) -> ProviderId {
        provider()
    }

    /// A registry that was made along with a cluster bears its labels, but may serve others: it is no node.
    fn member(&self, container: &Container) -> Option<Member> {
        let label = |key: &str| container.labels.get(key).map(String::as_str);
        let cluster = label(CLUSTER).filter(|_| label(APP) == Some("k3d"))?;
        let role = match label(ROLE)? {
            "server" => NodeRole::Server,
            "agent" => NodeRole::Worker,
            "loadbalancer" => NodeRole::Balancer,
            "registry" => return None,
            _ => NodeRole::Helper,
        };
        let number = match role {
            // `k3d cluster edit` renames the old load balancer before it makes the new one.
            NodeRole::Balancer => u32::from(container.name != balancer_name(cluster)),
            _ => container
                .name
                .rsplit('-')
                .next()
                .and_then(|number| number.parse().ok())
                .unwrap_or(u32::MAX),
        };
        Some(Member {
            cluster: cluster.to_owned(),
            role,
            number,
        })
    }

    fn balancer(&self, nodes: &[&Container]) -> Balancer {
        let names_one =
            |node: &&Container| node.labels.get(BALANCER).is_some_and(|n| !n.is_empty());
        if nodes.iter().any(names_one) {
            Balancer::Expected
        } else {
            Balancer::Optional
        }
    }

    /// The label, or for what k3d makes without one (its tools container, a load balancer that it made again) the mark
    /// of the cluster's image volume, which every k3d container mounts.
    fn nonce(&self, node: &Container, inventory: &Inventory) -> Option<Nonce> {
        let cluster = node.labels.get(CLUSTER)?;
        let proves = self.member(node).is_some_and(|member| member.role.proves());
        let by_volume = || {
            let name = volume_name(cluster);
            let mounted = node
                .mounts
                .iter()
                .any(|mount| mount.volume.as_ref() == Some(&name));
            let volume = inventory
                .volumes
                .iter()
                .find(|volume| volume.name == name)?;
            nonce(&volume.labels).filter(|_| mounted && !proves)
        };
        nonce(&node.labels).or_else(by_volume)
    }

    fn owns_network(&self, network: &Network, cluster: &str, nodes: &[&Container]) -> bool {
        network.name == network_name(cluster)
            && (is_k3d(&network.labels)
                || nonce(&network.labels).is_some()
                || nodes
                    .iter()
                    .any(|node| node.networks.contains_key(&network.name)))
    }

    fn owns_volume(&self, volume: &Volume, cluster: &str) -> bool {
        volume.name == volume_name(cluster)
            && is_k3d(&volume.labels)
            && volume
                .labels
                .get(CLUSTER)
                .is_some_and(|label| label == cluster)
    }

    fn traces(&self, inventory: &Inventory) -> Vec<String> {
        let of_network = |network: &Network| {
            let cluster = network.name.strip_prefix("k3d-")?.to_owned();
            self.owns_network(network, &cluster, &[]).then_some(cluster)
        };
        let of_volume = |volume: &Volume| {
            let cluster = volume.labels.get(CLUSTER)?.to_owned();
            self.owns_volume(volume, &cluster).then_some(cluster)
        };
        let networks = inventory.networks.iter().filter_map(of_network);
        let volumes = inventory.volumes.iter().filter_map(of_volume);
        networks.chain(volumes).collect()
    }

    fn home<'c>(&self, node: &'c Container) -> Option<&'c str> {
        let named = node.labels.get(NETWORK).map(String::as_str);
        named.filter(|name| node.networks.contains_key(*name))
    }

    fn is_shared(&self, _network: &str) -> bool {
        false
    }

    fn adds_ports(&self) -> bool {
        true
    }
}

fn is_k3d(labels: &std::collections::BTreeMap<String, String>) -> bool {
    labels.get(APP).is_some_and(|app| app == "k3d")
}

/// The containers that would be in the way of a cluster of this name: what bears its names or its labels.
pub(super) fn in_the_way(containers: &[Container], cluster: &ClusterName) -> BTreeSet<String> {
    let prefix = format!("k3d-{cluster}-");
    let is_its = |container: &&Container| {
        let label = container.labels.get(CLUSTER).map(String::as_str);
        let rest = container.name.strip_prefix(&prefix);
        let named = rest.is_some_and(|rest| {
            let numbered = |kind: &str| {
                rest.strip_prefix(kind)
                    .is_some_and(|number| number.parse::<u32>().is_ok())
            };
            matches!(rest, "serverlb" | "tools") || numbered("server-") || numbered("agent-")
        });
        named || label == Some(cluster.as_str())
    };
    containers
        .iter()
        .filter(is_its)
        .map(|container| container.name.clone())
        .collect()
}
