//! What the scripts before rollcall left behind is adopted, and nothing of it is made again.

use serde_json::{Value, json};

use crate::adopting::make_by_hand;
use crate::argocd::{ARGOCD, cluster};
use crate::bench::{Bench, docker, fingerprint_of, tool};
use crate::management::{APPLICATION, Cluster, NODE, SECRET, with_argocd, with_set};
use crate::process::until;

const ROWS: [(&str, &str); 2] = [("old-a", "k3d"), ("old-d", "kind")];

/// Its Secret: not verified, with a token that was made by hand, and a Portainer key in an annotation.
fn secret(name: &str, provider: &str) -> Value {
    json!({
        "metadata": {
            "name": format!("cluster-{name}"),
            "labels": {
                "argocd.argoproj.io/secret-type": "cluster", "env": name, "provider": provider,
                "type": "business",
            },
            "annotations": {"portainer-edge-id": "7", "portainer-edge-key": "secret"},
        },
        "type": "Opaque",
        "stringData": {
            "name": name,
            "server": format!("https://host.k3d.internal:{}", name.len()),
            "config": "{\"bearerToken\": \"old\", \"tlsClientConfig\": {\"insecure\": true}}",
        },
    })
}

/// Its element.
fn element(name: &str) -> Value {
    json!({
        "env": name, "hostEnv": name, "branch": name, "clusterName": name,
        "ingressClass": "traefik",
    })
}

/// Secret and Application of a cluster.
fn identities(management: &Cluster, name: &str) -> [Value; 2] {
    let uid = |found: Option<Value>| found.unwrap()["metadata"]["uid"].clone();
    [
        uid(management.get(SECRET, ARGOCD, &format!("cluster-{name}"))),
        uid(management.get(APPLICATION, ARGOCD, &format!("whoami-{name}"))),
    ]
}

#[test]
#[ignore = "needs an engine of its own: scripts/engine run DIR -- cargo test -- --include-ignored"]
fn its_clusters_secrets_elements_and_networks_are_adopted_without_a_recreate() {
    let bench = Bench::new();
    let management = with_argocd(&bench);
    for (name, provider) in ROWS {
        make_by_hand(provider, name);
        bench.sql(&format!(
            "INSERT INTO clusters (name, provider, status) VALUES ('{name}', '{provider}', 'running')"
        ));
        management.make(SECRET, ARGOCD, &secret(name, provider));
    }
    docker(&["network", "connect", "k3d-old-a", NODE]);
    let elements = ROWS.map(|(name, _)| element(name));
    let generators = json!([{"list": {"elements": elements}}]);
    with_set(&bench, &management, "elements", &generators);
    until("its Applications", || {
        ROWS.iter().all(|(name, _)| {
            let name = format!("whoami-{name}");
            management.get(APPLICATION, ARGOCD, &name).is_some()
        })
    });
    let before = ROWS.map(|(name, _)| (fingerprint_of(name), identities(&management, name)));

    let held = bench.rollcall(&["reconcile", "--repair"]).code(3);
    assert!(held.out.contains("cluster adopt"), "{}", held.out);
    bench.rollcall(&["cluster", "adopt", "--rows"]).code(0);
    bench.rollcall(&["reconcile", "--repair"]).code(0);
    let again = bench.rollcall(&["reconcile", "--repair"]).code(0);
    assert!(again.out.contains("in sync"), "{}", again.out);
    let after = ROWS.map(|(name, _)| (fingerprint_of(name), identities(&management, name)));
    assert_eq!(before, after);
    for (name, provider) in ROWS {
        let target = cluster(&bench, &format!("{provider}-{name}"));
        let workload = format!("workload-whoami-{name}");
        let sort = crate::management::CONFIG_MAP;
        until("what Argo CD deploys", || {
            target.get(sort, Some("default"), &workload).is_some()
        });
    }
    // And they leave as others do.
    bench.sql("UPDATE clusters SET desired_state = 'absent' WHERE name = 'old-a'");
    bench.rollcall(&["reconcile", "--repair"]).code(0);
    assert_eq!(management.names(SECRET, ARGOCD), ["cluster-old-d"]);
    let (_, left) = tool("k3d", &["cluster", "list", "--no-headers"]);
    assert!(!left.contains("old-a"), "{left}");
}
