//! Reading the engine: its lists, and an inspection of what does not run.

use std::fmt;

use bollard::Docker;
use bollard::errors::Error;
use bollard::query_parameters::{
    InspectContainerOptions, ListContainersOptionsBuilder, ListNetworksOptions, ListVolumesOptions,
};
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use super::client::{failed, is_gone};
use super::inventory::{Container, Inventory, Network, Volume};
use super::wire::{self, Nonsense};
use crate::model::{EngineDescription, EngineId, EngineIdentity, NodeState};
use crate::provider::{Fault, ProviderError};

/// How many containers are inspected at once.
const INSPECTIONS: usize = 8;

/// The oldest version of the API that is understood: Docker 20.10's, the oldest engine that was recorded.
pub(super) const OLDEST_API: (u32, u32) = (1, 41);
/// The Docker that speaks it.
const OLDEST_ENGINE: (u32, u32) = (20, 10);

/// Why a look came to nothing.
#[derive(Debug)]
pub(super) enum ReadError {
    /// The engine did not answer, or refused.
    Engine(Error),
    /// It answered, and this makes no sense.
    Nonsense(Nonsense),
    /// It speaks this version of the API, which is older than [`OLDEST_API`].
    TooOld(String),
}

impl ReadError {
    /// What it means for a step that wanted to `what`.
    pub(super) fn in_step(self, what: &str) -> ProviderError {
        match self {
            Self::Engine(error) => failed(what, &error),
            Self::Nonsense(nonsense) => {
                ProviderError::new(Fault::Transient, format!("Docker listed {nonsense}"))
            }
            Self::TooOld(api) => {
                ProviderError::new(Fault::Permanent, format!("Docker speaks API {api}"))
            }
        }
    }
}

impl fmt::Display for Nonsense {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl From<Nonsense> for ReadError {
    fn from(nonsense: Nonsense) -> Self {
        Self::Nonsense(nonsense)
    }
}

impl From<Error> for ReadError {
    fn from(error: Error) -> Self {
        Self::Engine(error)
    }
}

/// Everything. Every part must answer, or there is no inventory at all.
pub(super) async fn read(docker: &Docker) -> Result<Inventory, ReadError> {
    let (_, containers, networks, volumes) = tokio::try_join!(
        ok(docker.ping()),
        containers(docker),
        networks(docker),
        volumes(docker),
    )?;
    Ok(Inventory {
        containers,
        networks,
        volumes,
    })
}

/// Who the engine is.
pub(super) async fn identity(docker: &Docker) -> Result<EngineIdentity, ReadError> {
    let info = docker.info().await?;
    Ok(EngineIdentity {
        version: version(docker, info.server_version.unwrap_or_default()).await?,
        id: info.id.filter(|id| !id.is_empty()).map(EngineId::new),
    })
}

/// What the engine is, and what its machine is like. Its machine is this one if both run one kernel: behind a socket of
/// this machine may be a virtual one (Docker Desktop, Colima).
pub(super) async fn description(docker: &Docker) -> Result<EngineDescription, ReadError> {
    let (info, version) = tokio::try_join!(docker.info(), docker.version())?;
    let said = |text: Option<String>| text.filter(|text| !text.is_empty());
    let kernel = rustix::system::uname()
        .release()
        .to_string_lossy()
        .into_owned();
    let memory = info.mem_total.and_then(|bytes| u64::try_from(bytes).ok());
    Ok(EngineDescription {
        version: said(info.server_version),
        api: said(version.api_version),
        cgroup: said(info.cgroup_version.map(|version| version.to_string())),
        root: said(info.docker_root_dir),
        memory: memory.filter(|bytes| *bytes > 0),
        is_here: info.kernel_version == Some(kernel),
    })
}

/// The engine's version, if it is new enough. Asking for the API's version costs as much as all the lists together, so
/// only an engine that seems to be old is asked: one that is no Docker may count in another way.
async fn version(docker: &Docker, engine: String) -> Result<String, ReadError> {
    if !is_older(&engine, OLDEST_ENGINE) {
        return Ok(engine);
    }
    match docker.version().await?.api_version {
        Some(api) if is_too_old(&api) => Err(ReadError::TooOld(api)),
        _ => Ok(engine),
    }
}

/// Whether `MAJOR.MINOR` is older than what is understood. What is no version proves nothing.
fn is_too_old(api: &str) -> bool {
    is_older(api, OLDEST_API)
}

/// Whether `MAJOR.MINOR` or `MAJOR.MINOR.MORE` is older than another.
fn is_older(version: &str, than: (u32, u32)) -> bool {
    let mut numbers = version.split('.').map(|part| part.parse::<u32>().ok());
    let mut next = || numbers.next().flatten();
    match (next(), next()) {
        (Some(major), Some(minor)) => (major, minor) < than,
        _ => false,
    }
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
            let mut container = wire::container(summary)?;
            if !matches!(container.state, NodeState::Running | NodeState::Paused) {
                let options = None::<InspectContainerOptions>;
                match docker
                    .inspect_container(container.id.as_str(), options)
                    .await
                {
                    Ok(record) => container.ports.extend(wire::wanted_ports(record)),
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

/// All networks, by name.
pub(super) async fn networks(docker: &Docker) -> Result<Vec<Network>, ReadError> {
    let listed = docker.list_networks(None::<ListNetworksOptions>).await?;
    let networks = listed.into_iter().map(wire::network);
    let mut networks: Vec<Network> = networks.collect::<Result<_, Nonsense>>()?;
    networks.sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
    Ok(networks)
}

async fn volumes(docker: &Docker) -> Result<Vec<Volume>, ReadError> {
    let listed = docker.list_volumes(None::<ListVolumesOptions>).await?;
    let volumes = listed.volumes.unwrap_or_default();
    let mut volumes: Vec<Volume> = volumes.into_iter().map(wire::volume).collect();
    volumes.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(volumes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_engine_is_told_by_its_api() {
        for old in ["1.40", "1.9", "0.99"] {
            assert!(is_too_old(old), "{old}");
        }
        for fine in ["1.41", "1.53", "1.100", "2.0", "", "new"] {
            assert!(!is_too_old(fine), "{fine}");
        }
    }
}
