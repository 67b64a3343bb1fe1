//! Clusters are in an `ApplicationSet` among somebody's own, and its Applications reach them.

use serde_json::{Value, json};

use crate::argocd::{ARGOCD, PAIR, cluster, mended};
use crate::bench::{Bench, docker, tool};
use crate::management::{
    APPLICATION, APPLICATION_SET, CONFIG_MAP, Cluster, SECRET, with_argocd, with_set,
};
use crate::process::until;

/// Two clusters, registered, and in a set with these generators.
fn registered(way: &str, generators: &Value) -> (Bench, Cluster) {
    let bench = Bench::new();
    let management = with_argocd(&bench);
    with_set(&bench, &management, way, generators);
    bench.rows(&PAIR);
    bench.rollcall(&["reconcile", "--repair"]).code(0);
    (bench, management)
}

/// The element of somebody else, for the management cluster itself.
fn theirs() -> Value {
    json!({"clusterName": "in-cluster", "env": "ops", "branch": "main", "weight": "1"})
}

fn listed() -> (Bench, Cluster) {
    registered("elements", &json!([{"list": {"elements": [theirs()]}}]))
}

fn elements(management: &Cluster) -> Vec<Value> {
    let set = management.get(APPLICATION_SET, ARGOCD, "whoami").unwrap();
    let elements = set["spec"]["generators"][0]["list"]["elements"].clone();
    elements.as_array().cloned().unwrap_or_default()
}

fn relist(management: &Cluster, elements: &[Value]) {
    let change = json!({"spec": {"generators": [{"list": {"elements": elements}}]}});
    management.edit(APPLICATION_SET, ARGOCD, "whoami", &change);
}

/// Whether what the set's Application deploys is there.
fn runs(cluster: &Cluster, name: &str) -> bool {
    let workload = format!("workload-whoami-{name}");
    cluster
        .get(CONFIG_MAP, Some("default"), &workload)
        .is_some()
}

fn application(management: &Cluster, name: &str) -> Option<Value> {
    let there = management.get(APPLICATION, ARGOCD, &format!("whoami-{name}"));
    there.map(|app| app["metadata"]["uid"].clone())
}

#[test]
#[ignore = "needs an engine of its own: scripts/engine run DIR -- cargo test -- --include-ignored"]
fn elements_of_ours_are_kept_among_others_and_applications_survive() {
    let (bench, management) = listed();
    let target = cluster(&bench, "k3d-rt-a");
    until("what Argo CD deploys", || runs(&target, "rt-a"));
    until("what it deploys at home", || runs(&management, "ops"));
    let again = bench.rollcall(&["reconcile", "--repair"]).code(0);
    assert!(again.out.contains("in sync"), "{}", again.out);

    let good = elements(&management);
    assert_eq!(good[0], theirs());
    let app = application(&management, "rt-a");
    let at = good
        .iter()
        .position(|e| e["clusterName"] == "rt-a")
        .unwrap();
    let mut changed = good.clone();
    changed[at]["branch"] = json!("other");
    relist(&management, &changed);
    let words = "branch  other live -> rt-a row";
    mended(
        &bench,
        "element changed",
        &["applicationset/k3d/rt-a", words],
    );
    let mut lacking = good.clone();
    lacking[at].as_object_mut().unwrap().remove("branch");
    relist(&management, &lacking);
    mended(&bench, "key missing", &["applicationset/k3d/rt-a"]);
    assert_eq!(elements(&management)[0], theirs());
    assert_eq!(application(&management, "rt-a"), app, "it survives both");
    let mut missing = good.clone();
    missing.remove(at);
    relist(&management, &missing);
    mended(
        &bench,
        "element missing",
        &["applicationset/k3d/rt-a", "not registered"],
    );
    until("what Argo CD deploys again", || runs(&target, "rt-a"));

    let app = application(&management, "rt-a");
    let (code, said) = tool("k3d", &["cluster", "delete", "rt-a"]);
    assert_eq!(code, 0, "{said}");
    bench.rollcall(&["reconcile", "--repair"]).code(0);
    let next = cluster(&bench, "k3d-rt-a");
    until("what Argo CD deploys, in the new life", || {
        runs(&next, "rt-a")
    });
    assert_eq!(application(&management, "rt-a"), app);
}

#[test]
#[ignore = "needs an engine of its own: scripts/engine run DIR -- cargo test -- --include-ignored"]
fn what_leaves_takes_nothing_else_along_and_a_stuck_application_is_freed() {
    let (bench, management) = listed();
    let (a, d) = (cluster(&bench, "k3d-rt-a"), cluster(&bench, "kind-rt-d"));
    until("what Argo CD deploys", || {
        runs(&a, "rt-a") && runs(&d, "rt-d")
    });
    bench.sql("UPDATE clusters SET desired_state = 'absent' WHERE name = 'rt-a'");
    bench.rollcall(&["reconcile", "--repair"]).code(0);
    assert_eq!(management.names(SECRET, ARGOCD), ["cluster-rt-d"]);
    assert_eq!(elements(&management).len(), 2);
    assert_eq!(application(&management, "rt-a"), None);
    assert!(runs(&d, "rt-d") && runs(&management, "ops"));

    // Its cluster is gone, its Secret is not: Argo CD never gets done with deleting it.
    docker(&["rm", "-fv", "rt-d-control-plane"]);
    management.remove(APPLICATION, ARGOCD, "whoami-rt-d");
    bench.sql("DELETE FROM clusters WHERE name = 'rt-d'");
    assert!(application(&management, "rt-d").is_some(), "it is stuck");
    bench
        .rollcall(&["reconcile", "--prune", "--allow-all"])
        .code(0);
    assert_eq!(application(&management, "rt-d"), None);
    assert_eq!(elements(&management), [theirs()]);
    assert_eq!(management.names(SECRET, ARGOCD), Vec::<String>::new());
    assert!(runs(&management, "ops"));
}

#[test]
#[ignore = "needs an engine of its own: scripts/engine run DIR -- cargo test -- --include-ignored"]
fn a_set_that_selects_by_labels_is_looked_at_and_never_written() {
    let selector = json!({"matchLabels": {"app.kubernetes.io/managed-by": "rollcall"}});
    let (bench, management) = registered("labels", &json!([{"clusters": {"selector": selector}}]));
    let target = cluster(&bench, "k3d-rt-a");
    until("what Argo CD deploys", || runs(&target, "rt-a"));
    let app = application(&management, "rt-a");
    let again = bench.rollcall(&["reconcile", "--repair"]).code(0);
    assert!(again.out.contains("in sync"), "{}", again.out);
    let (code, said) = tool("k3d", &["cluster", "delete", "rt-a"]);
    assert_eq!(code, 0, "{said}");
    bench.rollcall(&["reconcile", "--repair"]).code(0);
    let next = cluster(&bench, "k3d-rt-a");
    until("what Argo CD deploys, in the new life", || {
        runs(&next, "rt-a")
    });
    assert_eq!(application(&management, "rt-a"), app);

    let other = json!({"spec": {"generators": [
        {"clusters": {"selector": {"matchLabels": {"team": "blue"}}}},
    ]}});
    management.edit(APPLICATION_SET, ARGOCD, "whoami", &other);
    let said = bench.rollcall(&["reconcile", "--repair"]).code(1);
    assert!(said.out.contains("does not select"), "{}", said.out);
    assert!(said.out.contains("managed-by=rollcall"), "{}", said.out);
}
