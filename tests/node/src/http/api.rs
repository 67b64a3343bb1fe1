//! The answers: a very small Kubernetes API, and the plain ports that name their cluster.

use hyper::StatusCode;
use serde_json::{Value, json};

use super::router::{Reply, Router};
use super::status;
use crate::cluster::Node;

/// When the namespaces claim to have been made; nobody needs the truth, but some parse it.
const CREATED: &str = "2026-01-01T00:00:00Z";

/// Where this runs, in Go's words.
const PLATFORM: &str = if cfg!(target_arch = "aarch64") {
    "linux/arm64"
} else {
    "linux/amd64"
};

/// What Kubernetes says when its store cannot be reached.
const NOT_READY: &str = "[+]ping ok\n[-]etcd failed: reason withheld\nreadyz check failed\n";

/// The Kubernetes API of `node`. `uid` names this life of the cluster.
pub(crate) fn kubernetes(node: &Node, uid: &str, ready: bool) -> Router {
    let version = version(node.version);
    let namespaces = vec![
        namespace("default", &derived(uid, '1')),
        // Real programs take the UID of kube-system for the identity of the cluster.
        namespace("kube-system", uid),
    ];
    let list = json!({
        "kind": "NamespaceList",
        "apiVersion": "v1",
        "metadata": {"resourceVersion": "1"},
        "items": namespaces,
    });
    let health = move || {
        if ready {
            Reply::text(StatusCode::OK, "ok")
        } else {
            Reply::text(StatusCode::INTERNAL_SERVER_ERROR, NOT_READY)
        }
    };
    Router::default()
        .get("/readyz", move |_, _| health())
        .get("/healthz", move |_, _| health())
        .get("/livez", |_, _| Reply::text(StatusCode::OK, "ok"))
        .get("/version", document(version))
        .get("/api", document(api_versions()))
        .get("/apis", document(api_groups()))
        .get("/api/v1", document(core_resources()))
        .get("/api/v1/namespaces", document(list))
        .get("/api/v1/namespaces/{name}", move |_, captures| {
            let wanted = captures.first().copied().unwrap_or_default();
            namespaces
                .iter()
                .find(|namespace| namespace["metadata"]["name"] == wanted)
                .map_or_else(
                    || status::no_namespace(wanted),
                    |namespace| {
                        let mut namespace = namespace.clone();
                        namespace["kind"] = json!("Namespace");
                        namespace["apiVersion"] = json!("v1");
                        Reply::json(StatusCode::OK, &namespace)
                    },
                )
        })
}

/// One plain port of `node`: every path answers with the cluster's name.
pub(crate) fn plain(node: &Node, port: u16) -> Router {
    let mut text = json!({"cluster": node.cluster, "node": node.name, "port": port}).to_string();
    text.push('\n');
    Router::default().otherwise(move |_, _| Reply {
        status: StatusCode::OK,
        content_type: "application/json",
        body: text.clone().into_bytes(),
    })
}

fn document(
    document: Value,
) -> impl Fn(&super::router::Request, &super::router::Captures<'_>) -> Reply + Send + Sync + 'static
{
    move |_, _| Reply::json(StatusCode::OK, &document)
}

/// Another UUID for the same life of the cluster.
fn derived(uid: &str, first: char) -> String {
    let mut text = String::from(first);
    text.extend(uid.chars().skip(1));
    text
}

fn namespace(name: &str, uid: &str) -> Value {
    json!({
        "metadata": {
            "name": name,
            "uid": uid,
            "resourceVersion": "1",
            "creationTimestamp": CREATED,
            "labels": {"kubernetes.io/metadata.name": name},
        },
        "spec": {"finalizers": ["kubernetes"]},
        "status": {"phase": "Active"},
    })
}

fn version(version: &str) -> Value {
    let mut numbers = version.trim_start_matches('v').split('.');
    json!({
        "major": numbers.next().unwrap_or("1"),
        "minor": numbers.next().unwrap_or("0"),
        "gitVersion": version,
        "gitCommit": "0000000000000000000000000000000000000000",
        "gitTreeState": "clean",
        "buildDate": CREATED,
        "goVersion": "go1.24.6",
        "compiler": "gc",
        "platform": PLATFORM,
    })
}

fn api_versions() -> Value {
    json!({"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []})
}

fn api_groups() -> Value {
    json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": []})
}

fn core_resources() -> Value {
    json!({
        "kind": "APIResourceList",
        "groupVersion": "v1",
        "resources": [{
            "name": "namespaces",
            "singularName": "namespace",
            "namespaced": false,
            "kind": "Namespace",
            "verbs": ["get", "list"],
            "shortNames": ["ns"],
        }],
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop")]

    use super::{kubernetes, plain};
    use crate::cluster::Node;
    use crate::http::router::{Request, Router};
    use hyper::{Method, StatusCode};
    use serde_json::Value;

    fn node() -> Node {
        Node {
            cluster: "dev".to_owned(),
            name: "k3d-dev-server-0".to_owned(),
            version: "v1.34.1+k3s1",
        }
    }

    fn get(router: &Router, path: &str) -> (StatusCode, String) {
        let reply = router.answer(&Request {
            method: Method::GET,
            path: path.to_owned(),
            query: String::new(),
            body: Vec::new(),
        });
        (reply.status, String::from_utf8(reply.body).unwrap())
    }

    #[test]
    fn a_node_that_is_not_ready_is_alive_all_the_same() {
        let router = kubernetes(&node(), "uid", false);
        assert_eq!(get(&router, "/readyz").0, StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(get(&router, "/livez").1, "ok");
        assert_eq!(get(&kubernetes(&node(), "uid", true), "/readyz").1, "ok");
    }

    #[test]
    fn the_two_namespaces_of_a_new_cluster_can_be_listed_and_read() {
        let router = kubernetes(&node(), "uid", true);
        let list: Value = serde_json::from_str(&get(&router, "/api/v1/namespaces").1).unwrap();
        assert_eq!(list["items"][1]["metadata"]["name"], "kube-system");
        assert_eq!(list["items"][1]["metadata"]["uid"], "uid");
        let one = get(&router, "/api/v1/namespaces/default");
        assert_eq!(one.0, StatusCode::OK);
        assert!(one.1.contains("\"kind\":\"Namespace\""));
        let (code, text) = get(&router, "/api/v1/namespaces/nowhere");
        assert_eq!(code, StatusCode::NOT_FOUND);
        assert!(text.contains("\"kind\":\"Status\""));
    }

    #[test]
    fn a_plain_port_names_its_cluster_on_every_path() {
        let router = plain(&node(), 30080);
        let expected = "{\"cluster\":\"dev\",\"node\":\"k3d-dev-server-0\",\"port\":30080}\n";
        assert_eq!(get(&router, "/anything").1, expected);
    }
}
