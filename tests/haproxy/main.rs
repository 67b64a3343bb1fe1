//! The HAProxy registrar against the real HAProxy, with real requests. `scripts/test` runs these where haproxy is.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and starts processes"
)]

mod proxy;

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use rollcall::model::{
    ClusterId, ClusterView, Fingerprint, Incarnation, Phase, Port, Ports, ProviderId,
    RegistrarView, Seen, Unseen,
};
use rollcall::provider::Access;
use rollcall::registrar::{Fault, Haproxy, HaproxySettings, RegisterOrder, Registrar};

use proxy::{Proxy, get};

const NEEDS: &str = "needs haproxy";

/// The registrar of a HAProxy.
fn registrar_of(proxy: &Proxy) -> Haproxy {
    let settings = HaproxySettings {
        dir: proxy.path("rollcall"),
        files: vec![proxy.path("base.cfg")],
        program: "/usr/sbin/haproxy".into(),
        socket: proxy.path("master"),
        address: "127.0.0.1".to_owned(),
        inside: Ports::HTTP,
        env: BTreeMap::new(),
    };
    Haproxy::new(settings, ["k3d", "kind"].map(ProviderId::new).to_vec())
}

/// A cluster that answers with its name on a port of this host.
fn cluster(name: &'static str) -> RegisterOrder {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            std::thread::spawn(move || {
                let mut head = [0; 4096];
                let _ = stream.read(&mut head);
                let length = name.len();
                let _ = write!(
                    stream,
                    "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{name}"
                );
            });
        }
    });
    order(name, port)
}

fn order(name: &str, port: u16) -> RegisterOrder {
    let id: ClusterId = name.parse().unwrap();
    let life = Incarnation::new("one");
    RegisterOrder {
        access: Access {
            id: id.clone(),
            incarnation: life.clone(),
            server: "https://127.0.0.1:1".to_owned(),
            ca_data: String::new(),
            client_certificate_data: "".into(),
            client_key_data: "".into(),
        },
        cluster: ClusterView {
            id,
            phase: Phase::Running,
            detail: None,
            incarnation: Some(life),
            nodes: Vec::new(),
            networks: Vec::new(),
            volumes: Vec::new(),
            ports: [(Ports::HTTP, Port::parse(i64::from(port)).unwrap())].into(),
            api_port: None,
            subnet: None,
            server_ip: None,
            accepts_ports: false,
            probed: false,
        },
    }
}

async fn look(registrar: &Haproxy) -> Result<RegistrarView, Unseen> {
    match registrar.observe(Duration::from_secs(20)).await {
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
async fn requests_go_to_the_cluster_of_their_name_and_to_no_other() {
    let proxy = Proxy::new();
    let registrar = registrar_of(&proxy);
    assert!(
        look(&registrar).await.unwrap().entries.is_empty(),
        "{NEEDS}"
    );
    let (dev, longer) = (cluster("k3d/dev"), cluster("kind/dev-a"));
    let first = registrar.register(&dev, None).await.unwrap();
    registrar.register(&longer, None).await.unwrap();
    assert_eq!(
        [proxy.get("dev"), proxy.get("dev-a"), proxy.get("de")],
        ["k3d/dev", "kind/dev-a", "404"]
    );
    assert_eq!(
        entry(&registrar, "k3d/dev").await,
        Some((first.clone(), None))
    );
    registrar.deregister(&dev.cluster.id, &first).await.unwrap();
    assert_eq!(
        [proxy.get("dev"), proxy.get("dev-a")],
        ["404", "kind/dev-a"]
    );
    registrar.deregister(&dev.cluster.id, &first).await.unwrap();
    assert_eq!(
        proxy.base(),
        fs::read_to_string(proxy.path("base.cfg")).unwrap()
    );
}

#[tokio::test]
#[ignore = "needs haproxy"]
async fn a_hundred_reloads_lose_no_request() {
    let proxy = Proxy::new();
    let registrar = registrar_of(&proxy);
    registrar.register(&cluster("k3d/dev"), None).await.unwrap();
    let (stop, asked) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicUsize::new(0)),
    );
    let asking: Vec<_> = (0..2)
        .map(|_| {
            let (port, stop, asked) = (proxy.port, Arc::clone(&stop), Arc::clone(&asked));
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
    let other = cluster("kind/ops");
    for _ in 0..50 {
        let written = registrar.register(&other, None).await.unwrap();
        registrar
            .deregister(&other.cluster.id, &written)
            .await
            .unwrap();
    }
    stop.store(true, Ordering::SeqCst);
    let lost: Vec<String> = asking
        .into_iter()
        .flat_map(|thread| thread.join().unwrap())
        .collect();
    assert!(proxy.reloads() >= 100, "{}", proxy.reloads());
    assert!(asked.load(Ordering::SeqCst) > 200, "{asked:?}");
    assert!(lost.is_empty(), "{lost:?}");
}

#[tokio::test]
#[ignore = "needs haproxy"]
async fn every_damage_is_seen_and_mended_in_place() {
    let mut proxy = Proxy::new();
    let registrar = registrar_of(&proxy);
    let (dev, ops) = (cluster("k3d/dev"), cluster("kind/ops"));
    let ours = registrar.register(&dev, None).await.unwrap();
    registrar.register(&ops, None).await.unwrap();
    let whole = proxy.files();
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
        fs::write(proxy.path("rollcall/50-rollcall.cfg"), config).unwrap();
        fs::write(proxy.path("rollcall/rollcall.map"), map).unwrap();
        proxy.stop();
        proxy.start();
        let seen = entry(&registrar, "k3d/dev").await;
        let print = seen.as_ref().map(|(print, _)| print);
        assert_ne!(print, Some(&ours), "{damage}: {seen:?}");
        registrar.register(&dev, print).await.unwrap();
        let other = entry(&registrar, "kind/ops").await.map(|(print, _)| print);
        registrar.register(&ops, other.as_ref()).await.unwrap();
        assert_eq!(
            entry(&registrar, "k3d/dev").await,
            Some((ours.clone(), None)),
            "{damage}"
        );
        assert_eq!(
            [proxy.get("dev"), proxy.get("ops")],
            ["k3d/dev", "kind/ops"],
            "{damage}"
        );
    }
}

#[tokio::test]
#[ignore = "needs haproxy"]
async fn what_is_written_and_not_loaded_is_in_trouble_and_is_loaded() {
    let mut proxy = Proxy::new();
    let registrar = registrar_of(&proxy);
    let dev = cluster("k3d/dev");
    let ours = registrar.register(&dev, None).await.unwrap();
    let [config, map] = proxy.files();
    registrar.deregister(&dev.cluster.id, &ours).await.unwrap();
    // As after a crash between the rename and the reload.
    fs::write(proxy.path("rollcall/50-rollcall.cfg"), config).unwrap();
    fs::write(proxy.path("rollcall/rollcall.map"), map).unwrap();
    let seen = entry(&registrar, "k3d/dev").await;
    assert_eq!(seen, Some((ours.clone(), Some("not loaded".to_owned()))));
    assert_eq!(proxy.get("dev"), "404");
    registrar.register(&dev, Some(&ours)).await.unwrap();
    assert_eq!(entry(&registrar, "k3d/dev").await, Some((ours, None)));
    assert_eq!(proxy.get("dev"), "k3d/dev");
    let before = proxy.reloads();
    let again = entry(&registrar, "k3d/dev").await.unwrap().0;
    registrar.register(&dev, Some(&again)).await.unwrap();
    assert_eq!(
        proxy.reloads(),
        before,
        "what is in place and loaded is not loaded again"
    );
    proxy.stop();
    let unseen = look(&registrar).await.unwrap_err();
    assert!(unseen.error.contains("master"), "{unseen:?}");
}

#[tokio::test]
#[ignore = "needs haproxy"]
async fn a_broken_file_of_the_users_changes_nothing_and_is_named() {
    let proxy = Proxy::new();
    let registrar = registrar_of(&proxy);
    registrar.register(&cluster("k3d/dev"), None).await.unwrap();
    let before = proxy.files();
    fs::write(proxy.path("base.cfg"), proxy.base() + "nonsense\n").unwrap();
    let error = registrar
        .register(&cluster("kind/ops"), None)
        .await
        .unwrap_err();
    assert_eq!(error.fault, Fault::Permanent);
    assert!(error.message.contains("nonsense"), "{error:?}");
    assert!(
        error.hint.as_ref().unwrap().contains("base.cfg"),
        "{error:?}"
    );
    assert_eq!(proxy.files(), before);
    assert_eq!([proxy.get("dev"), proxy.get("ops")], ["k3d/dev", "404"]);
    fs::write(proxy.path("base.cfg"), proxy.base()).unwrap();
    registrar
        .register(&cluster("kind/ops"), None)
        .await
        .unwrap();
    assert_eq!(proxy.get("ops"), "kind/ops");
}

#[tokio::test]
#[ignore = "needs haproxy"]
async fn routes_that_haproxy_does_not_load_are_taken_back() {
    let proxy = Proxy::new();
    let registrar = registrar_of(&proxy);
    registrar.register(&cluster("k3d/dev"), None).await.unwrap();
    let before = proxy.files();
    // A check binds no port, so it cannot know that this one is taken.
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let more = format!(
        "frontend more\n    bind 127.0.0.1:{}\n    default_backend none\n",
        taken.local_addr().unwrap().port()
    );
    fs::write(proxy.path("base.cfg"), proxy.base() + &more).unwrap();
    let ops = cluster("kind/ops");
    let error = registrar.register(&ops, None).await.unwrap_err();
    assert!(error.message.contains("could not load"), "{error:?}");
    assert_eq!(proxy.files(), before);
    assert_eq!([proxy.get("dev"), proxy.get("ops")], ["k3d/dev", "404"]);
    drop(taken);
    registrar.register(&ops, None).await.unwrap();
    assert_eq!(proxy.get("ops"), "kind/ops");
}

#[tokio::test]
#[ignore = "needs haproxy"]
async fn an_entry_that_changed_since_it_was_seen_is_left_alone() {
    let proxy = Proxy::new();
    let registrar = registrar_of(&proxy);
    let dev = cluster("k3d/dev");
    let ours = registrar.register(&dev, None).await.unwrap();
    let stale = registrar.register(&dev, None).await.unwrap_err();
    assert_eq!(stale.fault, Fault::NotOurs);
    let config =
        proxy.files()[0].replace("server cluster ", "option httpclose\n    server cluster ");
    fs::write(proxy.path("rollcall/50-rollcall.cfg"), config).unwrap();
    let gone = registrar
        .deregister(&dev.cluster.id, &ours)
        .await
        .unwrap_err();
    assert_eq!(gone.fault, Fault::NotOurs);
    fs::write(proxy.path("rollcall/50-rollcall.cfg"), "backend mine\n").unwrap();
    let unseen = look(&registrar).await.unwrap_err();
    assert!(
        unseen.error.contains("not written by rollcall"),
        "{unseen:?}"
    );
    registrar.register(&dev, None).await.unwrap_err();
    assert_eq!(proxy.files()[0], "backend mine\n");
}

#[tokio::test]
#[ignore = "needs haproxy"]
async fn fifty_registrations_at_once_are_a_few_reloads() {
    let proxy = Proxy::new();
    let registrar = registrar_of(&proxy);
    let orders: Vec<_> = (0..50)
        .map(|n| order(&format!("k3d/c{n}"), 20_000 + n))
        .collect();
    let all = orders.iter().map(|order| registrar.register(order, None));
    let written = futures_util::future::join_all(all).await;
    assert!(written.iter().all(Result::is_ok), "{written:?}");
    assert_eq!(look(&registrar).await.unwrap().entries.len(), 50);
    assert!(proxy.reloads() <= 5, "{}", proxy.reloads());
}
