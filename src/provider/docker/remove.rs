//! Taking things away by ID. Each is looked at once more; what is gone already is fine.

use std::time::Duration;

use bollard::Docker;
use bollard::errors::Error;
use bollard::query_parameters::{
    InspectNetworkOptions, RemoveContainerOptionsBuilder, RemoveVolumeOptions,
};
use futures_util::future::join_all;

use super::attach;
use super::client::{PATIENCE, failed, is_gone, status, words};
use super::wire::volume;
use crate::model::{ContainerId, NetworkId, VolumeId};
use crate::provider::{Fault, Parts, ProviderError, StepLog};

/// How often something that is still being let go is tried again.
const TRIES: u32 = 20;
/// How long to wait in between: the engine takes a moment to let a removed container's endpoints go.
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
        let removed = network(docker, id, parts);
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
            // It is gone when the engine no longer knows it.
            Err(error) if is_in_progress(&error) => tokio::time::sleep(PAUSE).await,
            Err(error) => return Err(failed(&what, &error)),
        }
    }
    Err(ProviderError::new(
        Fault::Transient,
        format!("another removal is in progress, and Docker did not {what}"),
    ))
}

async fn network(docker: &Docker, id: &NetworkId, parts: &Parts) -> Result<(), ProviderError> {
    // A guest that does not run is not among the network's containers, and could not be started any more without it.
    for guest in &parts.guests {
        attach::leave(docker, id.as_str(), guest).await?;
    }
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
        let stranger = guests.iter().find(|(guest, _)| {
            !parts
                .containers
                .iter()
                .any(|own| own.as_str() == guest.as_str())
        });
        if let Some((guest, endpoint)) = stranger {
            let guest = endpoint.name.as_deref().unwrap_or(guest);
            let message = format!("network {name} carries {guest}, which is not ours");
            let hint = format!("docker network disconnect {name} {guest}");
            return Err(ProviderError::new(Fault::NotOurs, message).hint(hint));
        }
        match docker.remove_network(id.as_str()).await {
            Ok(()) => return Ok(()),
            Err(error) if is_gone(&error) => return Ok(()),
            Err(error) if has_endpoints(&error) => last = words(&error),
            Err(error) => return Err(failed(&format!("remove network {name}"), &error)),
        }
        tokio::time::sleep(PAUSE).await;
    }
    let message = format!("Docker could not remove network {id:.12}: {last}");
    Err(ProviderError::new(Fault::Transient, message))
}

/// Whether somebody else is removing the container already. The state in its record would not tell: it says "running"
/// until the process is dead (moby `daemon/delete.go`, `container/state.go`).
fn is_in_progress(error: &Error) -> bool {
    answered(error, &[409], "already in progress")
}

/// Whether endpoints of removed containers are still being let go. Docker answers 403, as it does for networks that
/// cannot be removed at all (moby `libnetwork/error.go`, `daemon/network.go`); 409 would be the code that fits.
fn has_endpoints(error: &Error) -> bool {
    answered(error, &[403, 409], "active endpoints")
}

/// One status stands for several reasons, and the engine gives no other code: within it, its words decide.
fn answered(error: &Error, statuses: &[u16], reason: &str) -> bool {
    status(error).is_some_and(|code| statuses.contains(&code)) && words(error).contains(reason)
}

async fn one_volume(docker: &Docker, id: &VolumeId) -> Result<(), ProviderError> {
    let name = id.name();
    match docker.inspect_volume(name).await {
        // Made again under its name: it is somebody else's.
        Ok(seen) if volume(seen.clone()).id() != *id => return Ok(()),
        Ok(_) => {}
        Err(error) if is_gone(&error) => return Ok(()),
        Err(error) => return Err(failed(&format!("inspect volume {name}"), &error)),
    }
    let options = None::<RemoveVolumeOptions>;
    match docker.remove_volume(name, options).await {
        Err(error) if !is_gone(&error) => {
            let refused = failed(&format!("remove volume {name}"), &error);
            // The one meaning of a 409 here: a container uses it.
            Err(match status(&error) {
                Some(409) => refused.hint(format!("docker ps -a --filter volume={name}")),
                _ => refused,
            })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_passes_is_tried_again() {
        let error = |status_code, message: &str| Error::DockerResponseServerError {
            status_code,
            message: message.to_owned(),
        };
        let removing = "removal of container 0a1b is already in progress";
        assert!(is_in_progress(&error(409, removing)));
        let endpoints = "error while removing network: network k3d-dev has active endpoints";
        assert!(has_endpoints(&error(403, endpoints)));
        for (code, message) in [
            (409, "container busybox-0 is paused and must be unpaused"),
            (
                409,
                "cannot remove container: driver failed: device or resource busy",
            ),
            (500, removing),
            (500, endpoints),
            (403, "bridge is a pre-defined network and cannot be removed"),
            (409, "remove dev: volume is in use - [0a1b]"),
        ] {
            let error = error(code, message);
            assert!(!is_in_progress(&error) && !has_endpoints(&error), "{error}");
        }
        assert!(!is_in_progress(&Error::RequestTimeoutError));
    }
}
