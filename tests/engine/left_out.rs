//! Clusters that the configuration leaves out go on living, without what registering put into them.

use std::fs;

use serde_json::json;

use crate::argocd::{ARGOCD, PAIR, cluster};
use crate::bench::{Bench, docker};
use crate::management::{BINDING, Cluster, SECRET, SERVICE_ACCOUNT, Sort, with_argocd};
use crate::server::Server;

const ROLE: Sort<'_> = ("rbac.authorization.k8s.io", "v1", "ClusterRole");
const DEPLOYMENT: Sort<'_> = ("apps", "v1", "Deployment");
const SYSTEM: Option<&str> = Some("kube-system");
const EDGE: Option<&str> = Some("portainer-edge");

/// What the two registrars put into a cluster.
fn put_there(bench: &Bench, context: &str) -> Vec<&'static str> {
    let cluster = cluster(bench, context);
    let all = [
        (SERVICE_ACCOUNT, SYSTEM, "argocd-manager"),
        (SECRET, SYSTEM, "argocd-manager-long-lived-token"),
        (ROLE, None, "argocd-manager-role"),
        (BINDING, None, "argocd-manager-role-binding"),
        (DEPLOYMENT, EDGE, "portainer-edge-agent"),
        (SECRET, EDGE, "portainer-edge-creds"),
        (SERVICE_ACCOUNT, EDGE, "portainer-edge-agent"),
        (BINDING, None, "portainer-edge-agent"),
    ];
    let there = all.into_iter();
    let there =
        there.filter(|(sort, namespace, name)| cluster.get(*sort, *namespace, name).is_some());
    there.map(|(_, _, name)| name).collect()
}

#[test]
#[ignore = "needs an engine of its own: scripts/engine run DIR -- cargo test -- --include-ignored"]
fn a_cluster_that_is_left_out_lives_on_without_what_was_put_into_it() {
    let bench = Bench::new();
    let management = with_argocd(&bench);
    let server = Server::start(&bench);
    bench.rows(&PAIR);
    bench.rollcall(&["reconcile", "--repair"]).code(0);
    assert_eq!(put_there(&bench, "k3d-rt-a").len(), 8);
    // Somebody else's account of another name, and a role that somebody took over.
    let first = cluster(&bench, "k3d-rt-a");
    let own = json!({"metadata": {"name": "somebody"}});
    first.make(SERVICE_ACCOUNT, SYSTEM, &own);
    let theirs = json!({"metadata": {"labels": {"app.kubernetes.io/managed-by": "helm"}}});
    first.edit(ROLE, None, "argocd-manager-role", &theirs);
    let life = docker(&["inspect", "-f", "{{.Id}}", "k3d-rt-a-server-0"]);

    let file = bench.path("rollcall.toml");
    let config = fs::read_to_string(&file).unwrap();
    let left_out = config
        .replace("[argocd]\n", "[argocd]\nexcept = ['rt-a']\n")
        .replace("[portainer]\n", "[portainer]\nexcept = ['rt-a']\n");
    fs::write(&file, left_out).unwrap();
    let dry = bench.rollcall(&["reconcile"]).code(3);
    assert!(dry.out.contains("2 deregister"), "{}", dry.out);
    bench.rollcall(&["reconcile", "--repair"]).code(0);
    assert_eq!(put_there(&bench, "k3d-rt-a"), ["argocd-manager-role"]);
    assert!(first.get(SERVICE_ACCOUNT, SYSTEM, "somebody").is_some());
    assert_eq!(put_there(&bench, "kind-rt-d").len(), 8);
    assert!(management.get(SECRET, ARGOCD, "cluster-rt-a").is_none());
    assert_eq!(server.names(), ["rt-d"]);
    assert_eq!(
        docker(&["inspect", "-f", "{{.Id}}", "k3d-rt-a-server-0"]),
        life
    );

    // And back again.
    fs::write(&file, config).unwrap();
    bench.rollcall(&["reconcile", "--repair"]).code(0);
    assert_eq!(put_there(&bench, "k3d-rt-a").len(), 8);
    let again = bench.rollcall(&["reconcile", "--repair"]).code(0);
    assert!(again.out.contains("in sync"), "{}", again.out);
}

#[test]
#[ignore = "needs an engine of its own: scripts/engine run DIR -- cargo test -- --include-ignored"]
fn an_account_that_was_there_before_stays_there() {
    let bench = Bench::new();
    bench.rows(&PAIR[..1]);
    bench.rollcall(&["reconcile", "--repair"]).code(0);
    // Another Argo CD has this cluster too, through the same account.
    let first = cluster(&bench, "k3d-rt-a");
    let theirs = json!({"metadata": {"name": "argocd-manager"}});
    first.make(SERVICE_ACCOUNT, SYSTEM, &theirs);
    let uid = |cluster: &Cluster| {
        let account = cluster.get(SERVICE_ACCOUNT, SYSTEM, "argocd-manager");
        account.unwrap()["metadata"]["uid"].clone()
    };
    let before = uid(&first);
    let management = with_argocd(&bench);
    bench.rollcall(&["reconcile", "--repair"]).code(0);
    let file = bench.path("rollcall.toml");
    let config = fs::read_to_string(&file).unwrap();
    let left_out = config.replace("[argocd]\n", "[argocd]\nexcept = ['rt-a']\n");
    fs::write(&file, left_out).unwrap();
    bench.rollcall(&["reconcile", "--repair"]).code(0);
    assert!(management.get(SECRET, ARGOCD, "cluster-rt-a").is_none());
    assert_eq!(uid(&first), before);
    assert_eq!(put_there(&bench, "k3d-rt-a"), ["argocd-manager"]);
}
