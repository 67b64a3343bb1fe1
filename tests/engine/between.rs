//! Somebody acts between our look and our step, on the very thing that the step is about: it is left alone, and said.

use crate::adopting::make_by_hand;
use crate::bench::{Bench, docker, fingerprint_of, on_engine};
use crate::process::Standing;
use crate::six::{SIX, assert_true};

const REPAIR: [&str; 4] = ["reconcile", "--repair", "--retries", "0"];

#[test]
#[ignore = "needs an engine of its own: scripts/engine run DIR -- cargo test -- --include-ignored"]
fn a_cluster_that_somebody_made_meanwhile_is_not_made_over() {
    let bench = Bench::new();
    bench.rows(&[SIX[3]]);
    let run = Standing::at(&bench, &REPAIR, "create:before");
    make_by_hand("kind", "rt-d");
    let theirs = fingerprint_of("rt-d");
    let (code, said) = run.go_on();
    assert!(matches!(code, 1 | 3), "{code}: {said}");
    assert!(said.contains("is there since it was observed"), "{said}");
    assert_eq!(fingerprint_of("rt-d"), theirs);
    bench
        .rollcall(&["reconcile", "--prune", "--allow-all"])
        .code(3);
    assert_eq!(fingerprint_of("rt-d"), theirs);
}

#[test]
#[ignore = "needs an engine of its own: scripts/engine run DIR -- cargo test -- --include-ignored"]
fn a_cluster_that_somebody_made_again_meanwhile_is_not_deleted() {
    let bench = Bench::new();
    bench.rows(&[SIX[3], SIX[4]]);
    bench.rollcall(&["reconcile", "--repair"]).code(0);
    bench.sql("UPDATE clusters SET desired_state = 'absent' WHERE name = 'rt-d'");
    let run = Standing::at(&bench, &REPAIR, "delete:before");
    docker(&["rm", "-fv", "rt-d-control-plane"]);
    make_by_hand("kind", "rt-d");
    let theirs = fingerprint_of("rt-d");
    let (code, said) = run.go_on();
    assert!(matches!(code, 1 | 3), "{code}: {said}");
    assert!(said.contains("it is left alone"), "{said}");
    assert_eq!(fingerprint_of("rt-d"), theirs);
    assert_true(&bench, &[SIX[4]]);
}

#[test]
#[ignore = "needs an engine of its own: scripts/engine run DIR -- cargo test -- --include-ignored"]
fn rows_that_change_meanwhile_are_planned_again() {
    let bench = Bench::new();
    bench.rows(&[SIX[3], SIX[4]]);
    bench.rollcall(&["reconcile", "--repair"]).code(0);
    // An absent row that is wanted again before its cluster is deleted keeps it.
    bench.sql("UPDATE clusters SET desired_state = 'absent' WHERE name = 'rt-d'");
    let lives = docker(&["ps", "-q", "--no-trunc"]);
    let run = Standing::at(&bench, &REPAIR, "delete:before");
    bench.sql("UPDATE clusters SET desired_state = 'present' WHERE name = 'rt-d'");
    let (code, said) = run.go_on();
    assert_eq!(code, 0, "{said}");
    assert_eq!(docker(&["ps", "-q", "--no-trunc"]), lives);
    assert_true(&bench, &[SIX[3], SIX[4]]);
    // A row that was edited before it is pruned stays.
    docker(&["rm", "-fv", "rt-d-control-plane"]);
    let prune = ["reconcile", "--prune=rows", "--allow-all", "--retries", "0"];
    let run = Standing::at(&bench, &prune, "prune_row:before");
    bench.sql("UPDATE clusters SET http_port = 21999 WHERE name = 'rt-d'");
    let (code, said) = run.go_on();
    assert_eq!(code, 3, "{said}");
    assert!(
        said.contains("is not the row that was planned any more"),
        "{said}"
    );
    assert_eq!(
        bench.query("SELECT http_port FROM clusters WHERE name = 'rt-d'"),
        ["21999"]
    );
    // A row that comes while a run runs is made true by that run.
    bench.sql("UPDATE clusters SET http_port = 21083 WHERE name = 'rt-d'");
    let run = Standing::at(&bench, &REPAIR, "create:before");
    bench.rows(&[SIX[5]]);
    let (code, said) = run.go_on();
    assert_eq!(code, 0, "{said}");
    assert_true(&bench, &[SIX[3], SIX[4], SIX[5]]);
    assert_eq!(on_engine()["containers"].len(), 3);
}
