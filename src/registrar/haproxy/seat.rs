//! Where HAProxy runs: what differs between one on this host and one in a container.

use std::path::Path;

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

    /// Whether it takes the user's own files, with a staged one beside them; if not, what it says.
    async fn accepts(&self, staged: Option<&Path>) -> Result<Result<(), String>, RegistrarError>;

    /// Has it load its files anew, and waits until this revision is what runs.
    async fn reload(&self, revision: &str) -> Result<(), ReloadError>;

    /// The user's own files, for people.
    async fn shown_files(&self) -> String;
}

/// What HAProxy has loaded of ours.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Loaded(pub(super) Vec<String>);

impl Loaded {
    /// Whether this revision is what runs.
    pub(super) fn has(&self, revision: &str) -> bool {
        self.0.iter().any(|name| name == revision)
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
