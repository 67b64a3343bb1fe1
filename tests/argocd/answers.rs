//! What the APIs may answer: what passes is waited out, what does not is said, and nothing is written by halves.

use std::fs;
use std::time::Duration;

use rollcall::model::Seen;
use rollcall::registrar::{ArgoCd, Fault, Registrar};
use serde_json::{Value, json};

use crate::node_api::SECRET;
use crate::world::{Cluster, World, providers, settings};

const SECRETS: &str = "/api/v1/namespaces/argocd/secrets";

fn times(status: u16, method: &str, times: u32) -> Value {
    json!({
        "path_prefix": SECRETS, "method": method, "status": status, "retry_after": 1,
        "times": times,
    })
}

#[tokio::test]
#[ignore = "needs the program of tests/node: ROLLCALL_TEST_NODE=PATH"]
async fn what_passes_is_waited_out() {
    let (world, dev) = (World::start(), Cluster::start("k3d/dev"));
    for status in [429, 503, 504] {
        world.management.fault(&times(status, "GET", 2)).await;
        world.management.fault(&times(status, "POST", 1)).await;
        let written = world.register(&dev).await.unwrap();
        world.argocd.deregister(&dev.id, &written).await.unwrap();
    }
}

#[tokio::test]
#[ignore = "needs the program of tests/node: ROLLCALL_TEST_NODE=PATH"]
async fn what_does_not_pass_is_unknown_and_says_what_to_do() {
    let world = World::start();
    for (status, words) in [
        (401, "earlier life"),
        (403, "use one who may"),
        (500, "kubectl --context default"),
    ] {
        world
            .management
            .fault(&json!({"path_prefix": SECRETS, "status": status}))
            .await;
        let unseen = world.unseen(Duration::from_secs(10)).await;
        assert!(
            unseen.error.contains(&status.to_string()),
            "{}",
            unseen.error
        );
        let hint = unseen.hint.unwrap();
        assert!(hint.contains(words), "{status}: {hint}");
        world.management.heal().await;
    }
    world
        .management
        .fault(&json!({"path_prefix": SECRETS, "status": 0}))
        .await;
    let unseen = world.unseen(Duration::from_millis(500)).await;
    assert!(
        unseen.error.contains("no answer within"),
        "{}",
        unseen.error
    );
}

#[tokio::test]
#[ignore = "needs the program of tests/node: ROLLCALL_TEST_NODE=PATH"]
async fn a_refused_write_is_told_apart_from_one_that_may_work_next_time() {
    let (world, dev) = (World::start(), Cluster::start("k3d/dev"));
    for (status, fault) in [
        (401, Fault::Permanent),
        (403, Fault::Permanent),
        (409, Fault::NotOurs),
        (422, Fault::Permanent),
        (500, Fault::Transient),
    ] {
        world.management.fault(&times(status, "POST", 1)).await;
        let failed = world.register(&dev).await.unwrap_err();
        assert_eq!(failed.fault, fault, "{status}: {failed}");
        assert!(
            failed.message.contains("create Secret cluster-dev"),
            "{failed}"
        );
        assert!(world.seen().await.entries.is_empty(), "{status}");
        world.management.heal().await;
    }
    world.register(&dev).await.unwrap();
}

#[tokio::test]
#[ignore = "needs the program of tests/node: ROLLCALL_TEST_NODE=PATH"]
async fn no_secret_is_written_for_a_cluster_that_refuses_its_own_token() {
    let (world, dev) = (World::start(), Cluster::start("k3d/dev"));
    dev.node
        .fault(&json!({"path_prefix": "/api/v1/namespaces", "method": "GET", "status": 401}))
        .await;
    let failed = world.register(&dev).await.unwrap_err();
    assert!(!failed.message.contains("eyJ"), "{failed}");
    assert!(world.seen().await.entries.is_empty());
    dev.node.heal().await;
    world.register(&dev).await.unwrap();
}

#[tokio::test]
#[ignore = "needs the program of tests/node: ROLLCALL_TEST_NODE=PATH"]
async fn a_look_costs_the_same_for_many_as_for_one_and_a_list_goes_on_after_410() {
    let world = World::start();
    let mut costs = Vec::new();
    for count in [1, 40, 600] {
        for number in 0..count {
            let name = format!("cluster-of-{count}-{number}");
            let secret = json!({
                "metadata": {"name": name, "labels": {"argocd.argoproj.io/secret-type": "cluster"}},
                "stringData": {"name": name, "server": format!("https://{name}:6443"), "config": "{}"},
            });
            world.management.make(SECRET, "argocd", secret).await;
        }
        world.management.count_anew().await;
        world.seen().await;
        costs.push(world.management.requests().await["total"].clone());
    }
    // The last list has a second page.
    assert_eq!(costs, [json!(2), json!(2), json!(3)]);
    let all = world.seen().await.entries.len();
    let gone = json!({"path_prefix": SECRETS, "status": 410, "times": 1});
    world.management.fault(&gone).await;
    assert_eq!(world.seen().await.entries.len(), all);
}

#[tokio::test]
#[ignore = "needs the program of tests/node: ROLLCALL_TEST_NODE=PATH"]
async fn a_kubeconfig_that_cannot_be_used_is_unknown_and_named() {
    let world = World::start();
    let file = world.management.kubeconfig();
    let good = fs::read_to_string(&file).unwrap();
    let with_program = good.replace(
        "users:",
        "users:\n- name: other\n  user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: touch, args: [started]}}",
    );
    let with_program = with_program.replace("    user: default", "    user: other");
    for (text, words) in [
        ("{", "it is no kubeconfig"),
        ("apiVersion: v1\nkind: Config\n", "there is none"),
        (with_program.as_str(), "none is started"),
    ] {
        fs::write(&file, text).unwrap();
        let argocd = ArgoCd::new(settings(&world.management), providers());
        let Seen::Unknown(unseen) = argocd.observe(Duration::from_secs(10)).await else {
            panic!("{words}: it is known")
        };
        assert!(unseen.error.contains(words), "{words}: {}", unseen.error);
        assert!(unseen.hint.unwrap().contains("get-contexts"));
        fs::write(&file, &good).unwrap();
    }
    fs::remove_file(&file).unwrap();
    world.unseen(Duration::from_secs(10)).await;
}
