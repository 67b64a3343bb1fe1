//! Who asks, what he may, and what a new cluster says of itself.

use hyper::Method;
use serde_json::{Value, json};

use super::{CONFIGS, Cluster, request};
use crate::http::Site;
use crate::http::message::Reply;

const ACCOUNTS: &str = "/api/v1/namespaces/kube-system/serviceaccounts";
const SECRETS: &str = "/api/v1/namespaces/kube-system/secrets";
const BINDINGS: &str = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings";
const REVIEWS: &str = "/apis/authentication.k8s.io/v1/selfsubjectreviews";

/// A service account `robot` with a token.
fn token(cluster: &mut Cluster) -> String {
    use base64::Engine;
    cluster.create(ACCOUNTS, &json!({"metadata": {"name": "robot"}}));
    let annotations = json!({"kubernetes.io/service-account.name": "robot"});
    let secret = json!({
        "metadata": {"name": "t", "annotations": annotations},
        "type": "kubernetes.io/service-account-token",
    });
    cluster.create(SECRETS, &secret);
    cluster.settle();
    let secret = cluster.get(&format!("{SECRETS}/t"));
    let token = secret["data"]["token"].as_str().unwrap();
    let token = base64::engine::general_purpose::STANDARD
        .decode(token)
        .unwrap();
    String::from_utf8(token).unwrap()
}

fn bind(cluster: &Cluster, account: &str, role: &str) {
    let subject = json!({"kind": "ServiceAccount", "namespace": "kube-system", "name": account});
    let binding = json!({
        "metadata": {"name": "b"}, "subjects": [subject],
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
    });
    cluster.create(BINDINGS, &binding);
}

fn with(cluster: &Cluster, token: &str, method: Method, path: &str) -> Reply {
    let mut request = request(method, path, "application/json", &Value::Null);
    request.bearer = Some(token.to_owned());
    cluster.server.answer(&request)
}

#[test]
fn without_a_certificate_or_a_token_of_this_cluster_the_answer_is_401() {
    let cluster = Cluster::new();
    for path in ["/readyz", "/version", CONFIGS, REVIEWS, "/__requests"] {
        let nobody = request(Method::GET, path, "", &Value::Null);
        assert_eq!(cluster.server.answer(&nobody).status, 401, "{path}");
        assert_eq!(
            with(&cluster, "made.up.token", Method::GET, path).status,
            401
        );
    }
}

#[test]
fn a_token_may_nothing_but_ask_who_it_is_until_a_cluster_role_is_bound() {
    let mut cluster = Cluster::new();
    let token = token(&mut cluster);
    let review = with(&cluster, &token, Method::POST, REVIEWS);
    assert_eq!(review.status, 201);
    let user = &review.document()["status"]["userInfo"];
    assert_eq!(user["username"], "system:serviceaccount:kube-system:robot");
    let refused = with(&cluster, &token, Method::GET, CONFIGS);
    assert_eq!(refused.status, 403);
    assert_eq!(
        refused.document()["message"],
        "configmaps is forbidden: User \"system:serviceaccount:kube-system:robot\" cannot list \
         resource \"configmaps\" in API group \"\" in the namespace \"default\""
    );
    for (name, role) in [("other", "cluster-admin"), ("robot", "missing")] {
        bind(&cluster, name, role);
        assert_eq!(with(&cluster, &token, Method::GET, CONFIGS).status, 403);
        cluster.expect(200, Method::DELETE, &format!("{BINDINGS}/b"), &Value::Null);
    }
    // What there is may be asked by whoever is known.
    for path in ["/version", "/readyz", "/api", "/apis", "/apis/apps/v1"] {
        assert_eq!(
            with(&cluster, &token, Method::GET, path).status,
            200,
            "{path}"
        );
    }
    let control = with(&cluster, &token, Method::GET, "/__requests");
    assert_eq!(control.status, 403);
    bind(&cluster, "robot", "cluster-admin");
    assert_eq!(with(&cluster, &token, Method::GET, CONFIGS).status, 200);
    cluster.expect(200, Method::DELETE, &format!("{BINDINGS}/b"), &Value::Null);
    assert_eq!(with(&cluster, &token, Method::GET, CONFIGS).status, 403);
}

#[test]
fn a_token_ends_with_its_secret_and_with_its_service_account() {
    for path in [format!("{SECRETS}/t"), format!("{ACCOUNTS}/robot")] {
        let mut cluster = Cluster::new();
        let token = token(&mut cluster);
        bind(&cluster, "robot", "cluster-admin");
        assert_eq!(with(&cluster, &token, Method::GET, CONFIGS).status, 200);
        cluster.expect(200, Method::DELETE, &path, &Value::Null);
        assert_eq!(with(&cluster, &token, Method::GET, CONFIGS).status, 401);
        let twin = json!({"metadata": {"name": "robot"}});
        cluster.ask(Method::POST, ACCOUNTS, "application/json", &twin);
        assert_eq!(with(&cluster, &token, Method::GET, CONFIGS).status, 401);
    }
}

#[test]
fn a_new_cluster_has_its_namespaces_and_its_node() {
    let cluster = Cluster::new();
    let list = cluster.get("/api/v1/namespaces?limit=1");
    assert_eq!(list["kind"], "NamespaceList");
    assert_eq!(list["items"][0]["metadata"]["name"], "default");
    let system = cluster.get("/api/v1/namespaces/kube-system");
    assert_eq!(system["metadata"]["uid"], "uid");
    let nodes = cluster.get("/api/v1/nodes");
    assert_eq!(nodes["items"][0]["metadata"]["name"], "k3d-dev-server-0");
    assert_eq!(
        nodes["items"][0]["status"]["conditions"][0]["type"],
        "Ready"
    );
    let eternal = "/api/v1/namespaces/kube-system";
    cluster.expect(403, Method::DELETE, eternal, &Value::Null);
    assert_eq!(cluster.get("/version")["gitVersion"], "v1.34.1+k3s1");
}

#[test]
fn requests_are_counted_and_the_asking_is_not() {
    let cluster = Cluster::new();
    cluster.get(&format!("{CONFIGS}?limit=1"));
    cluster.get(CONFIGS);
    cluster.get("/version");
    let expected = json!({
        "total": 3, "argocd": 0,
        "by": {format!("GET {CONFIGS}"): 2, "GET /version": 1},
    });
    assert_eq!(cluster.get("/__requests"), expected);
    assert_eq!(cluster.get("/__requests"), expected);
    cluster.expect(200, Method::DELETE, "/__requests", &Value::Null);
    assert_eq!(cluster.get("/__requests")["total"], 0);
}

#[test]
fn a_fault_that_was_switched_on_happens_and_can_be_switched_off() {
    let cluster = Cluster::new();
    let fault = json!({"path_prefix": CONFIGS, "status": 503, "times": 1});
    cluster.expect(200, Method::POST, "/__faults", &fault);
    cluster.expect(503, Method::GET, CONFIGS, &Value::Null);
    cluster.get(CONFIGS);
    let fault = json!({"path_prefix": CONFIGS, "status": 410});
    cluster.expect(200, Method::POST, "/__faults", &fault);
    let gone = cluster.expect(410, Method::GET, CONFIGS, &Value::Null);
    assert_eq!(gone["reason"], "Expired");
    cluster.expect(200, Method::DELETE, "/__faults", &Value::Null);
    cluster.get(CONFIGS);
}

#[test]
fn what_the_api_has_can_be_discovered() {
    let cluster = Cluster::new();
    let groups = cluster.get("/apis")["groups"].as_array().unwrap().len();
    assert_eq!(groups, 6);
    let argo = cluster.get("/apis/argoproj.io/v1alpha1");
    let names = argo["resources"].as_array().unwrap().iter();
    let names: Vec<&str> = names
        .map(|resource| resource["name"].as_str().unwrap())
        .collect();
    let expected = [
        "applications",
        "applicationsets",
        "applicationsets/status",
        "appprojects",
    ];
    assert_eq!(names, expected);
    cluster.expect(404, Method::GET, "/apis/nothing.io", &Value::Null);
}
