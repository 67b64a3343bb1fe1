//! What somebody made by hand survives every mode, until it is adopted.

use crate::bench::{Bench, fingerprint_of, on_engine, tool};

/// A cluster that a person made with the tool alone.
pub(crate) fn make_by_hand(provider: &str, name: &str) {
    let k3s = std::env::var("ROLLCALL_TEST_K3S_IMAGE").unwrap();
    let kind = std::env::var("ROLLCALL_TEST_KIND_IMAGE").unwrap();
    let apart = "--kubeconfig-update-default=false";
    let args = match provider {
        "k3d" => vec!["cluster", "create", name, "--image", &k3s, apart],
        _ => vec!["create", "cluster", "--name", name, "--image", &kind],
    };
    let (code, said) = tool(provider, &args);
    assert_eq!(code, 0, "{said}");
}

#[test]
#[ignore = "needs an engine of its own: scripts/engine run DIR -- cargo test -- --include-ignored"]
fn clusters_made_by_hand_survive_every_mode_and_can_be_adopted() {
    let bench = Bench::new();
    for (provider, name) in [
        ("k3d", "rt-row"),
        ("k3d", "rt-free"),
        ("kind", "rk-row"),
        ("kind", "rk-free"),
    ] {
        make_by_hand(provider, name);
    }
    bench.sql("INSERT INTO clusters (name, provider) VALUES ('rt-row', 'k3d'), ('rk-row', 'kind'), ('rk-free', 'k3d')");
    bench.sql("UPDATE clusters SET desired_state = 'absent' WHERE name = 'rk-free'");
    let hand = || ["k3d-rt-row", "k3d-rt-free", "rk-row", "rk-free"].map(fingerprint_of);
    let before = hand();
    let all = on_engine();
    for args in [
        &["reconcile", "--repair"][..],
        &[
            "reconcile",
            "--repair",
            "--replace",
            "rt-row",
            "--replace-broken",
            "--allow-all",
        ],
        &["reconcile", "--prune", "--allow-all"],
        &[
            "reconcile",
            "--repair",
            "--prune=orphans,registrations",
            "--allow-all",
        ],
    ] {
        let said = bench.rollcall(args);
        assert!(
            [0, 3].contains(&said.code),
            "{args:?}: {}\n{}",
            said.out,
            said.err
        );
        assert_eq!(hand(), before, "{args:?}");
    }
    assert_eq!(on_engine(), all);
    bench.sql("INSERT OR IGNORE INTO clusters (name, provider) VALUES ('rt-row', 'k3d'), ('rk-row', 'kind')");

    bench.rollcall(&["cluster", "adopt", "--rows"]).code(0);
    bench.rollcall(&["reconcile", "--repair"]).code(0);
    assert_eq!(hand(), before, "an adoption touches nothing");
    assert_eq!(bench.contexts(), ["k3d-rt-row", "kind-rk-row"]);

    // Now they are ours, and a row may say so; a foreign one without a row gets one.
    bench.rollcall(&["cluster", "adopt", "k3d/rt-free"]).code(0);
    assert_eq!(
        bench.query("SELECT provider FROM clusters WHERE name = 'rt-free'"),
        ["k3d"]
    );
    bench.sql("UPDATE clusters SET desired_state = 'absent' WHERE name = 'rt-row'");
    bench.rollcall(&["reconcile", "--repair"]).code(0);
    let left = on_engine();
    assert!(
        !left["containers"]
            .iter()
            .any(|name| name.starts_with("k3d-rt-row")),
        "{left:?}"
    );
    assert!(
        !left["networks"].contains(&"k3d-rt-row".to_owned()),
        "{left:?}"
    );
    assert!(left["containers"].contains(&"rk-free-control-plane".to_owned()));
}
