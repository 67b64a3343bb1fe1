//! Run records.

use super::scene::{NOW, at, bound, id, providers, run_start, store};
use crate::model::Address;
use crate::store::{
    EventRecord, Holder, Lease, Liveness, RunId, RunState, StepStart, Store, StoreError,
};

/// A run that begins under a lease that it takes from a dead holder, if there is one.
fn begin(store: &Store, word: &str, seconds: i64) -> (Lease, RunId) {
    let holder = Holder {
        id: word.to_owned(),
        ..Holder::of_this_process(word)
    };
    let lease = store
        .acquire(&holder, at(seconds), &|_| Liveness::Gone)
        .unwrap();
    let run = store
        .begin_run(&run_start(Some(lease.id())), at(seconds))
        .unwrap();
    (lease, run)
}

fn begin_step(store: &Store, run: RunId) {
    let address = Address::Cluster(id("k3d/dev"));
    let start = StepStart {
        address: &address,
        action: "create",
        log: None,
    };
    store.begin_step(run, &start, NOW).unwrap();
}

fn state(store: &Store, run: RunId) -> RunState {
    let live = store.holder().unwrap();
    store.run(run).unwrap().state(live.as_ref())
}

#[test]
fn a_run_is_told_from_its_start_to_its_verdict() {
    let (_dir, store) = store();
    assert_eq!(store.last_run().unwrap(), None);
    let id = store.begin_run(&run_start(None), NOW).unwrap();
    let running = store.run(id).unwrap();
    assert_eq!(
        (&running.start, running.finished_at),
        (&run_start(None), None)
    );
    let events: Vec<_> = (0..3)
        .map(|seq| EventRecord {
            seq,
            at: at(1),
            json: format!("{{\"seq\":{seq}}}"),
        })
        .collect();
    store.append_events(id, &events[1..]).unwrap();
    store.append_events(id, &events[..1]).unwrap();
    assert_eq!(store.events(id).unwrap(), events);
    store.finish_run(id, 3, "{}", at(5)).unwrap();
    let run = store.last_run().unwrap().unwrap();
    assert_eq!((run.finished_at, run.exit_code), (Some(at(5)), Some(3)));
    let ghost = store.finish_run(RunId(99), 0, "{}", NOW);
    assert!(matches!(ghost, Err(StoreError::NoRecord(_))));
}

#[test]
fn an_event_is_stored_once_and_a_batch_as_a_whole() {
    let (_dir, store) = store();
    let id = store.begin_run(&run_start(None), NOW).unwrap();
    let event = |seq| EventRecord {
        seq,
        at: NOW,
        json: "{}".to_owned(),
    };
    store.append_events(id, &[event(0)]).unwrap();
    store.append_events(id, &[event(1), event(0)]).unwrap_err();
    assert_eq!(store.events(id).unwrap(), [event(0)]);
}

#[test]
fn the_last_200_runs_are_kept_with_all_they_said() {
    let (_dir, store) = store();
    let event = EventRecord {
        seq: 0,
        at: NOW,
        json: "{}".to_owned(),
    };
    for _ in 0..203 {
        let id = store.begin_run(&run_start(None), NOW).unwrap();
        store
            .append_events(id, std::slice::from_ref(&event))
            .unwrap();
    }
    let runs = store.runs(1000).unwrap();
    assert_eq!(
        (runs.len(), runs[0].id, runs[199].id),
        (200, RunId(203), RunId(4))
    );
    assert_eq!(store.events(RunId(3)).unwrap(), []);
    assert_eq!(store.events(RunId(4)).unwrap().len(), 1);
}

#[test]
fn a_plan_is_used_once() {
    let (_dir, store) = store();
    store.use_plan("p", NOW).unwrap();
    store.use_plan("q", NOW).unwrap();
    let again = store.use_plan("p", at(1));
    assert!(
        matches!(again, Err(StoreError::PlanUsed { .. })),
        "{again:?}"
    );
}

#[test]
fn a_run_that_died_is_closed_by_the_next_one_with_the_step_it_was_at() {
    let (_dir, store) = bound();
    let (_, dead) = begin(&store, "a", 0);
    begin_step(&store, dead);
    assert_eq!(state(&store, dead), RunState::Running);
    assert_eq!(store.run(dead).unwrap().state(None), RunState::Died);

    let (lease, living) = begin(&store, "b", 7);
    begin_step(&store, living);
    let record = store.run(dead).unwrap();
    assert_eq!(record.finished_at, Some(at(7)));
    assert_eq!(record.exit_code, None);
    assert_eq!(record.verdict.as_deref(), Some(RunState::DIED));
    let step = store.steps(dead).unwrap().remove(0);
    assert_eq!(
        (step.state.as_str(), step.finished_at),
        ("died", Some(at(7)))
    );
    assert_eq!(step.error.as_deref(), Some(RunState::DIED));
    assert_eq!(
        (state(&store, dead), state(&store, living)),
        (RunState::Died, RunState::Running)
    );
    let at_work = store.snapshot(&providers(), at(8)).unwrap().in_progress;
    assert_eq!(at_work, [id("k3d/dev")].into(), "the living one's");

    store.finish_run(living, 0, "converged", at(9)).unwrap();
    store.release(&lease).unwrap();
    begin(&store, "c", 10);
    let ended = store.run(living).unwrap();
    assert_eq!(ended.finished_at, Some(at(9)), "what ended stays as it is");
    assert_eq!(state(&store, living), RunState::Ended(0));
    assert_eq!(store.run(dead).unwrap().finished_at, Some(at(7)));
}

#[test]
fn a_record_that_nobody_closed_is_closed_though_its_lease_was_given_back() {
    let (_dir, store) = store();
    let (lease, left) = begin(&store, "a", 0);
    store.release(&lease).unwrap();
    assert_eq!(state(&store, left), RunState::Died);
    begin(&store, "b", 1);
    assert_eq!(store.run(left).unwrap().finished_at, Some(at(1)));
}

#[test]
fn a_run_that_holds_the_lease_is_closed_by_nobody() {
    let (_dir, store) = store();
    let (_, living) = begin(&store, "a", 0);
    for lease in [None, Some("lost")] {
        store.begin_run(&run_start(lease), at(1)).unwrap();
    }
    assert_eq!(store.run(living).unwrap().finished_at, None);
    assert_eq!(state(&store, living), RunState::Running);
}

#[test]
fn a_run_that_was_only_silent_may_still_say_how_it_ended() {
    let (_dir, store) = store();
    let (_, silent) = begin(&store, "a", 0);
    begin(&store, "b", 61);
    store.finish_run(silent, 7, "broken off", at(70)).unwrap();
    let record = store.run(silent).unwrap();
    assert_eq!(record.verdict.as_deref(), Some("broken off"));
    assert_eq!(state(&store, silent), RunState::Ended(7));
}
