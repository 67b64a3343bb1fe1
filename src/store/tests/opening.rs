//! What may be opened, how, and what a reader and a writer leave as it was.

use std::fs;

use rusqlite::Connection;

use super::scene::{NOW, bare, clock, providers, raw, run_start, spec, store};
use crate::model::Preparation;
use crate::store::migrations::NEWEST;
use crate::store::{FailureClass, InitMode, Store, StoreError};

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
                known: NEWEST,
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
        Some(NEWEST)
    );
}

#[test]
fn older_side_tables_are_read_as_they_are_and_grow_with_the_first_writer() {
    let (_dir, path) = bare();
    raw(&path, include_str!("../../../sql/0001_side_tables.sql"));
    raw(
        &path,
        "INSERT INTO rollcall_meta VALUES ('schema', '1'), ('world_engine', 'e1'), ('world_kind', 'real');
         INSERT INTO rollcall_entries (engine, provider, name, origin, state, nonce, incarnation, since)
         VALUES ('e1', 'k3d', 'dev', 'made', 'live', NULL, 'life', '2026-01-01T00:00:00Z')",
    );
    let entry = |store: &Store| {
        let snapshot = store.snapshot(&providers(), NOW).unwrap();
        let entry = snapshot.ledger.entries.first().unwrap();
        (snapshot.side_schema, entry.preparation)
    };
    let before = std::fs::read(&path).unwrap();
    let reader = Store::open_read(&path).unwrap();
    assert_eq!(entry(&reader), (Some(1), Preparation::None));
    assert_eq!(std::fs::read(&path).unwrap(), before);
    let writer = Store::open_write(&path, &clock()).unwrap();
    assert_eq!(entry(&writer), (Some(NEWEST), Preparation::None));
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
fn nobody_writes_between_our_look_and_our_write() {
    let (dir, store) = store();
    let other = Connection::open(dir.path().join("roll.db")).unwrap();
    other.busy_timeout(std::time::Duration::ZERO).unwrap();
    let intrude = "INSERT INTO clusters (name, provider) VALUES ('dev', 'k3d')";
    let intruded = store.write(|_| Ok(other.execute(intrude, []))).unwrap();
    assert!(intruded.is_err());
    assert_eq!(other.execute(intrude, []), Ok(1), "afterwards they may");
}
