//! What is true of a HAProxy in a container alone.

use std::fs;

use rollcall::model::{Incarnation, NodeState, Seen};
use rollcall::provider::{ContainerRecord, NetworkOf};
use rollcall::registrar::Registrar;

use super::proxy::Told;
use super::{LONG, Scene, look};

/// What is changed of the container.
type Damage = Box<dyn FnOnce(&mut ContainerRecord)>;

#[tokio::test]
#[ignore = "needs haproxy"]
async fn without_its_container_it_is_not_installed_and_without_life_unknown() {
    let scene = Scene::container();
    let engine = scene.engine.as_ref().unwrap();
    for (state, way) in [
        (NodeState::Exited, "docker start haproxy-gw"),
        (NodeState::Paused, "docker unpause haproxy-gw"),
        (NodeState::Restarting, "docker logs"),
    ] {
        engine.change(|record| record.state = state);
        let unseen = look(&scene.registrar).await.unwrap_err();
        assert!(unseen.error.contains("container haproxy-gw"), "{unseen:?}");
        assert!(unseen.hint.unwrap().contains(way));
    }
    // Nothing here could be read, and it does not matter any more.
    *engine.record.lock().unwrap() = None;
    fs::remove_dir_all(scene.proxy.path("rollcall")).unwrap();
    let Seen::Known(view) = scene.registrar.observe(LONG).await else {
        panic!("it is proven gone")
    };
    assert!(!view.installed);
}

#[tokio::test]
#[ignore = "needs haproxy"]
async fn a_container_that_cannot_be_served_says_why() {
    let scene = Scene::container();
    let engine = scene.engine.as_ref().unwrap();
    let whole = engine.record.lock().unwrap().clone().unwrap();
    let base = scene.proxy.path("base.cfg");
    let damages: [(&str, &str, Damage); 6] = [
        (
            "is no folder that is mounted",
            "mount the folder itself",
            Box::new(move |record| record.mounts[0].source = Some(base)),
        ),
        (
            "is not started with the folder",
            "-f",
            Box::new(|record| record.command.truncate(4)),
        ),
        (
            "does not tell with which files",
            "haproxy.files",
            Box::new(|record| record.command.truncate(1)),
        ),
        (
            "its host's network",
            "publish its ports",
            Box::new(|record| record.network = NetworkOf::Host),
        ),
        (
            "has no network, and can be put on no cluster's",
            "a network of its own",
            Box::new(|record| record.network = NetworkOf::Nobody),
        ),
        (
            "has the network of container c0ffee",
            "a network of its own",
            Box::new(|record| record.network = NetworkOf::Container("c0ffee".to_owned())),
        ),
    ];
    for (what, way, damage) in damages {
        engine.change(damage);
        let unseen = look(&scene.registrar).await.unwrap_err();
        assert!(unseen.error.contains(what), "{unseen:?}");
        assert!(unseen.hint.as_ref().unwrap().contains(way), "{unseen:?}");
        engine.change(|record| *record = whole.clone());
    }
    assert!(look(&scene.registrar).await.is_ok());
}

#[tokio::test]
#[ignore = "needs haproxy"]
async fn a_new_life_under_the_same_name_is_loaded_anew() {
    let scene = Scene::container();
    let mut dev = scene.cluster("k3d/dev");
    let first = scene.registrar.register(&dev, None).await.unwrap();
    let before = scene.proxy.reloads();
    dev.cluster.incarnation = Some(Incarnation::new("two"));
    let second = scene.registrar.register(&dev, Some(&first)).await.unwrap();
    assert_ne!(first, second);
    assert_eq!(scene.proxy.reloads(), before + 1);
    let view = look(&scene.registrar).await.unwrap();
    assert_eq!(view.needs, None);
    assert_eq!(view.after.len(), 1);
}

#[tokio::test]
#[ignore = "needs haproxy"]
async fn a_node_that_nobody_knows_makes_no_other_route_invalid() {
    let scene = Scene::container();
    let gone = scene.order("k3d/gone", "rollcall-test-no-such-node", 1);
    scene.registrar.register(&gone, None).await.unwrap();
    let dev = scene.cluster("k3d/dev");
    scene.registrar.register(&dev, None).await.unwrap();
    assert_eq!(scene.proxy.get("dev"), "k3d/dev");
    assert!(scene.proxy.get("gone").contains("503"));
}

#[tokio::test]
#[ignore = "needs haproxy"]
async fn a_masters_socket_that_is_mounted_is_asked_and_told() {
    let scene = Scene::container_told(Told::Socket);
    let dev = scene.cluster("k3d/dev");
    let written = scene.registrar.register(&dev, None).await.unwrap();
    assert_eq!(scene.proxy.get("dev"), "k3d/dev");
    assert!(!scene.proxy.files()[0].contains("frontend"));
    let id = &dev.cluster.id;
    scene.registrar.deregister(id, &written).await.unwrap();
    assert_eq!(scene.proxy.get("dev"), "404");
    let engine = scene.engine.as_ref().unwrap();
    engine.change(|record| {
        // The folder of the socket is the container's own now.
        let folder = record.mounts[0].clone();
        let inside = folder.destination.join("rollcall");
        record.mounts[0].source = Some(folder.source.unwrap().join("rollcall"));
        record.mounts[0].destination = inside;
    });
    let unseen = look(&scene.registrar).await.unwrap_err();
    assert!(unseen.error.contains("in no folder"), "{unseen:?}");
}

#[tokio::test]
#[ignore = "needs haproxy"]
async fn one_that_hears_no_signal_is_told_to_have_a_master() {
    let scene = Scene::container_told(Told::Nobody);
    let before = scene.proxy.files();
    let dev = scene.cluster("k3d/dev");
    let error = scene.registrar.register(&dev, None).await.unwrap_err();
    assert!(error.message.contains("USR2"), "{error:?}");
    assert!(error.hint.unwrap().contains("add -W"));
    // As before, though for the file that was not there.
    assert_eq!(scene.proxy.files()[1], before[1]);
}
