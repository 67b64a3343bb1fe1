//! The user's kubeconfig as a registrar.
//!
//! In: the file's path. Out: what it holds for clusters; changes of exactly one cluster's entries.
//! Must not: switch the current context unless a person asks for it, lose anything that is somebody else's, let a tool write the file (k3d takes
//! no lock at all, and kind gives up after 150 ms: contexts get lost).

mod apply;
mod lock;
mod observe;
mod switch;
mod wire;

#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::model::{ProviderId, RegistrarId};
pub use switch::{Standalone, context_of};

/// The registrar's name.
pub const KUBECONFIG: &str = "kubeconfig";

/// The kubeconfig of one user.
#[derive(Debug)]
pub struct Kubeconfig {
    path: PathBuf,
    providers: Vec<ProviderId>,
    /// One writer at a time within this process; beside it, the lock file keeps other programs out.
    writing: Arc<tokio::sync::Mutex<()>>,
    /// How long a lock that somebody holds is waited for.
    patience: Duration,
}

impl Kubeconfig {
    /// The kubeconfig at this path. Entries are recognised for these providers.
    pub fn new(path: PathBuf, providers: Vec<ProviderId>) -> Self {
        Self {
            path,
            providers,
            writing: Arc::default(),
            patience: Duration::from_secs(10),
        }
    }

    /// The registrar's identity.
    pub fn registrar_id() -> RegistrarId {
        RegistrarId::new(KUBECONFIG)
    }
}
