//! The streams of events.

use serde_json::Value;

use crate::scene::Scene;

#[test]
fn events_are_gapless_match_their_schema_and_are_replayed_by_history() {
    let scene = Scene::new().two_rows();
    let path = scene.path("events");
    scene
        .rollcall(&["reconcile", "--repair", "--events", path.to_str().unwrap()])
        .code(0);
    let text = std::fs::read_to_string(&path).unwrap();
    let events: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let schema = scene.rollcall(&["schema", "event"]).code(0).json();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for (place, event) in events.iter().enumerate() {
        assert_eq!(event["seq"], place as u64 + 1);
        assert!(validator.is_valid(event), "{event:#}");
        assert!(!event["message"].as_str().unwrap().is_empty());
    }
    let kinds: Vec<_> = events
        .iter()
        .map(|event| event["type"].as_str().unwrap())
        .collect();
    for kind in [
        "run_started",
        "source_observed",
        "step_planned",
        "step_started",
        "step_progress",
        "step_finished",
        "verified",
    ] {
        assert!(kinds.contains(&kind), "{kind} in {kinds:?}");
    }
    assert_eq!(kinds.last(), Some(&"run_finished"));
    let stored = scene.rollcall(&["last-run", "-o", "json"]).code(0).json();
    assert_eq!(
        stored["items"].as_array().unwrap(),
        &events,
        "the stored run is the run"
    );
    let replayed = scene.rollcall(&["history", "1"]).code(0);
    assert!(
        replayed.out.contains("create cluster/k3d/dev: done"),
        "{}",
        replayed.out
    );
}

#[test]
fn with_nothing_to_do_the_first_event_is_the_start() {
    let scene = Scene::new().two_rows().repaired();
    let ran = scene
        .rollcall(&[
            "reconcile",
            "--repair",
            "--events",
            "fd:1",
            "-o",
            "json=/dev/null",
        ])
        .code(0);
    let kinds: Vec<_> = ran
        .out
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .map(|event| event["type"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(kinds[..2], ["run_started", "source_observed"], "{kinds:?}");
}
