//! `rollcall verify` and `ensure`: is every row true everywhere, and does it stay so?

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};

use crate::scene::Scene;

#[test]
fn what_is_true_is_said_with_how_long_it_was_looked_at() {
    let scene = Scene::new().two_rows().repaired();
    let said = scene.rollcall(&["verify", "--for", "10s"]).code(0);
    assert!(said.out.contains("true: 2 rows for 10 s"), "{}", said.out);
    let one = scene
        .rollcall(&["verify", "dev", "-o", "json"])
        .code(0)
        .json();
    assert_eq!(one["clusters"].as_array().map(Vec::len), Some(1));
    let none = scene.rollcall(&["verify", "nobody"]).code(2);
    assert!(none.err.contains("nobody"), "{}", none.err);
}

#[test]
fn whatever_makes_a_row_untrue_is_drift_for_a_verify() {
    let scene = Scene::new().two_rows().repaired();
    let untrue = |what: &str| {
        let said = scene.rollcall(&["verify"]).code(3);
        assert!(said.out.contains("not true"), "{what}: {}", said.out);
        scene.rollcall(&["reconcile", "--repair"]);
        scene.rollcall(&["start", "dev", "ops"]).code(0);
        scene.rollcall(&["verify"]).code(0);
    };
    scene.rollcall(&["stop", "dev"]).code(0);
    untrue("a person stopped it");
    scene.rollcall(&["sandbox", "stop", "kind/ops"]).code(0);
    untrue("it was stopped");
    scene.rollcall(&["sandbox", "wipe", "kind/ops"]).code(0);
    untrue("it is gone");
    scene
        .rollcall(&["sandbox", "say", "docker is silent"])
        .code(0);
    let said = scene.rollcall(&["verify"]).code(9);
    assert!(said.out.contains("no verdict"), "{}", said.out);
    scene.rollcall(&["sandbox", "say", "docker is up"]).code(0);
    // A cluster of ours without a row is drift, though every row is true.
    scene.sql("DELETE FROM clusters WHERE name = 'ops'");
    let said = scene.rollcall(&["verify"]).code(3);
    assert!(said.out.contains("drift besides 1 row"), "{}", said.out);
    scene.sql("DELETE FROM clusters");
    scene.rollcall(&["clean"]).code(0);
    let said = scene.rollcall(&["verify"]).code(0);
    assert!(said.out.contains("no rows"), "{}", said.out);
}

#[test]
fn too_few_rows_are_named_and_nothing_is_begun() {
    let scene = Scene::new().two_rows();
    let said = scene
        .rollcall(&["ensure", "--min", "kind=2,k3d=3", "-o", "json"])
        .code(3);
    let hints = said.json()["hints"].to_string();
    for id in ["kind/kind1", "k3d/k3d1", "k3d/k3d2"] {
        assert!(hints.contains(&format!("cluster add {id} ")), "{hints}");
    }
    assert!(!hints.contains("k3d3"), "{hints}");
    assert_eq!(scene.world()["clusters"].as_array().map(Vec::len), Some(0));
    scene.rollcall(&["ensure", "--min", "vcluster=1"]).code(2);
    scene.rollcall(&["ensure", "--min", "kind"]).code(2);
    scene.rollcall(&["ensure", "--fill"]).code(2);
}

#[test]
fn missing_rows_are_filled_with_what_nobody_has() {
    let scene = Scene::new().two_rows();
    scene
        .rollcall(&["ensure", "--min", "kind=2,k3d=2", "--fill", "--for", "6s"])
        .code(0);
    let listed = scene.rollcall(&["cluster", "list"]).code(0).out;
    // 18080 is dev's.
    assert!(listed.contains("k3d/k3d1"), "{listed}");
    assert!(listed.contains("18081->80"), "{listed}");
    assert!(listed.contains("18082->80"), "{listed}");
    assert!(listed.contains("10.102.0.0/24"), "{listed}");
    let again = scene.rollcall(&["ensure", "--min", "kind=2,k3d=2"]).code(0);
    assert!(again.out.contains("in sync"), "{}", again.out);
    assert_eq!(scene.world()["clusters"].as_array().map(Vec::len), Some(4));
}

#[test]
fn what_a_person_stopped_is_not_ensured() {
    let scene = Scene::new().two_rows().repaired();
    scene.rollcall(&["stop", "dev"]).code(0);
    scene.rollcall(&["ensure"]).code(3);
    scene.rollcall(&["start", "dev"]).code(0);
    scene.rollcall(&["ensure", "--for", "4s"]).code(0);
}

#[test]
fn what_is_free_is_not_guessed_behind_a_silent_engine() {
    let scene = Scene::new();
    scene
        .rollcall(&["sandbox", "say", "docker is silent"])
        .code(0);
    let said = scene
        .rollcall(&["cluster", "add", "k3d/dev", "--http-port", "free"])
        .code(9);
    assert!(
        said.err.contains("what is free cannot be told"),
        "{}",
        said.err
    );
    scene
        .rollcall(&["ensure", "--min", "k3d=1", "--fill"])
        .code(9);
    scene
        .rollcall(&["cluster", "add", "k3d/dev", "--http-port", "18080"])
        .code(0);
}

#[test]
fn a_hold_ends_with_an_interrupt_and_the_lock_is_free_again() {
    let scene = Scene::new().two_rows().repaired();
    // An hour of this world is six minutes.
    rollcall::sandbox::open(&scene.path("world"))
        .unwrap()
        .set_pace(0.1)
        .unwrap();
    scene.rollcall(&["sandbox", "wipe", "kind/ops"]).code(0);
    for begins in ["a run", "nothing to do"] {
        let mut child = scene
            .program()
            .args(["ensure", "--for", "1h"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let said = BufReader::new(child.stderr.take().unwrap());
        let mut lines = said.lines().map(Result::unwrap);
        let holds = lines.any(|line| line.starts_with("holding for 3600 s"));
        assert!(holds, "{begins}");
        kill_process(Pid::from_child(&child), Signal::INT).unwrap();
        let rest: Vec<String> = lines.collect();
        let ended = child.wait().unwrap();
        assert_eq!(ended.code(), Some(130), "{begins}: {rest:?}");
        // Whoever comes next waits for nobody.
        scene
            .rollcall(&["reconcile", "--repair", "--on-lock", "fail"])
            .code(0);
    }
}

#[test]
fn what_breaks_a_hold_is_named() {
    let scene = Scene::new().two_rows().repaired();
    // The world is damaged while it is held: time passes there as fast as it is asked for.
    scene.rollcall(&["sandbox", "stop", "kind/ops"]).code(0);
    scene.rollcall(&["sandbox", "say", "start fails"]).code(0);
    let said = scene
        .rollcall(&["ensure", "--for", "10s", "--retries", "0"])
        .code(1);
    assert!(
        said.out.contains("left to do, and not begun"),
        "{}",
        said.out
    );
    assert!(
        said.out.contains("start      cluster/kind/ops"),
        "{}",
        said.out
    );
}

#[test]
fn the_highest_of_two_minimums_counts() {
    let scene = Scene::new();
    let said = scene
        .rollcall(&["ensure", "--min", "kind=2,kind=1", "-o", "json"])
        .code(3);
    assert_eq!(said.json()["hints"].as_array().map(Vec::len), Some(3));
}

#[test]
fn rows_that_are_filled_at_the_same_time_get_nothing_twice() {
    let scene = Scene::new();
    let fill = |min: &str| {
        let mut program = scene.program();
        program.args(["ensure", "--min", min, "--fill"]);
        program
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        program.spawn().unwrap()
    };
    let all = ["kind=2", "k3d=2", "kind=1,k3d=1"].map(fill);
    for mut one in all {
        assert_eq!(one.wait().unwrap().code(), Some(0));
    }
    let listed = scene.rollcall(&["cluster", "list"]).code(0).out;
    for once in [
        "18080->80",
        "18081->80",
        "18082->80",
        "18083->80",
        "10.101.",
        "10.104.",
    ] {
        assert_eq!(listed.matches(once).count(), 1, "{once}: {listed}");
    }
}
