//! One file out of a container, running or not.

use std::io::Read as _;
use std::time::Duration;

use bollard::Docker;
use bollard::query_parameters::DownloadFromContainerOptionsBuilder;
use futures_util::TryStreamExt as _;

use super::client::{failed, is_gone};
use crate::model::ContainerId;
use crate::provider::{Fault, ProviderError};

/// The largest archive that is read, in bytes: a kubeconfig has a few thousand.
const LARGEST: usize = 1 << 20;
/// How long it may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// The text of a file; `None` when there is no such file.
pub(super) async fn file(
    docker: &Docker,
    container: &ContainerId,
    path: &str,
) -> Result<Option<String>, ProviderError> {
    let what = format!("read {path} of container {container:.12}");
    let download = async {
        let options = DownloadFromContainerOptionsBuilder::new()
            .path(path)
            .build();
        let mut chunks = docker.download_from_container(container.as_str(), Some(options));
        let mut bytes = Vec::new();
        while let Some(chunk) = chunks.try_next().await? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > LARGEST {
                break;
            }
        }
        Ok(bytes)
    };
    let bytes = match tokio::time::timeout(PATIENCE, download).await {
        Ok(Ok(bytes)) => bytes,
        Ok(Err(error)) if is_gone(&error) => return Ok(None),
        Ok(Err(error)) => return Err(failed(&what, &error)),
        Err(_) => {
            let message = format!("Docker did not {what} within {} s", PATIENCE.as_secs());
            return Err(ProviderError::new(Fault::Deadline, message));
        }
    };
    first(&bytes).map_err(|error| {
        ProviderError::new(
            Fault::Permanent,
            format!("Docker could not {what}: {error}"),
        )
    })
}

/// The first regular file of an archive.
fn first(bytes: &[u8]) -> std::io::Result<Option<String>> {
    let mut archive = tar::Archive::new(bytes);
    for entry in archive.entries()? {
        let mut entry = entry?;
        if entry.header().entry_type().is_file() {
            let mut text = String::new();
            entry.read_to_string(&mut text)?;
            return Ok(Some(text));
        }
    }
    Ok(None)
}
