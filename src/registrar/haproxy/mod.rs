//! HAProxy as a registrar: one generated file with a backend for each cluster, and a map from the cluster's name to it.
//!
//! In: the folder that both live in, the user's own files, and where HAProxy runs: on this host, with its master's
//! socket, or in a container. Out: what is routed; changes of exactly one cluster's route, checked with `haproxy -c`
//! before they are put in place, loaded without dropping connections, and proven to be what runs.
//! Must not: touch the user's own files, except that an import, which a person asks for, takes out of one what older
//! scripts wrote there; put in place what HAProxy refuses, or take a file that it did not write.
//!
//! ```text
//! wishes -> queue -> one writer: read, change, stage, check, rename, reload, see it loaded
//!                                                       |               |         |
//!                                            seat: host or container ---+---------+
//! ```

mod apply;
mod asking;
mod check;
mod container;
mod files;
mod host;
mod import;
mod leftovers;
mod master;
mod mounts;
mod observe;
mod picked;
mod proof;
mod seat;
mod staging;
mod started;
mod wire;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use container::Boxed;
use host::Host;
use seat::Seat;

use crate::model::{Port, ProviderId, RegistrarId};
use crate::provider::Containers;

/// The registrar's name.
pub const HAPROXY: &str = "haproxy";

/// The generated file.
const CONFIG: &str = "50-rollcall.cfg";
/// The map.
const MAP: &str = "rollcall.map";

/// What HAProxy is to know, and where it runs.
#[derive(Clone)]
pub struct HaproxySettings {
    /// The folder of this host with the generated file and the map: HAProxy is started with `-f FILE... -f FOLDER`.
    pub dir: PathBuf,
    /// The user's own files and folders, in the order in which HAProxy gets them and as HAProxy sees them; read by the
    /// check, never written. Empty: those that the container's HAProxy is started with.
    pub files: Vec<PathBuf>,
    /// The port inside a cluster that requests go to.
    pub inside: Port,
    /// Where it runs.
    pub place: HaproxyPlace,
}

/// Where HAProxy runs.
#[derive(Clone)]
pub enum HaproxyPlace {
    /// On this host.
    Host(HaproxyOnHost),
    /// In a container of the clusters' engine.
    Container(HaproxyInContainer),
}

/// HAProxy on this host, and where the clusters are from there.
#[derive(Debug, Clone)]
pub struct HaproxyOnHost {
    /// The program that checks.
    pub program: PathBuf,
    /// The master's socket (`haproxy -W -S SOCKET`).
    pub socket: PathBuf,
    /// Where the ports that clusters publish are reached from HAProxy.
    pub address: String,
    /// The environment of the check.
    pub env: BTreeMap<String, String>,
}

/// HAProxy in a container, which reaches clusters by their nodes' names.
#[derive(Clone)]
pub struct HaproxyInContainer {
    /// The container's name.
    pub name: String,
    /// Its engine.
    pub containers: Arc<dyn Containers>,
    /// The program that checks, in the container.
    pub program: String,
    /// The master's socket, in the container, where that is mounted from this host. Without it, HAProxy is told by a
    /// signal, and says itself on `proof` what it has loaded.
    pub socket: Option<PathBuf>,
    /// A port on the container's own 127.0.0.1 that nobody else uses there.
    pub proof: Port,
    /// The registrars that come first: who puts it on the clusters' networks.
    pub after: Vec<RegistrarId>,
}

/// One HAProxy.
pub struct Haproxy {
    dir: PathBuf,
    seat: Box<dyn Seat>,
    providers: Vec<ProviderId>,
    /// What waits to be written: whoever writes next writes all of it, with one check and one reload.
    wishes: Mutex<Vec<apply::Wish>>,
    /// One writer at a time.
    writing: Arc<tokio::sync::Mutex<()>>,
}

impl Haproxy {
    /// The HAProxy of these settings. Routes are recognised for these providers.
    pub fn new(settings: HaproxySettings, providers: Vec<ProviderId>) -> Self {
        let (dir, files, inside) = (settings.dir, settings.files, settings.inside);
        let seat: Box<dyn Seat> = match settings.place {
            HaproxyPlace::Host(settings) => Box::new(Host {
                settings,
                dir: dir.clone(),
                files,
                inside,
            }),
            HaproxyPlace::Container(settings) => Box::new(Boxed {
                settings,
                dir: dir.clone(),
                files,
                inside,
            }),
        };
        Self {
            dir,
            seat,
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
        self.dir.join(CONFIG)
    }

    fn map(&self) -> PathBuf {
        self.dir.join(MAP)
    }
}
