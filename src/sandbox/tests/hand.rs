//! What a hand can do.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::model::{EngineView, Phase, ProviderId};
use crate::sandbox::tests::scene::{Scene, full, id, plain, port};
use crate::sandbox::{Actor, Leave, SECRET_MARK, Sandbox};

#[tokio::test]
async fn what_a_hand_makes_bears_no_mark() {
    let scene = Scene::new();
    for text in ["k3d/dev", "kind/dev"] {
        scene.sandbox.make_foreign(&plain(text)).unwrap();
        let view = scene.view(&id(text)).await.unwrap();
        assert_eq!(view.phase, Phase::Running);
        assert!(view.nodes.iter().all(|node| node.nonce.is_none()));
        assert!(view.networks.iter().all(|network| network.nonce.is_none()));
        assert!(scene.sandbox.make_foreign(&plain(text)).is_err());
        let access = scene.access(&id(text)).await.unwrap();
        scene.ready(&access).await.unwrap();
        scene.sandbox.wipe(&id(text), Leave::Nothing).unwrap();
        assert_eq!(scene.phase(&id(text)).await, Phase::Absent);
    }
    assert!(scene.engine().await.facts.volumes.is_empty());
}

#[tokio::test]
async fn what_a_hand_makes_over_marked_leftovers_bears_no_mark() {
    let scene = Scene::new();
    let made = scene.made(&plain("k3d/dev")).await;
    assert!(made.proving_nodes().all(|node| node.nonce.is_some()));
    scene
        .sandbox
        .wipe(&id("k3d/dev"), Leave::NetworksAndVolumes)
        .unwrap();
    scene.sandbox.make_foreign(&plain("k3d/dev")).unwrap();
    let view = scene.view(&id("k3d/dev")).await.unwrap();
    assert!(view.volumes.iter().all(|volume| volume.nonce.is_some()));
    assert!(view.proving_nodes().all(|node| node.nonce.is_none()));
}

#[tokio::test]
async fn k3d_by_itself_takes_an_old_network_as_it_is() {
    let scene = Scene::new();
    scene
        .sandbox
        .make_foreign(&full("k3d/dev", "10.101.0.0/24", 18080))
        .unwrap();
    scene
        .sandbox
        .wipe(&id("k3d/dev"), Leave::NetworksAndVolumes)
        .unwrap();
    scene
        .sandbox
        .make_foreign(&full("k3d/dev", "10.102.0.0/24", 18080))
        .unwrap();
    let view = scene.view(&id("k3d/dev")).await.unwrap();
    assert_eq!(
        view.subnet,
        Some(crate::sandbox::tests::scene::subnet("10.101.0.0/24"))
    );
}

#[tokio::test]
async fn a_name_that_rollcall_cannot_carry_is_unnamed() {
    let scene = Scene::new();
    scene
        .sandbox
        .make_unnamed(&ProviderId::new("k3d"), "DEV")
        .unwrap();
    let view = scene.engine().await;
    assert_eq!(view.unnamed.len(), 1);
    assert!(
        view.clusters
            .values()
            .all(std::collections::BTreeMap::is_empty)
    );
    assert!(
        view.facts
            .bindings
            .iter()
            .all(|binding| binding.cluster.is_none())
    );
}

#[tokio::test]
async fn phases_follow_what_a_hand_does() {
    let scene = Scene::new();
    let dev = id("k3d/dev");
    scene.made(&plain("k3d/dev")).await;
    let hand = &scene.sandbox;
    hand.pause(&dev).unwrap();
    assert_eq!(scene.phase(&dev).await, Phase::Paused);
    hand.start(&dev).unwrap();
    assert_eq!(scene.phase(&dev).await, Phase::Running);
    hand.stop_node("k3d-dev-serverlb").unwrap();
    assert_eq!(scene.phase(&dev).await, Phase::Stopped);
    hand.crash_loop(&dev).unwrap();
    assert_eq!(scene.phase(&dev).await, Phase::Restarting);
    hand.kill_balancer(&dev).unwrap();
    assert_eq!(scene.phase(&dev).await, Phase::Partial);
    assert!(hand.kill_balancer(&dev).is_err());
    assert!(hand.stop(&id("k3d/other")).is_err());
}

#[tokio::test]
async fn a_restart_deals_addresses_again_and_wakes_kind_alone() {
    let scene = Scene::new();
    let k3d = scene.made(&plain("k3d/dev")).await;
    scene.sandbox.restart_engine().unwrap();
    let after = scene.view(&k3d.id).await.unwrap();
    assert_eq!(after.phase, Phase::Running);
    assert_ne!(after.server_ip, k3d.server_ip);
    scene.made(&plain("kind/dev")).await;
    scene.sandbox.stop(&k3d.id).unwrap();
    scene.sandbox.stop(&id("kind/dev")).unwrap();
    scene.sandbox.restart_engine().unwrap();
    assert_eq!(scene.phase(&k3d.id).await, Phase::Stopped);
    assert_eq!(scene.phase(&id("kind/dev")).await, Phase::Running);
}

#[tokio::test]
async fn another_engine_differs_in_identities_alone() {
    let scene = Scene::new();
    scene.made(&plain("k3d/dev")).await;
    let (before, who) = (scene.engine().await, scene.identity().await);
    scene.sandbox.replace_engine().unwrap();
    let (after, now) = (scene.engine().await, scene.identity().await);
    assert_ne!(who.id, now.id);
    assert_eq!(before.facts, after.facts);
    let ids = |view: &EngineView| -> Vec<_> {
        let clusters = view.clusters.values().flat_map(BTreeMap::values);
        clusters
            .flat_map(|c| &c.nodes)
            .map(|node| node.id.clone())
            .collect()
    };
    let (old, new) = (ids(&before), ids(&after));
    assert_eq!(old.len(), new.len());
    assert!(old.iter().all(|id| !new.contains(id)), "{old:?} {new:?}");
}

#[tokio::test]
async fn the_same_seed_gives_the_same_world() {
    let (a, b) = (Scene::new(), Scene::new());
    for scene in [&a, &b] {
        scene.made(&full("k3d/dev", "10.101.0.0/24", 18080)).await;
    }
    assert_eq!(a.engine().await, b.engine().await);
    assert_ne!(
        Scene::over(Sandbox::in_memory(8)).identity().await.id,
        a.identity().await.id
    );
}

#[tokio::test]
async fn the_clock_can_be_set_and_waiting_takes_no_time() {
    let scene = Scene::new();
    let start = scene.world.clock.now();
    scene.sandbox.advance(Duration::from_secs(3600)).unwrap();
    scene.world.clock.sleep(Duration::from_secs(86_400)).await;
    let passed = scene.world.clock.now().duration_since(start);
    assert_eq!(passed.as_secs(), 90_000);
    assert!(scene.sandbox.set_pace(-1.0).is_err() && scene.sandbox.set_pace(f64::NAN).is_err());
}

#[tokio::test]
async fn the_summary_shows_everything_but_secrets() {
    let scene = Scene::new();
    scene.made(&plain("k3d/dev")).await;
    scene.sandbox.make_foreign(&plain("kind/theirs")).unwrap();
    scene
        .sandbox
        .foreign_container("web", &[port(18081)])
        .unwrap();
    scene.sandbox.tell("create fails twice").unwrap();
    scene.sandbox.tell("kubeconfig is down").unwrap();
    let access = scene.access(&id("k3d/dev")).await.unwrap();
    scene.sandbox.tell("kubeconfig is up").unwrap();
    scene
        .kubeconfig()
        .register(&scene.order(&access).await, None)
        .await
        .unwrap();
    let summary = scene.sandbox.show().unwrap();
    assert_eq!(summary.clusters[0].made_by, Actor::Rollcall);
    assert_eq!(summary.clusters[1].made_by, Actor::Hand);
    assert_eq!(summary.faults, ["create fails twice"]);
    let text =
        serde_json::to_string(&summary).unwrap() + &format!("{summary:?} {:?}", scene.sandbox);
    let kept = scene
        .sandbox
        .vault
        .read(|state| format!("{state:?}"))
        .unwrap();
    assert!(!text.contains(SECRET_MARK) && !kept.contains(SECRET_MARK));
    assert!(text.contains("web") && text.contains("kubeconfig"));
}
