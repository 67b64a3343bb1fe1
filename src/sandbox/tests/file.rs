//! A world in a file.

use std::time::Duration;

use crate::model::Phase;
use crate::sandbox::tests::scene::{Scene, full, id, plain};
use crate::sandbox::{FILE, SECRET_MARK, SandboxError, open};

fn quick(dir: &std::path::Path) -> Scene {
    let sandbox = open(dir).unwrap();
    sandbox.set_pace(0.0).unwrap();
    Scene::over(sandbox)
}

#[tokio::test]
async fn a_world_outlives_its_process() {
    let dir = tempfile::tempdir().unwrap();
    let first = quick(dir.path());
    first.made(&full("k3d/dev", "10.101.0.0/24", 18080)).await;
    let access = first.access(&id("k3d/dev")).await.unwrap();
    first
        .kubeconfig()
        .register(&first.order(&access).await, None)
        .await
        .unwrap();
    first.sandbox.tell("create fails").unwrap();
    first.sandbox.advance(Duration::from_secs(86_400)).unwrap();
    let (engine, now) = (first.engine().await, first.world.clock.now());
    let (entries, journal) = (first.entries().await, first.sandbox.journal().unwrap());
    drop(first);
    let second = Scene::over(open(dir.path()).unwrap());
    assert_eq!(second.engine().await, engine);
    assert_eq!(second.entries().await, entries);
    assert_eq!(second.sandbox.journal().unwrap(), journal);
    assert_eq!(second.sandbox.faults().unwrap(), ["create fails"]);
    let later = second.world.clock.now().duration_since(now);
    assert!((0..60).contains(&later.as_secs()), "{later}");
    second.ready(&access).await.unwrap();
}

#[tokio::test]
async fn two_handles_share_one_world() {
    let dir = tempfile::tempdir().unwrap();
    let (a, b) = (quick(dir.path()), quick(dir.path()));
    a.made(&plain("k3d/dev")).await;
    assert_eq!(b.phase(&id("k3d/dev")).await, Phase::Running);
    b.sandbox.tell("docker is down").unwrap();
    assert!(a.create(&plain("kind/dev")).await.is_err());
    b.sandbox.tell("docker is up").unwrap();
    let (x, y) = (plain("kind/x"), plain("kind/y"));
    let (first, second) = tokio::join!(a.create(&x), b.create(&y));
    first.unwrap();
    second.unwrap();
    assert_eq!(a.engine().await, b.engine().await);
    assert_eq!(a.engine().await.facts.bindings.len(), 3);
}

#[test]
fn many_processes_lose_nothing() {
    let dir = tempfile::tempdir().unwrap();
    open(dir.path()).unwrap();
    std::thread::scope(|scope| {
        for n in 0..4 {
            let dir = dir.path();
            scope.spawn(move || {
                let sandbox = open(dir).unwrap();
                for m in 0..10 {
                    sandbox
                        .foreign_container(&format!("c{n}-{m}"), &[])
                        .unwrap();
                }
            });
        }
    });
    assert_eq!(
        open(dir.path()).unwrap().show().unwrap().containers.len(),
        40
    );
}

#[tokio::test]
async fn the_file_holds_no_secret() {
    let dir = tempfile::tempdir().unwrap();
    let scene = quick(dir.path());
    scene.made(&plain("k3d/dev")).await;
    let access = scene.access(&id("k3d/dev")).await.unwrap();
    scene
        .kubeconfig()
        .register(&scene.order(&access).await, None)
        .await
        .unwrap();
    let bytes = std::fs::read(dir.path().join(FILE)).unwrap();
    assert!(!String::from_utf8_lossy(&bytes).contains(SECRET_MARK));
}

#[test]
fn a_file_that_is_no_world_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(
        dir.path().join(FILE),
        "this is no database, and long enough to be sure",
    )
    .unwrap();
    assert!(matches!(open(dir.path()), Err(SandboxError::File(_))));
    let dir = tempfile::tempdir().unwrap();
    open(dir.path()).unwrap();
    let file = rusqlite::Connection::open(dir.path().join(FILE)).unwrap();
    file.execute("UPDATE world SET value = '\"99\"' WHERE key = 'format'", [])
        .unwrap();
    assert!(matches!(open(dir.path()), Err(SandboxError::Format { found, .. }) if found == "99"));
    file.execute("UPDATE world SET value = '\"1\"' WHERE key = 'format'", [])
        .unwrap();
    file.execute("UPDATE world SET value = '{}' WHERE key = 'state'", [])
        .unwrap();
    assert!(matches!(
        open(dir.path()).unwrap().show(),
        Err(SandboxError::Damaged(_))
    ));
}

#[tokio::test]
async fn a_real_pace_takes_real_time_and_less_than_it_says() {
    let dir = tempfile::tempdir().unwrap();
    let scene = quick(dir.path());
    scene.sandbox.set_pace(0.01).unwrap();
    let (start, real) = (scene.world.clock.now(), tokio::time::Instant::now());
    scene.made(&plain("k3d/dev")).await;
    let (told, took) = (
        scene.world.clock.now().duration_since(start),
        real.elapsed(),
    );
    assert!((17..25).contains(&told.as_secs()), "{told}");
    assert!((100..5000).contains(&took.as_millis()), "{took:?}");
}
