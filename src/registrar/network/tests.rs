//! The sandbox's engine plays Docker.

use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::model::{ClusterSpec, Ports, RegistrarView};
use crate::registrar::Registrar as _;
use crate::registrar::scene::{id, order};
use crate::sandbox::Sandbox;

/// A management cluster, two clusters of k3d and one of kind, and what watches their networks.
fn scene() -> (Sandbox, Networks) {
    let sandbox = Sandbox::in_memory(1);
    for cluster in ["k3d/devops", "k3d/dev", "k3d/dev-a", "kind/ops"] {
        let spec = ClusterSpec {
            id: id(cluster),
            subnet: None,
            ports: Ports::default(),
        };
        sandbox.make_foreign(&spec).unwrap();
    }
    let settings = NetworkSettings {
        management: Some(ClusterName::parse("devops").unwrap()),
        containers: Vec::new(),
        seats: vec!["haproxy-gw".to_owned()],
    };
    let engine: Arc<dyn Engine> = sandbox.world().engine;
    (sandbox, Networks::new(settings, engine))
}

async fn seen(networks: &Networks) -> RegistrarView {
    networks.derive(&networks.look().await.unwrap()).unwrap()
}

#[tokio::test]
async fn the_management_node_is_put_on_each_network_and_a_second_time_changes_nothing() {
    let (_sandbox, networks) = scene();
    let before = seen(&networks).await;
    assert!(before.installed && before.attached);
    assert_eq!(before.entries.len(), 0, "{before:?}");
    for cluster in ["k3d/dev", "kind/ops"] {
        let order = order(cluster, "", &[]);
        let written = networks.register(&order, None).await.unwrap();
        let again = networks.register(&order, Some(&written)).await.unwrap();
        assert_eq!(written, again);
        let now = seen(&networks).await;
        let entry = &now.entries[&id(cluster)];
        assert_eq!((&entry.fingerprint, &entry.trouble), (&written, &None));
    }
    let now = seen(&networks).await;
    assert!(!now.entries.contains_key(&id("k3d/dev-a")));
    assert!(!now.entries.contains_key(&id("k3d/devops")));
    assert_eq!(now.entries[&id("k3d/dev")].endpoint, "k3d-dev");
    assert_eq!(now.entries[&id("kind/ops")].endpoint, "kind");
}

#[tokio::test]
async fn a_network_that_others_share_is_not_left() {
    let (_sandbox, networks) = scene();
    for cluster in ["k3d/dev", "kind/ops"] {
        let order = order(cluster, "", &[]);
        let written = networks.register(&order, None).await.unwrap();
        networks.deregister(&id(cluster), &written).await.unwrap();
    }
    let now = seen(&networks).await;
    assert!(!now.entries.contains_key(&id("k3d/dev")));
    assert!(now.entries.contains_key(&id("kind/ops")));
}

#[tokio::test]
async fn who_is_missing_of_several_is_named() {
    let (sandbox, networks) = scene();
    networks
        .register(&order("k3d/dev", "", &[]), None)
        .await
        .unwrap();
    let name = "haproxy-gw";
    sandbox.foreign_container(name, &[]).unwrap();
    let now = seen(&networks).await;
    let trouble = now.entries[&id("k3d/dev")].trouble.clone();
    assert_eq!(trouble.as_deref(), Some("haproxy-gw is not on k3d-dev"));
    networks
        .register(&order("k3d/dev", "", &[]), None)
        .await
        .unwrap();
    assert_eq!(seen(&networks).await.entries[&id("k3d/dev")].trouble, None);
}

#[tokio::test]
async fn without_anybody_to_put_on_networks_there_is_nothing_to_do() {
    let sandbox = Sandbox::in_memory(1);
    let engine: Arc<dyn Engine> = sandbox.world().engine;
    let networks = Networks::new(NetworkSettings::default(), engine);
    assert!(!seen(&networks).await.installed);
}

#[tokio::test]
async fn without_the_engines_look_nobody_knows() {
    let (_sandbox, networks) = scene();
    let seen = networks.observe(Duration::from_secs(1)).await;
    assert!(seen.known().is_none(), "unknown is never absent");
}

#[tokio::test]
async fn a_container_that_is_named_and_is_not_there_is_said() {
    let sandbox = Sandbox::in_memory(1);
    let settings = NetworkSettings {
        containers: vec!["haproxy-gv".to_owned()],
        ..NetworkSettings::default()
    };
    let networks = Networks::new(settings, sandbox.world().engine);
    let problems = seen(&networks).await.problems;
    let said: Vec<&str> = problems.iter().map(|one| one.what.as_str()).collect();
    assert_eq!(said, ["there is no container haproxy-gv"]);
    let (_sandbox, networks) = scene();
    assert_eq!(seen(&networks).await.problems, []);
}
