//! Clusters that were wiped, stopped or torn behind its back come back as the rows say.

use crate::bench::{Bench, docker, on_engine, tool};
use crate::six::{SIX, assert_true};

#[test]
#[ignore = "needs an engine of its own: scripts/engine run DIR -- cargo test -- --include-ignored"]
fn wiped_clusters_come_back_with_their_ports_and_subnets_and_nothing_leaks() {
    let bench = Bench::new();
    let rows = [SIX[0], SIX[1], SIX[3], SIX[4]];
    bench.rows(&rows);
    bench.rollcall(&["reconcile", "--repair"]).code(0);
    let whole = on_engine();

    // By the tools themselves, and by force, with networks and volumes left.
    assert_eq!(tool("k3d", &["cluster", "delete", "rt-a"]).0, 0);
    assert_eq!(tool("kind", &["delete", "cluster", "--name", "rt-d"]).0, 0);
    docker(&["rm", "-f", "k3d-rt-b-server-0", "k3d-rt-b-serverlb"]);
    docker(&["rm", "-f", "rt-e-control-plane"]);

    bench.rollcall(&["reconcile"]).code(3);
    bench.rollcall(&["reconcile", "--repair"]).code(0);
    assert_true(&bench, &rows);
    let after = on_engine();
    assert_eq!(after["containers"], whole["containers"]);
    assert_eq!(after["networks"], whole["networks"]);
    assert_eq!(
        after["volumes"].len(),
        whole["volumes"].len(),
        "{:?}",
        after["volumes"]
    );
    bench.rollcall(&["reconcile", "--repair"]).code(0);
}

#[test]
#[ignore = "needs an engine of its own: scripts/engine run DIR -- cargo test -- --include-ignored"]
fn stopped_and_paused_clusters_are_started() {
    let bench = Bench::new();
    let rows = [SIX[0], SIX[3], SIX[4]];
    bench.rows(&rows);
    bench.rollcall(&["reconcile", "--repair"]).code(0);
    docker(&[
        "stop",
        "k3d-rt-a-server-0",
        "k3d-rt-a-serverlb",
        "rt-d-control-plane",
    ]);
    docker(&["pause", "rt-e-control-plane"]);
    let plan = bench.rollcall(&["reconcile", "-o", "json"]).code(3).json();
    let starts = plan["steps"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|step| step["action"] == "start")
        .count();
    assert_eq!(starts, 3, "{plan:#}");
    bench.rollcall(&["reconcile", "--repair"]).code(0);
    assert_true(&bench, &rows);
}

#[test]
#[ignore = "needs an engine of its own: scripts/engine run DIR -- cargo test -- --include-ignored"]
fn a_cluster_that_a_person_stopped_stays_stopped() {
    let bench = Bench::new();
    bench.rows(&[SIX[3]]);
    bench.rollcall(&["reconcile", "--repair"]).code(0);
    docker(&["stop", "rt-d-control-plane"]);
    bench.sql("UPDATE clusters SET status = 'stopped' WHERE name = 'rt-d'");
    bench.rollcall(&["reconcile", "--repair"]).code(0);
    assert_eq!(docker(&["ps", "-q"]).trim(), "");
    assert_eq!(bench.query("SELECT status FROM clusters"), ["stopped"]);
}

#[test]
#[ignore = "needs an engine of its own: scripts/engine run DIR -- cargo test -- --include-ignored"]
fn a_missing_port_is_added_in_place_and_a_moved_one_waits_for_consent() {
    let bench = Bench::new();
    bench.rows(&[SIX[0]]);
    bench.sql("UPDATE clusters SET https_port = NULL WHERE name = 'rt-a'");
    bench.rollcall(&["reconcile", "--repair"]).code(0);
    let server = docker(&["ps", "-q", "--filter", "name=k3d-rt-a-server-0"]);
    bench.sql("UPDATE clusters SET https_port = 21443 WHERE name = 'rt-a'");
    bench.rollcall(&["reconcile", "--repair"]).code(0);
    assert_true(&bench, &[SIX[0]]);
    assert_eq!(
        docker(&["ps", "-q", "--filter", "name=k3d-rt-a-server-0"]),
        server,
        "the server was not made again"
    );

    bench.sql("UPDATE clusters SET http_port = 21090 WHERE name = 'rt-a'");
    let held = bench
        .rollcall(&["reconcile", "--repair", "-o", "json"])
        .code(3)
        .json();
    assert_eq!(held["held"][0]["code"], "needs_replace", "{held:#}");
    bench
        .rollcall(&["reconcile", "--repair", "--replace", "rt-a"])
        .code(0);
    let moved = ("rt-a", "k3d", 21090, 21443, 21900, "10.201.0.0/24");
    assert_true(&bench, &[moved]);
    assert_ne!(
        docker(&["ps", "-q", "--filter", "name=k3d-rt-a-server-0"]),
        server
    );
}
