//! What a row declares absent, and what no row names any more, goes, and nothing of it stays.

use crate::bench::{Bench, fingerprint_of, on_engine};

#[test]
#[ignore = "needs an engine of its own: scripts/engine run DIR -- cargo test -- --include-ignored"]
fn an_absent_row_takes_everything_with_it_and_its_namesake_stays() {
    let bench = Bench::new();
    bench.rows(&[
        ("rt", "k3d", 21080, 21443, 21900, "10.201.0.0/24"),
        ("rt-a", "k3d", 21081, 21444, 21901, "10.202.0.0/24"),
        ("rk", "kind", 21083, 21446, 21903, "10.204.0.0/24"),
        ("rk-a", "kind", 21084, 21447, 21904, "10.205.0.0/24"),
    ]);
    bench.rollcall(&["reconcile", "--repair"]).code(0);
    let stays = (fingerprint_of("k3d-rt-a-"), fingerprint_of("rk-a-"));
    bench.sql("UPDATE clusters SET desired_state = 'absent' WHERE name IN ('rt', 'rk')");
    bench.rollcall(&["reconcile", "--repair"]).code(0);
    let left = on_engine();
    assert_eq!(
        left["containers"],
        [
            "k3d-rt-a-server-0",
            "k3d-rt-a-serverlb",
            "rk-a-control-plane"
        ]
    );
    assert_eq!(left["networks"], ["k3d-rt-a", "kind-rk-a"]);
    assert_eq!(bench.contexts(), ["k3d-rt-a", "kind-rk-a"]);
    assert_eq!(
        (fingerprint_of("k3d-rt-a-"), fingerprint_of("rk-a-")),
        stays
    );
    assert_eq!(bench.status("rt"), "absent Removed");
    assert_eq!(
        bench.query("SELECT count(*) FROM clusters"),
        ["4"],
        "the rows stay"
    );

    // The same in a prune takes the row too, and brings it back.
    bench.rollcall(&["reconcile", "--prune=rows"]).code(0);
    assert_eq!(
        bench.query("SELECT name FROM clusters ORDER BY name"),
        ["rk-a", "rt-a"]
    );
    bench.rollcall(&["cluster", "restore", "rt"]).code(0);
    assert_eq!(
        bench.query("SELECT desired_state FROM clusters WHERE name = 'rt'"),
        ["absent"]
    );
}

#[test]
#[ignore = "needs an engine of its own: scripts/engine run DIR -- cargo test -- --include-ignored"]
fn an_orphan_is_shown_by_a_repair_and_taken_by_a_prune() {
    let bench = Bench::new();
    bench.rows(&[
        ("rt", "k3d", 21080, 21443, 21900, "10.201.0.0/24"),
        ("rk", "kind", 21083, 21446, 21903, "10.204.0.0/24"),
    ]);
    bench.rollcall(&["reconcile", "--repair"]).code(0);
    bench.sql("DELETE FROM clusters WHERE name = 'rt'");
    bench.rollcall(&["reconcile"]).code(3);
    bench.rollcall(&["reconcile", "--repair"]).code(0);
    assert_eq!(
        on_engine()["containers"].len(),
        3,
        "a repair takes no orphan"
    );
    let refused = bench
        .rollcall(&["reconcile", "--prune", "--max-deletes", "0"])
        .code(5);
    assert!(refused.out.contains("--max-deletes 1"), "{}", refused.out);
    bench.rollcall(&["reconcile", "--prune"]).code(0);
    let left = on_engine();
    assert_eq!(left["containers"], ["rk-control-plane"]);
    assert_eq!(left["networks"], ["kind-rk"]);
    assert_eq!(bench.contexts(), ["kind-rk"]);
}

#[test]
#[ignore = "needs an engine of its own: scripts/engine run DIR -- cargo test -- --include-ignored"]
fn rows_are_forgotten_only_when_their_clusters_are_proven_gone() {
    let mut bench = Bench::new();
    bench.rows(&[
        ("rt", "k3d", 21080, 21443, 21900, "10.201.0.0/24"),
        ("rk", "kind", 21083, 21446, 21903, "10.204.0.0/24"),
    ]);
    bench.sql(
        "CREATE TABLE operations (id INTEGER PRIMARY KEY, cluster_name TEXT NOT NULL,
        FOREIGN KEY (cluster_name) REFERENCES clusters(name) ON DELETE CASCADE)",
    );
    bench.sql("INSERT INTO operations (cluster_name) VALUES ('rt'), ('rk')");
    bench
        .rollcall(&["reconcile", "--repair", "--only", "rk"])
        .code(0);
    bench.docker_host = Some("unix:///nowhere/docker.sock".to_owned());
    bench.rollcall(&["reconcile", "--prune=rows"]).code(12);
    assert_eq!(
        bench.query("SELECT count(*) FROM clusters"),
        ["2"],
        "what cannot be seen is not gone"
    );
    bench.docker_host = None;
    let whole = bench.query("SELECT * FROM clusters WHERE name = 'rt'");
    bench.rollcall(&["reconcile", "--prune=rows"]).code(0);
    assert_eq!(bench.query("SELECT name FROM clusters"), ["rk"]);
    assert_eq!(
        bench.query("SELECT count(*) FROM operations"),
        ["2"],
        "the predecessor's rows stay"
    );
    bench.rollcall(&["cluster", "restore", "rt"]).code(0);
    assert_eq!(
        bench.query("SELECT * FROM clusters WHERE name = 'rt'"),
        whole
    );
}
