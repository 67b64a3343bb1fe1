//! Containers of no cluster: one at a time, and what is done in it.

use std::collections::VecDeque;
use std::time::Duration;

use bollard::Docker;
use bollard::exec::{CreateExecOptions, StartExecOptions, StartExecResults};
use bollard::models::{ContainerInspectResponse, ContainerStateStatusEnum, MountPoint};
use bollard::query_parameters::{
    InspectContainerOptions, KillContainerOptionsBuilder, LogsOptionsBuilder,
};
use futures_util::{Stream, TryStreamExt as _};

use super::client::{failed, is_gone};
use crate::model::{ContainerId, NodeState};
use crate::provider::{ContainerRecord, ExecEnded, Fault, MountRecord, NetworkOf, ProviderError};

/// How many lines of a program are kept for a message, and of one that lists something; how long each may be.
pub(super) const TAIL: usize = 40;
pub(super) const LISTING: usize = 100_000;
const LINE: usize = 4096;
/// How long one question may take that starts nothing.
const PATIENCE: Duration = Duration::from_secs(20);
/// A folder of the host as Docker Desktop's machine names it.
const DESKTOP: &str = "/host_mnt";

/// The container of this name, if there is one.
pub(super) async fn inspect(
    docker: &Docker,
    name: &str,
) -> Result<Option<ContainerRecord>, ProviderError> {
    let what = format!("inspect container {name}");
    let asked = async {
        match docker
            .inspect_container(name, None::<InspectContainerOptions>)
            .await
        {
            Ok(found) => Ok(Some(found)),
            Err(error) if is_gone(&error) => Ok(None),
            Err(error) => Err(failed(&what, &error)),
        }
    };
    let found = within(&what, PATIENCE, asked).await?;
    // The engine takes the beginning of an ID for a name too.
    let found = found.filter(|found| {
        let own = found.name.as_deref().unwrap_or_default();
        own.trim_start_matches('/') == name
    });
    found
        .map(|found| record(found).ok_or_else(|| senseless(&what)))
        .transpose()
}

fn senseless(what: &str) -> ProviderError {
    let message = format!("Docker could not {what}: its answer makes no sense");
    ProviderError::new(Fault::Transient, message)
}

fn record(found: ContainerInspectResponse) -> Option<ContainerRecord> {
    let config = found.config.unwrap_or_default();
    let host = found.host_config.unwrap_or_default();
    let program = found.path.into_iter();
    let mounts = found.mounts.unwrap_or_default().into_iter();
    Some(ContainerRecord {
        id: ContainerId::new(found.id?),
        state: state(found.state?.status?)?,
        command: program.chain(found.args.unwrap_or_default()).collect(),
        working_dir: config
            .working_dir
            .filter(|dir| !dir.is_empty())
            .map_or_else(|| "/".into(), Into::into),
        network: network_of(host.network_mode.as_deref().unwrap_or_default()),
        mounts: mounts.filter_map(mount).collect(),
    })
}

/// What Docker's `HostConfig.NetworkMode` says.
fn network_of(mode: &str) -> NetworkOf {
    match (mode, mode.strip_prefix("container:")) {
        ("host", _) => NetworkOf::Host,
        ("none", _) => NetworkOf::Nobody,
        (_, Some(container)) => NetworkOf::Container(container.to_owned()),
        _ => NetworkOf::Its,
    }
}

fn mount(mount: MountPoint) -> Option<MountRecord> {
    let is_bind = mount.typ.as_deref() == Some("bind");
    let source = mount.source.filter(|source| is_bind && !source.is_empty());
    let here = |source: String| match source.strip_prefix(DESKTOP) {
        Some(rest) if rest.starts_with('/') => rest.to_owned(),
        _ => source,
    };
    Some(MountRecord {
        source: source.map(here).map(Into::into),
        destination: mount.destination?.into(),
    })
}

fn state(state: ContainerStateStatusEnum) -> Option<NodeState> {
    use ContainerStateStatusEnum as Docker;
    Some(match state {
        Docker::EMPTY => return None,
        Docker::CREATED => NodeState::Created,
        Docker::RUNNING | Docker::STOPPING => NodeState::Running,
        Docker::PAUSED => NodeState::Paused,
        Docker::RESTARTING => NodeState::Restarting,
        Docker::REMOVING => NodeState::Removing,
        Docker::EXITED => NodeState::Exited,
        Docker::DEAD => NodeState::Dead,
    })
}

/// Runs a program in a container and waits for its end. `keep`: how many of its last lines.
pub(super) async fn exec(
    docker: &Docker,
    container: &ContainerId,
    command: &[String],
    deadline: Duration,
    keep: usize,
) -> Result<ExecEnded, ProviderError> {
    let program = command.first().map_or("", String::as_str);
    let what = format!("run {program} in container {container:.12}");
    let run = async {
        let options = CreateExecOptions {
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            cmd: Some(command.to_vec()),
            ..CreateExecOptions::default()
        };
        let exec = docker.create_exec(container.as_str(), options).await?;
        let started = docker.start_exec(&exec.id, None::<StartExecOptions>);
        let tail = match started.await? {
            StartExecResults::Attached { output, .. } => tail(output, keep).await?,
            StartExecResults::Detached => Vec::new(),
        };
        let ended = docker.inspect_exec(&exec.id).await?;
        Ok((ended.exit_code, tail))
    };
    let run = async { run.await.map_err(|error| failed(&what, &error)) };
    let (code, tail) = within(&what, deadline, run).await?;
    let code = code.ok_or_else(|| {
        let message = format!("Docker could not {what}: it lost sight of it");
        ProviderError::new(Fault::Transient, message)
    })?;
    Ok(ExecEnded { code, tail })
}

/// Sends a signal to a container's first process.
pub(super) async fn signal(
    docker: &Docker,
    container: &ContainerId,
    name: &str,
) -> Result<(), ProviderError> {
    let what = format!("send {name} to container {container:.12}");
    let options = KillContainerOptionsBuilder::new().signal(name).build();
    let sent = async {
        let sent = docker.kill_container(container.as_str(), Some(options));
        sent.await.map_err(|error| failed(&what, &error))
    };
    within(&what, PATIENCE, sent).await
}

/// The last lines that a container said, each led by when that was.
pub(super) async fn last_lines(
    docker: &Docker,
    container: &ContainerId,
    count: usize,
) -> Result<Vec<String>, ProviderError> {
    let what = format!("read the log of container {container:.12}");
    let options = LogsOptionsBuilder::new()
        .stdout(true)
        .stderr(true)
        .timestamps(true)
        .tail(&count.to_string())
        .build();
    let read = async {
        let lines = tail(docker.logs(container.as_str(), Some(options)), count);
        lines.await.map_err(|error| failed(&what, &error))
    };
    within(&what, PATIENCE, read).await
}

/// The last lines of what is said.
async fn tail<T, E>(
    output: impl Stream<Item = Result<T, E>>,
    count: usize,
) -> Result<Vec<String>, E>
where
    T: AsRef<[u8]>,
{
    let mut output = std::pin::pin!(output);
    let (mut lines, mut open) = (VecDeque::new(), Vec::new());
    let keep = |lines: &mut VecDeque<String>, line: &[u8]| {
        let line = String::from_utf8_lossy(line);
        lines.push_back(line.trim_end_matches(['\n', '\r']).to_owned());
        if lines.len() > count {
            lines.pop_front();
        }
    };
    while let Some(chunk) = output.try_next().await? {
        for byte in chunk.as_ref() {
            match byte {
                b'\n' => keep(&mut lines, &std::mem::take(&mut open)),
                byte if open.len() < LINE => open.push(*byte),
                _ => {}
            }
        }
    }
    if !open.is_empty() {
        keep(&mut lines, &open);
    }
    Ok(lines.into())
}

async fn within<T>(
    what: &str,
    patience: Duration,
    work: impl Future<Output = Result<T, ProviderError>>,
) -> Result<T, ProviderError> {
    let done = tokio::time::timeout(patience, work).await;
    done.unwrap_or_else(|_| {
        let message = format!("Docker did not {what} within {} s", patience.as_secs());
        Err(ProviderError::new(Fault::Deadline, message))
    })
}

#[cfg(test)]
mod tests {
    use futures_util::stream;

    use super::*;

    async fn lines(chunks: &[&str], count: usize) -> Vec<String> {
        let chunks = chunks.iter().map(|chunk| Ok::<_, ()>(chunk.as_bytes()));
        tail(stream::iter(chunks), count).await.unwrap()
    }

    #[tokio::test]
    async fn lines_are_lines_however_they_come() {
        let chunks = ["one\ntw", "o\r\n", "thr", "ee"];
        assert_eq!(lines(&chunks, 9).await, ["one", "two", "three"]);
        assert_eq!(lines(&chunks, 2).await, ["two", "three"]);
        assert_eq!(lines(&[], 2).await, [""; 0]);
    }
}
