//! Where HAProxy runs: what differs between one on this host and one in a container.

use std::path::{Path, PathBuf};

use async_trait::async_trait;

use super::wire::Style;
use crate::model::{ClusterView, Port, PortMap, RegistrarId};
use crate::registrar::RegistrarError;

/// One place where HAProxy runs.
#[async_trait]
pub(super) trait Seat: Send + Sync {
    /// How routes are written for it.
    fn style(&self) -> Style;

    /// The port inside a cluster that must be published on this host.
    fn needs(&self) -> Option<Port>;

    /// The registrars that come first.
    fn after(&self) -> Vec<RegistrarId>;

    /// `HOST:PORT` by which it reaches a cluster.
    fn target(&self, cluster: &ClusterView) -> Result<String, RegistrarError>;

    /// The ports of this host that a route leads to.
    fn leads_to(&self, target: &str) -> PortMap;

    /// What it has loaded. `None`: there is no HAProxy. A silent one is an error.
    async fn loaded(&self) -> Result<Option<Loaded>, RegistrarError>;

    /// Whether it would take these files; if not, what it says.
    async fn accepts(&self, trial: &Trial<'_>) -> Result<Result<(), String>, RegistrarError>;

    /// Has it load its files anew, and waits until this revision is what runs.
    async fn reload(&self, revision: &str) -> Result<(), ReloadError>;

    /// The user's own files, for people.
    async fn shown_files(&self) -> String;
}

/// What is tried: the user's own files, with these changes. All paths are this host's.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Trial<'p> {
    /// A staged file of ours beside them.
    pub(super) ours: Option<&'p Path>,
    /// One of them, and what is staged to take its place.
    pub(super) instead: Option<(&'p Path, &'p Path)>,
}

/// What HAProxy has loaded of ours.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Loaded {
    /// The names of backends, that of the revision among them.
    pub(super) names: Vec<String>,
    /// The user's own files that this host has too, by their paths here.
    pub(super) files: Vec<PathBuf>,
}

impl Loaded {
    /// Whether this revision is what runs.
    pub(super) fn has(&self, revision: &str) -> bool {
        self.names.iter().any(|name| name == revision)
    }
}

/// Why a new configuration was not loaded.
#[derive(Debug)]
pub(super) enum ReloadError {
    /// HAProxy does not answer.
    Silent(RegistrarError),
    /// It could not load what is in its files, for this reason where it is known; what it had goes on.
    Refused(Option<String>),
    /// It has not loaded it in time.
    Late,
}
