//! Taking things away by ID. Each is looked at once more; what is gone already is fine.

use std::time::Duration;

use bollard::Docker;
use bollard::errors::Error;
use bollard::query_parameters::{
    InspectNetworkOptions, RemoveContainerOptionsBuilder, RemoveVolumeOptions,
};
use futures_util::future::join_all;

use super::client::{PATIENCE, failed, is_gone, status, words};
use super::wire::volume;
use crate::model::{ContainerId, NetworkId, VolumeId};
use crate::provider::{Fault, Parts, ProviderError, StepLog};

/// How often something that is still in use is tried again.
const TRIES: u32 = 20;
/// How long to wait in between: the engine takes a moment to let a removed container's endpoints and mounts go.
const PAUSE: Duration = Duration::from_millis(250);

/// Removes the parts: containers, then networks, then volumes. Everything is tried; the first failure is the answer.
pub(super) async fn remove(
    docker: &Docker,
    parts: &Parts,
    log: &dyn StepLog,
) -> Result<(), ProviderError> {
    let containers = parts.containers.iter().map(|id| async move {
        log.line(&format!("remove container {id:.12}"));
        bounded(&format!("remove container {id:.12}"), container(docker, id)).await
    });
    let mut failures: Vec<ProviderError> = join_all(containers)
        .await
        .into_iter()
        .filter_map(Result::err)
        .collect();
    for id in &parts.networks {
        log.line(&format!("remove network {id:.12}"));
        let removed = network(docker, id, &parts.containers);
        let removed = bounded(&format!("remove network {id:.12}"), removed).await;
        failures.extend(removed.err());
    }
    for id in &parts.volumes {
        let name = id.name();
        log.line(&format!("remove volume {name}"));
        let removed = bounded(&format!("remove volume {name}"), one_volume(docker, id)).await;
        failures.extend(removed.err());
    }
    for failure in failures.iter().skip(1) {
        log.line(&failure.to_string());
    }
    failures.into_iter().next().map_or(Ok(()), Err)
}

async fn bounded(
    what: &str,
    work: impl Future<Output = Result<(), ProviderError>>,
) -> Result<(), ProviderError> {
    tokio::time::timeout(PATIENCE, work)
        .await
        .unwrap_or_else(|_| {
            let message = format!("Docker did not {what} within {} s", PATIENCE.as_secs());
            Err(ProviderError::new(Fault::Deadline, message))
        })
}

async fn container(docker: &Docker, id: &ContainerId) -> Result<(), ProviderError> {
    let what = format!("remove container {id:.12}");
    for _ in 0..TRIES {
        let options = RemoveContainerOptionsBuilder::new()
            .force(true)
            .v(true)
            .build();
        match docker.remove_container(id.as_str(), Some(options)).await {
            Ok(()) => return Ok(()),
            Err(error) if is_gone(&error) => return Ok(()),
            // "removal of container X is already in progress": it is gone when the engine no longer knows it. A
            // "device or resource busy" passes too.
            Err(error) if status(&error) == Some(409) || words(&error).contains("busy") => {
                tokio::time::sleep(PAUSE).await;
            }
            Err(error) => return Err(failed(&what, &error)),
        }
    }
    Err(ProviderError::new(
        Fault::Transient,
        format!("Docker is still busy and did not {what}"),
    ))
}

async fn network(
    docker: &Docker,
    id: &NetworkId,
    removed: &[ContainerId],
) -> Result<(), ProviderError> {
    let mut last = String::new();
    for _ in 0..TRIES {
        let options = None::<InspectNetworkOptions>;
        let seen = match docker.inspect_network(id.as_str(), options).await {
            Ok(seen) => seen,
            Err(error) if is_gone(&error) => return Ok(()),
            Err(error) => return Err(failed(&format!("inspect network {id:.12}"), &error)),
        };
        let name = seen.name.unwrap_or_default();
        let guests = seen.containers.unwrap_or_default();
        let stranger = guests
            .iter()
            .find(|(guest, _)| !removed.iter().any(|own| own.as_str() == guest.as_str()));
        if let Some((guest, endpoint)) = stranger {
            let guest = endpoint.name.as_deref().unwrap_or(guest);
            let message = format!("network {name} carries {guest}, which is not ours");
            let hint = format!("docker network disconnect {name} {guest}");
            return Err(ProviderError::new(Fault::NotOurs, message).hint(hint));
        }
        match docker.remove_network(id.as_str()).await {
            Ok(()) => return Ok(()),
            Err(error) if is_gone(&error) => return Ok(()),
            Err(error) if is_busy(&error) => last = words(&error),
            Err(error) => return Err(failed(&format!("remove network {name}"), &error)),
        }
        tokio::time::sleep(PAUSE).await;
    }
    let message = format!("Docker could not remove network {id:.12}: {last}");
    Err(ProviderError::new(Fault::Transient, message))
}

/// Whether something still holds on: 403 "has active endpoints" for networks, 409 "volume is in use" for volumes.
fn is_busy(error: &Error) -> bool {
    matches!(status(error), Some(403 | 409)) && {
        let text = words(error);
        text.contains("active endpoints") || text.contains("in use")
    }
}

async fn one_volume(docker: &Docker, id: &VolumeId) -> Result<(), ProviderError> {
    let name = id.name();
    let what = format!("remove volume {name}");
    let mut last = String::new();
    for _ in 0..TRIES {
        match docker.inspect_volume(name).await {
            // Made again under its name: it is somebody else's.
            Ok(seen) if volume(seen.clone()).id() != *id => return Ok(()),
            Ok(_) => {}
            Err(error) if is_gone(&error) => return Ok(()),
            Err(error) => return Err(failed(&format!("inspect volume {name}"), &error)),
        }
        match docker
            .remove_volume(name, None::<RemoveVolumeOptions>)
            .await
        {
            Ok(()) => return Ok(()),
            Err(error) if is_gone(&error) => return Ok(()),
            Err(error) if is_busy(&error) => last = words(&error),
            Err(error) => return Err(failed(&what, &error)),
        }
        tokio::time::sleep(PAUSE).await;
    }
    let message = format!("Docker could not {what}: {last}");
    Err(ProviderError::new(Fault::Permanent, message))
}
