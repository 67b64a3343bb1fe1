//! The cycle: clean and bring back; stop and start.

use crate::adopting::make_by_hand;
use crate::bench::{Bench, NewRow, docker, fingerprint_of, on_engine};
use crate::six::assert_true;

const TWO: [NewRow<'static>; 2] = [
    ("rt-a", "k3d", 21080, 21443, 21900, "10.201.0.0/24"),
    ("rt-d", "kind", 21083, 21446, 21903, "10.204.0.0/24"),
];

#[test]
#[ignore = "needs an engine of its own: scripts/engine run DIR -- cargo test -- --include-ignored"]
fn a_clean_leaves_the_rows_and_what_is_not_ours_and_one_repair_brings_all_back() {
    let bench = Bench::new();
    make_by_hand("k3d", "rt-free");
    make_by_hand("kind", "rt-row");
    let (theirs, hand) = (on_engine(), ["k3d-rt-free", "rt-row"].map(fingerprint_of));
    bench.rows(&TWO);
    bench.sql("INSERT INTO clusters (name, provider) VALUES ('rt-row', 'kind')");
    bench.rollcall(&["reconcile", "--repair"]).code(3);
    let intent = bench.intent();
    for args in [
        &["clean", "--dry-run"][..],
        &["clean", "--all", "--dry-run"],
    ] {
        let before = (bench.digest(), on_engine());
        bench.rollcall(args).code(3);
        assert_eq!((bench.digest(), on_engine()), before, "{args:?}");
    }
    for round in 0..2 {
        let said = bench.rollcall(&["clean"]).code(0);
        assert!(said.out.contains("cluster/kind/rt-row"), "{}", said.out);
        assert!(said.out.contains("cluster/k3d/rt-free"), "{}", said.out);
        assert_eq!(on_engine(), theirs, "round {round}");
        assert_eq!(bench.contexts(), [""; 0]);
        assert_eq!(bench.intent(), intent);
        bench.rollcall(&["clean", "--all"]).code(0);
        bench.rollcall(&["reconcile", "--repair"]).code(3);
        assert_true(&bench, &TWO);
    }
    // An emptied table is no obstacle either, and no row comes back by itself.
    bench.sql("DELETE FROM clusters");
    bench.rollcall(&["reconcile", "--prune"]).code(5);
    bench.rollcall(&["clean"]).code(0);
    assert_eq!(on_engine(), theirs);
    assert_eq!(["k3d-rt-free", "rt-row"].map(fingerprint_of), hand);
}

#[test]
#[ignore = "needs an engine of its own: scripts/engine run DIR -- cargo test -- --include-ignored"]
fn what_is_stopped_stays_stopped_and_is_the_same_cluster_when_it_is_started() {
    let bench = Bench::new();
    bench.rows(&TWO);
    bench.rollcall(&["reconcile", "--repair"]).code(0);
    let ids = || docker(&["ps", "-aq", "--no-trunc"]);
    let (all, contexts) = (ids(), bench.contexts());
    // A paused node hears no signal.
    docker(&["pause", "k3d-rt-a-server-0"]);
    bench
        .rollcall(&[
            "stop",
            "rt-a",
            "kind/rt-d",
            "--why",
            "lunch",
            "--who",
            "ann",
        ])
        .code(0);
    assert_eq!(docker(&["ps", "-q"]), "");
    let said = bench.rollcall(&["reconcile", "--repair"]).code(0);
    assert!(said.out.contains("by ann: lunch"), "{}", said.out);
    assert_eq!(docker(&["ps", "-q"]), "");
    assert_eq!(bench.contexts(), contexts);
    bench.rollcall(&["stop", "rt-a"]).code(0);
    bench.rollcall(&["start", "rt-a", "rt-d"]).code(0);
    assert_eq!(ids(), all);
    assert_true(&bench, &TWO);
    bench.rollcall(&["status"]).code(0);
}
