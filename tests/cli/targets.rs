//! Where answers and events go.

use crate::scene::Scene;

#[test]
fn what_cannot_be_written_is_12() {
    let scene = Scene::new().two_rows();
    let ran = scene
        .rollcall(&["reconcile", "--repair", "--events", "/dev/full"])
        .code(12);
    assert!(ran.err.contains("failed to write events"), "{}", ran.err);
    assert!(ran.out.contains("not all of this run"), "{}", ran.out);
    scene
        .rollcall(&["reconcile", "--events", "/dev/full"])
        .code(12);
}

#[test]
fn a_record_that_cannot_be_written_is_told_and_the_run_answers() {
    let scene = Scene::new().two_rows();
    scene.sql(
        "CREATE TRIGGER full BEFORE INSERT ON rollcall_events
         BEGIN SELECT RAISE(ABORT, 'no room'); END;",
    );
    let ran = scene.rollcall(&["reconcile", "--repair", "-o", "json"]);
    assert_ne!(ran.code, 0, "{}", ran.err);
    assert_eq!(ran.json()["schema"], "rollcall.run/v1");
    assert_eq!(ran.json()["converged"], true);
    assert!(
        ran.err.contains("failed to store the events"),
        "{}",
        ran.err
    );
}
