//! Clusters that leave: in the right order and in the wrong one.

use rollcall::registrar::Fault;
use serde_json::json;

use crate::node_api::{APPLICATION_SET, SECRET, until};
use crate::world::{
    SHORT, World, deregister, elements, entry, failed, foreign, ours, register, runs,
};

#[tokio::test]
#[ignore = "needs the program of tests/node: ROLLCALL_TEST_NODE=PROGRAM cargo test --test applicationset -- --ignored"]
async fn the_secret_first_leaves_the_workload() {
    let (world, written) = World::registered().await;
    world.unregister("dev").await;
    deregister(&world.registrar(), "k3d/dev", &written)
        .await
        .unwrap();
    assert_eq!(world.elements().await, [foreign()]);
    assert_eq!(world.app("whoami-dev").await, None);
    assert!(runs(&world.dev, "whoami-dev").await);
    assert!(runs(&world.ops, "whoami-ops").await);
    // Gone already is fine.
    assert_eq!(
        deregister(&world.registrar(), "k3d/dev", &written).await,
        Ok(())
    );
}

#[tokio::test]
#[ignore = "needs the program of tests/node: ROLLCALL_TEST_NODE=PROGRAM cargo test --test applicationset -- --ignored"]
async fn the_element_first_takes_the_workload_along() {
    let (world, written) = World::registered().await;
    deregister(&world.registrar(), "k3d/dev", &written)
        .await
        .unwrap();
    assert_eq!(world.app("whoami-dev").await, None);
    assert!(!runs(&world.dev, "whoami-dev").await);
    assert!(runs(&world.ops, "whoami-ops").await);
}

#[tokio::test]
#[ignore = "needs the program of tests/node: ROLLCALL_TEST_NODE=PROGRAM cargo test --test applicationset -- --ignored"]
async fn the_last_element_stays_while_its_cluster_is_registered() {
    let (world, written) = World::registered().await;
    world.relist(&elements(&[&ours("dev")])).await;
    until("the end of ops", async || {
        world.app("whoami-ops").await.is_none()
    })
    .await;
    let told = deregister(&world.registrar(), "k3d/dev", &written).await;
    failed(
        told,
        Fault::Permanent,
        "k3d/dev stays: it is the last element",
    );
    assert_eq!(world.elements().await, [ours("dev")]);
    assert!(runs(&world.dev, "whoami-dev").await);

    world.unregister("dev").await;
    deregister(&world.registrar(), "k3d/dev", &written)
        .await
        .unwrap();
    assert!(world.elements().await.is_empty());
    assert_eq!(world.app("whoami-dev").await, None);
    assert!(runs(&world.dev, "whoami-dev").await);

    // And the first one finds its way back into the empty list.
    world.argo.register("dev", &world.dev, &json!({})).await;
    register(&world.registrar(), "k3d/dev", None).await.unwrap();
    assert_eq!(world.elements().await, [ours("dev")]);
}

#[tokio::test]
#[ignore = "needs the program of tests/node: ROLLCALL_TEST_NODE=PROGRAM cargo test --test applicationset -- --ignored"]
async fn the_last_element_stays_while_others_have_applications_left() {
    let (world, written) = World::registered().await;
    // Nothing is deleted under this policy: the application of ops is still there without its element.
    let policy = json!({"spec": {"syncPolicy": {"applicationsSync": "create-update"}, "generators": elements(&[&ours("dev")])}});
    world
        .argo
        .edit(APPLICATION_SET, "argocd", "whoami", &policy)
        .await;
    world.unregister("dev").await;
    let told = deregister(&world.registrar(), "k3d/dev", &written).await;
    failed(told, Fault::Permanent, "whoami-ops among them");
    assert_eq!(world.elements().await, [ours("dev")]);
    assert!(runs(&world.ops, "whoami-ops").await);
}

#[tokio::test]
#[ignore = "needs the program of tests/node: ROLLCALL_TEST_NODE=PROGRAM cargo test --test applicationset -- --ignored"]
async fn a_policy_that_keeps_applications_is_not_waited_for() {
    let (world, written) = World::registered().await;
    let policy = json!({"spec": {"syncPolicy": {"applicationsSync": "create-update"}}});
    world
        .argo
        .edit(APPLICATION_SET, "argocd", "whoami", &policy)
        .await;
    world.unregister("dev").await;
    deregister(&world.registrar(), "k3d/dev", &written)
        .await
        .unwrap();
    assert_eq!(world.elements().await, [foreign()]);
    assert!(world.app("whoami-dev").await.is_some());
    assert_eq!(entry(&world.registrar(), "k3d/dev").await, None);
}

#[tokio::test]
#[ignore = "needs the program of tests/node: ROLLCALL_TEST_NODE=PROGRAM cargo test --test applicationset -- --ignored"]
async fn a_secret_that_nobody_can_read_is_named_where_it_blocks_deletions() {
    let (world, written) = World::registered().await;
    world.unregister("dev").await;
    let secret = json!({
        "metadata": {"name": "broken", "labels": {"argocd.argoproj.io/secret-type": "cluster"}},
        "stringData": {"name": "broken", "server": "https://broken:1", "config": "{\"bearerToken\": \"hush"},
    });
    world.argo.make(SECRET, "argocd", secret).await;
    let told = deregister(&world.registrar().patience(SHORT), "k3d/dev", &written).await;
    let shown = format!("{told:?}");
    failed(
        told,
        Fault::Deadline,
        "application whoami-dev is still there: error listing clusters",
    );
    assert!(!shown.contains("hush"), "{shown}");
    world.argo.remove(SECRET, "argocd", "broken").await;
    deregister(&world.registrar(), "k3d/dev", &written)
        .await
        .unwrap();
    assert!(runs(&world.dev, "whoami-dev").await);
}
