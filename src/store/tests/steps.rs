//! Step records.

use super::scene::{NOW, at, id, run_start, store};
use crate::model::Address;
use crate::store::{StepEnd, StepKey, StepStart, StoreError};

#[test]
fn a_step_is_told_from_its_start_to_its_end() {
    let (_dir, store) = store();
    let run = store.begin_run(&run_start(None), NOW).unwrap();
    let address = Address::Cluster(id("k3d/dev"));
    let start = StepStart {
        address: &address,
        action: "create",
        log: Some("/l"),
    };
    let key = store.begin_step(run, &start, NOW).unwrap();
    let end = StepEnd {
        state: "failed",
        attempts: 2,
        error: Some("no\nK3S_TOKEN=x"),
    };
    store.finish_step(key, &end, at(4)).unwrap();
    let step = store.steps(run).unwrap().remove(0);
    assert_eq!(
        (step.address.as_str(), step.action.as_str()),
        ("cluster/k3d/dev", "create")
    );
    assert_eq!((step.state.as_str(), step.attempts), ("failed", 2));
    assert_eq!(step.error.as_deref(), Some("no K3S_TOKEN=[redacted]"));
    assert_eq!((step.started_at, step.finished_at), (NOW, Some(at(4))));
    let ghost = store.finish_step(StepKey(99), &end, NOW);
    assert!(matches!(ghost, Err(StoreError::NoRecord(_))));
}
