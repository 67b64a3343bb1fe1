//! An engine that answers wrongly, too late or not at all, from the start or in the middle: no verdict, nothing lost.

use crate::bench::{Bench, docker, engine_pid, on_engine};
use crate::process::{Standing, signal_to};
use crate::proxy::{Answers, Proxy};
use crate::six::{SIX, assert_true};

const MODES: [&[&str]; 4] = [
    &["reconcile"],
    &["reconcile", "--repair"],
    &["reconcile", "--prune", "--allow-all"],
    &["status"],
];

/// The engine stands still as long as this lives.
struct Frozen(String);

impl Frozen {
    fn now() -> Self {
        let pid = engine_pid();
        signal_to("STOP", &pid);
        Self(pid)
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        signal_to("CONT", &self.0);
    }
}

#[test]
#[ignore = "needs an engine of its own: scripts/engine run DIR -- cargo test -- --include-ignored"]
fn an_engine_that_answers_wrongly_gives_no_verdict_and_loses_nothing() {
    let mut bench = Bench::new();
    bench.rows(&[SIX[3]]);
    bench.rollcall(&["reconcile", "--repair"]).code(0);
    bench.sql("INSERT INTO clusters (name, provider) VALUES ('gone', 'k3d')");
    let (rows, whole) = (bench.query("SELECT * FROM clusters"), on_engine());
    let folder = tempfile::tempdir().unwrap();
    for answers in [
        Answers::Error,
        Answers::Garbage,
        Answers::Slowly,
        Answers::Half,
        Answers::Never,
    ] {
        let proxy = Proxy::new(folder.path(), answers);
        bench.docker_host = Some(proxy.host());
        // Who has to wait for the end of a look waits twice, not four times.
        let slow = matches!(answers, Answers::Slowly | Answers::Never);
        for mode in &MODES[if slow { 1..3 } else { 0..4 }] {
            bench.rollcall(mode).code(9);
            assert_eq!(
                bench.query("SELECT * FROM clusters"),
                rows,
                "{answers:?} {mode:?}"
            );
        }
        proxy.answers(Answers::Well);
        let said = bench.rollcall(&["status", "-o", "json"]).code(3).json();
        assert_eq!(said["clusters"][1]["sync"], "synced", "{said:#}");
    }
    assert_eq!(on_engine(), whole);
}

#[test]
#[ignore = "needs an engine of its own: scripts/engine run DIR -- cargo test -- --include-ignored"]
fn a_frozen_engine_gives_no_verdict_until_it_thaws() {
    let bench = Bench::new();
    bench.rows(&[SIX[3]]);
    bench.rollcall(&["reconcile", "--repair"]).code(0);
    let rows = bench.query("SELECT * FROM clusters");
    {
        let _frozen = Frozen::now();
        for mode in &MODES[1..3] {
            bench.rollcall(mode).code(9);
            assert_eq!(bench.query("SELECT * FROM clusters"), rows, "{mode:?}");
        }
    }
    bench.rollcall(&["reconcile", "--repair"]).code(0);
}

#[test]
#[ignore = "needs an engine of its own: scripts/engine run DIR -- cargo test -- --include-ignored"]
fn an_engine_that_freezes_during_a_creation_ends_it_in_time_and_the_next_run_converges() {
    let bench = Bench::new();
    bench.rows(&[SIX[0], SIX[3]]);
    let limits = ["--step-timeout", "5s", "--retries", "0"];
    let repair = [&["reconcile", "--repair"], limits.as_slice()].concat();
    let run = Standing::at(&bench, &repair, "create:made");
    let frozen = Frozen::now();
    let (code, said) = run.go_on();
    assert_eq!(code, 9, "{said}");
    assert_eq!(bench.query("SELECT name FROM clusters").len(), 2);
    drop(frozen);
    bench.rollcall(&["reconcile", "--repair"]).code(0);
    assert_true(&bench, &[SIX[0], SIX[3]]);
    let whole = on_engine();
    assert_eq!(whole["networks"], ["k3d-rt-a", "kind-rt-d"]);
    assert_eq!(whole["volumes"].len(), 2, "{whole:?}");
    assert_eq!(docker(&["ps", "-aq"]).lines().count(), 3);
}

#[test]
#[ignore = "needs an engine of its own: scripts/engine run DIR -- cargo test -- --include-ignored"]
fn an_engine_that_falls_silent_during_a_deletion_loses_no_row() {
    let mut bench = Bench::new();
    bench.rows(&[SIX[3], SIX[4]]);
    bench.rollcall(&["reconcile", "--repair"]).code(0);
    bench.sql("UPDATE clusters SET desired_state = 'absent' WHERE name = 'rt-d'");
    let folder = tempfile::tempdir().unwrap();
    let proxy = Proxy::new(folder.path(), Answers::Well);
    bench.docker_host = Some(proxy.host());
    let limits = ["--step-timeout", "5s", "--retries", "0"];
    let prune = [&["reconcile", "--prune", "--allow-all"], limits.as_slice()].concat();
    let run = Standing::at(&bench, &prune, "delete:intended");
    proxy.answers(Answers::Never);
    let (code, said) = run.go_on();
    assert_eq!(code, 9, "{said}");
    let there = on_engine()["containers"].contains(&"rt-d-control-plane".to_owned());
    let row = bench.query("SELECT name FROM clusters WHERE name = 'rt-d'");
    assert!(!there || row == ["rt-d"], "the row went before its cluster");
    proxy.answers(Answers::Well);
    bench
        .rollcall(&["reconcile", "--prune", "--allow-all"])
        .code(0);
    assert_true(&bench, &[SIX[4]]);
    assert_eq!(bench.query("SELECT name FROM clusters"), ["rt-e"]);
}
