//! Putting containers on networks, and taking them off.

use bollard::Docker;
use bollard::models::{NetworkConnectRequest, NetworkDisconnectRequest};

use super::client::{failed, is_gone, status, words};
use crate::provider::ProviderError;

/// Puts a container on a network.
pub(super) async fn join(
    docker: &Docker,
    network: &str,
    container: &str,
) -> Result<(), ProviderError> {
    let request = NetworkConnectRequest {
        container: container.to_owned(),
        ..NetworkConnectRequest::default()
    };
    match docker.connect_network(network, request).await {
        // The one meaning of a 403 with these words: it is on it (moby `libnetwork/error.go`).
        Err(error) if status(&error) == Some(403) && words(&error).contains("already exists") => {
            Ok(())
        }
        answer => answer.map_err(|error| failed(&format!("put {container} on {network}"), &error)),
    }
}

/// Takes a container off a network.
pub(super) async fn leave(
    docker: &Docker,
    network: &str,
    container: &str,
) -> Result<(), ProviderError> {
    let request = NetworkDisconnectRequest {
        container: container.to_owned(),
        force: Some(true),
    };
    match docker.disconnect_network(network, request).await {
        Err(error) if is_gone(&error) => Ok(()),
        Err(error) if words(&error).contains("is not connected") => Ok(()),
        answer => {
            answer.map_err(|error| failed(&format!("take {container} off {network}"), &error))
        }
    }
}
