//! The life of an entry, and what a ledger owns.

use super::scene::{NOW, at, bound, id, incarnation, nonce, parts, store};
use crate::model::{
    EngineId, EntryKey, EntryState, Fingerprint, Ledger, Origin, Preparation, RegistrarId,
    RegistrationEntry,
};
use crate::store::{EntryParts, Holder, Liveness, StoreError};

#[test]
fn an_entry_lives_from_intent_to_end() {
    let (_dir, store) = bound();
    let key = store
        .begin_create(&id("k3d/dev"), &nonce(1), &[], Preparation::None, NOW)
        .unwrap();
    let entry = store.ledger().unwrap().entries.remove(0);
    assert_eq!(
        (entry.key, entry.state, entry.since),
        (key, EntryState::Creating, NOW)
    );
    assert_eq!((entry.origin, entry.nonce), (Origin::Made, Some(nonce(1))));

    store.record_parts(key, &parts("a", "n", "v")).unwrap();
    let entry = store.ledger().unwrap().entries.remove(0);
    assert_eq!(
        (entry.state, entry.containers.len()),
        (EntryState::Creating, 1)
    );

    store
        .record_live(key, &incarnation("b"), &parts("b", "n", "v"))
        .unwrap();
    let entry = store.ledger().unwrap().entries.remove(0);
    assert_eq!(
        (entry.state, entry.incarnation),
        (EntryState::Live, Some(incarnation("b")))
    );
    assert_eq!(
        entry.containers,
        parts("b", "n", "v").containers,
        "replaced, not added"
    );

    store.begin_delete(key).unwrap();
    assert_eq!(
        store.ledger().unwrap().entries[0].state,
        EntryState::Deleting
    );
    store.close(key, "deleted", at(9)).unwrap();
    assert_eq!(store.ledger().unwrap().entries, []);
}

#[test]
fn a_closed_entry_keeps_its_mark_and_is_open_again_when_something_of_it_turns_up() {
    let (_dir, store) = bound();
    let key = store
        .begin_create(&id("k3d/dev"), &nonce(1), &[], Preparation::None, NOW)
        .unwrap();
    store.close(key, "first", NOW).unwrap();
    store.close(key, "second", at(1)).unwrap();
    for refused in [
        store.record_parts(key, &EntryParts::default()),
        store.close(EntryKey(99), "ghost", NOW),
    ] {
        assert!(
            matches!(refused, Err(StoreError::NoEntry(_))),
            "{refused:?}"
        );
    }
    let why = "SELECT closed_why FROM rollcall_entries";
    let why: String = store
        .read(|c| Ok(c.query_row(why, [], |r| r.get(0))?))
        .unwrap();
    assert_eq!(why, "first");
    let ledger = store.ledger().unwrap();
    assert!(ledger.entries.is_empty());
    assert_eq!(ledger.closed[0].nonce, Some(nonce(1)));
    store.begin_delete(key).unwrap();
    let ledger = store.ledger().unwrap();
    assert_eq!(ledger.entries[0].state, EntryState::Deleting);
    assert!(ledger.closed.is_empty());
}

#[test]
fn who_lost_the_lease_writes_nothing_any_more() {
    let (_dir, store) = bound();
    let key = store
        .begin_create(&id("k3d/dev"), &nonce(1), &[], Preparation::None, NOW)
        .unwrap();
    let holder = Holder::of_this_process("one");
    let lease = store.acquire(&holder, NOW, &|_| Liveness::Alive).unwrap();
    store.demand_lease(&lease);
    store.record_parts(key, &EntryParts::default()).unwrap();
    store.break_lock().unwrap();
    let refused = store.close(key, "not mine to say", NOW);
    assert!(
        matches!(refused, Err(StoreError::LeaseLost { .. })),
        "{refused:?}"
    );
    assert_eq!(store.ledger().unwrap().entries.len(), 1);
}

#[test]
fn a_new_life_closes_the_one_it_supersedes_or_nothing_happens() {
    let (_dir, store) = bound();
    let old = store
        .begin_create(&id("k3d/dev"), &nonce(1), &[], Preparation::None, NOW)
        .unwrap();
    let ghost = store.begin_create(
        &id("k3d/dev"),
        &nonce(2),
        &[old, EntryKey(99)],
        Preparation::None,
        NOW,
    );
    assert!(matches!(ghost, Err(StoreError::NoEntry(EntryKey(99)))));
    assert_eq!(store.ledger().unwrap().entries[0].key, old);
    let new = store
        .begin_create(&id("k3d/dev"), &nonce(2), &[old], Preparation::None, NOW)
        .unwrap();
    let entries = store.ledger().unwrap().entries;
    assert_eq!((entries.len(), entries[0].key), (1, new));
    assert!(new > old);
}

#[test]
fn a_ledger_without_a_world_takes_no_entry() {
    let (_dir, store) = store();
    let refused = store.begin_create(&id("k3d/dev"), &nonce(1), &[], Preparation::None, NOW);
    assert!(matches!(refused, Err(StoreError::NotBound)));
    assert_eq!(store.ledger().unwrap(), Ledger::default());
}

#[test]
fn behind_another_engine_nothing_is_ours_until_the_first_one_is_back() {
    let (_dir, store) = bound();
    store
        .begin_create(&id("k3d/dev"), &nonce(1), &[], Preparation::None, NOW)
        .unwrap();
    let entry = RegistrationEntry {
        registrar: RegistrarId::new("argocd"),
        cluster: id("k3d/dev"),
        incarnation: incarnation("a"),
        fingerprint: Fingerprint::new("f"),
    };
    store.put_registration(&entry).unwrap();
    store.rebind_engine(&EngineId::new("other")).unwrap();
    let ledger = store.ledger().unwrap();
    assert_eq!(ledger.engine, Some(EngineId::new("other")));
    assert_eq!((ledger.entries.len(), ledger.registrations.len()), (0, 0));
    store.rebind_engine(&EngineId::new("engine")).unwrap();
    let ledger = store.ledger().unwrap();
    assert_eq!(
        (ledger.entries.len(), ledger.registrations),
        (1, vec![entry])
    );
}

#[test]
fn a_registration_is_replaced_and_dropped_by_registrar_and_cluster() {
    let (_dir, store) = bound();
    let entry = |life: &str, print: &str| RegistrationEntry {
        registrar: RegistrarId::new("argocd"),
        cluster: id("k3d/dev"),
        incarnation: incarnation(life),
        fingerprint: Fingerprint::new(print),
    };
    store.put_registration(&entry("a", "1")).unwrap();
    store.put_registration(&entry("b", "2")).unwrap();
    assert_eq!(store.ledger().unwrap().registrations, [entry("b", "2")]);
    let argocd = RegistrarId::new("argocd");
    store.drop_registration(&argocd, &id("kind/dev")).unwrap();
    assert_eq!(store.ledger().unwrap().registrations.len(), 1);
    store.drop_registration(&argocd, &id("k3d/dev")).unwrap();
    assert_eq!(store.ledger().unwrap().registrations, []);
}
