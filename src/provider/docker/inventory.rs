//! What the engine holds, as plain values: what its lists say, without what must not be kept (environments, tokens).

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::model::{
    ContainerId, NetworkId, NetworkView, NodeState, Nonce, Port, PortMap, Subnet, VolumeId,
    VolumeView,
};

/// rollcall's mark on containers, networks and volumes: the nonce of one creation.
pub(in crate::provider) const NONCE: &str = "rollcall.dev/nonce";
/// The cluster that a network or volume was made for: `PROVIDER/NAME`.
pub(in crate::provider) const CLUSTER: &str = "rollcall.dev/cluster";
/// Labels whose values are secret. They end here.
const SECRET_LABELS: [&str; 1] = ["k3d.cluster.token"];

/// Labels of a container, network or volume.
pub(in crate::provider) type Labels = BTreeMap<String, String>;

/// Everything on an engine.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::provider) struct Inventory {
    pub(in crate::provider) containers: Vec<Container>,
    pub(in crate::provider) networks: Vec<Network>,
    pub(in crate::provider) volumes: Vec<Volume>,
}

/// A container, running or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::provider) struct Container {
    pub(in crate::provider) id: ContainerId,
    pub(in crate::provider) name: String,
    pub(in crate::provider) image: String,
    pub(in crate::provider) state: NodeState,
    pub(in crate::provider) labels: Labels,
    /// The TCP ports that it has, or would have if it ran: inside, and on the host.
    pub(in crate::provider) ports: BTreeSet<(Port, Port)>,
    /// The networks that it is on, by name, and its IPv4 address there while it runs.
    pub(in crate::provider) networks: BTreeMap<String, Option<String>>,
    pub(in crate::provider) mounts: Vec<Mount>,
}

/// Something that is mounted into a container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::provider) struct Mount {
    /// The volume's name; anything else has none.
    pub(in crate::provider) volume: Option<String>,
    pub(in crate::provider) destination: String,
}

/// A network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::provider) struct Network {
    pub(in crate::provider) id: NetworkId,
    pub(in crate::provider) name: String,
    pub(in crate::provider) subnet: Option<Subnet>,
    pub(in crate::provider) labels: Labels,
}

/// A volume.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::provider) struct Volume {
    pub(in crate::provider) name: String,
    /// When the engine says that it was made, UTC.
    pub(in crate::provider) created: String,
    pub(in crate::provider) labels: Labels,
}

impl Container {
    /// Its ports as a map; of several host ports for one inside port the lowest.
    pub(in crate::provider) fn port_map(&self) -> PortMap {
        self.ports.iter().rev().copied().collect()
    }
}

impl Network {
    /// How the model sees it.
    pub(in crate::provider) fn view(&self) -> NetworkView {
        NetworkView {
            id: self.id.clone(),
            name: self.name.clone(),
            subnet: self.subnet,
            nonce: nonce(&self.labels),
        }
    }
}

impl Volume {
    /// Whether nobody named it: its name is 64 random hexadecimal digits.
    pub(in crate::provider) fn is_anonymous(&self) -> bool {
        self.name.len() == 64 && self.name.bytes().all(|byte| byte.is_ascii_hexdigit())
    }

    /// Its identity. Docker's `CreatedAt` would be the obvious half beside the name, but up to Docker 20.10 it is the
    /// change time of the volume's folder, and moves with every file that is made in it (measured). So it counts only
    /// where there is nothing better: an anonymous name is never given twice, and a mark is ours for one creation.
    pub(in crate::provider) fn id(&self) -> VolumeId {
        match nonce(&self.labels) {
            _ if self.is_anonymous() => VolumeId::of(&self.name, "anonymous"),
            Some(nonce) => VolumeId::of(&self.name, nonce.as_str()),
            None => VolumeId::of(&self.name, &self.created),
        }
    }

    /// How the model sees it.
    pub(in crate::provider) fn view(&self) -> VolumeView {
        VolumeView {
            id: self.id(),
            nonce: nonce(&self.labels),
        }
    }
}

/// rollcall's mark among these labels.
pub(in crate::provider) fn nonce(labels: &Labels) -> Option<Nonce> {
    labels.get(NONCE).and_then(|text| Nonce::parse(text))
}

/// The labels without those that are secret.
pub(super) fn without_secrets(labels: impl IntoIterator<Item = (String, String)>) -> Labels {
    labels
        .into_iter()
        .filter(|(key, _)| !SECRET_LABELS.contains(&key.as_str()))
        .collect()
}
