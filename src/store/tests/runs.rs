//! Run records.

use super::scene::{NOW, at, run_start, store};
use crate::store::{EventRecord, RunId, StoreError};

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
