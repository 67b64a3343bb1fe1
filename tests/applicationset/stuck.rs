//! Applications that cannot go by themselves.

use rollcall::model::Fingerprint;
use rollcall::registrar::{ApplicationSet, Fault};
use serde_json::{Value, json};

use crate::node_api::{APPLICATION, Node, SECRET, until};
use crate::world::{
    QUIET, SHORT, World, deregister, entry, failed, foreign, ours, quiet_registrar, quiet_set,
    register, runs, trouble,
};

const OWN: &str = "resources-finalizer.argocd.argoproj.io";

#[tokio::test]
#[ignore = "needs the program of tests/node: ROLLCALL_TEST_NODE=PROGRAM cargo test --test applicationset -- --ignored"]
async fn an_application_of_a_silent_cluster_hangs_until_its_secret_goes() {
    let (mut world, written) = World::registered().await;
    world.dev.stop();
    let impatient = world.registrar().patience(SHORT * 2);
    let told = deregister(&impatient, "k3d/dev", &written).await;
    failed(told, Fault::Deadline, "its cluster Secret is still there");
    assert_eq!(world.elements().await, [foreign()]);

    // It is seen although its element is gone, and seen off once nothing can cascade any more.
    let said = trouble(&impatient, "k3d/dev").await.unwrap();
    let expected = "application whoami-dev waits to be deleted: DeletionError: ";
    assert!(said.starts_with(expected), "{said}");
    let left = entry(&impatient, "k3d/dev").await.unwrap().fingerprint;
    world.unregister("dev").await;
    deregister(&world.registrar(), "k3d/dev", &left)
        .await
        .unwrap();
    assert_eq!(world.app("whoami-dev").await, None);
    assert_eq!(entry(&world.registrar(), "k3d/dev").await, None);
    world.dev.start_again();
    assert!(runs(&world.dev, "whoami-dev").await);
}

/// A set in a namespace where nothing acts, without an element, and its application `whoami-dev`, which waits to go.
async fn quiet(finalizers: &Value) -> (Node, ApplicationSet, Fingerprint) {
    let argo = Node::start(&[]);
    let owners = quiet_set(&argo, &[&foreign()]).await;
    let app = json!({
        "metadata": {"name": "whoami-dev", "finalizers": finalizers, "ownerReferences": owners},
        "spec": {"project": "default", "destination": {"name": "dev", "namespace": "work"}},
    });
    argo.make(APPLICATION, QUIET, app).await;
    argo.remove(APPLICATION, QUIET, "whoami-dev").await;
    let registrar = quiet_registrar(&argo).patience(SHORT);
    let left = entry(&registrar, "k3d/dev").await.unwrap().fingerprint;
    (argo, registrar, left)
}

#[tokio::test]
#[ignore = "needs the program of tests/node: ROLLCALL_TEST_NODE=PROGRAM cargo test --test applicationset -- --ignored"]
async fn argo_cds_own_finalizers_are_taken_off_when_argo_cd_does_not() {
    let own = json!([
        OWN,
        format!("{OWN}/background"),
        "post-delete-finalizer.argocd.argoproj.io/cleanup"
    ]);
    let (argo, registrar, left) = quiet(&own).await;
    deregister(&registrar, "k3d/dev", &left).await.unwrap();
    assert_eq!(argo.find(APPLICATION, QUIET, "whoami-dev").await, None);
}

#[tokio::test]
#[ignore = "needs the program of tests/node: ROLLCALL_TEST_NODE=PROGRAM cargo test --test applicationset -- --ignored"]
async fn foreign_finalizers_stay_and_are_named() {
    let mixed = json!([
        OWN,
        "example.org/mine",
        "resources-finalizer.argocd.argoproj.io.example.org"
    ]);
    let (argo, registrar, left) = quiet(&mixed).await;
    let told = deregister(&registrar, "k3d/dev", &left).await;
    let words = "kept by finalizers that are not Argo CD's: example.org/mine, resources-finalizer.argocd.argoproj.io.example.org";
    failed(told, Fault::Deadline, words);
    let app = argo.find(APPLICATION, QUIET, "whoami-dev").await.unwrap();
    let foreign = json!([
        "example.org/mine",
        "resources-finalizer.argocd.argoproj.io.example.org"
    ]);
    assert_eq!(app["metadata"]["finalizers"], foreign);
    assert_eq!(
        app["metadata"]["annotations"]["argocd.argoproj.io/refresh"],
        "normal"
    );
}

#[tokio::test]
#[ignore = "needs the program of tests/node: ROLLCALL_TEST_NODE=PROGRAM cargo test --test applicationset -- --ignored"]
async fn nothing_is_taken_off_while_the_cluster_is_registered() {
    let (argo, registrar, left) = quiet(&json!([OWN])).await;
    let secret = json!({
        "metadata": {"name": "any", "labels": {"argocd.argoproj.io/secret-type": "cluster"}},
        "stringData": {"name": "dev", "server": "https://127.0.0.1:1", "config": "{}"},
    });
    argo.make(SECRET, QUIET, secret).await;
    let told = deregister(&registrar, "k3d/dev", &left).await;
    failed(told, Fault::Deadline, "its cluster Secret is still there");
    let app = argo.find(APPLICATION, QUIET, "whoami-dev").await.unwrap();
    assert_eq!(app["metadata"]["finalizers"], json!([OWN]));
    assert_eq!(app["metadata"]["annotations"], Value::Null);
    // Without the name, its Secret is still its Secret.
    argo.remove(SECRET, QUIET, "any").await;
    let labels = json!({"argocd.argoproj.io/secret-type": "cluster"});
    let secret = json!({"metadata": {"name": "cluster-dev", "labels": labels}});
    argo.make(SECRET, QUIET, secret).await;
    let told = deregister(&registrar, "k3d/dev", &left).await;
    failed(told, Fault::Deadline, "its cluster Secret is still there");
}

#[tokio::test]
#[ignore = "needs the program of tests/node: ROLLCALL_TEST_NODE=PROGRAM cargo test --test applicationset -- --ignored"]
async fn what_waits_to_go_is_replaced_by_what_a_new_element_makes() {
    let (mut world, written) = World::registered().await;
    let uid = world.uid("whoami-dev").await;
    world.dev.stop();
    let told = deregister(&world.registrar().patience(SHORT), "k3d/dev", &written).await;
    failed(told, Fault::Deadline, "waits to be deleted");
    let registrar = world.registrar();
    let left = entry(&registrar, "k3d/dev").await.unwrap().fingerprint;
    world.dev.start_again();
    let again = register(&registrar, "k3d/dev", Some(&left)).await;
    // The left-over one may be gone before this look: then the plan is made anew.
    if again.is_err() {
        register(&registrar, "k3d/dev", None).await.unwrap();
    }
    until("the workload", || runs(&world.dev, "whoami-dev")).await;
    assert_ne!(world.uid("whoami-dev").await, uid);
    assert_eq!(world.elements().await, [foreign(), ours("dev")]);
}

#[tokio::test]
#[ignore = "needs the program of tests/node: ROLLCALL_TEST_NODE=PROGRAM cargo test --test applicationset -- --ignored"]
async fn applications_that_the_set_did_not_make_are_neither_seen_nor_freed() {
    let argo = Node::start(&[]);
    let owners = quiet_set(&argo, &[&ours("dev")]).await;
    let mut others = owners.clone();
    others[0]["uid"] = json!("00000000-0000-0000-0000-000000000000");
    let registrar = quiet_registrar(&argo).patience(SHORT);
    let seen = entry(&registrar, "k3d/dev").await.unwrap();
    assert_eq!(seen.endpoint, "no application");
    // Namesakes in everything but their owner.
    for (name, owners) in [("whoami-dev", json!(null)), ("whoami-other", others)] {
        let app = json!({
            "metadata": {"name": name, "finalizers": [OWN], "ownerReferences": owners},
            "spec": {
                "project": "default",
                "destination": {"name": if name == "whoami-dev" { "dev" } else { "other" }},
            },
        });
        argo.make(APPLICATION, QUIET, app).await;
        argo.remove(APPLICATION, QUIET, name).await;
    }
    assert_eq!(entry(&registrar, "k3d/dev").await.unwrap(), seen);
    assert_eq!(entry(&registrar, "k3d/other").await, None);
    deregister(&registrar, "k3d/dev", &seen.fingerprint)
        .await
        .unwrap();
    for name in ["whoami-dev", "whoami-other"] {
        let app = argo.find(APPLICATION, QUIET, name).await.unwrap();
        assert_eq!(app["metadata"]["finalizers"], json!([OWN]));
        assert_eq!(app["metadata"]["annotations"], Value::Null);
    }
}
