//! How one provider writes its clusters down on the engine.

use super::inventory::{Container, Inventory, Network, Volume};
use crate::model::{NodeRole, Nonce, ProviderId};
use crate::provider::Balancer;

/// One provider's labels and names, as pure functions over the inventory.
pub(in crate::provider) trait Dialect: Send + Sync {
    /// Whose it is.
    fn provider(&self) -> ProviderId;

    /// The cluster that a container is a node of, and as what.
    fn member(&self, container: &Container) -> Option<Member>;

    /// Whether the cluster of these nodes should have a load balancer.
    fn balancer(&self, nodes: &[&Container]) -> Balancer;

    /// rollcall's mark on a node.
    fn nonce(&self, node: &Container, inventory: &Inventory) -> Option<Nonce>;

    /// Whether a network belongs to this cluster and to nobody else; without any node its labels must say so.
    fn owns_network(&self, network: &Network, cluster: &str, nodes: &[&Container]) -> bool;

    /// Whether a named volume belongs to this cluster. Anonymous ones are told by who mounts them.
    fn owns_volume(&self, volume: &Volume, cluster: &str) -> bool;

    /// The clusters that networks and volumes speak of, with or without nodes.
    fn traces(&self, inventory: &Inventory) -> Vec<String>;

    /// The network over which a node is reached, by name, where it is known.
    fn home<'c>(&self, node: &'c Container) -> Option<&'c str>;

    /// Whether a network is one that all clusters of the provider share.
    fn is_shared(&self, network: &str) -> bool;

    /// Whether a port can be added to a running cluster whose load balancer runs.
    fn adds_ports(&self) -> bool;
}

/// A container's place in a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::provider) struct Member {
    /// The cluster's name as the label has it: any text can stand there.
    pub(in crate::provider) cluster: String,
    /// What it is for.
    pub(in crate::provider) role: NodeRole,
    /// Which of its kind it is; the lowest server is the incarnation.
    pub(in crate::provider) number: u32,
}
