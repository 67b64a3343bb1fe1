//! What the scripts before rollcall left behind is adopted, and nothing of it is made again.

use std::fs;

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::adopting::make_by_hand;
use crate::argocd::{ARGOCD, cluster};
use crate::bench::{Bench, docker, fingerprint_of, tool};
use crate::gateway::{BASE, Gateway};
use crate::management::{APPLICATION, Cluster, NODE, SECRET, with_argocd, with_set};
use crate::process::until;
use crate::server::Server;

const ROWS: [(&str, &str); 2] = [("old-a", "k3d"), ("old-d", "kind")];
/// Its table, as its scripts and its web interface make it, with what the latter adds.
const SCHEMA: &str = "
PRAGMA foreign_keys = OFF;
CREATE TABLE clusters (
    id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE NOT NULL, provider TEXT NOT NULL, subnet TEXT,
    node_port INTEGER, pf_port INTEGER, http_port INTEGER, https_port INTEGER, server_ip TEXT,
    status TEXT DEFAULT 'unknown', desired_state TEXT DEFAULT 'present', actual_state TEXT DEFAULT 'unknown',
    last_reconciled_at TIMESTAMP, reconcile_error TEXT,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP);
CREATE INDEX idx_clusters_name ON clusters(name);
CREATE TABLE operations (
    id INTEGER PRIMARY KEY AUTOINCREMENT, cluster_name TEXT, operation TEXT NOT NULL, status TEXT NOT NULL,
    log_output TEXT, started_at TIMESTAMP, completed_at TIMESTAMP, error_message TEXT,
    FOREIGN KEY (cluster_name) REFERENCES clusters(name) ON DELETE CASCADE);
INSERT INTO clusters (name, provider, status) VALUES ('devops', 'k3d', 'running');
INSERT INTO operations (cluster_name, operation, status) VALUES ('old-a', 'create', 'completed');
";
const DEPLOYMENT: (&str, &str, &str) = ("apps", "v1", "Deployment");
const EDGE: Option<&str> = Some("portainer-edge");

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

/// Its database.
fn database(bench: &Bench) {
    fs::remove_file(bench.db()).unwrap();
    Connection::open(bench.db())
        .unwrap()
        .execute_batch(SCHEMA)
        .unwrap();
}

/// Its contexts: the tools' own, with the API on this host and not verified.
fn contexts(bench: &Bench) {
    let mut all =
        json!({"apiVersion": "v1", "kind": "Config", "clusters": [], "contexts": [], "users": []});
    for (name, provider) in ROWS {
        let (_, text) = match provider {
            "k3d" => tool("k3d", &["kubeconfig", "get", name]),
            _ => tool("kind", &["get", "kubeconfig", "--name", name]),
        };
        let one: Value = serde_saphyr::from_str(&text).unwrap();
        for list in ["clusters", "contexts", "users"] {
            let mut entry = one[list][0].clone();
            if let Some(cluster) = entry.get_mut("cluster") {
                let server = cluster["server"].as_str().unwrap();
                let server = server.replace("0.0.0.0", "127.0.0.1");
                *cluster = json!({"server": server, "insecure-skip-tls-verify": true});
            }
            all[list].as_array_mut().unwrap().push(entry);
        }
    }
    fs::write(bench.kubeconfig(), all.to_string()).unwrap();
}

/// Its environment of a cluster, and the agent in there: bound by its own number.
fn environment(bench: &Bench, server: &Server, (name, provider): (&str, &str), called: &str) {
    server.make(called);
    let made = server.only(called);
    let target = cluster(bench, &format!("{provider}-{name}"));
    let namespace = json!({"metadata": {"name": "portainer-edge"}});
    target.make(("", "v1", "Namespace"), None, &namespace);
    let secret = json!({
        "metadata": {"name": "portainer-edge-creds"},
        "stringData": {"edge-id": made["Id"].to_string(), "edge-key": made["EdgeKey"]},
    });
    target.make(SECRET, EDGE, &secret);
    let from = |key: &str| json!({"secretKeyRef": {"name": "portainer-edge-creds", "key": key}});
    let labels = json!({"app": "portainer-edge-agent"});
    let agent = json!({
        "name": "portainer-edge-agent",
        "image": "portainer/agent:latest",
        "env": [
            {"name": "EDGE", "value": "1"},
            {"name": "EDGE_ID", "valueFrom": from("edge-id")},
            {"name": "EDGE_KEY", "valueFrom": from("edge-key")},
            {"name": "EDGE_INSECURE_POLL", "value": "1"},
        ],
    });
    let deployment = json!({
        "metadata": {"name": "portainer-edge-agent"},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [agent]}},
        },
    });
    target.make(DEPLOYMENT, EDGE, &deployment);
    until("its agent", || server.beats(called));
}

/// Its routes, in the one file of its HAProxy, with the management cluster's among them; the end of the last block is
/// lost, as its scripts lose it.
fn routes(gateway: &Gateway) -> String {
    let (mut rules, mut backends) = (String::new(), String::new());
    for (name, node, network) in [
        ("devops", NODE, "k3d-devops"),
        ("old-a", "k3d-old-a-server-0", "k3d-old-a"),
        ("old-d", "old-d-control-plane", "kind"),
    ] {
        let address = format!("{{{{(index .NetworkSettings.Networks \"{network}\").IPAddress}}}}");
        let address = docker(&["inspect", "-f", &address, node]);
        docker(&["network", "connect", network, "haproxy-gw"]);
        rules += &format!(
            "  acl host_{name}  hdr_reg(host) -i ^[^.]+\\.{name}\\.[^:]+\n  use_backend be_{name} if host_{name}\n"
        );
        backends += &format!("backend be_{name}\n  server s1 {}:80\n", address.trim());
    }
    let base = Gateway::base();
    let (front, back) = base.split_once("\nbackend none\n").unwrap();
    let (front, rest) = front.split_once("    http-request set-var").unwrap();
    let text = format!(
        "{front}  # BEGIN DYNAMIC ACL (managed by scripts/haproxy_route.sh)\n{rules}  # END DYNAMIC ACL\n    \
         http-request set-var{rest}\n# BEGIN DYNAMIC BACKENDS (managed by scripts/haproxy_route.sh)\n{backends}\
         backend none\n{back}"
    );
    gateway.write(BASE, &text);
    docker(&["kill", "-s", "USR2", "haproxy-gw"]);
    until("its routes", || gateway.get("old-a").contains("\"old-a\""));
    text
}

#[test]
#[ignore = "needs an engine of its own: scripts/engine run DIR -- cargo test -- --include-ignored"]
fn everything_of_its_is_taken_over_without_a_recreate() {
    let bench = Bench::new();
    database(&bench);
    let management = with_argocd(&bench);
    for (name, provider) in ROWS {
        make_by_hand(provider, name);
        bench.sql(&format!(
            "INSERT INTO clusters (name, provider, node_port, status) VALUES ('{name}', '{provider}', 30080, 'running')"
        ));
        management.make(SECRET, ARGOCD, &secret(name, provider));
    }
    contexts(&bench);
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
    let server = Server::start(&bench);
    // Environments of old days have names without hyphens.
    environment(&bench, &server, ROWS[0], "old-a");
    environment(&bench, &server, ROWS[1], "oldd");
    let numbers = ["old-a", "oldd"].map(|name| server.id(name));
    let gateway = Gateway::start(&bench, "ROLLCALL_TEST_HAPROXY_IMAGE");
    let theirs = routes(&gateway);
    let before = ROWS.map(|(name, _)| (fingerprint_of(name), identities(&management, name)));

    let held = bench.rollcall(&["reconcile", "--repair"]).code(3);
    assert!(held.out.contains("cluster adopt"), "{}", held.out);
    bench.rollcall(&["cluster", "adopt", "--rows"]).code(0);
    // What it wrote into HAProxy's own file stands beside rollcall's routes now.
    let twice = bench.rollcall(&["reconcile", "--repair"]).code(3);
    assert!(twice.out.contains("import haproxy"), "{}", twice.out);
    let file = gateway.path(BASE);
    let import = ["import", "haproxy", file.to_str().unwrap()];
    let shown = bench.rollcall(&import).code(3);
    assert!(
        shown.out.contains("old-a, old-d") && shown.out.contains("devops stays"),
        "{}",
        shown.out
    );
    assert_eq!(fs::read_to_string(&file).unwrap(), theirs);
    let done = bench.rollcall(&[&import[..], &["--write", "-o", "json"]].concat());
    let done = done.code(0).json();
    assert_eq!(done["schema"], "rollcall.import/v1");
    assert_eq!(done["taken"], json!(["old-a", "old-d"]));
    let again = bench.rollcall(&["reconcile", "--repair"]).code(0);
    assert!(again.out.contains("in sync"), "{}", again.out);

    let after = ROWS.map(|(name, _)| (fingerprint_of(name), identities(&management, name)));
    assert_eq!(before, after);
    assert_eq!(numbers, ["old-a", "old-d"].map(|name| server.id(name)));
    assert_eq!(server.names(), ["old-a", "old-d"]);
    let left = fs::read_to_string(&file).unwrap();
    assert!(
        !left.contains("old-") && left.contains("backend be_devops"),
        "{left}"
    );
    assert_eq!(
        bench.query("SELECT cluster_name FROM operations"),
        ["old-a"]
    );
    for (name, provider) in ROWS {
        gateway.routed(name);
        assert!(server.beats(name), "{name}");
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
    assert_eq!(server.names(), ["old-d"]);
    assert_eq!(gateway.get("old-a"), "404");
    let (_, left) = tool("k3d", &["cluster", "list", "--no-headers"]);
    assert!(!left.contains("old-a"), "{left}");
}
