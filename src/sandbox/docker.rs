//! The engine's own rules: what it refuses, and what it lets happen. It knows no tool.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use super::journal::Deed;
use super::state::{Noted, State};
use super::things::{ApiState, Container, Label, Network, NetworkKind, Volume};
use crate::model::{ContainerId, NetworkId, NodeState, Nonce, Port, Subnet, VolumeId};
use crate::provider::{Fault, ProviderError};

/// Something is in the way that somebody else made.
fn in_the_way(message: String) -> ProviderError {
    ProviderError::new(Fault::NotOurs, message)
}

fn refused(message: String) -> ProviderError {
    ProviderError::new(Fault::Permanent, message)
}

fn short(id: &str) -> &str {
    id.get(..12).unwrap_or(id)
}

impl State {
    /// Makes a container; it does not run yet.
    pub(super) fn make_container(
        &mut self,
        mut container: Container,
    ) -> Result<ContainerId, ProviderError> {
        let name = &container.name;
        if let Some(other) = self.containers.iter().find(|c| c.name == *name) {
            return Err(in_the_way(format!(
                "Conflict. The container name \"/{name}\" is already in use by container {:?}",
                other.id.as_str()
            )));
        }
        if !self.images.contains(&container.image) {
            let image = &container.image;
            let error = refused(format!("No such image: {image}"));
            return Err(error.hint(format!("docker pull {image}")));
        }
        self.networks_exist(&container)?;
        container.id = ContainerId::new(self.fresh_id());
        container.made_by = self.actor;
        let id = container.id.clone();
        self.note(Deed::Make, Noted::from(&container), self.actor);
        self.containers.push(container);
        Ok(id)
    }

    /// Starts a container that does not run. A port that somebody has keeps it as it is.
    pub(super) fn start_container(&mut self, id: &ContainerId) -> Result<(), ProviderError> {
        let container = self.container(id).ok_or_else(|| no_such_container(id))?;
        match container.state {
            NodeState::Running | NodeState::Restarting => return Ok(()),
            NodeState::Paused => {
                return Err(refused(
                    "cannot start a paused container, try unpause instead".to_owned(),
                ));
            }
            NodeState::Removing | NodeState::Dead => {
                return Err(refused(
                    "container is marked for removal and cannot be started".to_owned(),
                ));
            }
            NodeState::Created | NodeState::Exited => {}
        }
        self.networks_exist(container)?;
        each_once(container.ports.values())?;
        let ports: Vec<Port> = container.ports.values().copied().collect();
        for port in ports {
            self.port_is_free(port, id)?;
        }
        self.run(id, None);
        if let Some(container) = self.container(id) {
            let (noted, made_by) = (container.clone(), container.made_by);
            self.note(Deed::Start, Noted::from(&noted), made_by);
        }
        Ok(())
    }

    /// Lets a container run, with an address that is not `old`, and an API that answers if it ever did.
    pub(super) fn run(&mut self, id: &ContainerId, old: Option<Ipv4Addr>) {
        let network = self.container(id).and_then(|c| c.networks.first().cloned());
        let address = network.and_then(|network| self.fresh_address(&network, old));
        if let Some(container) = self.container_mut(id) {
            container.state = NodeState::Running;
            container.address = address;
            if let Some(api) = &mut container.api
                && api.state == ApiState::Hung
            {
                api.state = ApiState::Serving;
            }
        }
    }

    /// Unpauses a container; one that is not paused stays as it is.
    pub(super) fn unpause_container(&mut self, id: &ContainerId) -> Result<(), ProviderError> {
        let container = self
            .container_mut(id)
            .ok_or_else(|| no_such_container(id))?;
        if container.state == NodeState::Paused {
            container.state = NodeState::Running;
            let (noted, made_by) = (container.clone(), container.made_by);
            self.note(Deed::Unpause, Noted::from(&noted), made_by);
        }
        Ok(())
    }

    /// Ends a container: it keeps its ports in mind and has none.
    pub(super) fn stop_container(&mut self, id: &ContainerId) {
        if let Some(container) = self.container_mut(id)
            && container.is_active()
        {
            container.state = NodeState::Exited;
            container.address = None;
            let (noted, made_by) = (container.clone(), container.made_by);
            self.note(Deed::Stop, Noted::from(&noted), made_by);
        }
    }

    /// Removes a container, running or not, with its anonymous volumes; gone already is fine.
    pub(super) fn remove_container(&mut self, id: &ContainerId) {
        let Some(at) = self.containers.iter().position(|c| c.id == *id) else {
            return;
        };
        let container = self.containers.remove(at);
        self.note(Deed::Remove, Noted::from(&container), container.made_by);
        for volume in &container.anonymous {
            if let Some(at) = self.volumes.iter().position(|v| v.id == *volume) {
                let volume = self.volumes.remove(at);
                self.note(Deed::Remove, Noted::from(&volume), volume.made_by);
            }
        }
    }

    /// Makes a network.
    pub(super) fn make_network(
        &mut self,
        name: &str,
        subnet: Option<Subnet>,
        kind: NetworkKind,
        nonce: Option<Nonce>,
    ) -> Result<NetworkId, ProviderError> {
        if self.network_named(name).is_some() {
            return Err(in_the_way(format!(
                "network with name {name} already exists"
            )));
        }
        let subnet = match subnet {
            Some(asked) => match self.overlapping(asked) {
                Some(other) => {
                    return Err(refused(format!(
                        "Pool overlaps with other one on this address space ({asked} with network {other})"
                    )));
                }
                None => asked,
            },
            None => self.fresh_subnet()?,
        };
        let network = Network {
            id: NetworkId::new(self.fresh_id()),
            name: name.to_owned(),
            subnet: Some(subnet),
            kind,
            nonce,
            made_by: self.actor,
        };
        let id = network.id.clone();
        self.note(Deed::Make, Noted::from(&network), self.actor);
        self.networks.push(network);
        Ok(id)
    }

    /// Puts a container on a network.
    pub(super) fn join(&mut self, network: &str, container: &str) -> Result<(), ProviderError> {
        let gone = |what: &str| refused(format!("no such thing: {what}"));
        let id = self.network_named(network).map(|n| n.id.clone());
        let id = id.ok_or_else(|| gone(network))?;
        let mut containers = self.containers.iter_mut();
        let found = containers.find(|c| c.name == container);
        let found = found.ok_or_else(|| gone(container))?;
        if !found.networks.contains(&id) {
            found.networks.push(id);
        }
        Ok(())
    }

    /// Takes a container off a network.
    pub(super) fn leave(&mut self, network: &NetworkId, container: &str) {
        let named = self.containers.iter_mut().filter(|c| c.name == container);
        named.for_each(|c| c.networks.retain(|own| own != network));
    }

    /// Removes a network; gone already is fine, one that still carries somebody is not.
    pub(super) fn remove_network(&mut self, id: &NetworkId) -> Result<(), ProviderError> {
        let Some(at) = self.networks.iter().position(|network| network.id == *id) else {
            return Ok(());
        };
        let name = &self.networks[at].name;
        if self.networks[at].kind == NetworkKind::Builtin {
            return Err(refused(format!(
                "{name} is a pre-defined network and cannot be removed"
            )));
        }
        let guest = self
            .containers
            .iter()
            .find(|c| c.is_active() && c.networks.contains(id));
        if let Some(guest) = guest {
            return Err(in_the_way(format!(
                "network {name} has active endpoints: {}",
                guest.name
            ))
            .hint(format!("docker network disconnect {name} {}", guest.name)));
        }
        let network = self.networks.remove(at);
        self.note(Deed::Remove, Noted::from(&network), network.made_by);
        Ok(())
    }

    /// Makes a volume; one of this name that is there already is taken as it is, without a word.
    pub(super) fn make_volume(
        &mut self,
        name: &str,
        label: Option<Label>,
        nonce: Option<Nonce>,
    ) -> VolumeId {
        if let Some(volume) = self.volumes.iter().find(|v| v.id.name() == name) {
            return volume.id.clone();
        }
        let volume = Volume {
            id: self.fresh_volume(name),
            label,
            nonce,
            made_by: self.actor,
        };
        let id = volume.id.clone();
        self.note(Deed::Make, Noted::from(&volume), self.actor);
        self.volumes.push(volume);
        id
    }

    /// Removes a volume; gone already, or made again under its name, is fine; in use is not.
    pub(super) fn remove_volume(&mut self, id: &VolumeId) -> Result<(), ProviderError> {
        let Some(at) = self.volumes.iter().position(|volume| volume.id == *id) else {
            return Ok(());
        };
        let user = self
            .containers
            .iter()
            .find(|c| c.mounted.contains(id) || c.anonymous.contains(id));
        if let Some(user) = user {
            return Err(refused(format!(
                "remove {}: volume is in use - [{}]",
                id.name(),
                short(user.id.as_str())
            )));
        }
        let volume = self.volumes.remove(at);
        self.note(Deed::Remove, Noted::from(&volume), volume.made_by);
        Ok(())
    }

    fn networks_exist(&self, container: &Container) -> Result<(), ProviderError> {
        let gone = container
            .networks
            .iter()
            .find(|id| !self.networks.iter().any(|network| network.id == **id));
        match gone {
            Some(id) => Err(refused(format!("network {} not found", id.as_str()))),
            None => Ok(()),
        }
    }

    /// Whether a container could have this port of the host now, as far as others are concerned: that it binds it but
    /// once is [`each_once`]'s.
    pub(super) fn port_is_free(
        &self,
        port: Port,
        container: &ContainerId,
    ) -> Result<(), ProviderError> {
        if self.listeners.contains(&port) {
            return Err(refused(format!(
                "Error starting userland proxy: listen tcp4 127.0.0.1:{port}: bind: address already in use"
            )));
        }
        let taken = self.containers.iter().any(|c| {
            c.id != *container && c.is_active() && c.ports.values().any(|own| *own == port)
        });
        if taken {
            return Err(already_allocated(port));
        }
        Ok(())
    }
}

/// A port of the host is bound once, within one container too, whatever it leads to inside.
pub(super) fn each_once<'p>(ports: impl Iterator<Item = &'p Port>) -> Result<(), ProviderError> {
    let mut bound = BTreeSet::new();
    for port in ports {
        if !bound.insert(*port) {
            return Err(already_allocated(*port));
        }
    }
    Ok(())
}

fn already_allocated(port: Port) -> ProviderError {
    refused(format!(
        "driver failed programming external connectivity: Bind for 127.0.0.1:{port} failed: port is already allocated"
    ))
}

/// The engine does not know it.
pub(super) fn no_such_container(id: &ContainerId) -> ProviderError {
    refused(format!("No such container: {}", short(id.as_str())))
}
