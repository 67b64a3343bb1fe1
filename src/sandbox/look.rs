//! What an observer sees of the world: the same facts that Docker's lists give, and no more.

use std::collections::{BTreeMap, BTreeSet};

use super::state::State;
use super::things::{Container, Label, Network, NetworkKind, Volume};
use super::tool::Tool;
use crate::model::{
    Binding, ClusterId, ClusterView, EngineDescription, EngineFacts, EngineIdentity, EngineView,
    Incarnation, NetworkView, NodeRole, NodeState, NodeView, Nonce, Phase, PortMap, Unnamed,
    VolumeView, one_line,
};
use crate::provider::{Balancer, phase_of};

impl State {
    /// Everything.
    pub(super) fn look(&self) -> EngineView {
        let mut clusters: BTreeMap<_, BTreeMap<_, _>> = Tool::ALL
            .iter()
            .map(|tool| (tool.id(), BTreeMap::new()))
            .collect();
        let mut unnamed = BTreeSet::new();
        for label in self.labels() {
            match label.id() {
                Some(id) => {
                    let view = self.cluster(&id);
                    clusters
                        .entry(id.provider)
                        .or_default()
                        .insert(id.name, view);
                }
                None => {
                    unnamed.insert(Unnamed {
                        provider: label.provider,
                        shown: one_line(&label.name, 64),
                    });
                }
            }
        }
        EngineView {
            facts: self.facts(),
            clusters,
            unnamed: unnamed.into_iter().collect(),
        }
    }

    /// One cluster, or what is left of it.
    pub(super) fn cluster(&self, id: &ClusterId) -> ClusterView {
        let of = Label::from(id);
        let tool = Tool::of(&id.provider);
        let nodes = self.node_views(&of);
        let balancer = match tool {
            Some(Tool::K3d) => Balancer::Expected,
            _ => Balancer::Optional,
        };
        let (phase, detail) = phase_of(&nodes, balancer);
        let server = self.first_server(&of);
        let network = server.and_then(|c| c.networks.first());
        let network = network.and_then(|id| self.networks.iter().find(|n| n.id == *id));
        let reachable = self
            .balancer(&of)
            .is_some_and(|balancer| balancer.state == NodeState::Running);
        ClusterView {
            id: id.clone(),
            phase,
            detail,
            incarnation: server.map(|c| Incarnation::new(c.id.as_str())),
            networks: self.own_networks(&of).map(NetworkView::from).collect(),
            volumes: self.own_volumes(&of).map(VolumeView::from).collect(),
            ports: self.published(&of),
            api_port: server.and_then(|c| c.api).map(|api| api.port),
            subnet: network.and_then(|network| network.subnet),
            server_ip: server.and_then(|c| c.address).map(|ip| ip.to_string()),
            accepts_ports: tool == Some(Tool::K3d) && phase == Phase::Running && reachable,
            probed: false,
            nodes,
        }
    }

    /// The networks that belong to this cluster and to nobody else.
    pub(super) fn own_networks<'a>(&'a self, of: &Label) -> impl Iterator<Item = &'a Network> {
        let name = Tool::of(&of.provider).map(|tool| tool.network(&of.name));
        self.networks.iter().filter(move |network| {
            Some(&network.name) == name.as_ref()
                && (network.kind == NetworkKind::K3d
                    || network.nonce.is_some()
                    || self
                        .nodes(of)
                        .any(|node| node.networks.contains(&network.id)))
        })
    }

    /// The volumes that belong to it: by label, or anonymous on one of its nodes.
    pub(super) fn own_volumes<'a>(&'a self, of: &Label) -> impl Iterator<Item = &'a Volume> {
        self.volumes.iter().filter(move |volume| {
            volume.label.as_ref() == Some(of)
                || self
                    .nodes(of)
                    .any(|node| node.anonymous.contains(&volume.id))
        })
    }

    /// The published ports, without the API's.
    pub(super) fn published(&self, of: &Label) -> PortMap {
        self.nodes(of)
            .flat_map(|node| &node.ports)
            .filter(|(inside, _)| **inside != Tool::API)
            .map(|(inside, host)| (*inside, *host))
            .collect()
    }

    /// Every cluster of which something is left.
    fn labels(&self) -> BTreeSet<Label> {
        let nodes = self.containers.iter().filter_map(|c| c.member.as_ref());
        let volumes = self
            .volumes
            .iter()
            .filter_map(|volume| volume.label.clone());
        let networks = self.networks.iter().filter_map(|network| {
            let id = Tool::ALL
                .iter()
                .find_map(|tool| tool.cluster_of_network(&network.name))?;
            let marked = network.kind == NetworkKind::K3d || network.nonce.is_some();
            marked.then(|| Label::from(&id))
        });
        nodes
            .map(|member| member.of.clone())
            .chain(volumes)
            .chain(networks)
            .collect()
    }

    fn node_views(&self, of: &Label) -> Vec<NodeView> {
        let mut nodes: Vec<_> = self
            .nodes(of)
            .map(|c| NodeView {
                id: c.id.clone(),
                name: c.name.clone(),
                role: c.role().unwrap_or(NodeRole::Helper),
                state: c.state,
                image: c.image.clone(),
                nonce: c.nonce.clone().or_else(|| self.mounted_mark(c)),
            })
            .collect();
        nodes.sort_by(|a, b| a.name.cmp(&b.name));
        nodes
    }

    /// The mark of a volume that a container mounts: k3d labels neither its helper nor the load balancer that it makes
    /// anew, and both mount the cluster's images volume. A server or worker proves whose the cluster is, and whoever
    /// makes it anew over such a volume mounts it too: it has to bear the mark itself.
    fn mounted_mark(&self, container: &Container) -> Option<Nonce> {
        if container.role().is_some_and(NodeRole::proves) {
            return None;
        }
        let mounts = |volume: &&Volume| container.mounted.contains(&volume.id);
        self.volumes
            .iter()
            .filter(mounts)
            .find_map(|volume| volume.nonce.clone())
    }

    /// Who the engine is.
    pub(super) fn identity(&self) -> EngineIdentity {
        EngineIdentity {
            id: Some(self.engine.clone()),
            version: "sandbox".to_owned(),
        }
    }

    /// Nothing of this machine is the sandbox's.
    pub(super) fn description(&self) -> EngineDescription {
        EngineDescription {
            version: Some(self.identity().version),
            ..EngineDescription::default()
        }
    }

    fn facts(&self) -> EngineFacts {
        // The engine publishes a port through a process of the host, so its own ports are among the listeners.
        let published = self
            .containers
            .iter()
            .filter(|c| c.is_active())
            .flat_map(|c| c.ports.values().copied());
        let bindings = self.containers.iter().flat_map(bindings);
        EngineFacts {
            id: None,
            version: None,
            networks: self.networks.iter().map(NetworkView::from).collect(),
            volumes: self.volumes.iter().map(VolumeView::from).collect(),
            bindings: bindings.collect(),
            listeners: Some(self.listeners.iter().copied().chain(published).collect()),
            container_names: self.containers.iter().map(|c| c.name.clone()).collect(),
            attachments: self.containers.iter().map(|c| self.attached(c)).collect(),
        }
    }
}

impl State {
    /// A container's name, and those of its networks.
    fn attached(&self, container: &Container) -> (String, BTreeSet<String>) {
        let on = |network: &&Network| container.networks.contains(&network.id);
        let networks = self.networks.iter().filter(on);
        let networks = networks.map(|network| network.name.clone());
        (container.name.clone(), networks.collect())
    }
}

fn bindings(container: &Container) -> impl Iterator<Item = Binding> {
    container.ports.values().map(|port| Binding {
        port: *port,
        container: container.name.clone(),
        cluster: container.cluster(),
    })
}

impl From<&Network> for NetworkView {
    fn from(network: &Network) -> Self {
        Self {
            id: network.id.clone(),
            name: network.name.clone(),
            subnet: network.subnet,
            nonce: network.nonce.clone(),
        }
    }
}

impl From<&Volume> for VolumeView {
    fn from(volume: &Volume) -> Self {
        Self {
            id: volume.id.clone(),
            nonce: volume.nonce.clone(),
        }
    }
}
