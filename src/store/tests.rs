//! What the store's tests share, and the facts about opening, binding and reading that belong to no single file.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use jiff::Timestamp;
use rusqlite::Connection;

use super::*;
use crate::clock::ManualClock;
use crate::model::{
    ClusterId, ClusterName, ClusterSpec, ContainerId, EngineId, Incarnation, NetworkId, Nonce,
    Port, Ports, ProviderId, VolumeId, WorldKind,
};

/// 2026-01-02T03:04:05Z.
pub(super) const NOW: Timestamp = Timestamp::constant(1_767_323_045, 0);

/// So many seconds later.
pub(super) fn at(seconds: i64) -> Timestamp {
    Timestamp::new(NOW.as_second() + seconds, 0).unwrap()
}

pub(super) fn clock() -> ManualClock {
    ManualClock::new(NOW)
}

/// A fresh database.
pub(super) fn store() -> (tempfile::TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = Store::init(&dir.path().join("roll.db"), InitMode::Keep, &clock()).unwrap();
    (dir, store)
}

/// A fresh database that belongs to a real engine called `engine`.
pub(super) fn bound() -> (tempfile::TempDir, Store) {
    let (dir, store) = store();
    store
        .bind_world(WorldKind::Real, &EngineId::new("engine"))
        .unwrap();
    (dir, store)
}

pub(super) fn providers() -> BTreeSet<ProviderId> {
    ["k3d", "kind"].map(ProviderId::new).into()
}

pub(super) fn name(text: &str) -> ClusterName {
    ClusterName::parse(text).unwrap()
}

pub(super) fn id(text: &str) -> ClusterId {
    text.parse().unwrap()
}

pub(super) fn nonce(byte: u8) -> Nonce {
    Nonce::from_random([byte; 16])
}

pub(super) fn incarnation(text: &str) -> Incarnation {
    Incarnation::new(text)
}

pub(super) fn parts(container: &str, network: &str, volume: &str) -> EntryParts {
    EntryParts {
        containers: [ContainerId::new(container)].into(),
        networks: [NetworkId::new(network)].into(),
        volumes: [VolumeId::new(volume)].into(),
    }
}

pub(super) fn spec(provider: &str, cluster: &str, http: i64) -> ClusterSpec {
    ClusterSpec {
        id: ClusterId::new(ProviderId::new(provider), name(cluster)),
        subnet: None,
        ports: Ports {
            http: Port::parse(http).ok(),
            ..Ports::default()
        },
    }
}

pub(super) fn run_start(lease: Option<&str>) -> RunStart {
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

fn raw(path: &Path, sql: &str) {
    let conn = Connection::open(path).unwrap();
    conn.execute_batch(sql).unwrap();
}

const BARE: &str = "CREATE TABLE clusters (name, provider, http_port INTEGER)";

fn bare() -> (tempfile::TempDir, std::path::PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("roll.db");
    raw(&path, BARE);
    (dir, path)
}

#[test]
fn what_is_no_database_is_told_apart() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("roll.db");
    let open = || Store::open_read(&path).unwrap_err();
    assert!(matches!(open(), StoreError::NoDatabase { .. }));
    assert_eq!(open().class(), FailureClass::NotReady);
    fs::write(&path, "").unwrap();
    assert!(matches!(open(), StoreError::NoTable { .. }));
    fs::write(&path, "this is a letter, not a database".repeat(200)).unwrap();
    assert!(matches!(open(), StoreError::NotADatabase { .. }));
    assert!(matches!(
        Store::open_write(&path, &clock()),
        Err(StoreError::NotADatabase { .. })
    ));
}

#[test]
fn a_torn_database_is_damaged() {
    let (_dir, path) = bare();
    let mut bytes = fs::read(&path).unwrap();
    bytes[100..].fill(0x5a);
    fs::write(&path, bytes).unwrap();
    let error = Store::open_read(&path).unwrap_err();
    assert!(matches!(error, StoreError::Damaged { .. }), "{error:?}");
}

#[test]
fn a_newer_side_schema_is_refused_by_reader_and_writer() {
    let (dir, store) = store();
    drop(store);
    let path = dir.path().join("roll.db");
    raw(
        &path,
        "UPDATE rollcall_meta SET value = '7' WHERE key = 'schema'",
    );
    for error in [
        Store::open_read(&path).unwrap_err(),
        Store::open_write(&path, &clock()).unwrap_err(),
        Store::init(&path, InitMode::Keep, &clock()).unwrap_err(),
    ] {
        let newer = matches!(
            error,
            StoreError::NewerSideSchema {
                found: 7,
                known: 1,
                ..
            }
        );
        assert!(newer, "{error:?}");
    }
    raw(
        &path,
        "UPDATE rollcall_meta SET value = 'x' WHERE key = 'schema'",
    );
    let error = Store::open_read(&path).unwrap_err();
    assert!(
        matches!(error, StoreError::BrokenSideTables { .. }),
        "{error:?}"
    );
}

#[test]
fn a_writer_that_waits_in_vain_says_so() {
    let (dir, store) = store();
    let store = store.without_patience();
    let other = Connection::open(dir.path().join("roll.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = store.begin_run(&run_start(None), NOW).unwrap_err();
    assert!(matches!(error, StoreError::Busy { .. }), "{error:?}");
    assert_eq!(error.class(), FailureClass::Locked);
    assert_eq!(
        store.desired(&providers(), NOW).unwrap().rows,
        [],
        "reading goes on"
    );
}

#[test]
fn a_hot_journal_names_the_command_that_recovers_it() {
    let (dir, store) = store();
    store.add_row(&spec("k3d", "dev", 18080)).unwrap();
    drop(store);
    let path = dir.path().join("roll.db");
    let torn = dir.path().join("torn.db");
    let conn = Connection::open(&path).unwrap();
    // A small cache spills the transaction into the file while its journal is there, as a killed writer leaves it.
    conn.execute_batch(
        "PRAGMA cache_size = 1; PRAGMA cache_spill = 1; BEGIN IMMEDIATE;
         CREATE TABLE big (x);
         WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200)
         INSERT INTO big SELECT randomblob(4000) FROM n;
         UPDATE clusters SET http_port = 1;",
    )
    .unwrap();
    fs::copy(&path, &torn).unwrap();
    fs::copy(
        dir.path().join("roll.db-journal"),
        dir.path().join("torn.db-journal"),
    )
    .unwrap();
    drop(conn);

    let before = fs::read(&torn).unwrap();
    let error = Store::open_read(&torn).unwrap_err();
    let StoreError::HotJournal { command, .. } = &error else {
        panic!("{error:?}");
    };
    assert_eq!(*command, format!("rollcall --db {} init", torn.display()));
    assert_eq!(fs::read(&torn).unwrap(), before);
    assert_eq!(error.class(), FailureClass::NotReady);

    Store::init(&torn, InitMode::Moved, &clock()).unwrap();
    let read = Store::open_read(&torn).unwrap();
    let rows = read.desired(&providers(), NOW).unwrap().rows;
    assert_eq!(
        rows[0].intent.as_ref().unwrap().spec,
        spec("k3d", "dev", 18080)
    );
}

#[test]
fn a_reader_writes_nothing_even_when_told_to() {
    let (dir, store) = store();
    drop(store);
    let reader = Store::open_read(&dir.path().join("roll.db")).unwrap();
    let error = reader.add_row(&spec("k3d", "dev", 18080)).unwrap_err();
    assert!(
        matches!(error, StoreError::ReadOnlyFile { .. }),
        "{error:?}"
    );
}

#[test]
fn a_reader_leaves_a_write_ahead_log_to_the_writers() {
    let (dir, store) = store();
    drop(store);
    let path = dir.path().join("roll.db");
    let writer = Connection::open(&path).unwrap();
    writer
        .execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0;
             INSERT INTO clusters (name, provider) VALUES ('dev', 'k3d');",
        )
        .unwrap();
    // As a killed writer leaves it: the log is there and nobody has it open.
    let copy = dir.path().join("copy.db");
    fs::copy(&path, &copy).unwrap();
    fs::copy(
        dir.path().join("roll.db-wal"),
        dir.path().join("copy.db-wal"),
    )
    .unwrap();
    let before = fs::read(&copy).unwrap();
    let reader = Store::open_read(&copy).unwrap();
    assert_eq!(reader.desired(&providers(), NOW).unwrap().rows.len(), 1);
    drop(reader);
    assert_eq!(fs::read(&copy).unwrap(), before);
}

#[test]
fn the_journal_mode_is_left_as_it_is() {
    let (dir, store) = store();
    drop(store);
    let path = dir.path().join("roll.db");
    for mode in ["wal", "delete"] {
        raw(&path, &format!("PRAGMA journal_mode = {mode}"));
        let store = Store::open_write(&path, &clock()).unwrap();
        store.begin_run(&run_start(None), NOW).unwrap();
        drop(store);
        let conn = Connection::open(&path).unwrap();
        let now: String = conn
            .query_row("PRAGMA journal_mode", [], |r| r.get(0))
            .unwrap();
        assert_eq!(now, mode);
    }
}

#[test]
fn init_twice_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a/b/roll.db");
    let (_, first) = Store::init(&path, InitMode::Keep, &clock()).unwrap();
    assert!(first.made_table && first.made_side_tables);
    let bytes = fs::read(&path).unwrap();
    let (_, second) = Store::init(&path, InitMode::Keep, &clock()).unwrap();
    assert!(!second.made_table && !second.made_side_tables);
    assert_eq!(fs::read(&path).unwrap(), bytes);
}

#[test]
fn a_table_that_is_there_needs_no_init() {
    let (_dir, path) = bare();
    let snapshot = Store::open_read(&path)
        .unwrap()
        .snapshot(&providers(), NOW)
        .unwrap();
    assert_eq!(
        (snapshot.side_schema, snapshot.ledger.entries.len()),
        (None, 0)
    );
    let writer = Store::open_write(&path, &clock()).unwrap();
    assert_eq!(
        writer.snapshot(&providers(), NOW).unwrap().side_schema,
        Some(1)
    );
}

#[test]
fn a_copy_is_refused_until_it_is_told_what_it_is() {
    let (dir, store) = bound();
    store
        .begin_create(&id("k3d/dev"), &nonce(1), &[], NOW)
        .unwrap();
    drop(store);
    let (path, copy) = (dir.path().join("roll.db"), dir.path().join("copy.db"));
    fs::copy(&path, &copy).unwrap();
    let bytes = fs::read(&copy).unwrap();
    for error in [
        Store::open_write(&copy, &clock()).unwrap_err(),
        Store::init(&copy, InitMode::Keep, &clock()).unwrap_err(),
    ] {
        assert!(matches!(error, StoreError::Copied { .. }), "{error:?}");
        assert_eq!(error.class(), FailureClass::Refused);
        assert!(
            error.hint().unwrap().contains("init --new-owner"),
            "{error:?}"
        );
    }
    assert_eq!(
        fs::read(&copy).unwrap(),
        bytes,
        "a refused copy is not written"
    );
    assert!(
        Store::open_read(&copy).is_ok(),
        "reading a copy harms nobody"
    );

    let (owner, report) = Store::init(&copy, InitMode::NewOwner, &clock()).unwrap();
    assert_eq!(report.closed_entries, 1);
    assert_eq!(owner.ledger().unwrap().entries, []);
    assert_eq!(owner.world_binding().unwrap(), None);
    assert_eq!(
        Store::open_write(&path, &clock())
            .unwrap()
            .ledger()
            .unwrap()
            .entries
            .len(),
        1
    );
}

#[test]
fn a_moved_database_keeps_its_ledger() {
    let (dir, store) = bound();
    store
        .begin_create(&id("k3d/dev"), &nonce(1), &[], NOW)
        .unwrap();
    drop(store);
    let (path, moved) = (dir.path().join("roll.db"), dir.path().join("moved.db"));
    fs::copy(&path, &moved).unwrap();
    fs::remove_file(&path).unwrap();
    let (store, _) = Store::init(&moved, InitMode::Moved, &clock()).unwrap();
    assert_eq!(store.ledger().unwrap().entries.len(), 1);
    assert!(Store::open_write(&moved, &clock()).is_ok());
}

#[test]
fn a_renamed_file_and_one_restored_in_place_are_the_same_database() {
    let (dir, store) = bound();
    drop(store);
    let (path, other) = (dir.path().join("roll.db"), dir.path().join("other.db"));
    fs::rename(&path, &other).unwrap();
    assert!(Store::open_write(&other, &clock()).is_ok(), "same inode");
    let bytes = fs::read(&other).unwrap();
    fs::rename(&other, dir.path().join("aside.db")).unwrap();
    fs::write(&other, bytes).unwrap();
    assert!(Store::open_write(&other, &clock()).is_ok(), "same path");
}

#[test]
fn a_running_rollcall_is_not_robbed_of_its_ledger() {
    let (dir, store) = bound();
    let holder = Holder::of_this_process("rollcall reconcile");
    store.acquire(&holder, NOW, &|_| Liveness::Alive).unwrap();
    let error = Store::init(&dir.path().join("roll.db"), InitMode::NewOwner, &clock());
    assert!(matches!(error, Err(StoreError::Locked(_))), "{error:?}");
}

#[test]
fn a_copy_does_not_inherit_the_lease_of_its_original() {
    let (dir, store) = bound();
    let holder = Holder::of_this_process("rollcall reconcile");
    let lease = store.acquire(&holder, NOW, &|_| Liveness::Alive).unwrap();
    let copy = dir.path().join("copy.db");
    fs::copy(dir.path().join("roll.db"), &copy).unwrap();
    let (copy, _) = Store::init(&copy, InitMode::NewOwner, &clock()).unwrap();
    assert_eq!(copy.holder().unwrap(), None);
    store.still_mine(&lease).unwrap();
}

#[test]
fn of_many_at_once_one_gets_the_lease_and_the_others_hear_who() {
    let (dir, store) = store();
    drop(store);
    let path = dir.path().join("roll.db");
    let race = || {
        let store = Store::open_write(&path, &clock()).unwrap();
        let holder = Holder::of_this_process("rollcall reconcile");
        store.acquire(&holder, NOW, &|_| Liveness::Alive)
    };
    let results: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(race)).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    let won = results.iter().filter(|result| result.is_ok()).count();
    let heard = |result: &&Result<Lease, StoreError>| matches!(result, Err(StoreError::Locked(_)));
    assert_eq!(
        (won, results.iter().filter(heard).count()),
        (1, 7),
        "{results:?}"
    );
}

#[test]
fn nobody_writes_between_our_look_and_our_write() {
    let (dir, store) = store();
    let other = Connection::open(dir.path().join("roll.db")).unwrap();
    other.busy_timeout(std::time::Duration::ZERO).unwrap();
    let intrude = "INSERT INTO clusters (name, provider) VALUES ('dev', 'k3d')";
    let intruded = store.write(|_| Ok(other.execute(intrude, []))).unwrap();
    assert!(intruded.is_err());
    assert_eq!(other.execute(intrude, []), Ok(1), "afterwards they may");
}

#[test]
fn a_ledger_belongs_to_one_world() {
    let (_dir, store) = bound();
    let engine = EngineId::new("engine");
    store.bind_world(WorldKind::Real, &engine).unwrap();
    let sandbox = store.bind_world(WorldKind::Sandbox, &engine).unwrap_err();
    assert!(
        matches!(sandbox, StoreError::OtherWorld { .. }),
        "{sandbox:?}"
    );
    assert_eq!(sandbox.class(), FailureClass::Refused);
    let other = store
        .bind_world(WorldKind::Real, &EngineId::new("other"))
        .unwrap_err();
    assert_eq!(other.class(), FailureClass::Unobserved);
    assert_eq!(store.world_binding().unwrap().unwrap().engine, engine);
}

#[test]
fn a_backup_is_a_whole_copy_that_owns_nothing() {
    let (dir, store) = bound();
    store.add_row(&spec("k3d", "dev", 18080)).unwrap();
    let to = dir.path().join("it's a backup.db");
    store.backup(&to).unwrap();
    let again = store.backup(&to).unwrap_err();
    assert!(
        matches!(again, StoreError::BackupExists { .. }),
        "{again:?}"
    );
    let copy = Store::open_read(&to).unwrap();
    assert_eq!(copy.desired(&providers(), NOW).unwrap().rows.len(), 1);
    let error = Store::open_write(&to, &clock()).unwrap_err();
    assert!(matches!(error, StoreError::Copied { .. }), "{error:?}");
}

#[test]
fn rows_of_one_name_are_all_wrong_and_still_claim_it() {
    let (_dir, path) = bare();
    raw(
        &path,
        "INSERT INTO clusters (name, provider, http_port) VALUES
         ('dev', 'k3d', 1), ('dev', 'kind', 70000), ('ok', 'k3d', NULL), (NULL, 'k3d', NULL)",
    );
    let desired = Store::open_read(&path)
        .unwrap()
        .desired(&providers(), NOW)
        .unwrap();
    let shown: Vec<_> = desired
        .rows
        .iter()
        .map(|row| (row.shown.as_str(), row.rowid))
        .collect();
    assert_eq!(shown, [("#4", 4), ("dev", 1), ("dev", 2), ("ok", 3)]);
    let faults: Vec<_> = desired
        .rows
        .iter()
        .map(|row| row.intent.as_ref().map_or_else(Vec::len, |_| 0))
        .collect();
    assert_eq!(faults, [1, 1, 2, 0]);
    let claimed: Vec<_> = desired
        .claimed_by_invalid()
        .into_iter()
        .map(ClusterName::as_str)
        .collect();
    assert_eq!(claimed, ["dev"]);
}

#[test]
fn an_integer_that_affinity_made_of_text_is_a_port() {
    let (_dir, path) = bare();
    raw(&path, "INSERT INTO clusters VALUES ('dev', 'k3d', '18080')");
    let desired = Store::open_read(&path)
        .unwrap()
        .desired(&providers(), NOW)
        .unwrap();
    let intent = desired.rows[0].intent.as_ref().unwrap();
    assert_eq!(intent.spec.ports.http, Port::parse(18080).ok());
}

#[test]
fn a_stopped_status_and_a_stop_are_a_persons_wish() {
    let (_dir, store) = store();
    store.add_row(&spec("k3d", "a", 1)).unwrap();
    store.add_row(&spec("k3d", "b", 2)).unwrap();
    store.add_row(&spec("k3d", "c", 3)).unwrap();
    let sql = "UPDATE clusters SET status = 'stopped' WHERE name IN ('a', 'b')";
    store.write(|tx| Ok(tx.execute(sql, [])?)).unwrap();
    let stop = Stop {
        name: name("b"),
        who: Some("ann".to_owned()),
        why: None,
        until: Some(at(60)),
        since: NOW,
    };
    store.put_stop(&stop).unwrap();
    store
        .put_stop(&Stop {
            name: name("c"),
            ..stop
        })
        .unwrap();
    let sources = |now| {
        let rows = store.desired(&providers(), now).unwrap().rows.into_iter();
        rows.map(|row| row.stop.map(|stop| stop.source))
            .collect::<Vec<_>>()
    };
    let (status, ours) = (Some("status".to_owned()), Some("rollcall stop".to_owned()));
    assert_eq!(sources(at(59)), [status.clone(), ours.clone(), ours]);
    assert_eq!(sources(at(60)), [status.clone(), status, None]);
}
