//! Where HAProxy runs: what differs between one on this host and one in a container.

use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;

use super::files::File;
use super::mounts;
use super::wire::Style;
use crate::model::{ClusterView, Port, PortMap, RegistrarId};
use crate::provider::MountRecord;
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

    /// What its program says that it is.
    async fn version(&self, deadline: Duration) -> Result<String, RegistrarError>;

    /// Has it load its files anew, and waits until this revision is what runs.
    async fn reload(&self, revision: &str) -> Result<(), ReloadError>;

    /// That there is no HAProxy, and what to do.
    fn absent(&self) -> RegistrarError;

    /// The user's own files, for people.
    async fn shown_files(&self) -> String;
}

/// What is tried: the user's own files, with these changes. All paths are this host's.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Trial<'p> {
    /// What is staged to take the place of ours; `None`: theirs without ours.
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
    /// Those that this host has not, as HAProxy calls them.
    pub(super) unseen: Vec<PathBuf>,
    /// What is mounted where HAProxy runs; `None`: it runs on this host.
    mounts: Option<Vec<MountRecord>>,
}

impl Loaded {
    /// These backends, with these files.
    pub(super) fn of(
        names: Vec<String>,
        files: Vec<File>,
        mounts: Option<Vec<MountRecord>>,
    ) -> Self {
        let mut loaded = Self {
            names,
            mounts,
            ..Self::default()
        };
        for file in files {
            let File::Theirs(file) = file else { continue };
            match loaded.here(&file).filter(|here| here.is_file()) {
                Some(here) => loaded.files.push(here),
                None => loaded.unseen.push(file),
            }
        }
        loaded
    }

    /// Whether this revision is what runs.
    pub(super) fn has(&self, revision: &str) -> bool {
        self.names.iter().any(|name| name == revision)
    }

    /// How HAProxy calls a file of this host.
    pub(super) fn there(&self, file: &Path) -> Option<PathBuf> {
        match &self.mounts {
            None => Some(file.to_owned()),
            Some(mounts) => mounts::there(mounts, file),
        }
    }

    /// Where this host has a place of HAProxy's.
    pub(super) fn here(&self, place: &Path) -> Option<PathBuf> {
        match &self.mounts {
            None => Some(place.to_owned()),
            Some(mounts) => mounts::outside(mounts, place).map(|place| mounts::real(&place)),
        }
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
    /// Nothing happened when it was told.
    Deaf,
}
