//! The hand: what people and other programs do to clusters, containers, networks and registrations behind
//! rollcall's back. Nothing of it is in the journal, and what it makes is foreign.

use serde::{Deserialize, Serialize};

use super::create::Blueprint;
use super::credentials;
use super::state::{Registered, State};
use super::things::{ApiState, Container, Label, NetworkKind};
use super::tool::Tool;
use super::{Actor, Sandbox, SandboxError};
use crate::model::{
    ClusterId, ClusterSpec, ContainerId, Incarnation, NodeRole, NodeState, Port, PortMap,
    ProviderId, RegistrarId, Subnet,
};

/// What a wiped cluster leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Leave {
    /// Nothing; not even an anonymous volume.
    Nothing,
    /// What `docker rm -f` of every node leaves.
    NetworksAndVolumes,
}

impl Sandbox {
    /// Somebody makes a cluster with the tool alone: it bears no mark.
    pub fn make_foreign(&self, spec: &ClusterSpec) -> Result<(), SandboxError> {
        let tool = known(&spec.id.provider)?;
        let blueprint = Blueprint::new(tool, spec, None);
        self.by_hand(|state| Ok(blueprint.at_once(state)?))
    }

    /// Somebody makes a cluster whose name rollcall cannot carry.
    pub fn make_unnamed(&self, provider: &ProviderId, name: &str) -> Result<(), SandboxError> {
        let blueprint = Blueprint {
            tool: known(provider)?,
            of: Label {
                provider: provider.clone(),
                name: name.to_owned(),
            },
            ports: PortMap::new(),
            subnet: None,
            nonce: None,
        };
        self.by_hand(|state| Ok(blueprint.at_once(state)?))
    }

    /// Somebody removes all nodes of a cluster.
    pub fn wipe(&self, id: &ClusterId, leave: Leave) -> Result<(), SandboxError> {
        self.by_hand(|state| wipe(state, &Label::from(id), leave))
    }

    /// Somebody stops all nodes of a cluster.
    pub fn stop(&self, id: &ClusterId) -> Result<(), SandboxError> {
        self.each_node(id, |state, node| {
            state.stop_container(node);
            Ok(())
        })
    }

    /// Somebody starts all nodes of a cluster that do not run, and unpauses the paused ones.
    pub fn start(&self, id: &ClusterId) -> Result<(), SandboxError> {
        self.each_node(id, |state, node| {
            state.unpause_container(node)?;
            Ok(state.start_container(node)?)
        })
    }

    /// Somebody pauses all running nodes of a cluster.
    pub fn pause(&self, id: &ClusterId) -> Result<(), SandboxError> {
        self.each_node(id, |state, node| {
            let running = state
                .container_mut(node)
                .filter(|c| c.state == NodeState::Running);
            if let Some(container) = running {
                container.state = NodeState::Paused;
            }
            Ok(())
        })
    }

    /// The servers of a cluster come up and die, again and again.
    pub fn crash_loop(&self, id: &ClusterId) -> Result<(), SandboxError> {
        self.each_node(id, |state, node| {
            let server = state
                .container_mut(node)
                .filter(|c| c.role() == Some(NodeRole::Server));
            if let Some(server) = server {
                server.state = NodeState::Restarting;
            }
            Ok(())
        })
    }

    /// The API of a cluster falls silent, while all its nodes run.
    pub fn hang(&self, id: &ClusterId) -> Result<(), SandboxError> {
        self.each_node(id, |state, node| {
            if let Some(api) = state.container_mut(node).and_then(|c| c.api.as_mut()) {
                api.state = ApiState::Hung;
            }
            Ok(())
        })
    }

    /// Somebody removes a cluster's load balancer.
    pub fn kill_balancer(&self, id: &ClusterId) -> Result<(), SandboxError> {
        self.by_hand(|state| {
            let balancer = state.balancer(&Label::from(id)).map(|c| c.id.clone());
            let balancer = balancer.ok_or_else(|| missing(&format!("a load balancer of {id}")))?;
            state.remove_container(&balancer);
            Ok(())
        })
    }

    /// Somebody stops one node, by the name of its container.
    pub fn stop_node(&self, name: &str) -> Result<(), SandboxError> {
        self.one_container(name, State::stop_container)
    }

    /// Somebody removes one node, by the name of its container; its anonymous volumes stay.
    pub fn remove_node(&self, name: &str) -> Result<(), SandboxError> {
        self.one_container(name, remove_keeping_volumes)
    }

    /// Somebody runs a container with these ports of the host.
    pub fn foreign_container(&self, name: &str, ports: &[Port]) -> Result<(), SandboxError> {
        let mut container = Container::new(name, "somebody/something:latest");
        container.ports = ports.iter().map(|port| (*port, *port)).collect();
        self.by_hand(|state| {
            state.images.insert(container.image.clone());
            let id = state.make_container(container)?;
            Ok(state.start_container(&id)?)
        })
    }

    /// Somebody connects a container to a network.
    pub fn connect(&self, container: &str, network: &str) -> Result<(), SandboxError> {
        self.by_hand(|state| {
            let found = state
                .network_named(network)
                .map(|network| network.id.clone());
            let network = found.ok_or_else(|| missing(&format!("network {network}")))?;
            let found = state.containers.iter_mut().find(|c| c.name == container);
            let container = found.ok_or_else(|| missing(&format!("container {container}")))?;
            container.networks.push(network);
            Ok(())
        })
    }

    /// Somebody makes a network.
    pub fn foreign_network(&self, name: &str, subnet: Option<Subnet>) -> Result<(), SandboxError> {
        self.by_hand(|state| {
            state.make_network(name, subnet, NetworkKind::Plain, None)?;
            Ok(())
        })
    }

    /// Somebody removes a provider's image from the engine.
    pub fn remove_image(&self, provider: &ProviderId) -> Result<(), SandboxError> {
        let image = known(provider)?.image();
        self.by_hand(|state| {
            state.images.remove(image);
            Ok(())
        })
    }

    /// Somebody changes where the entry of a cluster points to.
    pub fn edit_registration(
        &self,
        registrar: &RegistrarId,
        id: &ClusterId,
        endpoint: &str,
    ) -> Result<(), SandboxError> {
        self.by_hand(|state| {
            let found = state
                .registrars
                .get_mut(registrar)
                .and_then(|all| all.get_mut(id));
            let entry = found.ok_or_else(|| missing(&format!("{id} in {registrar}")))?;
            endpoint.clone_into(&mut entry.endpoint);
            entry.fingerprint = credentials::fingerprint(id, endpoint, entry.incarnation.as_ref());
            Ok(())
        })
    }

    /// Somebody takes the entry of a cluster away.
    pub fn drop_registration(
        &self,
        registrar: &RegistrarId,
        id: &ClusterId,
    ) -> Result<(), SandboxError> {
        self.by_hand(|state| {
            let found = state
                .registrars
                .get_mut(registrar)
                .and_then(|all| all.remove(id));
            found
                .map(drop)
                .ok_or_else(|| missing(&format!("{id} in {registrar}")))
        })
    }

    /// Somebody writes an entry under a cluster's name, over what was there; with the living cluster's credentials, if one lives.
    pub fn foreign_registration(
        &self,
        registrar: &RegistrarId,
        id: &ClusterId,
        endpoint: &str,
    ) -> Result<(), SandboxError> {
        self.by_hand(|state| {
            let server = state.first_server(&Label::from(id));
            let incarnation = server.map(|c| Incarnation::new(c.id.as_str()));
            let fingerprint = credentials::fingerprint(id, endpoint, incarnation.as_ref());
            let found = state.registrars.get_mut(registrar);
            let all = found.ok_or_else(|| missing(&format!("registrar {registrar}")))?;
            let entry = Registered {
                endpoint: endpoint.to_owned(),
                incarnation,
                fingerprint,
                made_by: Actor::Hand,
            };
            all.insert(id.clone(), entry);
            Ok(())
        })
    }

    /// Changes the world as somebody else.
    pub(super) fn by_hand(
        &self,
        f: impl FnOnce(&mut State) -> Result<(), SandboxError>,
    ) -> Result<(), SandboxError> {
        self.vault.change_as(Actor::Hand, f)?
    }

    fn each_node(
        &self,
        id: &ClusterId,
        f: impl Fn(&mut State, &ContainerId) -> Result<(), SandboxError>,
    ) -> Result<(), SandboxError> {
        self.by_hand(|state| {
            let nodes = node_ids(state, &Label::from(id));
            if nodes.is_empty() {
                return Err(missing(&format!("a node of {id}")));
            }
            nodes.iter().try_for_each(|node| f(state, node))
        })
    }

    fn one_container(
        &self,
        name: &str,
        f: impl FnOnce(&mut State, &ContainerId),
    ) -> Result<(), SandboxError> {
        self.by_hand(|state| {
            let found = state.containers.iter().find(|c| c.name == name);
            let id = found.map(|c| c.id.clone());
            let id = id.ok_or_else(|| missing(&format!("container {name}")))?;
            f(state, &id);
            Ok(())
        })
    }
}

fn wipe(state: &mut State, of: &Label, leave: Leave) -> Result<(), SandboxError> {
    let networks: Vec<_> = state.own_networks(of).map(|n| n.id.clone()).collect();
    let volumes: Vec<_> = state.own_volumes(of).map(|v| v.id.clone()).collect();
    for node in node_ids(state, of) {
        remove_keeping_volumes(state, &node);
    }
    if leave == Leave::Nothing {
        for network in &networks {
            state.remove_network(network)?;
        }
        for volume in &volumes {
            state.remove_volume(volume)?;
        }
    }
    Ok(())
}

/// `docker rm -f` without `-v`: the anonymous volumes leak.
fn remove_keeping_volumes(state: &mut State, id: &ContainerId) {
    if let Some(container) = state.container_mut(id) {
        container.anonymous.clear();
    }
    state.remove_container(id);
}

fn node_ids(state: &State, of: &Label) -> Vec<ContainerId> {
    state.nodes(of).map(|c| c.id.clone()).collect()
}

fn known(provider: &ProviderId) -> Result<Tool, SandboxError> {
    Tool::of(provider).ok_or_else(|| missing(&format!("provider {provider}")))
}

fn missing(what: &str) -> SandboxError {
    SandboxError::Refused(format!("there is no {what}"))
}
