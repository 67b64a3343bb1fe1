//! The lease: who gets it, who keeps it, who loses it.

use super::scene::{NOW, at, clock, store};
use crate::store::{Holder, Lease, Liveness, Store, StoreError};

fn holder(id: &str) -> Holder {
    Holder {
        id: id.to_owned(),
        host: "laptop".to_owned(),
        pid: 4711,
        boot_id: "boot".to_owned(),
        pid_namespace: "pid:[1]".to_owned(),
        command: "rollcall reconcile --repair".to_owned(),
    }
}

fn alive(_: &Holder) -> Liveness {
    Liveness::Alive
}

fn gone(_: &Holder) -> Liveness {
    Liveness::Gone
}

fn locked_by(result: Result<Lease, StoreError>) -> String {
    match result {
        Err(StoreError::Locked(view)) => view.holder.id,
        other => panic!("not locked: {other:?}"),
    }
}

#[test]
fn one_holds_it_until_it_is_released() {
    let (_dir, store) = store();
    let lease = store.acquire(&holder("a"), NOW, &alive).unwrap();
    store.renew(&lease, at(1)).unwrap();
    assert_eq!(locked_by(store.acquire(&holder("b"), at(1), &alive)), "a");
    store.release(&lease).unwrap();
    assert_eq!(store.holder().unwrap(), None);
    store.acquire(&holder("b"), at(1), &alive).unwrap();
    assert!(matches!(
        store.renew(&lease, at(1)),
        Err(StoreError::LeaseLost { .. })
    ));
    store.release(&lease).unwrap();
    assert_eq!(
        store.holder().unwrap().unwrap().holder.id,
        "b",
        "not ours to release"
    );
}

#[test]
fn a_dead_holder_is_replaced_at_once_only_by_one_who_can_know() {
    let (_dir, store) = store();
    store.acquire(&holder("a"), NOW, &alive).unwrap();
    let elsewhere = [
        Holder {
            host: "other".into(),
            ..holder("b")
        },
        Holder {
            boot_id: "other".into(),
            ..holder("b")
        },
        Holder {
            pid_namespace: "other".into(),
            ..holder("b")
        },
    ];
    for candidate in elsewhere {
        assert_eq!(locked_by(store.acquire(&candidate, at(59), &gone)), "a");
    }
    let unknown = |_: &Holder| Liveness::Unknown;
    assert_eq!(
        locked_by(store.acquire(&holder("b"), at(59), &unknown)),
        "a"
    );
    let lease = store.acquire(&holder("b"), at(1), &gone).unwrap();
    store.renew(&lease, at(1)).unwrap();
}

#[test]
fn a_heartbeat_of_60_seconds_ago_counts_for_nothing() {
    let (_dir, store) = store();
    let first = store.acquire(&holder("a"), NOW, &alive).unwrap();
    store.renew(&first, at(10)).unwrap();
    let elsewhere = Holder {
        host: "other".into(),
        ..holder("b")
    };
    assert_eq!(locked_by(store.acquire(&elsewhere, at(69), &alive)), "a");
    store.acquire(&elsewhere, at(70), &alive).unwrap();
    let lost = store.renew(&first, at(71));
    let Err(StoreError::LeaseLost { holder: Some(view) }) = lost else {
        panic!("renewed a lost lease: {lost:?}");
    };
    assert_eq!(view.holder, elsewhere);
}

#[test]
fn a_clock_that_went_back_robs_nobody() {
    let (_dir, store) = store();
    store.acquire(&holder("a"), at(3600), &alive).unwrap();
    assert_eq!(locked_by(store.acquire(&holder("b"), NOW, &alive)), "a");
}

#[test]
fn a_broken_lease_is_told_and_lost() {
    let (_dir, store) = store();
    let lease = store.acquire(&holder("a"), NOW, &alive).unwrap();
    assert_eq!(store.break_lock().unwrap().unwrap().holder, holder("a"));
    assert_eq!(store.break_lock().unwrap(), None);
    let lost = store.renew(&lease, at(1)).unwrap_err();
    assert!(lost.to_string().contains("somebody broke it"), "{lost}");
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
