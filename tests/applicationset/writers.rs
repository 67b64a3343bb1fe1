//! Others who write the set at the same time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rollcall::registrar::Fault;
use serde_json::json;

use crate::node_api::{APPLICATION, APPLICATION_SET, until};
use crate::world::{
    SHORT, World, deregister, elements, entry, failed, foreign, ours, register, runs,
};

const SETS: &str = "/apis/argoproj.io/v1alpha1/namespaces/argocd/applicationsets/whoami";

#[tokio::test]
#[ignore = "needs the program of tests/node: ROLLCALL_TEST_NODE=PROGRAM cargo test --test applicationset -- --ignored"]
async fn what_changed_since_it_was_seen_is_left_alone() {
    let (world, written) = World::registered().await;
    let registrar = world.registrar();
    let mut other = ours("dev");
    other["branch"] = json!("main");
    world.relist(&elements(&[&foreign(), &other])).await;
    let untouched = async || assert_eq!(world.elements().await, [foreign(), other.clone()]);
    let changed = "is not the one that was observed";
    failed(
        register(&registrar, "k3d/dev", Some(&written)).await,
        Fault::NotOurs,
        changed,
    );
    untouched().await;
    failed(
        register(&registrar, "k3d/dev", None).await,
        Fault::NotOurs,
        changed,
    );
    untouched().await;
    failed(
        deregister(&registrar, "k3d/dev", &written).await,
        Fault::NotOurs,
        changed,
    );
    untouched().await;
}

#[tokio::test]
#[ignore = "needs the program of tests/node: ROLLCALL_TEST_NODE=PROGRAM cargo test --test applicationset -- --ignored"]
async fn an_element_that_somebody_made_is_not_taken_for_ours() {
    let world = World::start().await;
    world.relist(&elements(&[&foreign(), &ours("dev")])).await;
    let told = register(&world.registrar(), "k3d/dev", None).await;
    failed(told, Fault::NotOurs, "is not the one that was observed");
    let mut of_kind = ours("dev");
    of_kind["provider"] = json!("kind");
    world.relist(&elements(&[&foreign(), &of_kind])).await;
    let told = register(&world.registrar(), "k3d/dev", None).await;
    failed(
        told,
        Fault::Permanent,
        "other elements than that of k3d/dev say clusterName: dev",
    );
    assert_eq!(world.elements().await, [foreign(), of_kind]);
}

#[tokio::test]
#[ignore = "needs the program of tests/node: ROLLCALL_TEST_NODE=PROGRAM cargo test --test applicationset -- --ignored"]
async fn two_elements_of_one_cluster_are_left_to_a_person() {
    let world = World::start().await;
    let mut second = ours("dev");
    second["env"] = json!("second");
    let both = elements(&[&ours("dev"), &second]);
    world.relist(&both).await;
    let seen = entry(&world.registrar(), "k3d/dev").await.unwrap();
    assert_eq!(
        seen.trouble.as_deref(),
        Some("the set has 2 elements of it")
    );
    let told = register(&world.registrar(), "k3d/dev", Some(&seen.fingerprint)).await;
    failed(told, Fault::Permanent, "say clusterName: dev");
    let told = deregister(&world.registrar(), "k3d/dev", &seen.fingerprint).await;
    failed(told, Fault::Permanent, "say clusterName: dev");
    assert_eq!(world.set().await["spec"]["generators"], both);
}

#[tokio::test]
#[ignore = "needs the program of tests/node: ROLLCALL_TEST_NODE=PROGRAM cargo test --test applicationset -- --ignored"]
async fn a_conflict_is_tried_again_on_what_is_there_then() {
    let world = World::start().await;
    let conflict = json!({"path_prefix": SETS, "method": "PUT", "status": 409, "times": 2});
    world.argo.fault(&conflict).await;
    register(&world.registrar(), "k3d/dev", None).await.unwrap();
    assert_eq!(world.elements().await, [foreign(), ours("dev")]);

    let (registrar, always) = (
        world.registrar(),
        json!({"path_prefix": SETS, "method": "PUT", "status": 409}),
    );
    world.argo.fault(&always).await;
    let seen = entry(&registrar, "k3d/dev").await.unwrap();
    let told = deregister(&registrar, "k3d/dev", &seen.fingerprint)
        .await
        .unwrap_err();
    assert_eq!(told.fault, Fault::Transient, "{told}");
    assert_eq!(world.elements().await, [foreign(), ours("dev")]);
}

#[tokio::test]
#[ignore = "needs the program of tests/node: ROLLCALL_TEST_NODE=PROGRAM cargo test --test applicationset -- --ignored"]
async fn many_writers_of_ours_lose_nothing() {
    let world = World::start().await;
    let (one, other) = (
        world.registrar().patience(SHORT),
        world.registrar().patience(SHORT),
    );
    // Not registered clusters: their elements are written, and Argo CD makes nothing of them.
    let told = tokio::join!(
        register(&one, "k3d/a", None),
        register(&other, "k3d/b", None),
        register(&one, "k3d/c", None),
        register(&other, "k3d/d", None),
    );
    let all = [told.0, told.1, told.2, told.3];
    for told in all {
        failed(
            told,
            Fault::Deadline,
            "there are no clusters with this name",
        );
    }
    let mut names: Vec<String> = world
        .elements()
        .await
        .iter()
        .map(|element| element["clusterName"].as_str().unwrap().to_owned())
        .collect();
    names.sort();
    assert_eq!(names, ["a", "b", "c", "d", "ops"]);
}

#[tokio::test]
#[ignore = "needs the program of tests/node: ROLLCALL_TEST_NODE=PROGRAM cargo test --test applicationset -- --ignored"]
async fn somebody_who_writes_it_back_is_named_and_not_fought() {
    let world = World::start().await;
    world.unregister("dev").await;
    let stop = Arc::new(AtomicBool::new(false));
    let theirs = json!({"spec": {"generators": elements(&[&foreign()])}});
    let apply = async {
        while !stop.load(Ordering::Relaxed) {
            world
                .argo
                .edit_as(
                    "argocd-controller",
                    APPLICATION_SET,
                    "argocd",
                    "whoami",
                    &theirs,
                )
                .await;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let register = async {
        let told = register(&world.registrar(), "k3d/dev", None).await;
        stop.store(true, Ordering::Relaxed);
        told
    };
    let ((), told) = tokio::join!(apply, register);
    failed(
        told,
        Fault::NotOurs,
        "\"argocd-controller\" undoes what is written about k3d/dev",
    );
    assert_eq!(world.elements().await, [foreign()]);
}

#[tokio::test]
#[ignore = "needs the program of tests/node: ROLLCALL_TEST_NODE=PROGRAM cargo test --test applicationset -- --ignored"]
async fn an_element_that_is_put_back_is_reported() {
    let (mut world, written) = World::registered().await;
    world.unregister("dev").await;
    // The application waits for its cluster: meanwhile somebody puts the element back.
    let kept = json!({"metadata": {"finalizers": ["example.org/mine"]}});
    let theirs = json!({"spec": {
        "generators": elements(&[&foreign(), &ours("dev")]),
        "template": {"metadata": {"finalizers": ["example.org/mine"]}},
    }});
    world
        .argo
        .edit(APPLICATION_SET, "argocd", "whoami", &theirs)
        .await;
    world
        .argo
        .edit(APPLICATION, "argocd", "whoami-dev", &kept)
        .await;
    world.dev.stop();
    let back = async {
        until("the drop", async || world.elements().await.len() == 1).await;
        world
            .argo
            .edit_as("flux", APPLICATION_SET, "argocd", "whoami", &theirs)
            .await;
    };
    let registrar = world.registrar();
    let ((), told) = tokio::join!(back, deregister(&registrar, "k3d/dev", &written));
    // Where the set's controller wrote last, nobody can tell any more that it was flux; it was not the controller.
    let shown = format!("{told:?}");
    failed(told, Fault::NotOurs, "undoes what is written about k3d/dev");
    assert!(!shown.contains("applicationset-controller"), "{shown}");
    assert_eq!(world.elements().await, [foreign(), ours("dev")]);
    assert!(!runs(&world.ops, "whoami-dev").await);
}
