//! HAProxy as a registrar: one generated file with a backend for each cluster, and a map from the cluster's name to it.
//!
//! In: the folder that both live in, the user's own files, the master's socket. Out: what is routed; changes of exactly
//! one cluster's route, checked with `haproxy -c` before they are put in place, and loaded without dropping connections.
//! Must not: touch the user's own files, put in place what HAProxy refuses, or take a file that it did not write.
//!
//! ```text
//! wishes -> queue -> one writer: read, change, stage, check, rename, reload through the master, see it loaded
//! ```

mod apply;
mod check;
mod master;
mod observe;
mod wire;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use crate::model::{Port, ProviderId, RegistrarId};

/// The registrar's name.
pub const HAPROXY: &str = "haproxy";

/// Where HAProxy is, and where the clusters are from its place.
#[derive(Debug, Clone)]
pub struct HaproxySettings {
    /// The folder of the generated file and the map: HAProxy is started with `-f FILE... -f FOLDER`.
    pub dir: PathBuf,
    /// The user's own files and folders, in the order in which HAProxy gets them; read by the check, never written.
    pub files: Vec<PathBuf>,
    /// The program that checks.
    pub program: PathBuf,
    /// The master's socket (`haproxy -W -S SOCKET`).
    pub socket: PathBuf,
    /// Where the ports that clusters publish are reached from HAProxy.
    pub address: String,
    /// The port inside a cluster that requests go to.
    pub inside: Port,
    /// The environment of the check.
    pub env: BTreeMap<String, String>,
}

/// One HAProxy.
#[derive(Debug)]
pub struct Haproxy {
    settings: HaproxySettings,
    providers: Vec<ProviderId>,
    /// What waits to be written: whoever writes next writes all of it, with one check and one reload.
    wishes: Mutex<Vec<apply::Wish>>,
    /// One writer at a time.
    writing: Arc<tokio::sync::Mutex<()>>,
}

impl Haproxy {
    /// The HAProxy of these settings. Routes are recognised for these providers.
    pub fn new(settings: HaproxySettings, providers: Vec<ProviderId>) -> Self {
        Self {
            settings,
            providers,
            wishes: Mutex::default(),
            writing: Arc::default(),
        }
    }

    /// The registrar's identity.
    pub fn registrar_id() -> RegistrarId {
        RegistrarId::new(HAPROXY)
    }

    fn config(&self) -> PathBuf {
        self.settings.dir.join("50-rollcall.cfg")
    }

    fn map(&self) -> PathBuf {
        self.settings.dir.join("rollcall.map")
    }
}
