//! Making, starting, changing and removing clusters.

use crate::model::{NodeRole, Phase};
use crate::provider::{CreateOrder, Fault, Parts};
use crate::sandbox::tests::scene::{LONG, Scene, full, id, nonce, plain, subnet};

const BOTH: [&str; 2] = ["k3d/dev", "kind/dev"];

#[tokio::test]
async fn both_providers_are_always_in_a_look() {
    let view = Scene::new().engine().await;
    assert_eq!(view.clusters.len(), 2);
    assert!(
        view.clusters
            .values()
            .all(std::collections::BTreeMap::is_empty)
    );
    assert!(view.facts.networks.iter().any(|n| n.name == "bridge"));
}

#[tokio::test]
async fn what_is_made_is_what_was_ordered_and_bears_the_mark() {
    let scene = Scene::new();
    for (text, net) in BOTH.iter().zip(["10.101.0.0/24", "10.102.0.0/24"]) {
        let spec = full(text, net, if *text == "k3d/dev" { 18080 } else { 28080 });
        let view = scene.made(&spec).await;
        assert_eq!(view.phase, Phase::Running, "{:?}", view.detail);
        assert_eq!(view.ports, spec.ports.published());
        assert_eq!(view.subnet, spec.subnet);
        assert!(view.api_port.is_some() && view.server_ip.is_some());
        assert!(view.nodes.iter().all(|node| node.nonce == Some(nonce())));
        assert!(
            view.networks
                .iter()
                .all(|network| network.nonce == Some(nonce()))
        );
        assert_eq!((view.networks.len(), view.volumes.len()), (1, 1));
        assert!(view.nodes.iter().all(|node| node.id.as_str().len() == 64));
        assert_eq!(view.accepts_ports, *text == "k3d/dev");
    }
    let names = scene.engine().await.facts.container_names;
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    assert_eq!(
        names,
        ["dev-control-plane", "k3d-dev-server-0", "k3d-dev-serverlb"]
    );
}

#[tokio::test]
async fn the_image_volume_of_k3d_is_marked_and_the_anonymous_one_of_kind_is_not() {
    let scene = Scene::new();
    let k3d = scene.made(&plain("k3d/dev")).await;
    assert_eq!(k3d.volumes[0].id.name(), "k3d-dev-images");
    assert_eq!(k3d.volumes[0].nonce, Some(nonce()));
    let kind = scene.made(&plain("kind/dev")).await;
    assert_eq!(kind.volumes[0].id.name().len(), 64);
    assert_eq!(kind.volumes[0].nonce, None);
}

#[tokio::test]
async fn the_network_called_kind_belongs_to_nobody_and_stays() {
    let scene = Scene::new();
    let view = scene.made(&plain("kind/dev")).await;
    assert!(view.networks.is_empty() && view.subnet.is_some());
    scene.remove(&view).await.unwrap();
    assert_eq!(scene.phase(&view.id).await, Phase::Absent);
    let facts = scene.engine().await.facts;
    assert!(facts.networks.iter().any(|n| n.name == "kind"));
    assert!(
        facts.volumes.is_empty(),
        "the anonymous volume went with its container"
    );
}

#[tokio::test]
async fn two_clusters_of_one_name_share_nothing() {
    let scene = Scene::new();
    let k3d = scene.made(&plain("k3d/dev")).await;
    let kind = scene.made(&plain("kind/dev")).await;
    scene.remove(&k3d).await.unwrap();
    assert_eq!(scene.view(&kind.id).await, Some(kind));
    assert_eq!(scene.phase(&k3d.id).await, Phase::Absent);
}

#[tokio::test]
async fn a_cluster_is_not_made_over_another() {
    for text in BOTH {
        let scene = Scene::new();
        let before = scene.made(&plain(text)).await;
        let error = scene.create(&plain(text)).await.unwrap_err();
        assert_eq!(error.fault, Fault::NotOurs);
        assert!(error.message.contains("exist"), "{error}");
        assert_eq!(scene.view(&before.id).await, Some(before));
    }
}

#[tokio::test]
async fn a_foreign_container_of_the_name_is_left_alone_and_what_was_made_stays() {
    let scene = Scene::new();
    scene
        .sandbox
        .foreign_container("k3d-dev-server-0", &[])
        .unwrap();
    let error = scene.create(&plain("k3d/dev")).await.unwrap_err();
    assert_eq!(error.fault, Fault::NotOurs);
    assert!(error.message.contains("Conflict"), "{error}");
    let view = scene.view(&id("k3d/dev")).await.unwrap();
    assert_eq!(view.phase, Phase::Residue);
    assert_eq!(view.networks[0].nonce, Some(nonce()));
    assert_eq!(view.volumes[0].nonce, Some(nonce()));
    assert!(view.nodes.iter().all(|node| node.role == NodeRole::Helper));
    assert!(
        scene
            .engine()
            .await
            .facts
            .container_names
            .contains("k3d-dev-server-0")
    );
}

#[tokio::test]
async fn a_foreign_network_of_the_name_is_in_the_way() {
    for (text, network) in [("k3d/dev", "k3d-dev"), ("kind/dev", "kind-dev")] {
        let scene = Scene::new();
        scene.sandbox.foreign_network(network, None).unwrap();
        let error = scene
            .create(&full(text, "10.101.0.0/24", 18080))
            .await
            .unwrap_err();
        assert_eq!(error.fault, Fault::NotOurs, "{error}");
    }
}

#[tokio::test]
async fn an_overlapping_subnet_fails() {
    let scene = Scene::new();
    scene
        .sandbox
        .foreign_network("theirs", Some(subnet("10.101.0.0/16")))
        .unwrap();
    for text in BOTH {
        let error = scene
            .create(&full(text, "10.101.7.0/24", 18080))
            .await
            .unwrap_err();
        assert!(error.message.starts_with("Pool overlaps"), "{error}");
        assert_eq!(scene.phase(&id(text)).await, Phase::Absent);
    }
}

#[tokio::test]
async fn the_default_pools_run_out() {
    let scene = Scene::new();
    for n in 0..30 {
        scene
            .sandbox
            .foreign_network(&format!("n{n}"), None)
            .unwrap();
    }
    let error = scene.create(&plain("k3d/dev")).await.unwrap_err();
    assert!(error.message.contains("address pool"), "{error}");
}

#[tokio::test]
async fn without_its_image_nothing_is_made() {
    for text in BOTH {
        let (scene, spec) = (Scene::new(), plain(text));
        let order = CreateOrder {
            spec: spec.clone(),
            nonce: nonce(),
            deadline: LONG,
        };
        scene.provider(&spec.id).preflight(&order).await.unwrap();
        scene.sandbox.remove_image(&spec.id.provider).unwrap();
        let error = scene
            .provider(&spec.id)
            .preflight(&order)
            .await
            .unwrap_err();
        assert!(
            error
                .hint
                .is_some_and(|hint| hint.starts_with("docker pull"))
        );
        assert!(
            scene
                .create(&spec)
                .await
                .unwrap_err()
                .message
                .contains("No such image")
        );
    }
}

#[tokio::test]
async fn what_is_made_again_is_another_incarnation_with_another_volume() {
    for text in BOTH {
        let (scene, spec) = (Scene::new(), full(text, "10.101.0.0/24", 18080));
        let first = scene.made(&spec).await;
        scene.remove(&first).await.unwrap();
        assert_eq!(scene.phase(&spec.id).await, Phase::Absent);
        let second = scene.made(&spec).await;
        assert_ne!(first.incarnation, second.incarnation);
        assert_ne!(first.volumes[0].id, second.volumes[0].id);
        assert_ne!(first.networks[0].id, second.networks[0].id);
        scene.remove(&first).await.unwrap();
        assert_eq!(
            scene.view(&spec.id).await,
            Some(second),
            "what is gone is gone, and no more goes"
        );
    }
}

#[tokio::test]
async fn a_network_with_a_guest_stays() {
    let scene = Scene::new();
    let view = scene.made(&plain("k3d/dev")).await;
    scene.sandbox.foreign_container("guest", &[]).unwrap();
    scene.sandbox.connect("guest", "k3d-dev").unwrap();
    let error = scene.remove(&view).await.unwrap_err();
    assert_eq!(error.fault, Fault::NotOurs);
    assert!(error.message.contains("active endpoints: guest"), "{error}");
    assert_eq!(scene.phase(&view.id).await, Phase::Residue);
}

#[tokio::test]
async fn a_volume_in_use_and_a_network_of_the_engine_stay() {
    let scene = Scene::new();
    let view = scene.made(&plain("k3d/dev")).await;
    let volumes = Parts {
        volumes: view.volumes.iter().map(|v| v.id.clone()).collect(),
        ..Parts::default()
    };
    let error = scene
        .world
        .engine
        .remove(&volumes, &scene.log)
        .await
        .unwrap_err();
    assert!(error.message.contains("volume is in use"), "{error}");
    let bridge = scene.engine().await.facts.networks[0].id.clone();
    let networks = Parts {
        networks: vec![bridge],
        ..Parts::default()
    };
    let error = scene
        .world
        .engine
        .remove(&networks, &scene.log)
        .await
        .unwrap_err();
    assert!(error.message.contains("pre-defined"), "{error}");
}

#[tokio::test]
async fn a_stopped_cluster_starts_and_keeps_its_incarnation() {
    for text in BOTH {
        let scene = Scene::new();
        let before = scene.made(&plain(text)).await;
        scene.sandbox.stop(&before.id).unwrap();
        let stopped = scene.view(&before.id).await.unwrap();
        assert_eq!((stopped.phase, stopped.server_ip), (Phase::Stopped, None));
        scene.start(&before.id).await.unwrap();
        let mut after = scene.view(&before.id).await.unwrap();
        assert!(after.server_ip.is_some());
        after.server_ip.clone_from(&before.server_ip); // dealt anew: the helper's address is free now
        assert_eq!(after, before);
    }
}

#[tokio::test]
async fn a_start_unpauses_by_either_port() {
    let scene = Scene::new();
    let view = scene.made(&plain("k3d/dev")).await;
    scene.sandbox.pause(&view.id).unwrap();
    assert_eq!(scene.phase(&view.id).await, Phase::Paused);
    scene.start(&view.id).await.unwrap();
    assert_eq!(scene.phase(&view.id).await, Phase::Running);
    scene.sandbox.pause(&view.id).unwrap();
    scene.world.engine.start(&view, &scene.log).await.unwrap();
    assert_eq!(scene.phase(&view.id).await, Phase::Running);
}

#[tokio::test]
async fn a_cluster_that_lacks_a_node_does_not_start() {
    let scene = Scene::new();
    let view = scene.made(&plain("k3d/dev")).await;
    scene.sandbox.kill_balancer(&view.id).unwrap();
    scene.sandbox.stop(&view.id).unwrap();
    assert_eq!(scene.phase(&view.id).await, Phase::Partial);
    assert!(scene.start(&view.id).await.is_err());
    let partial = scene.view(&view.id).await.unwrap();
    let engine = &scene.world.engine;
    assert!(engine.start(&partial, &scene.log).await.is_err());
    let error = scene
        .world
        .engine
        .start(&view, &scene.log)
        .await
        .unwrap_err();
    assert!(error.message.contains("No such container"), "{error}");
}

#[tokio::test]
async fn an_api_answers_only_to_the_credentials_of_its_own_life() {
    for text in BOTH {
        let (scene, spec) = (Scene::new(), plain(text));
        let view = scene.made(&spec).await;
        let access = scene.access(&spec.id).await.unwrap();
        assert_eq!(Some(&access.incarnation), view.incarnation.as_ref());
        scene.ready(&access).await.unwrap();
        scene.sandbox.hang(&spec.id).unwrap();
        assert!(
            scene
                .ready(&access)
                .await
                .unwrap_err()
                .contains("no answer")
        );
        scene.sandbox.stop(&spec.id).unwrap();
        assert!(scene.ready(&access).await.unwrap_err().contains("refused"));
        scene.start(&spec.id).await.unwrap();
        scene.ready(&access).await.unwrap();
        scene.remove(&view).await.unwrap();
        scene.made(&spec).await;
        let other = scene.access(&spec.id).await.unwrap();
        assert_eq!(other.server, access.server, "the port is free again");
        assert!(
            scene
                .ready(&access)
                .await
                .unwrap_err()
                .contains("unknown authority")
        );
    }
}

#[tokio::test]
async fn without_a_server_there_are_no_credentials() {
    let scene = Scene::new();
    let before = scene.made(&plain("k3d/dev")).await;
    scene.sandbox.remove_node("k3d-dev-server-0").unwrap();
    assert_eq!(scene.phase(&before.id).await, Phase::Partial);
    assert!(
        scene
            .access(&before.id)
            .await
            .unwrap_err()
            .message
            .contains("server node")
    );
    let stale = scene
        .provider(&before.id)
        .access(&before)
        .await
        .unwrap_err();
    assert!(stale.message.contains("No such container"), "{stale}");
}
