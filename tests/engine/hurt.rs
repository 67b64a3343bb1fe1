//! Every damage that a hand can do to one cluster, with a neighbour whose name begins like its own: the phase is shown,
//! it is mended or held with the command that does it, and the neighbour never notices.

use crate::bench::{Bench, docker, fingerprint_of, restart_engine};
use crate::six::{SIX, assert_true};

/// What becomes of a damage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    /// A repair mends it and keeps the cluster's life.
    Mended,
    /// A repair makes it again, for nothing of it is left.
    Made,
    /// It waits for `--replace-broken`.
    Held,
    /// It waits for `--replace NAME`.
    HeldWhole,
}

type Damage = (
    &'static str,
    &'static [&'static [&'static str]],
    &'static str,
    Then,
);

const K3D: [Damage; 9] = [
    (
        "pause",
        &[&["pause", "k3d-rt-a-server-0"]],
        "paused",
        Then::Mended,
    ),
    (
        "stop",
        &[&["stop", "k3d-rt-a-server-0", "k3d-rt-a-serverlb"]],
        "stopped",
        Then::Mended,
    ),
    (
        "kill",
        &[&["kill", "k3d-rt-a-server-0"]],
        "stopped",
        Then::Mended,
    ),
    (
        "stop the balancer",
        &[&["stop", "k3d-rt-a-serverlb"]],
        "stopped",
        Then::Mended,
    ),
    (
        "pause the balancer",
        &[&["pause", "k3d-rt-a-serverlb"]],
        "paused",
        Then::Mended,
    ),
    (
        "remove the balancer",
        &[&["rm", "-f", "k3d-rt-a-serverlb"]],
        "partial",
        Then::Held,
    ),
    (
        "remove the server",
        &[&["rm", "-f", "k3d-rt-a-server-0"]],
        "partial",
        Then::Held,
    ),
    (
        "remove all nodes",
        &[&["rm", "-f", "k3d-rt-a-server-0", "k3d-rt-a-serverlb"]],
        "residue",
        Then::Made,
    ),
    (
        "take it off its network",
        &[&[
            "network",
            "disconnect",
            "-f",
            "k3d-rt-a",
            "k3d-rt-a-server-0",
        ]],
        "running",
        Then::HeldWhole,
    ),
];

const KIND: [Damage; 4] = [
    (
        "pause",
        &[&["pause", "rt-d-control-plane"]],
        "paused",
        Then::Mended,
    ),
    (
        "stop",
        &[&["stop", "rt-d-control-plane"]],
        "stopped",
        Then::Mended,
    ),
    (
        "kill",
        &[&["kill", "rt-d-control-plane"]],
        "stopped",
        Then::Mended,
    ),
    (
        "remove the node",
        &[&["rm", "-f", "rt-d-control-plane"]],
        "residue",
        Then::Made,
    ),
];

fn suffer(row: usize, neighbour: &str, damages: &[Damage]) {
    let bench = Bench::new();
    let row = SIX[row];
    let (name, provider) = (row.0, row.1);
    let beside = (neighbour, provider, 21086, 21449, 21906, "10.207.0.0/24");
    bench.rows(&[row, beside]);
    bench.rollcall(&["reconcile", "--repair"]).code(0);
    let node = match provider {
        "k3d" => format!("k3d-{name}-server-0"),
        _ => format!("{name}-control-plane"),
    };
    let containers = match provider {
        "k3d" => format!("k3d-{neighbour}-"),
        _ => format!("{neighbour}-"),
    };
    let undisturbed = fingerprint_of(&containers);
    assert!(!undisturbed.is_empty());
    for (what, how, phase, then) in damages {
        let life = docker(&["inspect", "-f", "{{.Id}}", &node]);
        for command in *how {
            docker(command);
        }
        let status = bench
            .rollcall(&["status", name, "-o", "json"])
            .code(3)
            .json();
        assert_eq!(status["clusters"][0]["phase"], *phase, "{what}: {status:#}");
        if matches!(then, Then::Held | Then::HeldWhole) {
            let left = docker(&["ps", "-aq", "--no-trunc"]);
            let limits = ["--step-timeout", "3s", "--retries", "0"];
            let held = bench.rollcall(&[&["reconcile", "--repair"], limits.as_slice()].concat());
            assert_eq!(held.code, 3, "{what}: {}{}", held.out, held.err);
            assert_eq!(docker(&["ps", "-aq", "--no-trunc"]), left, "{what}");
        }
        let mend: &[&str] = match then {
            Then::Mended | Then::Made => &["reconcile", "--repair"],
            Then::Held => &["reconcile", "--repair", "--replace-broken"],
            Then::HeldWhole => &["reconcile", "--repair", "--replace", name],
        };
        bench.rollcall(mend).code(0);
        assert_true(&bench, &[row, beside]);
        let now = docker(&["inspect", "-f", "{{.Id}}", &node]);
        assert_eq!(now == life, *then == Then::Mended, "{what}");
        assert_eq!(fingerprint_of(&containers), undisturbed, "{what}");
        bench.rollcall(&["reconcile", "--repair"]).code(0);
    }
}

#[test]
#[ignore = "needs an engine of its own: scripts/engine run DIR -- cargo test -- --include-ignored"]
fn every_damage_to_a_k3d_cluster_is_seen_and_mended_or_held() {
    suffer(0, "rt-a-b", &K3D);
}

#[test]
#[ignore = "needs an engine of its own: scripts/engine run DIR -- cargo test -- --include-ignored"]
fn every_damage_to_a_kind_cluster_is_seen_and_mended_or_held() {
    suffer(3, "rt-d-b", &KIND);
}

#[test]
#[ignore = "needs an engine of its own: scripts/engine run DIR -- cargo test -- --include-ignored"]
fn after_a_restart_of_the_engine_one_repair_is_enough() {
    let bench = Bench::new();
    let rows = [SIX[0], SIX[1], SIX[3]];
    bench.rows(&rows);
    bench.rollcall(&["reconcile", "--repair"]).code(0);
    docker(&["stop", "k3d-rt-b-server-0"]);
    let lives = || {
        docker(&["ps", "-aq", "--no-trunc"])
            .lines()
            .map(str::to_owned)
            .collect::<std::collections::BTreeSet<_>>()
    };
    let before = lives();
    for kill in [false, true] {
        restart_engine(kill);
        bench.rollcall(&["reconcile", "--repair"]).code(0);
        assert_true(&bench, &rows);
        assert_eq!(lives(), before, "nothing was made again");
        bench.rollcall(&["reconcile", "--repair"]).code(0);
    }
}
