//! Observed: what the world says, per source.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    ClusterId, ClusterName, ContainerId, EngineId, Fingerprint, Incarnation, NetworkId, Nonce,
    Port, PortMap, ProviderId, RegistrarId, Seen, Subnet, VolumeId,
};

/// The clusters of one provider, by name.
pub type ClusterMap = BTreeMap<ClusterName, ClusterView>;

/// One look at the world: every source with what it said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Observed {
    /// The engine and everything on it.
    pub engine: Seen<EngineView>,
    /// The registrars that are on.
    #[serde(default)]
    pub registrars: BTreeMap<RegistrarId, Seen<RegistrarView>>,
    /// The tools that make clusters, by provider.
    #[serde(default)]
    pub tools: BTreeMap<ProviderId, ToolView>,
}

impl Observed {
    /// The cluster of this identity, if the engine is known and has it.
    pub fn cluster(&self, id: &ClusterId) -> Option<&ClusterView> {
        self.engine
            .known()?
            .clusters
            .get(&id.provider)?
            .get(&id.name)
    }

    /// Every cluster that was seen.
    pub fn clusters(&self) -> impl Iterator<Item = &ClusterView> {
        self.engine
            .known()
            .into_iter()
            .flat_map(|engine| engine.clusters.values().flat_map(BTreeMap::values))
    }
}

/// Whether a tool can be called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ToolView {
    /// It was found, here.
    Found(String),
    /// It was not, and this is what to do.
    Missing {
        /// The program's name.
        program: String,
        /// How to get it.
        hint: String,
    },
}

/// What an engine holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EngineView {
    /// The engine itself, and what does not belong to one cluster.
    pub facts: EngineFacts,
    /// The clusters of each provider that can be seen here. A provider that is missing was not looked for.
    pub clusters: BTreeMap<ProviderId, ClusterMap>,
    /// Clusters whose names rollcall cannot carry; by nature foreign.
    #[serde(default)]
    pub unnamed: Vec<Unnamed>,
}

/// A live cluster with a name outside rollcall's rule (a person's `k3d cluster create DEV`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Unnamed {
    /// Whose it is.
    pub provider: ProviderId,
    /// The name as one printable line.
    pub shown: String,
}

/// What an engine says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EngineIdentity {
    /// Its identity; `None` when it would not say.
    pub id: Option<EngineId>,
    /// Its version, for people.
    pub version: String,
}

/// What an engine says of itself and of its machine to one who looks what is missing; `None`: it does not say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EngineDescription {
    /// Its version.
    pub version: Option<String>,
    /// The newest version of its API.
    pub api: Option<String>,
    /// The version of the control groups that its containers get.
    pub cgroup: Option<String>,
    /// The folder of its data, as it calls it.
    pub root: Option<String>,
    /// The memory of its machine, in bytes.
    pub memory: Option<u64>,
    /// Whether its machine is this one: limits and disks of this one are its limits and disks.
    pub is_here: bool,
}

/// The engine, and what is on it besides clusters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EngineFacts {
    /// Its identity; `None` when it would not say.
    pub id: Option<EngineId>,
    /// Its version, for people; `None` when it was not asked.
    pub version: Option<String>,
    /// All networks.
    pub networks: Vec<NetworkView>,
    /// All volumes.
    pub volumes: Vec<VolumeView>,
    /// All port bindings of all containers, running or not.
    pub bindings: Vec<Binding>,
    /// TCP ports that processes of the host listen on; `None` when the engine is not local or they cannot be read.
    pub listeners: Option<BTreeSet<Port>>,
    /// The names of all containers.
    pub container_names: BTreeSet<String>,
    /// The networks that each container is on, by name.
    #[serde(default)]
    pub attachments: BTreeMap<String, BTreeSet<String>>,
}

/// A network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NetworkView {
    /// Its full ID.
    pub id: NetworkId,
    /// Its name, which need not be unique.
    pub name: String,
    /// Its IPv4 network.
    pub subnet: Option<Subnet>,
    /// rollcall's mark on it.
    pub nonce: Option<Nonce>,
}

/// A volume.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VolumeView {
    /// Name and time.
    pub id: VolumeId,
    /// rollcall's mark on it.
    pub nonce: Option<Nonce>,
}

/// A host port that some container has, or would have if it ran.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Binding {
    /// The host's port.
    pub port: Port,
    /// The container's name.
    pub container: String,
    /// The cluster that the container is a node of.
    pub cluster: Option<ClusterId>,
}

/// How alive a cluster is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Nothing at all.
    Absent,
    /// Only a network or volume is left.
    Residue,
    /// The nodes were made and never started.
    Created,
    /// A node is missing: no server or control plane, or no load balancer where there should be one.
    Partial,
    /// At least one node does not run.
    Stopped,
    /// At least one node is paused.
    Paused,
    /// At least one node restarts again and again.
    Restarting,
    /// All nodes run; whether the API answers was not asked, or it does not.
    Running,
    /// All nodes run and the API answers an authorised read.
    Ready,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Absent => "absent",
            Self::Residue => "residue",
            Self::Created => "created",
            Self::Partial => "partial",
            Self::Stopped => "stopped",
            Self::Paused => "paused",
            Self::Restarting => "restarting",
            Self::Running => "running",
            Self::Ready => "ready",
        })
    }
}

/// One live cluster, or what is left of one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClusterView {
    /// Which.
    pub id: ClusterId,
    /// How alive.
    pub phase: Phase,
    /// Why the phase is not `ready`, when there is something to say.
    pub detail: Option<String>,
    /// Its life; `None` when no server or control-plane node is left.
    pub incarnation: Option<Incarnation>,
    /// Its containers.
    pub nodes: Vec<NodeView>,
    /// The networks that are its own (a shared network is not).
    pub networks: Vec<NetworkView>,
    /// The volumes that are its own.
    pub volumes: Vec<VolumeView>,
    /// Published ports without the API's.
    pub ports: PortMap,
    /// The host port of its API.
    pub api_port: Option<Port>,
    /// The IPv4 network of its nodes.
    pub subnet: Option<Subnet>,
    /// The address of its first server or control-plane node.
    pub server_ip: Option<String>,
    /// Whether a published port can be added while it runs.
    pub accepts_ports: bool,
    /// Whether the API was asked, and its answer is in `phase`.
    pub probed: bool,
}

impl ClusterView {
    /// The nodes that prove ownership: all but the load balancer (which its tool rebuilds) and short-lived helpers.
    pub fn proving_nodes(&self) -> impl Iterator<Item = &NodeView> {
        self.nodes.iter().filter(|node| node.role.proves())
    }

    /// Whether any container is left.
    pub fn has_nodes(&self) -> bool {
        !self.nodes.is_empty()
    }
}

/// One container of a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NodeView {
    /// Its full ID.
    pub id: ContainerId,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub role: NodeRole,
    /// What it does.
    pub state: NodeState,
    /// Its image, as it was asked for.
    pub image: String,
    /// rollcall's mark on it.
    pub nonce: Option<Nonce>,
}

/// What a node is for.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum NodeRole {
    /// k3s server, kubeadm control plane.
    Server,
    /// k3s agent, worker.
    Worker,
    /// Load balancer in front of the cluster.
    Balancer,
    /// A tool's short-lived helper.
    Helper,
}

impl NodeRole {
    /// Whether a node of this role must be in the ledger for the cluster to be ours.
    pub fn proves(self) -> bool {
        matches!(self, Self::Server | Self::Worker)
    }
}

/// What a container does.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum NodeState {
    /// Made, never started.
    Created,
    /// Runs.
    Running,
    /// Frozen.
    Paused,
    /// Comes up and dies.
    Restarting,
    /// Is being removed.
    Removing,
    /// Stopped, killed or failed.
    Exited,
    /// The engine gave up on it.
    Dead,
}

/// What one registrar holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RegistrarView {
    /// Whether the registrar is there at all. Proven absence of its host is knowledge, not silence.
    pub installed: bool,
    /// The port inside a cluster that must be published on this host for an entry to lead anywhere.
    #[serde(default)]
    pub needs: Option<Port>,
    /// The registrars where a cluster must be registered before it is here, and come off before it does here.
    #[serde(default)]
    pub after: BTreeSet<RegistrarId>,
    /// Whether an entry is a part of the cluster: it serves whoever made it, and goes with the cluster.
    #[serde(default)]
    pub attached: bool,
    /// Whether a cluster is registered here before it is prepared: that is how people get to see why it cannot be.
    #[serde(default)]
    pub early: bool,
    /// Its entries for clusters.
    pub entries: BTreeMap<ClusterId, RegistrationView>,
    /// What stands in the way of a cluster here and is not rollcall's to move.
    #[serde(default)]
    pub obstacles: BTreeMap<ClusterId, Vec<Obstacle>>,
    /// What is wrong here besides, and not rollcall's to mend.
    #[serde(default)]
    pub problems: Vec<Obstacle>,
}

/// Something that somebody has to see to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Obstacle {
    /// What it is, as a fragment.
    pub what: String,
    /// What to do about it.
    pub remedy: String,
    /// The clusters whose entry it may be: where one of those is ours here, it is mended as that.
    #[serde(default)]
    pub of: Vec<ClusterId>,
}

impl RegistrarView {
    /// Whether a cluster that publishes these ports can be registered here.
    pub fn takes(&self, published: &PortMap) -> bool {
        self.needs
            .is_none_or(|inside| published.contains_key(&inside))
    }
}

/// One cluster in one registrar.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RegistrationView {
    /// What the entry says.
    pub fingerprint: Fingerprint,
    /// Where the entry points to, for people.
    pub endpoint: String,
    /// The ports of this host that it leads to, each by the port inside the cluster: an entry that leads elsewhere than
    /// the cluster of its name has to be written anew.
    pub leads_to: PortMap,
    /// What is wrong with it besides what it says.
    pub trouble: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_servers_and_workers_prove_ownership() {
        assert!(NodeRole::Server.proves() && NodeRole::Worker.proves());
        assert!(!NodeRole::Balancer.proves() && !NodeRole::Helper.proves());
    }
}
