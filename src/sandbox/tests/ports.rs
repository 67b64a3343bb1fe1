//! Ports of the host: who has one, and how one is added.

use crate::model::{NodeRole, Phase, Ports};
use crate::sandbox::tests::scene::{LONG, Scene, full, id, nonce, plain, port, ports};

const BOTH: [&str; 2] = ["k3d/dev", "kind/dev"];

#[tokio::test]
async fn a_taken_port_fails_and_leaves_a_marked_cluster() {
    for text in BOTH {
        let scene = Scene::new();
        scene
            .sandbox
            .foreign_container("web", &[port(18080)])
            .unwrap();
        let error = scene
            .create(&full(text, "10.101.0.0/24", 18080))
            .await
            .unwrap_err();
        assert!(
            error.message.contains("port is already allocated"),
            "{error}"
        );
        let view = scene.view(&id(text)).await.unwrap();
        assert!(
            matches!(view.phase, Phase::Stopped | Phase::Created),
            "{}",
            view.phase
        );
        assert!(view.proving_nodes().all(|node| node.nonce == Some(nonce())));
        let scene = Scene::new();
        scene.sandbox.listen(port(18080)).unwrap();
        let error = scene
            .create(&full(text, "10.101.0.0/24", 18080))
            .await
            .unwrap_err();
        assert!(error.message.contains("address already in use"), "{error}");
    }
}

#[tokio::test]
async fn only_what_runs_has_its_ports() {
    let scene = Scene::new();
    let (a, b) = (
        full("k3d/a", "10.101.0.0/24", 18080),
        full("kind/b", "10.102.0.0/24", 18080),
    );
    scene.made(&a).await;
    scene.sandbox.stop(&a.id).unwrap();
    let bound = scene.engine().await.facts;
    assert!(
        bound
            .bindings
            .iter()
            .any(|binding| binding.port == port(18080))
    );
    assert!(!bound.listeners.unwrap().contains(&port(18080)));
    scene.made(&b).await;
    let error = scene.start(&a.id).await.unwrap_err();
    assert!(
        error.message.contains("port is already allocated"),
        "{error}"
    );
}

#[tokio::test]
async fn a_port_is_added_in_place_and_the_new_load_balancer_is_known_by_the_volume_it_mounts() {
    let scene = Scene::new();
    let before = scene.made(&full("k3d/dev", "10.101.0.0/24", 18080)).await;
    let k3d = scene.provider(&before.id);
    k3d.add_ports(&before, &ports(&[(443, 18443)]), LONG, &scene.log)
        .await
        .unwrap();
    let after = scene.view(&before.id).await.unwrap();
    assert_eq!(after.ports, ports(&[(80, 18080), (443, 18443)]));
    assert_eq!(
        (&after.incarnation, after.api_port),
        (&before.incarnation, before.api_port)
    );
    let balancer = |view: &crate::model::ClusterView| {
        let found = view.nodes.iter().find(|n| n.role == NodeRole::Balancer);
        found.cloned().unwrap()
    };
    assert_ne!(balancer(&before).id, balancer(&after).id);
    assert_eq!(balancer(&after).nonce, balancer(&before).nonce);
    assert!(after.accepts_ports);
}

#[tokio::test]
async fn a_port_is_not_added_where_the_tool_cannot() {
    let (scene, new) = (Scene::new(), ports(&[(443, 18443)]));
    let kind = scene.made(&plain("kind/dev")).await;
    assert!(
        scene
            .provider(&kind.id)
            .add_ports(&kind, &new, LONG, &scene.log)
            .await
            .is_err()
    );
    let k3d = scene.made(&plain("k3d/dev")).await;
    scene.sandbox.listen(port(18443)).unwrap();
    let add = || {
        scene
            .provider(&k3d.id)
            .add_ports(&k3d, &new, LONG, &scene.log)
    };
    assert!(add().await.unwrap_err().message.contains("in use"));
    assert_eq!(
        scene.view(&k3d.id).await,
        Some(k3d.clone()),
        "the old load balancer stays"
    );
    scene.sandbox.stop_listening(port(18443)).unwrap();
    scene.sandbox.stop_node("k3d-dev-serverlb").unwrap();
    assert!(add().await.unwrap_err().message.contains("does not run"));
    scene.sandbox.kill_balancer(&k3d.id).unwrap();
    assert!(add().await.unwrap_err().message.contains("panic"));
}

#[tokio::test]
async fn one_container_binds_a_port_of_the_host_once_whatever_it_leads_to() {
    for text in BOTH {
        let scene = Scene::new();
        let mut spec = full(text, "10.101.0.0/24", 18080);
        spec.ports = Ports {
            https: spec.ports.http,
            ..spec.ports
        };
        let error = scene.create(&spec).await.unwrap_err();
        assert!(
            error.message.contains("port is already allocated"),
            "{error}"
        );
    }
    let scene = Scene::new();
    let before = scene.made(&full("k3d/dev", "10.101.0.0/24", 18080)).await;
    let api = i64::from(before.api_port.unwrap().get());
    for new in [
        ports(&[(443, 18080)]),
        ports(&[(443, api)]),
        ports(&[(443, 18443), (30080, 18443)]),
    ] {
        let k3d = scene.provider(&before.id);
        let added = k3d.add_ports(&before, &new, LONG, &scene.log).await;
        let error = added.unwrap_err();
        assert!(
            error.message.contains("port is already allocated"),
            "{error}"
        );
        assert_eq!(
            scene.view(&before.id).await,
            Some(before.clone()),
            "the old load balancer stays"
        );
    }
}

#[tokio::test]
async fn an_api_gets_another_port_than_those_that_are_asked_for() {
    for text in BOTH {
        let first = Scene::new().made(&plain(text)).await.api_port.unwrap();
        let wanting = full(text, "10.101.0.0/24", i64::from(first.get()));
        let view = Scene::new().made(&wanting).await;
        assert_eq!(view.ports, wanting.ports.published());
        assert_ne!(view.api_port, Some(first));
    }
}
