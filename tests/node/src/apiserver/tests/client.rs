//! The `kube` crate, as the product uses it, against the API over TLS.

use std::time::Duration;

use ::kube::api::{
    Api, ApiResource, DeleteParams, DynamicObject, GroupVersionKind, ListParams, Patch,
    PatchParams, PostParams, WatchEvent, WatchParams,
};
use ::kube::{Client, Config, Discovery, Error};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::StreamExt;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::authentication::v1::SelfSubjectReview;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Node, Secret, ServiceAccount};
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding};
use serde_json::{Value, json};

use crate::loopback::Loopback;

/// How a client proves who it is.
enum Proof<'a> {
    Certificate,
    Token(&'a str),
}

fn client(cluster: &Loopback, proof: &Proof<'_>) -> Client {
    let mut config = Config::new(cluster.url().parse().unwrap());
    config.root_cert = Some(vec![cluster.authority.der().to_vec()]);
    config.tls_server_name = Some("kubernetes.default.svc".to_owned());
    config.default_retry = false;
    match proof {
        Proof::Certificate => {
            let own = cluster.authority.client("admin", "system:masters").unwrap();
            config.auth_info.client_certificate_data = Some(STANDARD.encode(own.certificate_pem));
            config.auth_info.client_key_data = Some(STANDARD.encode(own.key_pem).into());
        }
        Proof::Token(token) => config.auth_info.token = Some((*token).to_owned().into()),
    }
    Client::try_from(config).unwrap()
}

async fn cluster() -> (Loopback, Client) {
    let cluster = Loopback::start().await;
    let client = client(&cluster, &Proof::Certificate);
    (cluster, client)
}

fn typed<T: serde::de::DeserializeOwned>(document: Value) -> T {
    serde_json::from_value(document).unwrap()
}

fn status(error: Error) -> (u16, String) {
    match error {
        Error::Api(status) => (status.code, status.reason),
        other => (0, other.to_string()),
    }
}

/// Makes a service account `argocd-manager` with a long-lived token, and reads the token.
async fn manager_token(admin: &Client) -> String {
    let accounts: Api<ServiceAccount> = Api::namespaced(admin.clone(), "kube-system");
    let ours = PatchParams::apply("rollcall").force();
    let account = json!({
        "apiVersion": "v1", "kind": "ServiceAccount",
        "metadata": {"name": "argocd-manager", "namespace": "kube-system"},
    });
    let intent = Patch::Apply(&account);
    accounts
        .patch("argocd-manager", &ours, &intent)
        .await
        .unwrap();
    let secrets: Api<Secret> = Api::namespaced(admin.clone(), "kube-system");
    let name = "argocd-manager-long-lived-token";
    let annotations = json!({"kubernetes.io/service-account.name": "argocd-manager"});
    let secret: Secret = typed(json!({
        "metadata": {"name": name, "annotations": annotations},
        "type": "kubernetes.io/service-account-token",
    }));
    secrets
        .create(&PostParams::default(), &secret)
        .await
        .unwrap();
    loop {
        let data = secrets.get(name).await.unwrap().data.unwrap_or_default();
        if let Some(token) = data.get("token") {
            return String::from_utf8(token.0.clone()).unwrap();
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_cluster_is_registered_as_argocd_cluster_add_does_it() {
    let (cluster, admin) = cluster().await;
    let token = manager_token(&admin).await;
    let role: ClusterRole = typed(json!({
        "metadata": {"name": "argocd-manager-role"},
        "rules": [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}],
    }));
    let roles: Api<ClusterRole> = Api::all(admin.clone());
    roles.create(&PostParams::default(), &role).await.unwrap();
    let again = roles.create(&PostParams::default(), &role).await;
    assert_eq!(
        status(again.unwrap_err()),
        (409, "AlreadyExists".to_owned())
    );
    let manager = client(&cluster, &Proof::Token(&token));
    let reviews: Api<SelfSubjectReview> = Api::all(manager.clone());
    let (params, question) = (PostParams::default(), SelfSubjectReview::default());
    let review = reviews.create(&params, &question);
    let user = review.await.unwrap().status.unwrap().user_info.unwrap();
    let name = "system:serviceaccount:kube-system:argocd-manager";
    assert_eq!(user.username.as_deref(), Some(name));
    let nodes: Api<Node> = Api::all(manager);
    let refused = nodes.list(&ListParams::default()).await;
    assert_eq!(status(refused.unwrap_err()), (403, "Forbidden".to_owned()));
    let group = "rbac.authorization.k8s.io";
    let account = "argocd-manager";
    let binding: ClusterRoleBinding = typed(json!({
        "metadata": {"name": "argocd-manager-role-binding"},
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": "argocd-manager-role"},
        "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": "kube-system"}],
    }));
    let bindings: Api<ClusterRoleBinding> = Api::all(admin);
    bindings
        .create(&PostParams::default(), &binding)
        .await
        .unwrap();
    assert_eq!(
        nodes
            .list(&ListParams::default())
            .await
            .unwrap()
            .items
            .len(),
        1
    );
}

#[tokio::test]
async fn a_stranger_is_told_401_in_kubernetes_words() {
    let (cluster, _) = cluster().await;
    let stranger = client(&cluster, &Proof::Token("made.up.token"));
    let error = stranger.apiserver_version().await.unwrap_err();
    assert_eq!(status(error), (401, "Unauthorized".to_owned()));
}

#[tokio::test]
async fn an_edit_of_an_older_version_is_a_conflict_and_a_taken_field_is_one_too() {
    let (_cluster, admin) = cluster().await;
    let configs: Api<ConfigMap> = Api::namespaced(admin, "default");
    let config: ConfigMap = typed(json!({"metadata": {"name": "x"}, "data": {"k": "1"}}));
    let first = configs
        .create(&PostParams::default(), &config)
        .await
        .unwrap();
    let mut newer = first.clone();
    newer
        .data
        .get_or_insert_default()
        .insert("k".to_owned(), "2".to_owned());
    configs
        .replace("x", &PostParams::default(), &newer)
        .await
        .unwrap();
    let stale = configs
        .replace("x", &PostParams::default(), &newer)
        .await
        .unwrap_err();
    assert_eq!(status(stale), (409, "Conflict".to_owned()));
    let intent = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}, "data": {"k": "3"},
    });
    let apply = |params: PatchParams| {
        let (configs, intent) = (configs.clone(), intent.clone());
        async move { configs.patch("x", &params, &Patch::Apply(&intent)).await }
    };
    let taken = apply(PatchParams::apply("rollcall")).await.unwrap_err();
    assert_eq!(status(taken), (409, "Conflict".to_owned()));
    let forced = apply(PatchParams::apply("rollcall").force()).await.unwrap();
    assert_eq!(forced.data.unwrap()["k"], "3");
    let deleted = configs.delete("x", &DeleteParams::default()).await.unwrap();
    assert!(deleted.is_right(), "there is nothing to wait for");
    assert!(configs.get_opt("x").await.unwrap().is_none());
}

#[tokio::test]
async fn a_long_list_is_read_in_pages_and_a_watch_goes_on_from_it() {
    let (_cluster, admin) = cluster().await;
    let configs: Api<ConfigMap> = Api::namespaced(admin, "default");
    for number in 0..5 {
        let config = json!({"metadata": {"name": format!("x{number}"), "labels": {"l": "1"}}});
        configs
            .create(&PostParams::default(), &typed(config))
            .await
            .unwrap();
    }
    let mut params = ListParams::default().limit(2).labels("l=1");
    let (mut names, mut pages) = (Vec::new(), 0);
    let version = loop {
        let page = configs.list(&params).await.unwrap();
        pages += 1;
        names.extend(
            page.items
                .into_iter()
                .map(|item| item.metadata.name.unwrap()),
        );
        match page.metadata.continue_ {
            Some(token) if !token.is_empty() => params = params.continue_token(&token),
            _ => break page.metadata.resource_version.unwrap(),
        }
    };
    assert_eq!((names.len(), pages), (5, 3));
    let odd = ListParams::default().limit(2).continue_token("made-up");
    let odd = configs.list(&odd).await.unwrap_err();
    assert_eq!(status(odd), (400, "BadRequest".to_owned()));
    let params = WatchParams::default().timeout(2).labels("l=1");
    let mut events = configs.watch(&params, &version).await.unwrap().boxed();
    configs
        .delete("x0", &DeleteParams::default())
        .await
        .unwrap();
    match events.next().await.unwrap().unwrap() {
        WatchEvent::Deleted(config) => assert_eq!(config.metadata.name.as_deref(), Some("x0")),
        other => panic!("{other:?}"),
    }
    let rest: Vec<_> = events.collect().await;
    assert!(
        rest.iter()
            .all(|event| matches!(event, Ok(WatchEvent::Bookmark(_)))),
        "{rest:?}"
    );
}

#[tokio::test]
async fn a_deployment_becomes_available() {
    let (_cluster, admin) = cluster().await;
    let namespaces: Api<Namespace> = Api::all(admin.clone());
    let namespace = json!({"metadata": {"name": "portainer"}});
    namespaces
        .create(&PostParams::default(), &typed(namespace))
        .await
        .unwrap();
    let deployments: Api<Deployment> = Api::namespaced(admin, "portainer");
    let deployment = json!({"metadata": {"name": "agent"}, "spec": {
        "selector": {"matchLabels": {"app": "agent"}},
        "template": {
            "metadata": {"labels": {"app": "agent"}},
            "spec": {"containers": [{"name": "agent", "image": "agent"}]},
        },
    }});
    deployments
        .create(&PostParams::default(), &typed(deployment))
        .await
        .unwrap();
    loop {
        let status = deployments
            .get("agent")
            .await
            .unwrap()
            .status
            .unwrap_or_default();
        if status.available_replicas == Some(1) {
            assert_eq!(status.observed_generation, Some(1));
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn argo_cds_kinds_are_discovered_and_used_without_types() {
    let (_cluster, admin) = cluster().await;
    let discovery = Discovery::new(admin.clone()).run().await.unwrap();
    assert_eq!(discovery.groups().count(), 7);
    let kind = GroupVersionKind::gvk("argoproj.io", "v1alpha1", "ApplicationSet");
    let (resource, _) = discovery.resolve_gvk(&kind).unwrap();
    assert_eq!(resource, ApiResource::from_gvk(&kind));
    let sets: Api<DynamicObject> = Api::namespaced_with(admin, "default", &resource);
    let set = DynamicObject::new("s", &resource).data(json!({"spec": {
        "generators": [], "template": {"metadata": {}, "spec": {}},
    }}));
    let made = sets.create(&PostParams::default(), &set).await.unwrap();
    assert_eq!(made.metadata.generation, Some(1));
    assert_eq!(
        sets.list(&ListParams::default()).await.unwrap().items.len(),
        1
    );
    let operations = json!([
        {"op": "test", "path": "/metadata/resourceVersion", "value": "0"},
        {"op": "add", "path": "/metadata/labels", "value": {}},
    ]);
    let path = "/apis/argoproj.io/v1alpha1/namespaces/default/applicationsets/s";
    let request = hyper::Request::patch(path)
        .header("content-type", "application/json-patch+json")
        .body(operations.to_string().into_bytes())
        .unwrap();
    let client = sets.into_client();
    let error = client.request::<Value>(request).await.unwrap_err();
    assert_eq!(status(error).0, 422);
}

#[tokio::test]
async fn a_server_that_has_enough_says_when_to_come_back() {
    let (_cluster, admin) = cluster().await;
    let fault = json!({"path_prefix": "/version", "status": 429, "retry_after": 1, "times": 1});
    let request = hyper::Request::post("/__faults")
        .body(fault.to_string().into_bytes())
        .unwrap();
    let _: Value = admin.request(request).await.unwrap();
    let error = admin.apiserver_version().await.unwrap_err();
    match error {
        Error::Api(status) => {
            assert_eq!(status.code, 429);
            assert_eq!(status.details.unwrap().retry_after_seconds, 1);
        }
        other => panic!("{other}"),
    }
    assert_eq!(
        admin.apiserver_version().await.unwrap().git_version,
        "v1.34.1+k3s1"
    );
    let request = hyper::Request::get("/__requests").body(Vec::new()).unwrap();
    let counted: Value = admin.request(request).await.unwrap();
    assert_eq!(counted["by"]["GET /version"], 2);
}
