//! Containers of no cluster: somebody's program that is looked at, asked and told.

use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;

use super::{Fault, ProviderError};
use crate::model::{ContainerId, NodeState};

/// One container, as its engine knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerRecord {
    /// Its full ID.
    pub id: ContainerId,
    /// What it does.
    pub state: NodeState,
    /// What was started in it: the program and its arguments.
    pub command: Vec<String>,
    /// The folder that it was started in.
    pub working_dir: PathBuf,
    /// Whose network it is on.
    pub network: NetworkOf,
    /// What is mounted into it.
    pub mounts: Vec<MountRecord>,
}

/// Whose network a container is on: only one with its own can be put on others.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum NetworkOf {
    /// Its own.
    #[default]
    Its,
    /// Its host's.
    Host,
    /// Another container's.
    Container(String),
    /// Nobody's: it has none.
    Nobody,
}

/// Something that is mounted into a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MountRecord {
    /// The file or folder of the engine's host; `None`: it is no bind mount.
    pub source: Option<PathBuf>,
    /// Where it is in the container.
    pub destination: PathBuf,
}

/// How a program ended that was run in a container.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExecEnded {
    /// Its exit code; 126 and 127: the container has no such program.
    pub code: i64,
    /// Its last lines, of standard output and standard error as they came.
    pub tail: Vec<String>,
}

/// Containers of no cluster. An engine that has none answers every question with an error.
#[async_trait]
pub trait Containers: Send + Sync {
    /// Looks at the container of this name. `None`: there is none.
    async fn inspect(&self, _name: &str) -> Result<Option<ContainerRecord>, ProviderError> {
        Err(unable())
    }

    /// Runs a program in a running container, as its user and without a shell, and waits for its end.
    async fn exec(
        &self,
        _container: &ContainerId,
        _command: &[String],
        _deadline: Duration,
    ) -> Result<ExecEnded, ProviderError> {
        Err(unable())
    }

    /// Sends a signal to a container's first process, by its name: `USR2`.
    async fn signal(&self, _container: &ContainerId, _name: &str) -> Result<(), ProviderError> {
        Err(unable())
    }

    /// The last lines that a container said, each led by when that was: of two, the later one is greater.
    async fn last_lines(
        &self,
        _container: &ContainerId,
        _count: usize,
    ) -> Result<Vec<String>, ProviderError> {
        Err(unable())
    }
}

fn unable() -> ProviderError {
    ProviderError::new(Fault::Permanent, "this engine runs nobody's program")
}
