//! What kind writes on the engine: two labels and names (kind `pkg/cluster/constants`), and our mark as a mount.

use crate::model::{ClusterId, NodeRole, Nonce, ProviderId};
use crate::provider::Balancer;
use crate::provider::docker::{self, Container, Dialect, Inventory, Member, Network, Volume};

const CLUSTER: &str = "io.x-k8s.kind.cluster";
const ROLE: &str = "io.x-k8s.kind.role";
/// The folder in a node below which the mark stands.
pub(super) const MARK: &str = "/etc/rollcall/nonce/";
/// The network of all kind clusters that have none of their own.
const SHARED: &str = "kind";

/// How kind writes its clusters down.
pub(in crate::provider) struct KindDialect;

/// The provider's identity.
pub(super) fn provider() -> ProviderId {
    ProviderId::new("kind")
}

/// The network of a cluster that has one of its own.
pub(super) fn network_name(cluster: &str) -> String {
    format!("kind-{cluster}")
}

impl Dialect for KindDialect {
    fn provider(&self) -> ProviderId {
        provider()
    }

    fn member(&self, container: &Container) -> Option<Member> {
        let cluster = container.labels.get(CLUSTER)?;
        let role = match container.labels.get(ROLE).map(String::as_str) {
            Some("control-plane") => NodeRole::Server,
            Some("worker") => NodeRole::Worker,
            Some("external-load-balancer") => NodeRole::Balancer,
            _ => NodeRole::Helper,
        };
        // The first node has no number, the second is `NAME-control-plane2`.
        let digits = container
            .name
            .rfind(|c: char| !c.is_ascii_digit())
            .map_or("", |at| container.name.get(at + 1..).unwrap_or_default());
        Some(Member {
            cluster: cluster.clone(),
            role,
            number: digits.parse().unwrap_or(1),
        })
    }

    fn balancer(&self, _nodes: &[&Container]) -> Balancer {
        Balancer::Optional
    }

    fn nonce(&self, node: &Container, _inventory: &Inventory) -> Option<Nonce> {
        node.mounts
            .iter()
            .find_map(|mount| Nonce::parse(mount.destination.strip_prefix(MARK)?))
    }

    /// Somebody's own network of the right name is not listed: only ours says for whom it was made.
    fn owns_network(&self, network: &Network, cluster: &str, _nodes: &[&Container]) -> bool {
        of(network).is_some_and(|id| id.name.as_str() == cluster)
    }

    fn owns_volume(&self, _volume: &Volume, _cluster: &str) -> bool {
        false
    }

    fn traces(&self, inventory: &Inventory) -> Vec<String> {
        let clusters = inventory.networks.iter().filter_map(of);
        clusters.map(|id| id.name.to_string()).collect()
    }

    /// kind knows one network; a node on several was connected to the others by hand, or by rollcall.
    fn home<'c>(&self, node: &'c Container) -> Option<&'c str> {
        let own = network_name(node.labels.get(CLUSTER)?);
        let mut names = node.networks.keys().map(String::as_str);
        let first = names.clone().find(|name| *name == own);
        let shared = || names.clone().find(|name| *name == SHARED);
        first.or_else(shared).or_else(|| names.next())
    }

    fn is_shared(&self, network: &str) -> bool {
        network == SHARED
    }

    fn adds_ports(&self) -> bool {
        false
    }
}

/// The cluster that a network of ours was made for.
fn of(network: &Network) -> Option<ClusterId> {
    let id: ClusterId = network.labels.get(docker::CLUSTER)?.parse().ok()?;
    (id.provider == provider() && network.name == network_name(id.name.as_str())).then_some(id)
}
