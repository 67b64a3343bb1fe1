//! Reading the engine: its lists, and an inspection of what does not run.

use std::collections::{BTreeMap, BTreeSet};

use bollard::Docker;
use bollard::errors::Error;
use bollard::models::{
    ContainerSummary, ContainerSummaryStateEnum, MountPoint, PortBinding, PortSummaryTypeEnum,
};
use bollard::query_parameters::{
    InspectContainerOptions, ListContainersOptionsBuilder, ListNetworksOptions, ListVolumesOptions,
};
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use jiff::Timestamp;

use super::client::is_gone;
use super::inventory::{Container, Inventory, Mount, Network, Volume, without_secrets};
use super::view::Identity;
use crate::model::{ContainerId, EngineId, NetworkId, NodeState, Port, Subnet};

/// How many containers are inspected at once.
const INSPECTIONS: usize = 8;

/// Why a look came to nothing.
#[derive(Debug)]
pub(super) enum ReadError {
    /// The engine did not answer, or refused.
    Engine(Error),
    /// It answered, and this makes no sense.
    Nonsense(&'static str),
}

impl From<Error> for ReadError {
    fn from(error: Error) -> Self {
        Self::Engine(error)
    }
}

/// Everything, and who the engine is. Every part must answer, or there is no view at all.
pub(super) async fn read(docker: &Docker) -> Result<(Inventory, Identity), ReadError> {
    let (_, version, info, containers, networks, volumes) = tokio::try_join!(
        ok(docker.ping()),
        ok(docker.version()),
        ok(docker.info()),
        containers(docker),
        networks(docker),
        volumes(docker),
    )?;
    let inventory = Inventory {
        containers,
        networks,
        volumes,
    };
    let identity = Identity {
        id: info.id.filter(|id| !id.is_empty()).map(EngineId::new),
        version: version.version.unwrap_or_default(),
        listeners: None,
    };
    Ok((inventory, identity))
}

async fn ok<T>(answer: impl Future<Output = Result<T, Error>>) -> Result<T, ReadError> {
    Ok(answer.await?)
}

/// All containers. The list shows the ports of what runs; the wanted ports of the others stand in their own record.
pub(super) async fn containers(docker: &Docker) -> Result<Vec<Container>, ReadError> {
    let all = ListContainersOptionsBuilder::new().all(true).build();
    let listed = docker.list_containers(Some(all)).await?;
    stream::iter(listed)
        .map(|summary| async {
            let mut container = container(summary)?;
            if !matches!(container.state, NodeState::Running | NodeState::Paused) {
                match wanted_ports(docker, &container.id).await {
                    Ok(ports) => container.ports.extend(ports),
                    // It vanished since it was listed.
                    Err(error) if is_gone(&error) => return Ok(None),
                    Err(error) => return Err(error.into()),
                }
            }
            Ok(Some(container))
        })
        .buffered(INSPECTIONS)
        .try_filter_map(|container| async { Ok(container) })
        .try_collect()
        .await
}

pub(super) async fn networks(docker: &Docker) -> Result<Vec<Network>, ReadError> {
    let listed = docker.list_networks(None::<ListNetworksOptions>).await?;
    let mut networks: Vec<Network> = listed
        .into_iter()
        .map(|network| {
            let id = network
                .id
                .ok_or(ReadError::Nonsense("a network without an ID"))?;
            let ranges = network
                .ipam
                .and_then(|ipam| ipam.config)
                .unwrap_or_default();
            Ok(Network {
                id: NetworkId::new(id),
                name: network.name.unwrap_or_default(),
                subnet: ranges
                    .iter()
                    .filter_map(|range| range.subnet.as_deref())
                    .find_map(|subnet| Subnet::parse(subnet).ok()),
                labels: without_secrets(network.labels.unwrap_or_default()),
            })
        })
        .collect::<Result<_, ReadError>>()?;
    networks.sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
    Ok(networks)
}

async fn volumes(docker: &Docker) -> Result<Vec<Volume>, ReadError> {
    let listed = docker.list_volumes(None::<ListVolumesOptions>).await?;
    let mut volumes: Vec<Volume> = listed
        .volumes
        .unwrap_or_default()
        .into_iter()
        .map(volume)
        .collect();
    volumes.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(volumes)
}

/// A volume in our words.
pub(super) fn volume(volume: bollard::models::Volume) -> Volume {
    let created = volume
        .created_at
        .and_then(|at| Timestamp::from_second(at.unix_timestamp()).ok());
    Volume {
        name: volume.name,
        created: created.map(|at| at.to_string()).unwrap_or_default(),
        labels: without_secrets(volume.labels),
    }
}

fn container(summary: ContainerSummary) -> Result<Container, ReadError> {
    let id = summary
        .id
        .ok_or(ReadError::Nonsense("a container without an ID"))?;
    let state = summary.state.and_then(state);
    let state = state.ok_or(ReadError::Nonsense("a container without a state"))?;
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
async fn wanted_ports(docker: &Docker, id: &ContainerId) -> Result<BTreeSet<(Port, Port)>, Error> {
    let record = docker
        .inspect_container(id.as_str(), None::<InspectContainerOptions>)
        .await?;
    let bindings = record.host_config.and_then(|config| config.port_bindings);
    Ok(bindings
        .unwrap_or_default()
        .into_iter()
        .flat_map(|(inside, hosts)| bound(&inside, hosts.unwrap_or_default()))
        .collect())
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
