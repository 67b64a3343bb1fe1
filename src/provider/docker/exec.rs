//! One command inside a running container.

use std::time::Duration;

use bollard::Docker;
use bollard::container::LogOutput;
use bollard::exec::{CreateExecOptions, StartExecOptions, StartExecResults};
use futures_util::TryStreamExt as _;

use super::client::failed;
use crate::model::ContainerId;
use crate::provider::{Fault, ProviderError};

/// What a command may say, in bytes: of more, the rest is left out.
const LARGEST: usize = 4 << 20;
/// How long it may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a command said, and how it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::provider) struct Said {
    /// Its exit code.
    pub(in crate::provider) code: i64,
    /// Its standard output.
    pub(in crate::provider) out: String,
    /// Its standard error.
    pub(in crate::provider) err: String,
}

/// Runs a command, given as its words, and waits for its end.
pub(super) async fn exec(
    docker: &Docker,
    container: &ContainerId,
    words: &[&str],
) -> Result<Said, ProviderError> {
    let program = words.first().copied().unwrap_or_default();
    let what = format!("run {program} in container {container:.12}");
    let ended = tokio::time::timeout(PATIENCE, run(docker, container, words)).await;
    match ended {
        Ok(Ok(said)) => Ok(said),
        Ok(Err(error)) => Err(failed(&what, &error)),
        Err(_) => {
            let message = format!("Docker did not {what} within {} s", PATIENCE.as_secs());
            Err(ProviderError::new(Fault::Deadline, message))
        }
    }
}

async fn run(
    docker: &Docker,
    container: &ContainerId,
    words: &[&str],
) -> Result<Said, bollard::errors::Error> {
    let options = CreateExecOptions {
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        cmd: Some(words.to_vec()),
        ..CreateExecOptions::default()
    };
    let made = docker.create_exec(container.as_str(), options).await?;
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let started = docker
        .start_exec(&made.id, None::<StartExecOptions>)
        .await?;
    if let StartExecResults::Attached { mut output, .. } = started {
        while let Some(piece) = output.try_next().await? {
            let (kept, bytes) = match piece {
                LogOutput::StdErr { message } => (&mut err, message),
                LogOutput::StdOut { message } | LogOutput::Console { message } => {
                    (&mut out, message)
                }
                LogOutput::StdIn { .. } => continue,
            };
            let room = LARGEST.saturating_sub(kept.len()).min(bytes.len());
            kept.extend_from_slice(&bytes[..room]);
        }
    }
    // A command of which nobody knows how it ended did not end well.
    let code = docker.inspect_exec(&made.id).await?.exit_code.unwrap_or(-1);
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Ok(Said {
        code,
        out: text(out),
        err: text(err),
    })
}
