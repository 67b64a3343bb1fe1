//! Writing and taking away registrations.

use crate::model::{Fingerprint, Seen, UnseenKind};
use crate::provider::Fault;
use crate::sandbox::tests::scene::{LONG, Scene, id, kubeconfig, plain};
use crate::sandbox::{Deed, Thing};

#[tokio::test]
async fn a_registration_is_written_in_place_and_twice_is_once() {
    let scene = Scene::new();
    scene.made(&plain("k3d/dev")).await;
    let access = scene.access(&id("k3d/dev")).await.unwrap();
    let print = scene
        .kubeconfig()
        .register(&scene.order(&access).await, None)
        .await
        .unwrap();
    let again = scene
        .kubeconfig()
        .register(&scene.order(&access).await, Some(&print))
        .await
        .unwrap();
    assert_eq!(print, again);
    let view = scene.entries().await;
    assert!(view.installed);
    let entry = &view.entries[&access.id];
    assert_eq!(
        (&entry.fingerprint, &entry.endpoint),
        (&print, &access.server)
    );
    let held = scene.kubeconfig().access(&access.id).await.unwrap();
    assert_eq!(held.incarnation, access.incarnation);
    scene.ready(&held).await.unwrap();
}

#[tokio::test]
async fn only_what_runs_is_registered_and_only_as_it_is() {
    let scene = Scene::new();
    let view = scene.made(&plain("k3d/dev")).await;
    let access = scene.access(&view.id).await.unwrap();
    scene.sandbox.stop(&view.id).unwrap();
    let error = scene
        .kubeconfig()
        .register(&scene.order(&access).await, None)
        .await
        .unwrap_err();
    assert!(error.message.contains("does not run"), "{error}");
    scene.remove(&view).await.unwrap();
    scene.made(&plain("k3d/dev")).await;
    let error = scene
        .kubeconfig()
        .register(&scene.order(&access).await, None)
        .await
        .unwrap_err();
    assert!(error.message.contains("another incarnation"), "{error}");
    assert!(scene.entries().await.entries.is_empty());
}

#[tokio::test]
async fn an_entry_that_moved_is_left_alone() {
    let scene = Scene::new();
    scene.made(&plain("k3d/dev")).await;
    let access = scene.access(&id("k3d/dev")).await.unwrap();
    let registrar = scene.kubeconfig();
    let wrong = Fingerprint::new("wrong");
    assert_eq!(
        registrar
            .register(&scene.order(&access).await, Some(&wrong))
            .await
            .unwrap_err()
            .fault,
        Fault::NotOurs
    );
    let print = registrar
        .register(&scene.order(&access).await, None)
        .await
        .unwrap();
    assert_eq!(
        registrar
            .register(&scene.order(&access).await, None)
            .await
            .unwrap_err()
            .fault,
        Fault::NotOurs
    );
    let error = registrar.deregister(&access.id, &wrong).await.unwrap_err();
    assert_eq!(error.fault, Fault::NotOurs);
    scene
        .sandbox
        .edit_registration(&kubeconfig(), &access.id, "https://127.0.0.1:1")
        .unwrap();
    assert!(registrar.deregister(&access.id, &print).await.is_err());
    let now = scene.entries().await.entries[&access.id].clone();
    assert_eq!(now.endpoint, "https://127.0.0.1:1");
    registrar
        .deregister(&access.id, &now.fingerprint)
        .await
        .unwrap();
    registrar
        .deregister(&access.id, &now.fingerprint)
        .await
        .unwrap();
    assert!(scene.entries().await.entries.is_empty());
}

#[tokio::test]
async fn a_foreign_entry_is_told_from_ours_in_the_journal() {
    let scene = Scene::new();
    let dev = id("k3d/dev");
    scene
        .sandbox
        .foreign_registration(&kubeconfig(), &dev, "https://127.0.0.1:9")
        .unwrap();
    assert!(
        scene.kubeconfig().access(&dev).await.is_none(),
        "it leads nowhere"
    );
    let print = scene.entries().await.entries[&dev].fingerprint.clone();
    scene.kubeconfig().deregister(&dev, &print).await.unwrap();
    let journal = scene.sandbox.journal().unwrap();
    assert_eq!(journal.foreign().count(), 1);
    assert_eq!(
        journal.count(Deed::Deregister, Thing::Registration, &dev),
        1
    );
    assert!(
        scene
            .sandbox
            .drop_registration(&kubeconfig(), &dev)
            .is_err()
    );
}

#[tokio::test]
async fn silence_is_unknown_and_proven_absence_is_known() {
    let scene = Scene::new();
    for (sentence, kind) in [
        ("kubeconfig is down", UnseenKind::NotReady),
        ("kubeconfig is silent", UnseenKind::Silent),
    ] {
        scene.sandbox.tell(sentence).unwrap();
        let seen = scene.kubeconfig().observe(LONG).await;
        assert_eq!(seen.unknown().map(|unseen| unseen.kind), Some(kind));
    }
    scene.sandbox.tell("kubeconfig is gone").unwrap();
    let seen = scene.kubeconfig().observe(LONG).await;
    assert!(matches!(seen, Seen::Known(view) if !view.installed));
}
