//! Six rows, 3 kind and 3 k3d: seen, made, in sync, and the user's own things untouched.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::bench::{Bench, NewRow, docker, http, on_engine};

pub(crate) const SIX: [NewRow<'static>; 6] = [
    ("rt-a", "k3d", 21080, 21443, 21900, "10.201.0.0/24"),
    ("rt-b", "k3d", 21081, 21444, 21901, "10.202.0.0/24"),
    ("rt-c", "k3d", 21082, 21445, 21902, "10.203.0.0/24"),
    ("rt-d", "kind", 21083, 21446, 21903, "10.204.0.0/24"),
    ("rt-e", "kind", 21084, 21447, 21904, "10.205.0.0/24"),
    ("rt-f", "kind", 21085, 21448, 21905, "10.206.0.0/24"),
];

/// Every row's ports answer with its own name, its subnet is the row's, and its status columns say so.
#[track_caller]
pub(crate) fn assert_true(bench: &Bench, rows: &[NewRow<'_>]) {
    for (name, provider, http_port, https_port, forward, subnet) in rows {
        for port in [http_port, https_port, forward] {
            let answer = http(*port);
            assert!(
                answer.contains(&format!("\"{name}\"")),
                "{name} on {port}: {answer}"
            );
        }
        let network = format!("{provider}-{name}");
        let found = docker(&[
            "network",
            "inspect",
            "-f",
            "{{(index .IPAM.Config 0).Subnet}}",
            &network,
        ]);
        assert_eq!(found.trim(), *subnet, "{network}");
        assert_eq!(bench.status(name), "running Ready");
        assert!(
            bench.contexts().contains(&format!("{provider}-{name}")),
            "{:?}",
            bench.contexts()
        );
    }
}

const KUBECONFIG: &str = "apiVersion: v1
kind: Config
current-context: mine
clusters:
- name: mine
  cluster: {server: 'https://mine.example:6443'}
contexts:
- name: mine
  context: {cluster: mine, user: me}
users:
- name: me
  user: {token: abc}
";

#[test]
#[ignore = "needs an engine of its own: scripts/engine run DIR -- cargo test -- --include-ignored"]
fn six_rows_come_up_and_stay_true() {
    let bench = Bench::new();
    bench.rows(&SIX);
    let real = bench.path("real-kubeconfig");
    fs::write(&real, KUBECONFIG).unwrap();
    fs::set_permissions(&real, fs::Permissions::from_mode(0o600)).unwrap();
    std::os::unix::fs::symlink(&real, bench.kubeconfig()).unwrap();

    // Looking changes nothing, and finds six creates.
    let before = bench.digest();
    for args in [
        &["reconcile"][..],
        &["reconcile", "--dry-run", "--repair"],
        &["status"],
        &["explain", "rt-a"],
    ] {
        bench.rollcall(args).code(3);
    }
    let plan = bench.rollcall(&["reconcile", "-o", "json"]).code(3).json();
    let again = bench.rollcall(&["reconcile", "-o", "json"]).code(3).json();
    assert_eq!(plan["steps"], again["steps"], "two dry runs of one world");
    let creates = plan["steps"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|step| step["action"] == "create");
    assert!(
        creates
            .clone()
            .all(|step| step["reasons"][0]["code"] == "missing_live")
    );
    assert_eq!(creates.count(), 6);
    assert_eq!(bench.digest(), before, "not one byte of the database");
    assert_eq!(on_engine()["containers"], [""; 0]);

    let intent = bench.intent();
    bench.rollcall(&["reconcile", "--repair"]).code(0);
    assert_true(&bench, &SIX);
    assert_eq!(bench.intent(), intent);

    // The second has nothing to do, and does nothing.
    let containers = docker(&["ps", "-q", "--no-trunc"]);
    let settled = bench.digest();
    let second = bench
        .rollcall(&["reconcile", "--repair", "-o", "json"])
        .code(0)
        .json();
    assert_eq!(second["steps"].as_array().unwrap().len(), 0);
    assert_eq!(docker(&["ps", "-q", "--no-trunc"]), containers);
    bench.rollcall(&["reconcile"]).code(0);
    assert_eq!(bench.digest().len(), settled.len());

    // The user's kubeconfig: a link still, private still, its own context still current.
    assert!(
        fs::symlink_metadata(bench.kubeconfig())
            .unwrap()
            .file_type()
            .is_symlink()
    );
    assert_eq!(
        fs::metadata(&real).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let text = fs::read_to_string(&real).unwrap();
    assert!(
        text.contains("current-context: mine") && text.contains("mine.example"),
        "{text}"
    );
    assert_eq!(bench.contexts().len(), 7);
    no_secret_is_told(&bench);
}

/// The join tokens and client keys of the living clusters are in no output, log, event or table.
fn no_secret_is_told(bench: &Bench) {
    let mut secrets: Vec<String> = Vec::new();
    for id in docker(&["ps", "-q"]).split_whitespace() {
        let token = docker(&[
            "inspect",
            "-f",
            "{{index .Config.Labels \"k3d.cluster.token\"}}",
            id,
        ]);
        secrets.push(token.trim().to_owned());
    }
    let text = fs::read_to_string(bench.kubeconfig()).unwrap();
    let config: serde_json::Value = serde_saphyr::from_str(&text).unwrap();
    for user in config["users"].as_array().unwrap() {
        secrets.extend(user["user"]["client-key-data"].as_str().map(str::to_owned));
    }
    secrets.retain(|secret| secret.len() > 8);
    assert!(
        secrets.len() >= 9,
        "3 tokens and 6 keys were to be looked for: {}",
        secrets.len()
    );
    let mut told = String::new();
    for args in [
        &["status", "-o", "json"][..],
        &["explain", "rt-a", "-o", "json"],
        &["explain", "rt-d"],
        &[
            "reconcile",
            "-o",
            "json",
            "--save-observation",
            bench.path("seen.json").to_str().unwrap(),
        ],
        &["last-run", "-o", "json"],
        &["history", "-o", "json"],
        &["doctor"],
    ] {
        let said = bench.rollcall(args);
        told.push_str(&said.out);
        told.push_str(&said.err);
    }
    told.push_str(&fs::read_to_string(bench.path("seen.json")).unwrap());
    let logs = walk(&bench.path(".local/state/rollcall"));
    assert!(!logs.is_empty(), "the step logs were to be searched");
    for log in logs {
        told.push_str(&fs::read_to_string(log).unwrap());
    }
    told.push_str(&String::from_utf8_lossy(&fs::read(bench.db()).unwrap()));
    for secret in secrets {
        assert!(!told.contains(&secret), "a secret was told");
    }
}

fn walk(dir: &std::path::Path) -> Vec<std::path::PathBuf> {
    let Ok(entries) = fs::read_dir(dir) else {
        return Vec::new();
    };
    entries
        .flat_map(|entry| {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path)
            } else {
                vec![path]
            }
        })
        .collect()
}
