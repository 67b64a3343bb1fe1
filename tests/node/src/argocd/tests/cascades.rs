//! What becomes of a workload, in the right order and in the wrong one.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{World, always, until};
use crate::apiserver::kind::{APPLICATION, CONFIG_MAP, SECRET};
use crate::apiserver::object;

#[tokio::test]
async fn an_element_dropped_while_the_cluster_is_registered_loses_the_workload() {
    let world = World::running(Value::Null).await;
    world.relist(&[]);
    world.argo.ends("app-dev").await;
    assert!(!world.dev.runs("app-dev"));
}

#[tokio::test]
async fn the_secret_first_and_the_element_second_leaves_the_workload() {
    let world = World::running(Value::Null).await;
    world.unregister();
    world.relist(&[]);
    world.argo.ends("app-dev").await;
    assert!(world.dev.runs("app-dev"));
}

#[tokio::test]
async fn one_unreadable_secret_blocks_every_deletion() {
    let world = World::running(Value::Null).await;
    world.register_as("broken", "https://broken:6443", "{\"bearerToken\":");
    world.relist(&[]);
    let message = world.argo.error().await;
    assert!(message.starts_with("error listing clusters: "), "{message}");
    always("the workload", || world.dev.runs("app-dev")).await;
    world.argo.remove(&SECRET, "argocd", "cluster-broken");
    world.argo.ends("app-dev").await;
}

#[tokio::test]
async fn an_application_of_an_unreachable_cluster_is_stuck_until_its_secret_goes() {
    let mut world = World::running(Value::Null).await;
    world.dev.stop();
    world.relist(&[]);
    let stuck = || world.argo.condition("app-dev", "DeletionError");
    until("the error", || stuck().is_some()).await;
    let message = stuck().unwrap();
    assert!(message.contains("Connection refused"), "{message}");
    always("the application", || world.argo.app("app-dev").is_some()).await;
    world.unregister();
    let refresh = json!({"metadata": {"annotations": {"argocd.argoproj.io/refresh": "normal"}}});
    world.argo.edit(&APPLICATION, "argocd", "app-dev", &refresh);
    world.argo.ends("app-dev").await;
}

#[tokio::test]
async fn foreign_finalizers_hold_an_application_that_argo_cd_has_left() {
    let world = World::running(Value::Null).await;
    let own = "resources-finalizer.argocd.argoproj.io/background";
    let app = json!({
        "metadata": {"name": "x", "finalizers": [own, "example.org/mine"]},
        "spec": {"project": "default", "destination": {"name": "dev", "namespace": "work"}},
    });
    world.argo.make(&APPLICATION, "argocd", app);
    until("the workload", || world.dev.runs("x")).await;
    world.argo.remove(&APPLICATION, "argocd", "x");
    let left = || object::finalizers(&world.argo.app("x").unwrap()).len() == 1;
    until("the end of its own finalizer", left).await;
    assert!(!world.dev.runs("x"));
    let none = json!({"metadata": {"finalizers": null}});
    world.argo.edit(&APPLICATION, "argocd", "x", &none);
    assert!(world.argo.app("x").is_none());
}

#[tokio::test]
async fn an_application_without_the_finalizer_leaves_its_workload() {
    let world = World::running(json!({"preserveResourcesOnDeletion": true})).await;
    world.relist(&[]);
    world.argo.ends("app-dev").await;
    assert!(world.dev.runs("app-dev"));
}

#[tokio::test]
async fn credentials_of_an_earlier_life_are_an_error_and_no_success() {
    let world = World::running(Value::Null).await;
    let config = json!({"bearerToken": world.token, "tlsClientConfig": {
        "caData": STANDARD.encode(world.argo.authority.pem()),
        "serverName": "kubernetes.default.svc",
    }});
    for stale in [
        config,
        json!({"bearerToken": "old", "tlsClientConfig": {"insecure": true}}),
    ] {
        let change = json!({"stringData": {"config": stale.to_string()}});
        world.argo.edit(&SECRET, "argocd", "cluster-dev", &change);
        let refused = || world.argo.condition("app-dev", "ComparisonError").is_some();
        until("the error", refused).await;
        let good = json!({"bearerToken": world.token, "tlsClientConfig": {"insecure": true}});
        let change = json!({"stringData": {"config": good.to_string()}});
        world.argo.edit(&SECRET, "argocd", "cluster-dev", &change);
        until("the end of the error", || !refused()).await;
    }
}

#[tokio::test]
async fn two_clusters_of_one_name_are_no_destination() {
    let world = World::running(Value::Null).await;
    let secret = world.argo.find(&SECRET, "argocd", "cluster-dev").unwrap();
    let twin = json!({
        "metadata": {"name": "twin", "labels": secret["metadata"]["labels"]},
        "stringData": {"name": "dev", "server": "https://127.0.0.1:1"},
    });
    world.argo.make(&SECRET, "argocd", twin);
    let refused = || world.argo.condition("app-dev", "InvalidSpecError");
    until("the error", || refused().is_some()).await;
    assert!(
        refused()
            .unwrap()
            .starts_with("there are 2 clusters with the same name: [")
    );
    assert!(world.dev.runs("app-dev"));
}

#[tokio::test]
async fn the_own_cluster_needs_no_registration() {
    let world = World::start().await;
    let app = json!({
        "metadata": {"name": "x", "finalizers": ["resources-finalizer.argocd.argoproj.io"]},
        "spec": {
            "project": "default",
            "destination": {"server": "https://kubernetes.default.svc", "namespace": "work"},
        },
    });
    world.argo.make(&APPLICATION, "argocd", app.clone());
    until("the workload", || world.argo.runs("x")).await;
    world.argo.remove(&APPLICATION, "argocd", "x");
    world.argo.ends("x").await;
    assert!(!world.argo.runs("x"));
    let off = json!({
        "metadata": {"name": "argocd-cm"}, "data": {"cluster.inClusterEnabled": "false"},
    });
    world.argo.make(&CONFIG_MAP, "argocd", off);
    world.argo.make(&APPLICATION, "argocd", app);
    let refused = || world.argo.condition("x", "InvalidSpecError").is_some();
    until("the error", refused).await;
}
