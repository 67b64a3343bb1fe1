//! A ledger belongs to one file and to one world.

use std::fs;

use super::scene::{NOW, bound, clock, id, nonce, providers, spec};
use crate::model::{EngineId, Preparation, WorldKind};
use crate::store::{FailureClass, Holder, InitMode, Liveness, Store, StoreError};

#[test]
fn a_copy_is_refused_until_it_is_told_what_it_is() {
    let (dir, store) = bound();
    store
        .begin_create(&id("k3d/dev"), &nonce(1), &[], Preparation::None, NOW)
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
        .begin_create(&id("k3d/dev"), &nonce(1), &[], Preparation::None, NOW)
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
    store.renew(&lease, NOW).unwrap();
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
fn a_backup_that_is_ended_leaves_nothing() {
    let (dir, store) = bound();
    store
        .write(|tx| {
            Ok(tx.execute_batch(
                "CREATE TABLE big (x);
                 WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100)
                 INSERT INTO big SELECT randomblob(100000) FROM n",
            )?)
        })
        .unwrap();
    let folder = dir.path().join("copies");
    std::fs::create_dir(&folder).unwrap();
    let interrupter = store.interrupter();
    let (end, ended) = std::sync::mpsc::channel::<()>();
    let begun = || std::fs::read_dir(&folder).unwrap().next().is_some();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            while ended.try_recv().is_err() {
                if begun() {
                    interrupter.interrupt();
                }
            }
        });
        store.backup(&folder.join("copy.db")).unwrap_err();
        end.send(()).unwrap();
    });
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);
    store.backup(&folder.join("copy.db")).unwrap();
}
