//! What a cluster's Secret says, what changes it and what does not.

use rollcall::model::Obstacle;
use rollcall::registrar::{ArgoCd, ArgoCdSettings, Fault, Reach, Registrar};
use serde_json::{Value, json};

use crate::node_api::{SECRET, Sort, until};
use crate::world::{Cluster, World, encode, providers, settings};

const SERVICE_ACCOUNT: Sort = ("", "ServiceAccount", "serviceaccounts");

#[tokio::test]
#[ignore = "needs the program of tests/node: ROLLCALL_TEST_NODE=PATH"]
async fn a_cluster_is_registered_with_credentials_that_work() {
    let (world, dev) = (World::start(), Cluster::start("k3d/dev"));
    let written = world.register(&dev).await.unwrap();
    let seen = world.seen().await;
    let entry = &seen.entries[&dev.id];
    assert_eq!((&entry.fingerprint, &entry.trouble), (&written, &None));
    assert_eq!(entry.endpoint, "https://k3d-dev-serverlb:6443");
    let config: Value = serde_json::from_str(&world.said("dev", "config").await).unwrap();
    assert_eq!(config["tlsClientConfig"]["insecure"], false);
    assert_eq!(config["tlsClientConfig"]["serverName"], "k3d-dev-serverlb");
    assert_eq!(
        config["tlsClientConfig"]["caData"],
        dev.order().access.ca_data
    );
    assert_eq!(world.argocd.prove(&dev.view()).await, Some(Ok(())));
    let labels = world.secret("dev").await["metadata"]["labels"].clone();
    let expected = json!({
        "argocd.argoproj.io/secret-type": "cluster", "env": "dev", "provider": "k3d",
        "type": "business", "app.kubernetes.io/managed-by": "rollcall",
    });
    assert_eq!(labels, expected);
}

#[tokio::test]
#[ignore = "needs the program of tests/node: ROLLCALL_TEST_NODE=PATH"]
async fn what_others_added_to_the_secret_stays_and_is_no_difference() {
    let (world, dev) = (World::start(), Cluster::start("k3d/dev"));
    let written = world.register(&dev).await.unwrap();
    let before = world.secret("dev").await["metadata"]["uid"].clone();
    let more = json!({
        "metadata": {
            "labels": {"argocd.argoproj.io/kubernetes-version": "v1.31", "team": "blue"},
            "annotations": {"argocd.argoproj.io/refresh": "now"},
        },
        "data": {"project": encode("blue"), "shard": encode("1")},
    });
    world.edit("dev", &more).await;
    assert_eq!(world.seen().await.entries[&dev.id].fingerprint, written);
    world
        .edit("dev", &json!({"data": {"server": encode("https://x:1/")}}))
        .await;
    assert_eq!(world.register(&dev).await.unwrap(), written);
    let secret = world.secret("dev").await;
    assert_eq!(secret["metadata"]["uid"], before);
    assert_eq!(secret["metadata"]["labels"]["team"], "blue");
    assert_eq!(secret["data"]["project"], encode("blue"));
}

#[tokio::test]
#[ignore = "needs the program of tests/node: ROLLCALL_TEST_NODE=PATH"]
async fn a_secret_of_the_predecessor_becomes_ours_in_place() {
    let (world, dev) = (World::start(), Cluster::start("k3d/dev"));
    let theirs = json!({
        "metadata": {
            "name": "cluster-dev",
            "labels": {
                "argocd.argoproj.io/secret-type": "cluster", "env": "dev", "provider": "k3d",
                "type": "business",
            },
            "annotations": {"portainer-edge-id": "7", "portainer-edge-key": "secret"},
        },
        "stringData": {
            "name": "dev",
            "server": "https://host.k3d.internal:6550",
            "config": "{\"bearerToken\": \"t\", \"tlsClientConfig\": {\"insecure\": true}}",
        },
    });
    let made = world.management.make(SECRET, "argocd", theirs).await;
    let seen = world.seen().await;
    assert_eq!(seen.entries.keys().collect::<Vec<_>>(), [&dev.id]);
    assert_eq!(
        seen.entries[&dev.id].endpoint,
        "https://host.k3d.internal:6550"
    );
    assert!(
        seen.obstacles
            .keys()
            .all(|id| id.name.as_str() == "in-cluster" || id.provider.as_str() == "kind")
    );
    let written = world.register(&dev).await.unwrap();
    assert_eq!(world.seen().await.entries[&dev.id].fingerprint, written);
    let secret = world.secret("dev").await;
    assert_eq!(secret["metadata"]["uid"], made["metadata"]["uid"]);
    assert_eq!(world.argocd.prove(&dev.view()).await, Some(Ok(())));
}

#[tokio::test]
#[ignore = "needs the program of tests/node: ROLLCALL_TEST_NODE=PATH"]
async fn what_changed_since_the_look_is_left_alone() {
    let (world, dev) = (World::start(), Cluster::start("k3d/dev"));
    let written = world.register(&dev).await.unwrap();
    world
        .edit("dev", &json!({"data": {"server": encode("https://x:1")}}))
        .await;
    let before = world.secret("dev").await;
    let order = dev.order();
    for expected in [Some(&written), None] {
        let refused = world.argocd.register(&order, expected).await.unwrap_err();
        assert_eq!(refused.fault, Fault::NotOurs, "{refused}");
    }
    let refused = world
        .argocd
        .deregister(&dev.id, &written)
        .await
        .unwrap_err();
    assert_eq!(refused.fault, Fault::NotOurs, "{refused}");
    assert_eq!(world.secret("dev").await, before);
}

#[tokio::test]
#[ignore = "needs the program of tests/node: ROLLCALL_TEST_NODE=PATH"]
async fn a_secret_that_went_since_the_look_is_not_made_anew() {
    let (world, dev) = (World::start(), Cluster::start("k3d/dev"));
    world.register(&dev).await.unwrap();
    world
        .edit("dev", &json!({"data": {"server": encode("https://x:1")}}))
        .await;
    // The write is asked for a second time: meanwhile the Secret goes.
    let busy = json!({
        "path_prefix": "/api/v1/namespaces/argocd/secrets", "method": "PATCH", "status": 429,
        "retry_after": 2, "times": 1,
    });
    world.management.fault(&busy).await;
    world.management.count_anew().await;
    let (told, ()) = tokio::join!(world.register(&dev), async {
        until("the write", async || {
            let requests = world.management.requests().await;
            requests["by"]["PATCH /api/v1/namespaces/argocd/secrets/cluster-dev"] == 1
        })
        .await;
        world
            .management
            .remove(SECRET, "argocd", "cluster-dev")
            .await;
    });
    let refused = told.unwrap_err();
    assert_eq!(refused.fault, Fault::NotOurs, "{refused}");
    let there = world.management.find(SECRET, "argocd", "cluster-dev").await;
    assert_eq!(there, None);
}

#[tokio::test]
#[ignore = "needs the program of tests/node: ROLLCALL_TEST_NODE=PATH"]
async fn an_attempt_whose_answer_was_lost_is_gone_on_with() {
    let (world, dev) = (World::start(), Cluster::start("k3d/dev"));
    let order = dev.order();
    let written = world.argocd.register(&order, None).await.unwrap();
    let version = world.secret("dev").await["metadata"]["resourceVersion"].clone();
    assert_eq!(world.argocd.register(&order, None).await, Ok(written));
    let now = world.secret("dev").await["metadata"]["resourceVersion"].clone();
    assert_eq!(now, version, "nothing was written");
}

#[tokio::test]
#[ignore = "needs the program of tests/node: ROLLCALL_TEST_NODE=PATH"]
async fn a_secret_goes_alone_and_only_once() {
    let world = World::start();
    let (dev, longer) = (Cluster::start("k3d/dev"), Cluster::start("k3d/dev-a"));
    let written = world.register(&dev).await.unwrap();
    world.register(&longer).await.unwrap();
    world.argocd.deregister(&dev.id, &written).await.unwrap();
    world.argocd.deregister(&dev.id, &written).await.unwrap();
    let left = world.seen().await.entries;
    assert_eq!(left.keys().collect::<Vec<_>>(), [&longer.id]);
}

#[tokio::test]
#[ignore = "needs the program of tests/node: ROLLCALL_TEST_NODE=PATH"]
async fn a_copy_under_another_name_is_in_the_way_and_no_entry() {
    let (world, dev) = (World::start(), Cluster::start("k3d/dev"));
    world.register(&dev).await.unwrap();
    let mut copy = world.secret("dev").await;
    copy["metadata"] = json!({
        "name": "cluster-copy",
        "labels": copy["metadata"]["labels"],
        "annotations": copy["metadata"]["annotations"],
    });
    world.management.make(SECRET, "argocd", copy).await;
    let seen = world.seen().await;
    assert_eq!(seen.entries.keys().collect::<Vec<_>>(), [&dev.id]);
    let Obstacle { what, remedy, .. } = &seen.obstacles[&dev.id][0];
    assert!(what.contains("cluster-copy"), "{what}");
    assert!(remedy.contains("edit secret cluster-copy"), "{remedy}");
}

#[tokio::test]
#[ignore = "needs the program of tests/node: ROLLCALL_TEST_NODE=PATH"]
async fn a_token_is_awaited_and_one_of_an_earlier_account_is_not_taken() {
    let (world, dev) = (World::start(), Cluster::start("k3d/dev"));
    world.register(&dev).await.unwrap();
    let first = world.said("dev", "config").await;
    world.seen().await;
    let refused = Some(Err("its cluster refuses the token".to_owned()));
    dev.node
        .remove(SERVICE_ACCOUNT, "kube-system", "argocd-manager")
        .await;
    // An API server remembers for some seconds whom it let in.
    until("the end of the token", async || {
        world.argocd.prove(&dev.view()).await == refused
    })
    .await;
    world.register(&dev).await.unwrap();
    assert_ne!(world.said("dev", "config").await, first);
    world.seen().await;
    assert_eq!(world.argocd.prove(&dev.view()).await, Some(Ok(())));
}

#[tokio::test]
#[ignore = "needs the program of tests/node: ROLLCALL_TEST_NODE=PATH"]
async fn over_the_host_the_published_port_is_used_and_the_name_still_verified() {
    let (world, dev) = (World::start(), Cluster::start("k3d/dev"));
    let settings = ArgoCdSettings {
        reach: Reach::Host("host.k3d.internal".to_owned()),
        ..settings(&world.management)
    };
    let argocd = ArgoCd::new(settings, providers());
    argocd.register(&dev.order(), None).await.unwrap();
    let port = dev.view().api_port.unwrap();
    assert_eq!(
        world.said("dev", "server").await,
        format!("https://host.k3d.internal:{port}")
    );
    assert!(
        world
            .said("dev", "config")
            .await
            .contains("k3d-dev-serverlb")
    );
}

#[tokio::test]
#[ignore = "needs the program of tests/node: ROLLCALL_TEST_NODE=PATH"]
async fn without_its_namespace_argo_cd_is_not_installed() {
    let world = World::start();
    let settings = ArgoCdSettings {
        namespace: "elsewhere".to_owned(),
        ..settings(&world.management)
    };
    let argocd = ArgoCd::new(settings, providers());
    let seen = argocd.observe(std::time::Duration::from_secs(10)).await;
    assert!(!seen.known().unwrap().installed);
}

#[tokio::test]
#[ignore = "needs the program of tests/node: ROLLCALL_TEST_NODE=PATH"]
async fn another_way_than_the_settings_ask_for_now_is_seen_and_mended() {
    let (world, dev) = (World::start(), Cluster::start("k3d/dev"));
    let written = world.register(&dev).await.unwrap();
    let settings = ArgoCdSettings {
        reach: Reach::Host("host.k3d.internal".to_owned()),
        ..settings(&world.management)
    };
    let argocd = ArgoCd::new(settings, providers());
    let entry = async || {
        let seen = argocd.observe(std::time::Duration::from_secs(10)).await;
        seen.known().unwrap().entries[&dev.id].clone()
    };
    let words = "reached over network, not over host.k3d.internal";
    assert_eq!(entry().await.trouble.as_deref(), Some(words));
    argocd.register(&dev.order(), Some(&written)).await.unwrap();
    assert_eq!(entry().await.trouble, None);
}

#[tokio::test]
#[ignore = "needs the program of tests/node: ROLLCALL_TEST_NODE=PATH"]
async fn no_second_secret_of_one_server_or_name_is_made() {
    let (world, dev) = (World::start(), Cluster::start("k3d/dev"));
    for (name, server) in [
        ("mine", "https://k3d-dev-serverlb:6443/"),
        ("dev", "https://elsewhere:6443"),
    ] {
        let theirs = json!({
            "metadata": {
                "name": "theirs",
                "labels": {"argocd.argoproj.io/secret-type": "cluster"},
            },
            "stringData": {"name": name, "server": server, "config": "{}"},
        });
        world.management.make(SECRET, "argocd", theirs).await;
        let refused = world.register(&dev).await.unwrap_err();
        assert_eq!(refused.fault, Fault::NotOurs, "{refused}");
        assert!(refused.message.contains("Secret theirs"), "{refused}");
        assert!(world.seen().await.entries.is_empty());
        world.management.remove(SECRET, "argocd", "theirs").await;
    }
    world.seen().await;
    world.register(&dev).await.unwrap();
}
