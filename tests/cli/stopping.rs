//! `rollcall stop` and `start`: a wish that repairs respect.

use crate::scene::Scene;

fn phase(scene: &Scene, cluster: &str) -> String {
    let world = scene.world();
    let mut all = world["clusters"].as_array().unwrap().iter();
    let found = all.find(|c| c["cluster"] == cluster);
    found.map_or_else(
        || "absent".to_owned(),
        |c| c["phase"].as_str().unwrap().to_owned(),
    )
}

#[test]
fn what_a_person_stopped_no_repair_starts_until_it_is_started() {
    let scene = Scene::new().two_rows().repaired();
    let said = scene
        .rollcall(&["stop", "dev", "--why", "lunch", "--who", "ann"])
        .code(0);
    assert!(said.err.contains("rollcall --sandbox"), "{}", said.err);
    assert_eq!(phase(&scene, "k3d/dev"), "stopped");
    let repaired = scene.rollcall(&["reconcile", "--repair"]).code(0);
    assert!(
        repaired
            .out
            .contains("stopped on purpose (rollcall stop) by ann: lunch"),
        "{}",
        repaired.out
    );
    assert!(repaired.out.contains("start k3d/dev"), "{}", repaired.out);
    assert_eq!(phase(&scene, "k3d/dev"), "stopped");
    scene.rollcall(&["stop", "dev"]).code(0);
    scene.rollcall(&["start", "dev"]).code(0);
    assert_ne!(phase(&scene, "k3d/dev"), "stopped");
    let status = scene.rollcall(&["status"]).code(0);
    assert!(status.out.contains("2 synced"), "{}", status.out);
}

#[test]
fn a_stop_ends_by_itself_when_it_said_so() {
    let scene = Scene::new().two_rows().repaired();
    scene.rollcall(&["stop", "dev", "--for", "2h"]).code(0);
    scene.rollcall(&["reconcile", "--repair"]).code(0);
    assert_eq!(phase(&scene, "k3d/dev"), "stopped");
    scene.rollcall(&["sandbox", "advance", "2h"]).code(0);
    scene.rollcall(&["reconcile", "--repair"]).code(0);
    assert_ne!(phase(&scene, "k3d/dev"), "stopped");
}

#[test]
fn what_cannot_be_stopped_is_said_before_a_wish_is_written() {
    let scene = Scene::new().two_rows();
    scene.rollcall(&["sandbox", "make", "k3d/dev"]).code(0);
    let said = scene.rollcall(&["stop", "dev"]).code(5);
    assert!(said.err.contains("cluster adopt k3d/dev"), "{}", said.err);
    let said = scene.rollcall(&["stop", "dv"]).code(2);
    assert!(said.err.contains("did you mean dev"), "{}", said.err);
    scene.sql("UPDATE clusters SET desired_state = 'absent' WHERE name = 'dev'");
    let said = scene.rollcall(&["start", "dev"]).code(2);
    assert!(said.err.contains("says absent"), "{}", said.err);
    assert!(!scene.rollcall(&["status"]).out.contains("on purpose"));
}

#[test]
fn a_stop_that_fails_is_said_and_stays_wished() {
    let scene = Scene::new().two_rows().repaired();
    scene.rollcall(&["sandbox", "say", "stop fails"]).code(0);
    scene.rollcall(&["stop", "dev", "--retries", "0"]).code(1);
    scene.rollcall(&["sandbox", "forget"]).code(0);
    scene.rollcall(&["stop", "dev"]).code(0);
    assert_eq!(phase(&scene, "k3d/dev"), "stopped");
    scene
        .rollcall(&["sandbox", "say", "stop does nothing"])
        .code(0);
    scene.rollcall(&["start", "dev"]).code(0);
    scene.rollcall(&["stop", "dev", "--retries", "0"]).code(1);
}

#[test]
fn what_is_to_be_stopped_is_not_made_either() {
    let scene = Scene::new().two_rows().repaired();
    scene.rollcall(&["stop", "dev"]).code(0);
    scene.rollcall(&["clean"]).code(0);
    let said = scene.rollcall(&["reconcile", "--repair"]).code(0);
    assert!(said.out.contains("stopped on purpose"), "{}", said.out);
    assert_eq!(phase(&scene, "k3d/dev"), "absent");
    scene.rollcall(&["verify"]).code(3);
    scene.rollcall(&["start", "dev"]).code(0);
    scene.rollcall(&["verify"]).code(0);
}

#[test]
fn a_stop_that_comes_to_nothing_says_that_the_wish_stands() {
    let scene = Scene::new().two_rows().repaired();
    scene.rollcall(&["sandbox", "say", "stop fails"]).code(0);
    let said = scene.rollcall(&["stop", "dev", "--retries", "0"]).code(1);
    assert!(said.err.contains("the wish stands"), "{}", said.err);
    assert!(said.err.contains("start dev"), "{}", said.err);
}
