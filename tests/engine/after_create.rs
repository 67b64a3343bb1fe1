//! What follows a creation: images in every node, objects in the API, once in a cluster's life.

use std::fs;
use std::os::unix::process::ExitStatusExt;

use serde_json::{Value, json};

use crate::argocd::{PAIR, cluster};
use crate::bench::{Bench, NewRow, docker, tool};
use crate::management::{CONFIG_MAP, Sort};
use crate::process::until;
use crate::six::{SIX, assert_true};

const DEPLOYMENT: Sort<'_> = ("apps", "v1", "Deployment");
const JOB: Sort<'_> = ("batch", "v1", "Job");
const SPACE: Option<&str> = Some("ingress");
/// The images that are loaded. The second one has no tag and no registry in its name.
const IMAGES: [&str; 2] = ["rollcall-test/ingress:1", "rollcall-whoami"];

/// The objects that are applied: the workload before what it needs, as people write them.
const OBJECTS: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: controller, namespace: ingress}
spec:
  replicas: 2
  selector: {matchLabels: {app: controller}}
  template:
    metadata: {labels: {app: controller}}
    spec: {containers: [{name: controller, image: 'rollcall-test/ingress:1'}]}
---
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: ConfigMap, metadata: {name: settings, namespace: ingress}, data: {colour: blue}}
- {apiVersion: batch/v1, kind: Job, metadata: {name: stays, namespace: ingress}, spec: {template: {}}}
- {apiVersion: batch/v1, kind: Job, metadata: {name: goes, namespace: ingress}, spec: {ttlSecondsAfterFinished: 0}}
---
{\"apiVersion\": \"v1\", \"kind\": \"Namespace\", \"metadata\": {\"name\": \"ingress\"}}
";

/// Both providers have something to do after each creation.
fn with_after_create(bench: &Bench) {
    let k3s = std::env::var("ROLLCALL_TEST_K3S_IMAGE").unwrap();
    for image in IMAGES {
        docker(&["tag", &k3s, image]);
    }
    fs::write(bench.path("ingress.yaml"), OBJECTS).unwrap();
    let file = bench.path("rollcall.toml");
    let mut config = fs::read_to_string(&file).unwrap();
    for provider in ["k3d", "kind"] {
        config += &format!(
            "[[provider.{provider}.after_create]]\nimages = {IMAGES:?}\n\
             [[provider.{provider}.after_create]]\nmanifests = ['ingress.yaml']\n"
        );
    }
    fs::write(file, config).unwrap();
}

fn node(row: &NewRow<'_>) -> String {
    match row.1 {
        "k3d" => format!("k3d-{}-server-0", row.0),
        _ => format!("{}-control-plane", row.0),
    }
}

/// What a node's containerd has.
fn images(row: &NewRow<'_>) -> String {
    let list = ["ctr", "--namespace=k8s.io", "images", "ls", "-q"];
    tool("docker", &[&["exec", &node(row)], list.as_slice()].concat()).1
}

#[track_caller]
fn prepared(bench: &Bench, row: &NewRow<'_>) {
    let there = images(row);
    for image in [
        "docker.io/rollcall-test/ingress:1",
        "docker.io/library/rollcall-whoami:latest",
    ] {
        assert!(there.contains(image), "{}: {there}", row.0);
    }
    let cluster = cluster(bench, &format!("{}-{}", row.1, row.0));
    let settings = cluster.get(CONFIG_MAP, SPACE, "settings").unwrap();
    assert_eq!(settings["data"]["colour"], "blue");
    let workload = cluster.get(DEPLOYMENT, SPACE, "controller").unwrap();
    assert_eq!(workload["status"]["availableReplicas"], 2, "{workload:#}");
    let job = cluster.get(JOB, SPACE, "stays").unwrap();
    assert_eq!(job["status"]["succeeded"], 1, "{job:#}");
    until("the job that goes by itself", || {
        cluster.get(JOB, SPACE, "goes").is_none()
    });
}

/// The actions of a plan, in its order.
fn actions(bench: &Bench) -> Vec<String> {
    let plan = bench.rollcall(&["reconcile", "-o", "json"]).json();
    let steps = plan["steps"].as_array().unwrap();
    let word = |step: &Value| step["action"].as_str().unwrap().to_owned();
    steps.iter().map(word).collect()
}

#[test]
#[ignore = "needs an engine of its own: scripts/engine run DIR -- cargo test -- --include-ignored"]
fn each_new_life_is_prepared_once() {
    let bench = Bench::new();
    with_after_create(&bench);
    bench.rows(&PAIR);
    assert_eq!(
        actions(&bench),
        [
            "create", "prepare", "register", "create", "prepare", "register"
        ]
    );
    bench.rollcall(&["reconcile", "--repair"]).code(0);
    assert_true(&bench, &PAIR);
    PAIR.iter().for_each(|row| prepared(&bench, row));

    // What people do there afterwards is theirs.
    let first = cluster(&bench, "k3d-rt-a");
    first.edit(
        CONFIG_MAP,
        SPACE,
        "settings",
        &json!({"data": {"colour": "red"}}),
    );
    let again = bench.rollcall(&["reconcile", "--repair"]).code(0);
    assert!(again.out.contains("in sync"), "{}", again.out);
    docker(&["stop", "k3d-rt-a-server-0", "k3d-rt-a-serverlb"]);
    bench.rollcall(&["reconcile", "--repair"]).code(0);
    let settings = first.get(CONFIG_MAP, SPACE, "settings").unwrap();
    assert_eq!(settings["data"]["colour"], "red");

    let replace = ["reconcile", "--repair", "--replace", "rt-a", "--yes"];
    bench.rollcall(&replace).code(0);
    prepared(&bench, &PAIR[0]);
}

#[test]
#[ignore = "needs an engine of its own: scripts/engine run DIR -- cargo test -- --include-ignored"]
fn what_was_killed_or_failed_before_its_end_is_done_by_the_next_repair() {
    let bench = Bench::new();
    with_after_create(&bench);
    bench.rows(&PAIR[..1]);
    for at in [
        "create:recorded",
        "prepare:before",
        "prepare:running",
        "prepare:made",
        "prepare:done",
    ] {
        docker(&["rm", "-fv", "k3d-rt-a-server-0", "k3d-rt-a-serverlb"]);
        let mut command = bench.command(&["reconcile", "--repair"]);
        let output = command.env("ROLLCALL_TEST_DIE_AT", at).output().unwrap();
        let err = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.signal(), Some(9), "{at}: {err}");
        let life = docker(&["inspect", "-f", "{{.Id}}", "k3d-rt-a-server-0"]);
        bench.rollcall(&["reconcile", "--repair"]).code(0);
        prepared(&bench, &PAIR[0]);
        assert_eq!(
            docker(&["inspect", "-f", "{{.Id}}", "k3d-rt-a-server-0"]),
            life,
            "{at}: made twice"
        );
    }

    // A manifest that the API refuses: the cluster is there and can be reached, and what is left is said.
    let wrong = OBJECTS.replace("kind: ConfigMap", "kind: ConfigMapp");
    fs::write(bench.path("ingress.yaml"), wrong).unwrap();
    bench.sql("DELETE FROM clusters");
    bench.rows(&SIX[3..4]);
    let args = [
        "reconcile",
        "--repair",
        "--step-timeout",
        "60s",
        "--retries",
        "0",
    ];
    let failed = bench.rollcall(&args).code(1);
    let said = failed.out + &failed.err;
    assert!(
        said.contains("ConfigMapp of v1: this cluster has no such kind"),
        "{said}"
    );
    assert!(bench.contexts().contains(&"kind-rt-d".to_owned()));
    assert_eq!(actions(&bench), ["prepare"]);
    fs::write(bench.path("ingress.yaml"), OBJECTS).unwrap();
    bench.rollcall(&["reconcile", "--repair"]).code(0);
    prepared(&bench, &SIX[3]);
}

#[test]
#[ignore = "needs an engine of its own: scripts/engine run DIR -- cargo test -- --include-ignored"]
fn what_is_missing_for_it_is_said_before_anything_is_made() {
    let bench = Bench::new();
    with_after_create(&bench);
    bench.rows(&PAIR);
    let file = bench.path("rollcall.toml");
    let config = fs::read_to_string(&file).unwrap();
    fs::write(&file, config.replace("rollcall-whoami", "rollcall-nowhere")).unwrap();
    let failed = bench.rollcall(&["reconcile", "--repair"]).code(1);
    let said = failed.out + &failed.err;
    assert!(
        said.contains("rollcall-nowhere") && said.contains("docker pull"),
        "{said}"
    );
    assert_eq!(docker(&["ps", "-aq"]), "");
    fs::write(&file, config).unwrap();
    fs::write(bench.path("ingress.yaml"), "no: [manifest").unwrap();
    let failed = bench.rollcall(&["reconcile", "--repair"]).code(1);
    let said = failed.out + &failed.err;
    assert!(said.contains("ingress.yaml is no YAML: line"), "{said}");
    assert_eq!(docker(&["ps", "-aq"]), "");
}
