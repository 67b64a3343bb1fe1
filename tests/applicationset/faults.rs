//! An API that does not answer as it should: unknown is never absent, and nothing is dropped because of it.

use std::collections::BTreeSet;

use rollcall::registrar::Fault;
use serde_json::{Value, json};

use crate::node_api::{APPLICATION, Node, until};
use crate::world::{
    QUIET, World, deregister, elements, entry, failed, foreign, known, ours, quiet_registrar,
    quiet_set, register, registrar, runs, settings, unknown,
};

const GROUP: &str = "/apis/argoproj.io/v1alpha1";

#[tokio::test]
#[ignore = "needs the program of tests/node: ROLLCALL_TEST_NODE=PROGRAM cargo test --test applicationset -- --ignored"]
async fn an_api_that_refuses_or_fails_is_unknown_and_nothing_is_dropped() {
    let (world, written) = World::registered().await;
    let registrar = world.registrar();
    for (status, words) in [(401, "401"), (403, "403"), (410, "410"), (500, "500")] {
        let fault = json!({"path_prefix": GROUP, "status": status});
        world.argo.fault(&fault).await;
        let unseen = unknown(&registrar).await;
        assert!(unseen.error.contains(words), "{unseen:?}");
        assert!(unseen.hint.is_some(), "{unseen:?}");
        assert_eq!(unseen.source, "applicationset");
        assert!(deregister(&registrar, "k3d/dev", &written).await.is_err());
        world.argo.heal().await;
    }
    assert_eq!(world.elements().await, [foreign(), ours("dev")]);
    assert!(runs(&world.dev, "whoami-dev").await);
}

#[tokio::test]
#[ignore = "needs the program of tests/node: ROLLCALL_TEST_NODE=PROGRAM cargo test --test applicationset -- --ignored"]
async fn the_last_element_stays_while_nobody_knows_what_is_registered() {
    let (world, written) = World::registered().await;
    world.relist(&elements(&[&ours("dev")])).await;
    until("the end of ops", async || {
        world.app("whoami-ops").await.is_none()
    })
    .await;
    let fault = json!({"path_prefix": "/api/v1/namespaces/argocd/secrets", "status": 403});
    world.argo.fault(&fault).await;
    let told = deregister(&world.registrar(), "k3d/dev", &written).await;
    assert!(told.is_err());
    world.argo.heal().await;
    assert_eq!(world.elements().await, [ours("dev")]);
    assert!(runs(&world.dev, "whoami-dev").await);
}

#[tokio::test]
#[ignore = "needs the program of tests/node: ROLLCALL_TEST_NODE=PROGRAM cargo test --test applicationset -- --ignored"]
async fn only_a_404_is_not_installed() {
    let (world, written) = World::registered().await;
    let registrar = world.registrar();
    world
        .argo
        .fault(&json!({"path_prefix": GROUP, "status": 404}))
        .await;
    assert!(!known(&registrar).await.installed);
    world.argo.heal().await;
    assert!(known(&registrar).await.installed);
    assert_eq!(
        entry(&registrar, "k3d/dev").await.unwrap().fingerprint,
        written
    );
}

#[tokio::test]
#[ignore = "needs the program of tests/node: ROLLCALL_TEST_NODE=PROGRAM cargo test --test applicationset -- --ignored"]
async fn an_api_that_is_busy_is_asked_again() {
    let (world, written) = World::registered().await;
    let busy = json!({"path_prefix": GROUP, "status": 429, "retry_after": 1, "times": 1});
    world.argo.fault(&busy).await;
    let seen = entry(&world.registrar(), "k3d/dev").await.unwrap();
    assert_eq!(seen.fingerprint, written);
}

#[tokio::test]
#[ignore = "needs the program of tests/node: ROLLCALL_TEST_NODE=PROGRAM cargo test --test applicationset -- --ignored"]
async fn an_api_that_is_silent_or_gone_is_unknown() {
    let (mut world, written) = World::registered().await;
    let registrar = world.registrar();
    world
        .argo
        .fault(&json!({"path_prefix": GROUP, "status": 0}))
        .await;
    let unseen = unknown(&registrar).await;
    assert!(unseen.error.contains("no answer within"), "{unseen:?}");
    world.argo.heal().await;

    world.argo.stop();
    let unseen = unknown(&registrar).await;
    assert!(unseen.hint.is_some(), "{unseen:?}");
    assert!(deregister(&registrar, "k3d/dev", &written).await.is_err());
    world.argo.start_again();
    assert_eq!(world.elements().await, [foreign(), ours("dev")]);
}

#[tokio::test]
#[ignore = "needs the program of tests/node: ROLLCALL_TEST_NODE=PROGRAM cargo test --test applicationset -- --ignored"]
async fn a_kubeconfig_that_leads_nowhere_is_unknown_and_not_quoted() {
    let argo = Node::start(&[]);
    let with = |change: &dyn Fn(&mut rollcall::registrar::ApplicationSetSettings)| {
        let mut settings = settings(argo.kubeconfig());
        change(&mut settings);
        registrar(settings)
    };
    let torn = argo.kubeconfig().with_file_name("torn");
    std::fs::write(&torn, "users: [ {name: hush").unwrap();
    for (registrar, words) in [
        (
            with(&|s| s.kubeconfig = "/nowhere/kubeconfig".into()),
            "cannot be read",
        ),
        (
            with(&|s| s.kubeconfig = "/dev/null".into()),
            "is no regular file",
        ),
        (
            with(&|s| s.kubeconfig.clone_from(&torn)),
            "is no kubeconfig",
        ),
        (with(&|s| s.context = "other".to_owned()), "there is none"),
    ] {
        let unseen = unknown(&registrar).await;
        assert!(unseen.error.contains(words), "{unseen:?}");
        assert!(unseen.hint.is_some(), "{unseen:?}");
        assert!(!format!("{unseen:?}").contains("hush"));
        let told = register(&registrar, "k3d/dev", None).await;
        failed(told, Fault::Permanent, words);
    }
    // It is read anew at each look.
    let registrar = with(&|s| s.kubeconfig.clone_from(&torn));
    std::fs::copy(argo.kubeconfig(), &torn).unwrap();
    assert!(!known(&registrar).await.installed);
}

/// A set in a namespace where nothing acts, with so many clusters and their applications.
async fn crowd(size: usize) -> Node {
    let argo = Node::start(&[]);
    let all: Vec<Value> = (0..size)
        .map(|number| ours(&format!("c{number}")))
        .collect();
    let all: Vec<&Value> = all.iter().collect();
    let owners = quiet_set(&argo, &all).await;
    for number in 0..size {
        let app = json!({
            "metadata": {"name": format!("whoami-c{number}"), "ownerReferences": owners},
            "spec": {"project": "default", "destination": {"name": format!("c{number}")}},
        });
        argo.make(APPLICATION, QUIET, app).await;
    }
    argo
}

async fn look(argo: &Node) -> (usize, u64) {
    argo.count_anew().await;
    let view = known(&quiet_registrar(argo)).await;
    let troubles: BTreeSet<_> = view
        .entries
        .values()
        .map(|entry| entry.trouble.clone())
        .collect();
    assert_eq!(troubles, [None].into());
    let requests = argo.requests().await;
    (view.entries.len(), requests["total"].as_u64().unwrap())
}

#[tokio::test]
#[ignore = "needs the program of tests/node: ROLLCALL_TEST_NODE=PROGRAM cargo test --test applicationset -- --ignored"]
async fn what_is_in_sync_costs_no_request() {
    let (few, many) = (crowd(2).await, crowd(40).await);
    // Each counts for both providers.
    assert_eq!(look(&few).await, (4, 2));
    assert_eq!(look(&many).await, (80, 2));
}

#[tokio::test]
#[ignore = "needs the program of tests/node: ROLLCALL_TEST_NODE=PROGRAM cargo test --test applicationset -- --ignored"]
async fn applications_are_read_to_the_last_page() {
    let argo = crowd(501).await;
    assert_eq!(argo.count(APPLICATION, QUIET).await, 501);
    // One more page, and nobody is without an application.
    assert_eq!(look(&argo).await, (1002, 3));
}
