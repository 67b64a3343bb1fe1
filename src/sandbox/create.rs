//! Making a cluster, stage by stage, as its tool does it: what was made stays when a later stage fails.

use super::Actor;
use super::state::State;
use super::things::{Api, ApiState, Container, Label, Member, NetworkKind};
use super::tool::{Stage, Tool};
use crate::model::{ClusterSpec, NetworkId, NodeRole, Nonce, PortMap, Subnet, VolumeId};
use crate::provider::{Fault, ProviderError};

/// A cluster to be made.
pub(super) struct Blueprint {
    pub(super) tool: Tool,
    pub(super) of: Label,
    pub(super) ports: PortMap,
    pub(super) subnet: Option<Subnet>,
    /// The mark that everything gets; a hand's has none.
    pub(super) nonce: Option<Nonce>,
}

impl Blueprint {
    /// What an order asks for.
    pub(super) fn new(tool: Tool, spec: &ClusterSpec, nonce: Option<Nonce>) -> Self {
        Self {
            tool,
            of: Label::from(&spec.id),
            ports: spec.ports.published(),
            subnet: spec.subnet,
            nonce,
        }
    }

    /// What the tool looks at before it makes anything.
    pub(super) fn check(&self, state: &State) -> Result<(), ProviderError> {
        if state.nodes(&self.of).next().is_some() {
            return Err(ProviderError::new(
                Fault::NotOurs,
                self.tool.already_there(&self.of),
            ));
        }
        Ok(())
    }

    /// Everything, without waiting.
    pub(super) fn at_once(&self, state: &mut State) -> Result<(), ProviderError> {
        self.check(state)?;
        self.tool
            .script()
            .iter()
            .flat_map(|(_, stages)| *stages)
            .try_for_each(|stage| self.apply(state, *stage))
    }

    /// One stage.
    pub(super) fn apply(&self, world: &mut State, stage: Stage) -> Result<(), ProviderError> {
        match stage {
            Stage::Network => self.network(world).map(drop),
            Stage::Volume => {
                let label = Some(self.of.clone());
                world.make_volume(&self.image_volume(), label, self.nonce.clone());
                Ok(())
            }
            Stage::Tools => self.tools(world),
            Stage::Server => self.server(world),
            Stage::Balancer => self.balancer(world),
            Stage::StartServer => self.start(world, NodeRole::Server),
            Stage::StartBalancer => self.start(world, NodeRole::Balancer),
            Stage::Boot => {
                let id = self.node(world, NodeRole::Server)?.id.clone();
                if let Some(api) = world.container_mut(&id).and_then(|c| c.api.as_mut()) {
                    api.state = ApiState::Serving;
                }
                Ok(())
            }
            Stage::DropTools => {
                if let Ok(helper) = self.node(world, NodeRole::Helper) {
                    let id = helper.id.clone();
                    world.remove_container(&id);
                }
                Ok(())
            }
        }
    }

    /// The network of the nodes: made, or kind's shared one.
    fn network(&self, state: &mut State) -> Result<NetworkId, ProviderError> {
        if self.is_shared() {
            return match state.network_named(Tool::SHARED_NETWORK) {
                Some(network) => Ok(network.id.clone()),
                None => state.make_network(Tool::SHARED_NETWORK, None, NetworkKind::Plain, None),
            };
        }
        let name = self.tool.network(&self.of.name);
        let kind = match self.tool {
            Tool::K3d => NetworkKind::K3d,
            Tool::Kind => NetworkKind::Plain,
        };
        match state.network_named(&name) {
            // The tools by themselves take a network of the right name as it is.
            Some(network) if state.actor == Actor::Hand => Ok(network.id.clone()),
            _ => state.make_network(&name, self.subnet, kind, self.nonce.clone()),
        }
    }

    fn tools(&self, state: &mut State) -> Result<(), ProviderError> {
        let name = format!("k3d-{}-tools", self.of.name);
        let mut helper = Container::new(name, Tool::TOOLS_IMAGE);
        helper.member = Some(self.member(NodeRole::Helper));
        helper.networks = vec![self.network_id(state)?];
        helper.mounted = self.mounted(state);
        let id = state.make_container(helper)?;
        state.start_container(&id)
    }

    fn server(&self, state: &mut State) -> Result<(), ProviderError> {
        let name = self.tool.server(&self.of.name);
        let mut server = Container::new(name, self.tool.image());
        let port = state.fresh_port(&self.ports)?;
        server.member = Some(self.member(NodeRole::Server));
        server.networks = vec![self.network_id(state)?];
        server.nonce.clone_from(&self.nonce);
        server.mounted = self.mounted(state);
        server.api = Some(Api {
            port,
            state: match self.tool {
                Tool::K3d => ApiState::Hung,
                Tool::Kind => ApiState::Unborn,
            },
        });
        if self.tool == Tool::Kind {
            server.ports.clone_from(&self.ports);
            server.ports.insert(Tool::API, port);
        }
        let id = state.make_container(server)?;
        if self.tool == Tool::Kind {
            let name = state.fresh_id();
            let volume = state.make_volume(&name, None, None);
            if let Some(server) = state.container_mut(&id) {
                server.anonymous.push(volume);
            }
        }
        Ok(())
    }

    fn balancer(&self, state: &mut State) -> Result<(), ProviderError> {
        let name = format!("k3d-{}-serverlb", self.of.name);
        let mut balancer = Container::new(name, Tool::PROXY_IMAGE);
        let api = self.node(state, NodeRole::Server)?.api;
        balancer.member = Some(self.member(NodeRole::Balancer));
        balancer.networks = vec![self.network_id(state)?];
        balancer.nonce.clone_from(&self.nonce);
        balancer.mounted = self.mounted(state);
        balancer.ports.clone_from(&self.ports);
        balancer.ports.extend(api.map(|api| (Tool::API, api.port)));
        state.make_container(balancer).map(drop)
    }

    fn start(&self, state: &mut State, role: NodeRole) -> Result<(), ProviderError> {
        let id = self.node(state, role)?.id.clone();
        state.start_container(&id)
    }

    /// A node that an earlier stage made, unless somebody took it away meanwhile.
    fn node<'a>(&self, state: &'a State, role: NodeRole) -> Result<&'a Container, ProviderError> {
        state
            .nodes(&self.of)
            .find(|c| c.role() == Some(role))
            .ok_or_else(|| {
                let name = &self.of.name;
                let message = format!("a node of cluster '{name}' was removed while it was made");
                ProviderError::new(Fault::Transient, message)
            })
    }

    fn network_id(&self, state: &State) -> Result<NetworkId, ProviderError> {
        let own = self.tool.network(&self.of.name);
        let name = if self.is_shared() {
            Tool::SHARED_NETWORK
        } else {
            &own
        };
        state
            .network_named(name)
            .map(|network| network.id.clone())
            .ok_or_else(|| {
                ProviderError::new(Fault::Permanent, format!("network {name} not found"))
            })
    }

    /// Whether the cluster lives on kind's own network: kind makes no network of its own accord.
    fn is_shared(&self) -> bool {
        self.tool == Tool::Kind && self.subnet.is_none()
    }

    /// The image volume, which every node of k3d mounts.
    fn mounted(&self, state: &State) -> Vec<VolumeId> {
        if self.tool == Tool::Kind {
            return Vec::new();
        }
        let name = self.image_volume();
        let volume = state.volumes.iter().find(|v| v.id.name() == name);
        volume.map(|v| v.id.clone()).into_iter().collect()
    }

    fn image_volume(&self) -> String {
        format!("k3d-{}-images", self.of.name)
    }

    fn member(&self, role: NodeRole) -> Member {
        Member {
            of: self.of.clone(),
            role,
            number: 0,
        }
    }
}
