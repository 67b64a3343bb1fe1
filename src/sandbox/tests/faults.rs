//! What is scripted to go wrong does, and no more.

use std::time::Duration;

use crate::model::{Phase, Seen, ToolView, UnseenKind};
use crate::provider::Fault;
use crate::sandbox::tests::scene::{LONG, Scene, id, nonce, plain};
use crate::sandbox::{Leave, Outage};

#[tokio::test]
async fn a_failure_is_transient_if_it_is_counted() {
    let scene = Scene::new();
    scene.sandbox.tell("create fails twice").unwrap();
    for _ in 0..2 {
        assert_eq!(
            scene.create(&plain("k3d/dev")).await.unwrap_err().fault,
            Fault::Transient
        );
        assert_eq!(scene.phase(&id("k3d/dev")).await, Phase::Absent);
    }
    scene.create(&plain("k3d/dev")).await.unwrap();
    scene.sandbox.tell("create kind/dev fails").unwrap();
    for _ in 0..3 {
        assert_eq!(
            scene.create(&plain("kind/dev")).await.unwrap_err().fault,
            Fault::Permanent
        );
    }
    scene.sandbox.forget_fault(0).unwrap();
    assert!(scene.sandbox.forget_fault(0).is_err());
    scene.create(&plain("kind/dev")).await.unwrap();
}

#[tokio::test]
async fn a_crash_half_way_leaves_marked_residue() {
    for text in ["k3d/dev", "kind/dev"] {
        let scene = Scene::new();
        scene.sandbox.tell("create crashes half-way once").unwrap();
        let error = scene.create(&plain(text)).await.unwrap_err();
        assert!(error.message.contains("signal 9"), "{error}");
        let view = scene.view(&id(text)).await.unwrap();
        assert!(view.proving_nodes().count() == 1);
        assert!(view.proving_nodes().all(|node| node.nonce == Some(nonce())));
        assert!(scene.access(&view.id).await.is_err(), "it was never set up");
        scene.remove(&view).await.unwrap();
        assert_eq!(scene.phase(&view.id).await, Phase::Absent);
        assert_eq!(scene.made(&plain(text)).await.phase, Phase::Running);
    }
}

#[tokio::test]
async fn kubeadm_does_not_come_back_and_k3s_does() {
    let scene = Scene::new();
    scene.sandbox.tell("create kind crashes once").unwrap();
    assert!(scene.create(&plain("kind/dev")).await.is_err());
    assert_eq!(scene.phase(&id("kind/dev")).await, Phase::Running);
    scene.sandbox.stop(&id("kind/dev")).unwrap();
    scene.start(&id("kind/dev")).await.unwrap();
    assert!(scene.access(&id("kind/dev")).await.is_err());
}

#[tokio::test]
async fn exit_codes_are_advice() {
    let scene = Scene::new();
    scene
        .sandbox
        .tell("create k3d fails after everything")
        .unwrap();
    assert!(scene.create(&plain("k3d/dev")).await.is_err());
    assert_eq!(scene.phase(&id("k3d/dev")).await, Phase::Running);
    scene.sandbox.tell("create kind does nothing").unwrap();
    scene.create(&plain("kind/dev")).await.unwrap();
    assert_eq!(scene.phase(&id("kind/dev")).await, Phase::Absent);
}

#[tokio::test]
async fn a_deadline_ends_what_is_slow_and_what_hangs() {
    let scene = Scene::new();
    let start = scene.world.clock.now();
    scene.sandbox.tell("create takes 40s once").unwrap();
    scene.create(&plain("k3d/slow")).await.unwrap();
    let took = scene.world.clock.now().duration_since(start);
    assert!((39..=41).contains(&took.as_secs()), "{took}");
    let short = Duration::from_secs(30);
    scene.sandbox.tell("create takes 40s once").unwrap();
    let error = scene
        .create_within(&plain("k3d/late"), short)
        .await
        .unwrap_err();
    assert_eq!(error.fault, Fault::Deadline);
    assert_ne!(scene.phase(&id("k3d/late")).await, Phase::Absent);
    scene.sandbox.tell("create k3d/dev hangs").unwrap();
    let error = scene.create(&plain("k3d/dev")).await.unwrap_err();
    assert_eq!(error.fault, Fault::Deadline);
    assert_eq!(scene.phase(&id("k3d/dev")).await, Phase::Partial);
}

#[tokio::test]
async fn every_operation_can_fail() {
    let scene = Scene::new();
    let view = scene.made(&plain("k3d/dev")).await;
    let access = scene.access(&view.id).await.unwrap();
    let engine = &scene.world.engine;
    for sentence in [
        "start fails once",
        "remove fails once",
        "access fails once",
        "ready fails once",
        "register kubeconfig fails once",
        "observe kubeconfig fails once",
    ] {
        scene.sandbox.tell(sentence).unwrap();
    }
    assert!(engine.start(&view, &scene.log).await.is_err());
    assert!(scene.remove(&view).await.is_err());
    assert!(scene.access(&view.id).await.is_err());
    assert!(scene.ready(&access).await.is_err());
    assert!(
        scene
            .kubeconfig()
            .register(&scene.order(&access).await, None)
            .await
            .is_err()
    );
    assert!(scene.kubeconfig().observe(LONG).await.known().is_none());
    assert!(scene.sandbox.faults().unwrap().is_empty());
    assert_eq!(scene.view(&view.id).await, Some(view));
}

#[tokio::test]
async fn what_is_only_asked_can_be_slow_and_hang() {
    let scene = Scene::new();
    let view = scene.made(&plain("k3d/dev")).await;
    let access = scene.access(&view.id).await.unwrap();
    scene
        .sandbox
        .tell("observe kubeconfig takes 6m once")
        .unwrap();
    assert!(scene.kubeconfig().observe(LONG).await.known().is_none());
    scene.sandbox.tell("access hangs once").unwrap();
    assert_eq!(
        scene.access(&view.id).await.unwrap_err().fault,
        Fault::Deadline
    );
    scene.sandbox.tell("ready takes 11s once").unwrap();
    assert!(scene.ready(&access).await.is_err());
    scene.sandbox.tell("ready takes 9s once").unwrap();
    scene.ready(&access).await.unwrap();
}

#[tokio::test]
async fn a_remove_that_fails_half_way_removed_half() {
    let scene = Scene::new();
    let view = scene.made(&plain("k3d/dev")).await;
    scene.sandbox.tell("remove fails half-way once").unwrap();
    assert_eq!(
        scene.remove(&view).await.unwrap_err().fault,
        Fault::Transient
    );
    assert_eq!(scene.phase(&view.id).await, Phase::Residue);
    scene.remove(&view).await.unwrap();
    assert_eq!(scene.phase(&view.id).await, Phase::Absent);
}

#[tokio::test]
async fn an_engine_that_is_away_is_unknown_and_changes_nothing() {
    let scene = Scene::new();
    let view = scene.made(&plain("k3d/dev")).await;
    let access = scene.access(&view.id).await.unwrap();
    for (outage, kind) in [
        (Outage::NotReady, UnseenKind::NotReady),
        (Outage::Silent, UnseenKind::Silent),
    ] {
        scene.sandbox.engine_down(outage).unwrap();
        match scene.world.engine.look(LONG).await {
            Seen::Unknown(unseen) => assert_eq!(unseen.kind, kind),
            Seen::Known(_) => panic!("nobody could look"),
        }
        assert!(scene.create(&plain("kind/dev")).await.is_err());
        assert!(scene.remove(&view).await.is_err());
        scene.ready(&access).await.unwrap();
    }
    scene.sandbox.engine_up().unwrap();
    assert_eq!(scene.view(&view.id).await, Some(view));
    assert_eq!(scene.phase(&id("kind/dev")).await, Phase::Absent);
}

#[tokio::test]
async fn a_missing_tool_is_seen_before_and_said_after() {
    let (scene, spec) = (Scene::new(), plain("k3d/dev"));
    scene.sandbox.tell("k3d is gone").unwrap();
    assert!(matches!(
        scene.provider(&spec.id).tool(),
        ToolView::Missing { .. }
    ));
    assert_eq!(
        scene.create(&spec).await.unwrap_err().fault,
        Fault::ToolMissing
    );
    scene.sandbox.tell("k3d is up").unwrap();
    scene.create(&spec).await.unwrap();
}

#[tokio::test]
async fn an_operation_holds_nothing_while_it_waits() {
    let scene = Scene::new();
    let specs = [plain("k3d/a"), plain("k3d/b"), plain("kind/c")];
    let [a, b, c] = specs.each_ref().map(|spec| scene.create(spec));
    let (a, b, c) = tokio::join!(a, b, c);
    for made in [a, b, c] {
        made.unwrap();
    }
    assert_eq!(scene.engine().await.facts.bindings.len(), 3);
}

#[tokio::test]
async fn two_who_make_one_cluster_make_one() {
    let scene = Scene::new();
    let spec = plain("k3d/dev");
    let (a, b) = tokio::join!(scene.create(&spec), scene.create(&spec));
    assert!(a.is_ok() != b.is_ok());
    assert_eq!(scene.phase(&spec.id).await, Phase::Running);
}

#[tokio::test]
async fn what_is_taken_away_under_a_create_fails_it() {
    let scene = Scene::new();
    scene.sandbox.set_pace(0.001).unwrap();
    let spec = plain("k3d/dev");
    let wipe = async {
        while scene
            .view(&spec.id)
            .await
            .is_none_or(|v| v.proving_nodes().next().is_none())
        {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        scene.sandbox.wipe(&spec.id, Leave::Nothing).unwrap();
    };
    let (made, ()) = tokio::join!(scene.create(&spec), wipe);
    assert!(made.is_err());
}

#[tokio::test]
async fn a_create_that_is_dropped_leaves_what_it_made() {
    let scene = Scene::new();
    scene.sandbox.set_pace(0.01).unwrap();
    let spec = plain("kind/dev");
    let create = scene.create(&spec);
    assert!(
        tokio::time::timeout(Duration::from_millis(60), create)
            .await
            .is_err()
    );
    let view = scene.view(&spec.id).await.unwrap();
    assert!(view.proving_nodes().all(|node| node.nonce == Some(nonce())));
}
