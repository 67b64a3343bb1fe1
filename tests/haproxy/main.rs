//! The HAProxy registrar against the real HAProxy, with real requests. `scripts/test` runs these where haproxy is.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and starts processes"
)]

mod boxed;
#[allow(dead_code, reason = "each suite uses a part of it")]
#[path = "../cli/scene.rs"]
mod calls;
mod command;
mod contained;
mod imports;
mod proxy;
mod scene;

use std::fs;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use rollcall::model::{Fingerprint, NodeState, RegistrarView, Seen, Unseen};
use rollcall::registrar::{Fault, Haproxy, Registrar};

use proxy::get;
use scene::{Scene, Seat};

const NEEDS: &str = "needs haproxy";

/// Longer than any look takes.
const LONG: Duration = Duration::from_secs(20);

async fn look(registrar: &Haproxy) -> Result<RegistrarView, Unseen> {
    match registrar.observe(LONG).await {
        Seen::Known(view) => Ok(view),
        Seen::Unknown(unseen) => Err(unseen),
    }
}

async fn entry(registrar: &Haproxy, id: &str) -> Option<(Fingerprint, Option<String>)> {
    let view = look(registrar).await.unwrap();
    let entry = view.entries.get(&id.parse().unwrap())?;
    Some((entry.fingerprint.clone(), entry.trouble.clone()))
}

#[tokio::test]
#[ignore = "needs haproxy"]
async fn its_program_says_its_version_wherever_it_runs() {
    for scene in Scene::all() {
        let version = scene.registrar.version(LONG).await.unwrap().unwrap();
        assert!(version.contains("version"), "{version}");
        assert!(!version.contains("https"), "{version}");
    }
}

#[tokio::test]
#[ignore = "needs haproxy"]
async fn requests_go_to_the_cluster_of_their_name_and_to_no_other() {
    for scene in Scene::all() {
        assert!(
            look(&scene.registrar).await.unwrap().entries.is_empty(),
            "{NEEDS}"
        );
        let (dev, longer) = (scene.cluster("k3d/dev"), scene.cluster("kind/dev-a"));
        let first = scene.registrar.register(&dev, None).await.unwrap();
        scene.registrar.register(&longer, None).await.unwrap();
        assert_eq!(
            [
                scene.proxy.get("dev"),
                scene.proxy.get("dev-a"),
                scene.proxy.get("de")
            ],
            ["k3d/dev", "kind/dev-a", "404"]
        );
        assert_eq!(
            entry(&scene.registrar, "k3d/dev").await,
            Some((first.clone(), None))
        );
        scene
            .registrar
            .deregister(&dev.cluster.id, &first)
            .await
            .unwrap();
        assert_eq!(
            [scene.proxy.get("dev"), scene.proxy.get("dev-a")],
            ["404", "kind/dev-a"]
        );
        scene
            .registrar
            .deregister(&dev.cluster.id, &first)
            .await
            .unwrap();
        assert_eq!(
            scene.proxy.base(),
            fs::read_to_string(scene.proxy.path("base.cfg")).unwrap()
        );
    }
}

#[tokio::test]
#[ignore = "needs haproxy"]
async fn requests_are_routed_also_where_the_users_file_comes_after_what_is_generated() {
    for scene in Scene::all_in_one_folder() {
        let dev = scene.cluster("k3d/dev");
        let written = scene.registrar.register(&dev, None).await.unwrap();
        assert_eq!(scene.proxy.get("dev"), "k3d/dev");
        // What HAProxy reads after the generated file says nothing of it, and a check in another order would refuse it.
        let broken_for_others = "defaults after\n    default-server ssl verify required\n";
        fs::write(scene.proxy.own(), scene.proxy.base() + broken_for_others).unwrap();
        let ops = scene.cluster("kind/ops");
        scene.registrar.register(&ops, None).await.unwrap();
        let id = &dev.cluster.id;
        scene.registrar.deregister(id, &written).await.unwrap();
        assert_eq!(
            [scene.proxy.get("dev"), scene.proxy.get("ops")],
            ["404", "kind/ops"]
        );
        // It is warned of nothing: a check that ends well is not all that there is to say.
        let log = fs::read_to_string(scene.proxy.path("log")).unwrap();
        assert!(!log.contains("missing timeouts"), "{log}");
    }
}

#[tokio::test]
#[ignore = "needs haproxy"]
async fn a_hundred_reloads_lose_no_request() {
    for scene in Scene::all() {
        scene
            .registrar
            .register(&scene.cluster("k3d/dev"), None)
            .await
            .unwrap();
        let (stop, asked) = (
            Arc::new(AtomicBool::new(false)),
            Arc::new(AtomicUsize::new(0)),
        );
        let asking: Vec<_> = (0..2)
            .map(|_| {
                let (port, stop, asked) = (scene.proxy.port, Arc::clone(&stop), Arc::clone(&asked));
                std::thread::spawn(move || {
                    let mut lost = Vec::new();
                    while !stop.load(Ordering::SeqCst) {
                        let answer = get(port, "dev");
                        asked.fetch_add(1, Ordering::SeqCst);
                        if answer != "k3d/dev" {
                            lost.push(answer);
                        }
                    }
                    lost
                })
            })
            .collect();
        let other = scene.cluster("kind/ops");
        // In a container it takes longer to see what is loaded.
        let rounds = match scene.seat {
            Seat::Host => 50,
            Seat::Container => 15,
        };
        for _ in 0..rounds {
            let written = scene.registrar.register(&other, None).await.unwrap();
            scene
                .registrar
                .deregister(&other.cluster.id, &written)
                .await
                .unwrap();
        }
        stop.store(true, Ordering::SeqCst);
        let lost: Vec<String> = asking
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect();
        assert!(
            scene.proxy.reloads() >= 2 * rounds,
            "{}",
            scene.proxy.reloads()
        );
        assert!(asked.load(Ordering::SeqCst) > 200, "{asked:?}");
        assert!(lost.is_empty(), "{lost:?}");
    }
}

#[tokio::test]
#[ignore = "needs haproxy"]
async fn every_damage_is_seen_and_mended_in_place() {
    for mut scene in Scene::all() {
        let (dev, ops) = (scene.cluster("k3d/dev"), scene.cluster("kind/ops"));
        let ours = scene.registrar.register(&dev, None).await.unwrap();
        scene.registrar.register(&ops, None).await.unwrap();
        let whole = scene.proxy.files();
        let backend = whole[0]
            .split("\n\n")
            .find(|text| text.contains("k3d_dev"))
            .unwrap()
            .to_owned();
        let damages: [(&str, [String; 2]); 6] = [
            (
                "the route is gone from both files",
                [
                    whole[0].replace(&backend, ""),
                    "ops rollcall_kind_ops\n".into(),
                ],
            ),
            (
                "its backend is gone",
                [whole[0].replace(&backend, ""), whole[1].clone()],
            ),
            (
                "its line in the map is gone",
                [whole[0].clone(), "ops rollcall_kind_ops\n".into()],
            ),
            (
                "the map is edited",
                [
                    whole[0].clone(),
                    whole[1].replace("dev rollcall_k3d_dev", "dev none"),
                ],
            ),
            (
                "its server is another",
                [
                    whole[0].replace("server cluster ", "server cluster 127.0.0.2:1 #"),
                    whole[1].clone(),
                ],
            ),
            ("both files are empty", [String::new(), String::new()]),
        ];
        for (damage, [config, map]) in damages {
            fs::write(scene.proxy.path("rollcall/50-rollcall.cfg"), config).unwrap();
            fs::write(scene.proxy.path("rollcall/rollcall.map"), map).unwrap();
            scene.proxy.stop();
            scene.proxy.start();
            let seen = entry(&scene.registrar, "k3d/dev").await;
            let print = seen.as_ref().map(|(print, _)| print);
            assert_ne!(print, Some(&ours), "{damage}: {seen:?}");
            scene.registrar.register(&dev, print).await.unwrap();
            let other = entry(&scene.registrar, "kind/ops")
                .await
                .map(|(print, _)| print);
            scene
                .registrar
                .register(&ops, other.as_ref())
                .await
                .unwrap();
            assert_eq!(
                entry(&scene.registrar, "k3d/dev").await,
                Some((ours.clone(), None)),
                "{damage}"
            );
            assert_eq!(
                [scene.proxy.get("dev"), scene.proxy.get("ops")],
                ["k3d/dev", "kind/ops"],
                "{damage}"
            );
        }
    }
}

#[tokio::test]
#[ignore = "needs haproxy"]
async fn what_is_written_and_not_loaded_is_in_trouble_and_is_loaded() {
    for mut scene in Scene::all() {
        let dev = scene.cluster("k3d/dev");
        let ours = scene.registrar.register(&dev, None).await.unwrap();
        let [config, map] = scene.proxy.files();
        scene
            .registrar
            .deregister(&dev.cluster.id, &ours)
            .await
            .unwrap();
        // As after a crash between the rename and the reload.
        fs::write(scene.proxy.path("rollcall/50-rollcall.cfg"), config).unwrap();
        fs::write(scene.proxy.path("rollcall/rollcall.map"), map).unwrap();
        let seen = entry(&scene.registrar, "k3d/dev").await;
        assert_eq!(seen, Some((ours.clone(), Some("not loaded".to_owned()))));
        assert_eq!(scene.proxy.get("dev"), "404");
        scene.registrar.register(&dev, Some(&ours)).await.unwrap();
        assert_eq!(entry(&scene.registrar, "k3d/dev").await, Some((ours, None)));
        assert_eq!(scene.proxy.get("dev"), "k3d/dev");
        let before = scene.proxy.reloads();
        let again = entry(&scene.registrar, "k3d/dev").await.unwrap().0;
        scene.registrar.register(&dev, Some(&again)).await.unwrap();
        assert_eq!(
            scene.proxy.reloads(),
            before,
            "what is in place and loaded is not loaded again"
        );
        scene.proxy.stop();
        if let Some(engine) = &scene.engine {
            engine.change(|record| record.state = NodeState::Exited);
        }
        let unseen = look(&scene.registrar).await.unwrap_err();
        let named = ["master", "container haproxy-gw does not run"];
        assert!(
            named.iter().any(|name| unseen.error.contains(name)),
            "{unseen:?}"
        );
    }
}

#[tokio::test]
#[ignore = "needs haproxy"]
async fn a_broken_file_of_the_users_changes_nothing_and_is_named() {
    for scene in Scene::all() {
        scene
            .registrar
            .register(&scene.cluster("k3d/dev"), None)
            .await
            .unwrap();
        let before = scene.proxy.files();
        fs::write(
            scene.proxy.path("base.cfg"),
            scene.proxy.base() + "nonsense\n",
        )
        .unwrap();
        let error = scene
            .registrar
            .register(&scene.cluster("kind/ops"), None)
            .await
            .unwrap_err();
        assert_eq!(error.fault, Fault::Permanent);
        assert!(error.message.contains("nonsense"), "{error:?}");
        assert!(
            error.hint.as_ref().unwrap().contains("base.cfg"),
            "{error:?}"
        );
        assert_eq!(scene.proxy.files(), before);
        assert_eq!(
            [scene.proxy.get("dev"), scene.proxy.get("ops")],
            ["k3d/dev", "404"]
        );
        fs::write(scene.proxy.path("base.cfg"), scene.proxy.base()).unwrap();
        scene
            .registrar
            .register(&scene.cluster("kind/ops"), None)
            .await
            .unwrap();
        assert_eq!(scene.proxy.get("ops"), "kind/ops");
    }
}

#[tokio::test]
#[ignore = "needs haproxy"]
async fn routes_that_haproxy_does_not_load_are_taken_back() {
    for scene in Scene::all() {
        scene
            .registrar
            .register(&scene.cluster("k3d/dev"), None)
            .await
            .unwrap();
        let before = scene.proxy.files();
        // A check binds no port, so it cannot know that this one is taken.
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let more = format!(
            "frontend more\n    bind 127.0.0.1:{}\n    default_backend none\n",
            taken.local_addr().unwrap().port()
        );
        fs::write(scene.proxy.path("base.cfg"), scene.proxy.base() + &more).unwrap();
        let ops = scene.cluster("kind/ops");
        let error = scene.registrar.register(&ops, None).await.unwrap_err();
        assert!(error.message.contains("could not load"), "{error:?}");
        assert_eq!(scene.proxy.files(), before);
        assert_eq!(
            [scene.proxy.get("dev"), scene.proxy.get("ops")],
            ["k3d/dev", "404"]
        );
        drop(taken);
        scene.registrar.register(&ops, None).await.unwrap();
        assert_eq!(scene.proxy.get("ops"), "kind/ops");
    }
}

#[tokio::test]
#[ignore = "needs haproxy"]
async fn an_entry_that_changed_since_it_was_seen_is_left_alone() {
    for scene in Scene::all() {
        let dev = scene.cluster("k3d/dev");
        let ours = scene.registrar.register(&dev, None).await.unwrap();
        let stale = scene.registrar.register(&dev, None).await.unwrap_err();
        assert_eq!(stale.fault, Fault::NotOurs);
        let config = scene.proxy.files()[0]
            .replace("server cluster ", "option httpclose\n    server cluster ");
        fs::write(scene.proxy.path("rollcall/50-rollcall.cfg"), config).unwrap();
        let gone = scene
            .registrar
            .deregister(&dev.cluster.id, &ours)
            .await
            .unwrap_err();
        assert_eq!(gone.fault, Fault::NotOurs);
        fs::write(
            scene.proxy.path("rollcall/50-rollcall.cfg"),
            "backend mine\n",
        )
        .unwrap();
        let unseen = look(&scene.registrar).await.unwrap_err();
        assert!(
            unseen.error.contains("not written by rollcall"),
            "{unseen:?}"
        );
        scene.registrar.register(&dev, None).await.unwrap_err();
        assert_eq!(scene.proxy.files()[0], "backend mine\n");
    }
}

#[tokio::test]
#[ignore = "needs haproxy"]
async fn fifty_registrations_at_once_are_a_few_reloads() {
    for scene in Scene::all() {
        let orders: Vec<_> = (0..50)
            .map(|n| scene.order(&format!("k3d/c{n}"), "127.0.0.1", 20_000 + n))
            .collect();
        let all = orders
            .iter()
            .map(|order| scene.registrar.register(order, None));
        let written = futures_util::future::join_all(all).await;
        assert!(written.iter().all(Result::is_ok), "{written:?}");
        assert_eq!(look(&scene.registrar).await.unwrap().entries.len(), 50);
        assert!(scene.proxy.reloads() <= 5, "{}", scene.proxy.reloads());
    }
}
