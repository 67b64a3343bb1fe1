//! Saved plans: readable, applied once, and only while they hold.

use crate::scene::Scene;

fn saved(scene: &Scene, args: &[&str]) -> String {
    let file = scene.path("saved.plan").display().to_string();
    let _ = std::fs::remove_file(&file);
    scene
        .rollcall(&[&["plan", "--out", &file], args].concat())
        .code(3);
    file
}

#[test]
fn a_saved_plan_is_shown_and_applied_once() {
    let scene = Scene::new().two_rows();
    let file = saved(&scene, &["--only", "dev"]);
    let shown = scene.rollcall(&["plan", "show", &file]).code(0);
    assert!(
        shown.out.contains("+ create     cluster/k3d/dev"),
        "{}",
        shown.out
    );
    assert!(
        shown.out.contains("rollcall reconcile --repair --only dev"),
        "{}",
        shown.out
    );
    let json = scene
        .rollcall(&["plan", "show", &file, "-o", "json"])
        .code(0)
        .json();
    assert_eq!(json["schema"], "rollcall.saved_plan/v1");
    assert_eq!(json["plan"]["schema"], "rollcall.plan/v1");
    scene.rollcall(&["plan", "apply", &file]).code(0);
    assert_eq!(scene.world()["clusters"].as_array().map(Vec::len), Some(1));
    let again = scene.rollcall(&["plan", "apply", &file]).code(6);
    assert!(again.err.contains("was applied before"), "{}", again.err);
}

#[test]
fn a_plan_that_was_applied_is_used_although_everything_is_as_it_was() {
    let scene = Scene::new().two_rows();
    let file = saved(&scene, &[]);
    scene.rollcall(&["sandbox", "say", "create fails"]).code(0);
    scene
        .rollcall(&["plan", "apply", &file, "--retries", "0"])
        .code(1);
    scene.rollcall(&["sandbox", "forget"]).code(0);
    let again = scene.rollcall(&["plan", "apply", &file]).code(6);
    assert!(again.err.contains("plan"), "{}", again.err);
}

#[test]
fn a_plan_is_refused_when_the_table_the_ledger_or_the_world_moved() {
    let scene = Scene::new().two_rows();
    for (moved, says) in [
        (
            "UPDATE clusters SET http_port = 18999 WHERE name = 'dev'",
            "the table",
        ),
        (
            "UPDATE clusters SET subnet = '10.150.0.0/24' WHERE name = 'ops'",
            "the table",
        ),
    ] {
        let file = saved(&scene, &["--only", "dev"]);
        scene.sql(moved);
        let said = scene.rollcall(&["plan", "apply", &file]).code(6);
        assert!(said.err.contains(says), "{}", said.err);
    }
    let file = saved(&scene, &["--only", "dev"]);
    scene.rollcall(&["sandbox", "make", "k3d/dev"]).code(0);
    let said = scene.rollcall(&["plan", "apply", &file]).code(6);
    assert!(
        said.err.contains("what would be done changed"),
        "{}",
        said.err
    );
    let file = saved(&scene, &["--only", "ops"]);
    scene
        .rollcall(&["reconcile", "--repair", "--only", "ops"])
        .code(0);
    let said = scene.rollcall(&["plan", "apply", &file]).code(6);
    assert!(said.err.contains("the ledger"), "{}", said.err);
    // A status column is nobody's intent.
    scene.rollcall(&["clean"]).code(0);
    let file = saved(&scene, &["--only", "ops"]);
    scene.sql("UPDATE clusters SET status = 'x', actual_state = 'y'");
    scene.rollcall(&["plan", "apply", &file]).code(0);
}

#[test]
fn a_prune_is_saved_with_all_that_its_guards_need() {
    let scene = Scene::new().two_rows().repaired();
    scene.sql("DELETE FROM clusters WHERE name = 'ops'");
    let file = saved(&scene, &["--prune=orphans", "--max-deletes", "1"]);
    scene.rollcall(&["plan", "apply", &file]).code(0);
    assert_eq!(scene.world()["clusters"].as_array().map(Vec::len), Some(1));
    scene.sql("DELETE FROM clusters");
    let file = saved(&scene, &["--prune=orphans"]);
    scene.rollcall(&["plan", "apply", &file]).code(5);
    let file = saved(&scene, &["--prune=orphans", "--allow-all"]);
    scene.rollcall(&["plan", "apply", &file]).code(0);
}

#[test]
fn what_is_no_saved_plan_is_said() {
    let scene = Scene::new().two_rows();
    let file = saved(&scene, &[]);
    let there = scene.rollcall(&["plan", "--out", &file]);
    assert_ne!(there.code, 3);
    assert!(there.err.contains("not there"), "{}", there.err);
    let forged = |from: &str, to: &str| {
        let text = std::fs::read_to_string(&file).unwrap().replace(from, to);
        let other = scene.path("forged.plan");
        std::fs::write(&other, text).unwrap();
        scene.rollcall(&["plan", "apply", other.to_str().unwrap()])
    };
    forged("reconcile --repair", "clean --all").code(2);
    forged("reconcile --repair", "reconcile --repair --exclude dev").code(6);
    forged("rollcall.saved_plan/v1", "rollcall.plan/v1").code(2);
    forged("\"version\": \"", "\"version\": \"9").code(6);
    scene.rollcall(&["plan", "apply", "/nowhere"]).code(12);
    scene.rollcall(&["plan", "show", "/nowhere"]).code(12);
    std::fs::write(scene.path("garbage"), "\u{0}").unwrap();
    let garbage = scene.path("garbage");
    scene
        .rollcall(&["plan", "show", garbage.to_str().unwrap()])
        .code(2);
}
