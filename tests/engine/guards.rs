//! Guards and bindings refuse with 5, or say that there is no verdict, and nothing is touched.

use std::fs;

use crate::bench::{Bench, on_engine};

#[test]
#[ignore = "needs an engine of its own: scripts/engine run DIR -- cargo test -- --include-ignored"]
fn an_emptied_table_deletes_nothing_without_being_told_twice() {
    let bench = Bench::new();
    bench.rows(&[("rt", "k3d", 21080, 21443, 21900, "10.201.0.0/24")]);
    bench.rollcall(&["reconcile", "--repair"]).code(0);
    bench.sql("DELETE FROM clusters");
    let whole = on_engine();
    let refused = bench.rollcall(&["reconcile", "--prune"]).code(5);
    assert!(
        refused.out.contains("the table is empty") && refused.out.contains("--allow-all"),
        "{}",
        refused.out
    );
    assert_eq!(on_engine(), whole);
    bench
        .rollcall(&["reconcile", "--prune", "--allow-all"])
        .code(0);
    assert_eq!(on_engine()["containers"].len(), 0);
}

#[test]
#[ignore = "needs an engine of its own: scripts/engine run DIR -- cargo test -- --include-ignored"]
fn a_copied_database_and_a_sandbox_are_refused() {
    let bench = Bench::new();
    bench.rows(&[("rk", "kind", 21083, 21446, 21903, "10.204.0.0/24")]);
    bench.rollcall(&["reconcile", "--repair"]).code(0);
    let whole = on_engine();

    let copy = bench.path("copy.db");
    fs::copy(bench.db(), &copy).unwrap();
    let copied = bench
        .rollcall_on(&copy, &["reconcile", "--prune", "--allow-all"])
        .code(5);
    assert!(copied.err.contains("--new-owner"), "{}", copied.err);

    let sandbox = format!("--sandbox={}", bench.path("sandbox").display());
    let refused = bench.rollcall(&[&sandbox, "reconcile", "--repair"]).code(5);
    assert!(refused.err.contains("sandbox"), "{}", refused.err);
    assert_eq!(on_engine(), whole);

    // As a copy with a ledger of its own it owns nothing.
    bench.rollcall_on(&copy, &["init", "--new-owner"]).code(0);
    bench.rollcall_on(&copy, &["reconcile", "--repair"]).code(3);
    assert_eq!(on_engine(), whole);
}

#[test]
#[ignore = "needs an engine of its own: scripts/engine run DIR -- cargo test -- --include-ignored"]
fn another_engine_than_the_ledgers_gives_no_verdict() {
    let bench = Bench::new();
    bench.rows(&[("rk", "kind", 21083, 21446, 21903, "10.204.0.0/24")]);
    bench.rollcall(&["reconcile", "--repair"]).code(0);
    bench.sql("UPDATE rollcall_meta SET value = 'ANOTHER' WHERE key = 'world_engine'");
    let before = bench.query("SELECT * FROM clusters");
    for args in [
        &["reconcile"][..],
        &["reconcile", "--repair"],
        &["reconcile", "--prune", "--allow-all"],
    ] {
        let said = bench.rollcall(args).code(9);
        assert!(said.out.contains("--accept-engine"), "{}", said.out);
    }
    assert_eq!(bench.query("SELECT * FROM clusters"), before);
    bench
        .rollcall(&["reconcile", "--repair", "--accept-engine"])
        .code(3);
    assert_eq!(
        on_engine()["containers"],
        ["rk-control-plane"],
        "what the other ledger made is foreign here"
    );
}
