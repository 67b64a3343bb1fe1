//! Saved plans: readable, applied once, and only while they hold.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

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
    let there = there.code(2);
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
    scene.rollcall(&["plan", "apply", "/nowhere"]).code(2);
    scene.rollcall(&["plan", "show", "/nowhere"]).code(2);
    std::fs::write(scene.path("garbage"), "\u{0}").unwrap();
    let garbage = scene.path("garbage");
    scene
        .rollcall(&["plan", "show", garbage.to_str().unwrap()])
        .code(2);
}

#[test]
fn a_plan_holds_for_its_own_database_and_world() {
    let (one, other) = (Scene::new().two_rows(), Scene::new().two_rows());
    let file = saved(&one, &[]);
    let said = other.rollcall(&["plan", "apply", &file]).code(6);
    assert!(
        said.err.contains("the database or its world"),
        "{}",
        said.err
    );
    assert!(
        said.err.contains(&one.db().display().to_string()),
        "{}",
        said.err
    );
    one.rollcall(&["plan", "apply", &file]).code(0);
}

#[test]
fn what_turns_up_after_a_plan_was_saved_is_not_done_with_it() {
    let scene = Scene::new().two_rows();
    let file = saved(&scene, &["--only", "dev"]);
    rollcall::sandbox::open(&scene.path("world"))
        .unwrap()
        .set_pace(0.1)
        .unwrap();
    let mut child = scene
        .program()
        .args(["plan", "apply", &file])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let said = BufReader::new(child.stderr.take().unwrap());
    let mut lines = said.lines().map(Result::unwrap);
    assert!(lines.any(|line| line.starts_with("create cluster/k3d/dev")));
    // Another mind: the port that the plan asks for is not wanted any more.
    scene.sql("UPDATE clusters SET pf_port = 19555 WHERE name = 'dev'");
    assert_eq!(lines.filter(|line| line.contains("19555")).count(), 0);
    assert_eq!(child.wait().unwrap().code(), Some(3));
    let history = scene.rollcall(&["history"]).code(0);
    assert!(history.out.contains("plan apply"), "{}", history.out);
}
