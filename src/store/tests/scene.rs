//! What the store's tests share.

use std::collections::BTreeSet;
use std::path::Path;

use jiff::Timestamp;
use rusqlite::Connection;

use crate::clock::ManualClock;
use crate::model::{
    ClusterId, ClusterName, ClusterSpec, ContainerId, EngineId, Incarnation, NetworkId, Nonce,
    Port, Ports, ProviderId, VolumeId, WorldKind,
};
use crate::store::{EntryParts, InitMode, RunStart, Store};

/// 2026-01-02T03:04:05Z.
pub(in crate::store) const NOW: Timestamp = Timestamp::constant(1_767_323_045, 0);

/// So many seconds later.
pub(in crate::store) fn at(seconds: i64) -> Timestamp {
    Timestamp::new(NOW.as_second() + seconds, 0).unwrap()
}

pub(in crate::store) fn clock() -> ManualClock {
    ManualClock::new(NOW)
}

/// A fresh database.
pub(in crate::store) fn store() -> (tempfile::TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = Store::init(&dir.path().join("roll.db"), InitMode::Keep, &clock()).unwrap();
    (dir, store)
}

/// A fresh database that belongs to a real engine called `engine`.
pub(in crate::store) fn bound() -> (tempfile::TempDir, Store) {
    let (dir, store) = store();
    store
        .bind_world(WorldKind::Real, &EngineId::new("engine"))
        .unwrap();
    (dir, store)
}

pub(in crate::store) fn providers() -> BTreeSet<ProviderId> {
    ["k3d", "kind"].map(ProviderId::new).into()
}

pub(in crate::store) fn name(text: &str) -> ClusterName {
    ClusterName::parse(text).unwrap()
}

pub(in crate::store) fn id(text: &str) -> ClusterId {
    text.parse().unwrap()
}

pub(in crate::store) fn nonce(byte: u8) -> Nonce {
    Nonce::from_random([byte; 16])
}

pub(in crate::store) fn incarnation(text: &str) -> Incarnation {
    Incarnation::new(text)
}

pub(in crate::store) fn parts(container: &str, network: &str, volume: &str) -> EntryParts {
    EntryParts {
        containers: [ContainerId::new(container)].into(),
        networks: [NetworkId::new(network)].into(),
        volumes: [VolumeId::new(volume)].into(),
    }
}

pub(in crate::store) fn spec(provider: &str, cluster: &str, http: i64) -> ClusterSpec {
    ClusterSpec {
        id: ClusterId::new(ProviderId::new(provider), name(cluster)),
        subnet: None,
        ports: Ports {
            http: Port::parse(http).ok(),
            ..Ports::default()
        },
    }
}

pub(in crate::store) fn run_start(lease: Option<&str>) -> RunStart {
    RunStart {
        mode: "repair".to_owned(),
        args: "[]".to_owned(),
        source: "cli".to_owned(),
        actor: Some("ann".to_owned()),
        host: "laptop".to_owned(),
        pid: 4711,
        lease: lease.map(str::to_owned),
    }
}

pub(super) fn raw(path: &Path, sql: &str) {
    let conn = Connection::open(path).unwrap();
    conn.execute_batch(sql).unwrap();
}

const BARE: &str = "CREATE TABLE clusters (name, provider, http_port INTEGER)";

pub(super) fn bare() -> (tempfile::TempDir, std::path::PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("roll.db");
    raw(&path, BARE);
    (dir, path)
}
