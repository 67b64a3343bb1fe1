//! The things on the engine: containers, networks, volumes.

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use super::Actor;
use crate::model::{
    ClusterId, ClusterName, ContainerId, NetworkId, NodeRole, NodeState, Nonce, Port, PortMap,
    ProviderId, Subnet, VolumeId,
};

/// A container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Container {
    pub(super) id: ContainerId,
    pub(super) name: String,
    pub(super) image: String,
    pub(super) state: NodeState,
    /// The cluster that its labels name.
    pub(super) member: Option<Member>,
    /// Inside port -> port of the host.
    pub(super) ports: PortMap,
    /// Attachments; the first one gives the address.
    pub(super) networks: Vec<NetworkId>,
    /// Only what runs has one.
    pub(super) address: Option<Ipv4Addr>,
    /// Anonymous volumes: they go with the container if it is removed with them.
    pub(super) anonymous: Vec<VolumeId>,
    /// Named volumes: they stay.
    pub(super) mounted: Vec<VolumeId>,
    /// The API that a server serves.
    pub(super) api: Option<Api>,
    pub(super) nonce: Option<Nonce>,
    pub(super) made_by: Actor,
    /// Whether what follows a creation was done.
    #[serde(default)]
    pub(super) prepared: bool,
}

impl Container {
    /// A container that was not made yet.
    pub(super) fn new(name: impl Into<String>, image: impl Into<String>) -> Self {
        Self {
            id: ContainerId::new(""),
            name: name.into(),
            image: image.into(),
            state: NodeState::Created,
            member: None,
            ports: PortMap::new(),
            networks: Vec::new(),
            address: None,
            anonymous: Vec::new(),
            mounted: Vec::new(),
            api: None,
            nonce: None,
            made_by: Actor::default(),
            prepared: false,
        }
    }

    /// Whether it has its ports and its place on its networks: whatever was started and did not end.
    pub(super) fn is_active(&self) -> bool {
        matches!(
            self.state,
            NodeState::Running | NodeState::Paused | NodeState::Restarting
        )
    }

    /// The cluster it is a node of, if rollcall can carry its name.
    pub(super) fn cluster(&self) -> Option<ClusterId> {
        self.member.as_ref().and_then(|member| member.of.id())
    }

    /// What it is for, if it is a node.
    pub(super) fn role(&self) -> Option<NodeRole> {
        self.member.as_ref().map(|member| member.role)
    }
}

/// A cluster as labels name it: any text can stand there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Label {
    pub(super) provider: ProviderId,
    pub(super) name: String,
}

impl Label {
    /// The identity, if rollcall can carry the name.
    pub(super) fn id(&self) -> Option<ClusterId> {
        let name = ClusterName::parse(&self.name).ok()?;
        Some(ClusterId::new(self.provider.clone(), name))
    }
}

impl From<&ClusterId> for Label {
    fn from(id: &ClusterId) -> Self {
        Self {
            provider: id.provider.clone(),
            name: id.name.to_string(),
        }
    }
}

/// A node's place in its cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Member {
    pub(super) of: Label,
    pub(super) role: NodeRole,
    pub(super) number: u32,
}

/// The Kubernetes API of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Api {
    /// Its port of the host.
    pub(super) port: Port,
    pub(super) state: ApiState,
}

/// How well it serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ApiState {
    /// It was never set up: its credentials do not exist, and a start mends nothing.
    Unborn,
    /// It answers.
    Serving,
    /// It says nothing; the next start of its node mends it, as a k3s that was never started comes up by itself.
    Hung,
}

/// A network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Network {
    pub(super) id: NetworkId,
    pub(super) name: String,
    pub(super) subnet: Option<Subnet>,
    pub(super) kind: NetworkKind,
    pub(super) nonce: Option<Nonce>,
    pub(super) made_by: Actor,
}

/// Where a network comes from, as far as its labels tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum NetworkKind {
    /// The engine's own.
    Builtin,
    /// No label.
    Plain,
    /// Label `app=k3d`.
    K3d,
}

/// A volume.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Volume {
    pub(super) id: VolumeId,
    /// The cluster that its labels name; anonymous volumes have none.
    pub(super) label: Option<Label>,
    pub(super) nonce: Option<Nonce>,
    pub(super) made_by: Actor,
}
