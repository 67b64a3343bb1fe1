//! The engine's answers in our words: pure functions from bollard's models.

use std::collections::{BTreeMap, BTreeSet};

use bollard::models::{
    self, ContainerInspectResponse, ContainerSummary, ContainerSummaryStateEnum, MountPoint,
    PortBinding, PortSummaryTypeEnum,
};
use jiff::Timestamp;

use super::inventory::{Container, Mount, Network, Volume, without_secrets};
use crate::model::{ContainerId, NetworkId, NodeState, Port, Subnet};

/// An answer that makes no sense, and what is wrong with it.
#[derive(Debug)]
pub(super) struct Nonsense(pub(super) &'static str);

/// A network in our words.
pub(super) fn network(network: models::Network) -> Result<Network, Nonsense> {
    let id = network.id.ok_or(Nonsense("a network without an ID"))?;
    let ranges = network.ipam.and_then(|ipam| ipam.config);
    Ok(Network {
        id: NetworkId::new(id),
        name: network.name.unwrap_or_default(),
        subnet: ranges
            .unwrap_or_default()
            .iter()
            .filter_map(|range| range.subnet.as_deref())
            .find_map(|subnet| Subnet::parse(subnet).ok()),
        labels: without_secrets(network.labels.unwrap_or_default()),
    })
}

/// A volume in our words.
pub(super) fn volume(volume: models::Volume) -> Volume {
    // In UTC, so that an engine that moves to another time zone does not make its volumes new ones.
    let utc = |at: String| at.parse::<Timestamp>().map_or(at, |at| at.to_string());
    Volume {
        name: volume.name,
        created: volume.created_at.map(utc).unwrap_or_default(),
        labels: without_secrets(volume.labels),
    }
}

/// A container of the list in our words; what does not run has no ports there.
pub(super) fn container(summary: ContainerSummary) -> Result<Container, Nonsense> {
    let id = summary.id.ok_or(Nonsense("a container without an ID"))?;
    let state = summary.state.and_then(state);
    let state = state.ok_or(Nonsense("a container without a state"))?;
    // Links of old days show up as further names, with a slash inside.
    let names = summary.names.unwrap_or_default();
    let name = names
        .iter()
        .map(|name| name.trim_start_matches('/'))
        .find(|name| !name.contains('/'))
        .unwrap_or(&id)
        .to_owned();
    let ports = summary.ports.unwrap_or_default();
    let ports = ports
        .into_iter()
        .filter(|port| matches!(port.typ, None | Some(PortSummaryTypeEnum::TCP)))
        .filter_map(|port| pair(port.private_port, port.public_port?))
        .collect();
    let endpoints = summary
        .network_settings
        .and_then(|settings| settings.networks);
    Ok(Container {
        name,
        image: summary.image.unwrap_or_default(),
        state,
        labels: without_secrets(summary.labels.unwrap_or_default()),
        ports,
        networks: endpoints
            .unwrap_or_default()
            .into_iter()
            .map(|(name, endpoint)| (name, endpoint.ip_address.filter(|ip| !ip.is_empty())))
            .collect::<BTreeMap<_, _>>(),
        mounts: summary
            .mounts
            .unwrap_or_default()
            .into_iter()
            .map(mount)
            .collect(),
        id: ContainerId::new(id),
    })
}

fn state(state: ContainerSummaryStateEnum) -> Option<NodeState> {
    use ContainerSummaryStateEnum as Docker;
    Some(match state {
        Docker::EMPTY => return None,
        Docker::CREATED => NodeState::Created,
        Docker::RUNNING | Docker::STOPPING => NodeState::Running,
        Docker::PAUSED => NodeState::Paused,
        Docker::RESTARTING => NodeState::Restarting,
        Docker::EXITED => NodeState::Exited,
        Docker::REMOVING => NodeState::Removing,
        Docker::DEAD => NodeState::Dead,
    })
}

fn mount(mount: MountPoint) -> Mount {
    let is_volume = mount.typ.as_deref() == Some("volume");
    Mount {
        volume: mount.name.filter(|name| is_volume && !name.is_empty()),
        destination: mount.destination.unwrap_or_default(),
    }
}

/// The ports that a container would have if it ran. One that leaves the host's port to the engine wants none.
pub(super) fn wanted_ports(record: ContainerInspectResponse) -> BTreeSet<(Port, Port)> {
    let bindings = record.host_config.and_then(|config| config.port_bindings);
    bindings
        .unwrap_or_default()
        .into_iter()
        .flat_map(|(inside, hosts)| bound(&inside, hosts.unwrap_or_default()))
        .collect()
}

/// `80/tcp` with its places on the host.
fn bound(inside: &str, hosts: Vec<PortBinding>) -> Vec<(Port, Port)> {
    let (number, protocol) = inside.split_once('/').unwrap_or((inside, "tcp"));
    let Some(inside) = number.parse().ok().filter(|_| protocol == "tcp") else {
        return Vec::new();
    };
    hosts
        .into_iter()
        .filter_map(|host| pair(inside, host.host_port?.parse().ok()?))
        .collect()
}

fn pair(inside: u16, host: u16) -> Option<(Port, Port)> {
    let port = |number: u16| Port::parse(i64::from(number)).ok();
    Some((port(inside)?, port(host)?))
}
