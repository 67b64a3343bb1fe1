//! Everywhere at once: six clusters in every registrar there is.

use serde_json::json;

use crate::argocd::{ARGOCD, cluster};
use crate::bench::{Bench, docker};
use crate::haproxy::Proxy;
use crate::management::{APPLICATION, CONFIG_MAP, Cluster, NODE, SECRET, with_argocd, with_set};
use crate::process::until;
use crate::routes::{routed, with_routes};
use crate::server::Server;
use crate::six::{SIX, assert_true};

/// All registrars are on, and nothing is registered.
fn everything(bench: &Bench) -> (Cluster, Server, Proxy) {
    let management = with_argocd(bench);
    let generators = json!([{"list": {"elements": []}}]);
    with_set(bench, &management, "elements", &generators);
    let (server, proxy) = (Server::start(bench), Proxy::new());
    with_routes(bench, &proxy);
    (management, server, proxy)
}

/// Whether Argo CD's Application runs in the cluster of this row.
fn deployed(bench: &Bench, name: &str, provider: &str) -> bool {
    let workload = format!("workload-whoami-{name}");
    let target = cluster(bench, &format!("{provider}-{name}"));
    target.get(CONFIG_MAP, Some("default"), &workload).is_some()
}

#[test]
#[ignore = "needs an engine of its own: scripts/engine run DIR -- cargo test -- --include-ignored"]
fn one_repair_registers_six_clusters_in_every_registrar() {
    let bench = Bench::new();
    let (management, server, proxy) = everything(&bench);
    bench.rows(&SIX);
    bench.rollcall(&["reconcile", "--repair"]).code(0);
    assert_true(&bench, &SIX);
    let again = bench.rollcall(&["reconcile", "--repair"]).code(0);
    assert!(again.out.contains("in sync"), "{}", again.out);
    for (name, provider, ..) in SIX {
        routed(&proxy, name);
        assert!(server.beats(name), "{name}");
        until("what Argo CD deploys", || deployed(&bench, name, provider));
    }
    let status = bench.rollcall(&["status", "-o", "json"]).code(0).json();
    for cluster in status["clusters"].as_array().unwrap() {
        let registrations = cluster["registrations"].as_array().unwrap();
        let count = registrations.iter().filter(|r| r["state"] == "registered");
        let wanted = if cluster["name"] == "devops" { 0 } else { 6 };
        assert_eq!(count.count(), wanted, "{cluster}");
    }
    // And off again, everywhere.
    bench.sql("UPDATE clusters SET desired_state = 'absent'");
    let refused = bench.rollcall(&["reconcile", "--repair"]).code(5);
    assert!(refused.out.contains("--allow-all") || refused.err.contains("--allow-all"));
    bench
        .rollcall(&["reconcile", "--repair", "--allow-all"])
        .code(0);
    assert_eq!(management.names(SECRET, ARGOCD), Vec::<String>::new());
    assert_eq!(management.names(APPLICATION, ARGOCD), Vec::<String>::new());
    assert!(server.all().is_empty());
    for (name, ..) in SIX {
        assert_eq!(proxy.get(name), "404");
    }
    let left = docker(&["ps", "-a", "--format", "{{.Names}}"]);
    assert!(!left.contains("rt-") && left.contains(NODE), "{left}");
}

#[test]
#[ignore = "needs an engine of its own: scripts/engine run DIR -- cargo test -- --include-ignored"]
fn with_every_registrar_down_clusters_converge_and_nothing_is_unregistered() {
    let bench = Bench::new();
    let (management, server, mut proxy) = everything(&bench);
    let pair = [SIX[0], SIX[3]];
    bench.rows(&pair);
    bench.rollcall(&["reconcile", "--repair"]).code(0);
    let (files, before) = (proxy.files(), server.id("rt-a"));
    docker(&["stop", "-t", "0", NODE, "portainer"]);
    proxy.stop();
    docker(&["rm", "-fv", "rt-d-control-plane"]);
    let said = bench.rollcall(&["reconcile", "--repair"]).code(9);
    for registrar in ["argocd", "applicationset", "portainer", "haproxy"] {
        let words = format!("{registrar} could not be observed");
        assert!(said.out.contains(&words), "{registrar}: {}", said.out);
    }
    assert_eq!(bench.status("rt-d"), "running Warning");
    assert_eq!(proxy.files(), files);
    docker(&["start", NODE, "portainer"]);
    proxy.start();
    until("everybody's answers", || {
        bench.rollcall(&["status"]).code != 9
    });
    bench.rollcall(&["reconcile", "--repair"]).code(0);
    assert_true(&bench, &pair);
    assert_eq!(server.id("rt-a"), before);
    assert_eq!(management.names(SECRET, ARGOCD).len(), 2);
    for (name, provider, ..) in pair {
        routed(&proxy, name);
        until("what Argo CD deploys", || deployed(&bench, name, provider));
    }
}
