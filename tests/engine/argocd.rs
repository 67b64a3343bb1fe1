//! Clusters are registered in Argo CD, and stay so: what it deploys reaches them.

use serde_json::{Value, json};

use crate::bench::{Bench, docker, tool};
use crate::management::{
    APPLICATION, BINDING, CONFIG_MAP, Cluster, NODE, SECRET, SERVICE_ACCOUNT, with_argocd,
};
use crate::process::until;
use crate::six::{SIX, assert_true};

pub(crate) const ARGOCD: Option<&str> = Some("argocd");
const KUBE_SYSTEM: Option<&str> = Some("kube-system");

/// One cluster's own API, by the context that rollcall wrote.
pub(crate) fn cluster(bench: &Bench, context: &str) -> Cluster {
    Cluster::of(&bench.kubeconfig(), Some(context))
}

/// Argo CD is to deploy to this cluster.
fn deploy(management: &Cluster, name: &str) {
    let application = json!({
        "metadata": {
            "name": format!("app-{name}"),
            "finalizers": ["resources-finalizer.argocd.argoproj.io"],
        },
        "spec": {"project": "default", "destination": {"name": name, "namespace": "default"}},
    });
    management.make(APPLICATION, ARGOCD, &application);
}

/// Whether what it deploys is there.
fn runs(cluster: &Cluster, name: &str) -> bool {
    let workload = format!("workload-app-{name}");
    cluster
        .get(CONFIG_MAP, Some("default"), &workload)
        .is_some()
}

/// What a cluster's Secret says under a key.
fn said(management: &Cluster, name: &str, key: &str) -> String {
    let secret = management.get(SECRET, ARGOCD, &format!("cluster-{name}"));
    decode(secret.unwrap()["data"][key].as_str().unwrap())
}

fn decode(text: &str) -> String {
    let bytes: k8s_openapi::ByteString = serde_json::from_value(json!(text)).unwrap();
    String::from_utf8(bytes.0).unwrap()
}

fn encode(text: &str) -> Value {
    json!(k8s_openapi::ByteString(text.as_bytes().to_vec()))
}

fn identity(management: &Cluster, name: &str) -> Value {
    let secret = management.get(SECRET, ARGOCD, &format!("cluster-{name}"));
    secret.unwrap()["metadata"]["uid"].clone()
}

fn members(network: &str) -> String {
    let format = "{{range .Containers}}{{.Name}} {{end}}";
    docker(&["network", "inspect", "-f", format, network])
}

#[test]
#[ignore = "needs an engine of its own: scripts/engine run DIR -- cargo test -- --include-ignored"]
fn six_clusters_are_registered_and_deployed_to() {
    let bench = Bench::new();
    let management = with_argocd(&bench);
    bench.rows(&SIX);
    let dry = bench.rollcall(&["reconcile"]).code(3);
    assert!(dry.out.contains("argocd/k3d/rt-a "), "{}", dry.out);
    bench.rollcall(&["reconcile", "--repair"]).code(0);
    assert_true(&bench, &SIX);
    for (name, provider, ..) in SIX {
        deploy(&management, name);
        assert!(members(&format!("{provider}-{name}")).contains(NODE));
        let config: Value = serde_json::from_str(&said(&management, name, "config")).unwrap();
        assert_eq!(config["tlsClientConfig"]["insecure"], false);
    }
    let again = bench.rollcall(&["reconcile", "--repair"]).code(0);
    assert!(again.out.contains("in sync"), "{}", again.out);
    for (name, provider, ..) in SIX {
        let target = cluster(&bench, &format!("{provider}-{name}"));
        until("what Argo CD deploys", || runs(&target, name));
    }
}

/// The rows of the smaller tests: one of each provider.
pub(crate) const PAIR: [crate::bench::NewRow<'static>; 2] = [SIX[0], SIX[3]];

/// Two clusters, registered.
fn registered() -> (Bench, Cluster) {
    let bench = Bench::new();
    let management = with_argocd(&bench);
    bench.rows(&PAIR);
    bench.rollcall(&["reconcile", "--repair"]).code(0);
    (bench, management)
}

/// The damage is seen with these words and mended by one repair, after which there is nothing to do.
#[track_caller]
pub(crate) fn mended(bench: &Bench, damage: &str, words: &[&str]) {
    let seen = bench.rollcall(&["reconcile"]).code(3);
    for word in words {
        assert!(seen.out.contains(word), "{damage}: {word}: {}", seen.out);
    }
    assert!(seen.out.contains(" 1 register"), "{damage}: {}", seen.out);
    bench.rollcall(&["reconcile", "--repair"]).code(0);
    let again = bench.rollcall(&["reconcile", "--repair"]).code(0);
    assert!(again.out.contains("in sync"), "{damage}: {}", again.out);
}

#[test]
#[ignore = "needs an engine of its own: scripts/engine run DIR -- cargo test -- --include-ignored"]
fn whatever_is_wrong_with_a_secret_is_named_and_mended_in_place() {
    let (bench, management) = registered();
    let config: Value = serde_json::from_str(&said(&management, "rt-a", "config")).unwrap();
    let with = |path: &str, value: Value| {
        let mut config = config.clone();
        *config.pointer_mut(path).unwrap() = value;
        json!({"data": {"config": encode(&config.to_string())}})
    };
    let other = said(&management, "rt-d", "config");
    let other: Value = serde_json::from_str(&other).unwrap();
    let uid = identity(&management, "rt-a");
    let labels = |value: Value| json!({"metadata": {"labels": value}});
    let damages: [(&str, Value, &str); 10] = [
        (
            "label lost",
            labels(json!({"argocd.argoproj.io/secret-type": null})),
            "secret-type  none live -> cluster row",
        ),
        (
            "owner lost",
            labels(json!({"app.kubernetes.io/managed-by": null, "provider": null})),
            "owner  none live -> rollcall row",
        ),
        (
            "other owner",
            labels(json!({"app.kubernetes.io/managed-by": "somebody"})),
            "owner  somebody live -> rollcall row",
        ),
        (
            "other server",
            json!({"data": {"server": encode("https://elsewhere:6443")}}),
            "server  https://elsewhere:6443 live -> https://k3d-rt-a-serverlb:6443 row",
        ),
        (
            "other name",
            json!({"data": {"name": encode("rt-x")}}),
            "name  rt-x live -> rt-a row",
        ),
        (
            "stale token",
            with("/bearerToken", other["bearerToken"].clone()),
            "token  ",
        ),
        (
            "stale CA",
            with(
                "/tlsClientConfig/caData",
                other["tlsClientConfig"]["caData"].clone(),
            ),
            "ca  ",
        ),
        (
            "not verified",
            with("/tlsClientConfig/insecure", json!(true)),
            "verified  no live -> yes row",
        ),
        (
            "bad JSON",
            json!({"data": {"config": encode("{\"bearerToken\":")}}),
            "config  unreadable",
        ),
        (
            "no config",
            json!({"data": {"config": null}}),
            "token  none live -> ",
        ),
    ];
    for (damage, change, words) in &damages {
        management.edit(SECRET, ARGOCD, "cluster-rt-a", change);
        mended(&bench, damage, &["argocd/k3d/rt-a", words]);
        assert_eq!(
            identity(&management, "rt-a"),
            uid,
            "{damage}: it was changed in place"
        );
    }
    management.remove(SECRET, ARGOCD, "cluster-rt-a");
    mended(&bench, "deleted", &["argocd/k3d/rt-a", "not registered"]);
    let target = cluster(&bench, "k3d-rt-a");
    target.remove(SERVICE_ACCOUNT, KUBE_SYSTEM, "argocd-manager");
    mended(
        &bench,
        "service account deleted",
        &["its cluster refuses the token"],
    );
    target.remove(BINDING, None, "argocd-manager-role-binding");
    mended(
        &bench,
        "binding deleted",
        &["its cluster gives the token no rights"],
    );
    docker(&["network", "disconnect", "k3d-rt-a", NODE]);
    mended(&bench, "network left", &["network/k3d/rt-a"]);
    deploy(&management, "rt-a");
    until("what Argo CD deploys", || runs(&target, "rt-a"));
}

#[test]
#[ignore = "needs an engine of its own: scripts/engine run DIR -- cargo test -- --include-ignored"]
fn what_others_registered_is_said_and_left_alone() {
    let (bench, management) = registered();
    let server = said(&management, "rt-a", "server");
    let foreign = |name: &str, server: &str, config: &str| {
        json!({
            "metadata": {
                "name": name, "labels": {"argocd.argoproj.io/secret-type": "cluster"},
            },
            "data": {"name": encode(name), "server": encode(server), "config": encode(config)},
        })
    };
    for (name, secret, words) in [
        (
            "doubled",
            foreign("doubled", &server, "{}"),
            "Secret doubled registers the same server",
        ),
        (
            "broken",
            foreign("broken", "https://broken:6443", "{\"bearerToken\":"),
            "the config of Secret broken is nothing that Argo CD can read",
        ),
    ] {
        management.make(SECRET, ARGOCD, &secret);
        let before = management.get(SECRET, ARGOCD, name);
        for mode in [
            &["reconcile"][..],
            &["reconcile", "--repair"],
            &["reconcile", "--prune", "--allow-all"],
        ] {
            let said = bench.rollcall(mode).code(3);
            assert!(said.out.contains(words), "{}", said.out);
            assert!(
                said.out.contains(&format!("edit secret {name}")),
                "{}",
                said.out
            );
        }
        assert_eq!(management.get(SECRET, ARGOCD, name), before);
        management.remove(SECRET, ARGOCD, name);
    }
    bench.rollcall(&["reconcile"]).code(0);

    bench.rows(&[SIX[1]]);
    let theirs = foreign("cluster-rt-b", "https://theirs:6443", "{}");
    management.make(SECRET, ARGOCD, &theirs);
    let before = management.get(SECRET, ARGOCD, "cluster-rt-b");
    let said = bench.rollcall(&["reconcile", "--repair"]).code(3);
    assert!(
        said.out.contains("an entry of this name is not ours"),
        "{}",
        said.out
    );
    assert_eq!(management.get(SECRET, ARGOCD, "cluster-rt-b"), before);
    management.remove(SECRET, ARGOCD, "cluster-rt-b");
    bench.rollcall(&["reconcile", "--repair"]).code(0);
}

#[test]
#[ignore = "needs an engine of its own: scripts/engine run DIR -- cargo test -- --include-ignored"]
fn a_cluster_that_is_made_again_goes_on_in_the_same_application() {
    let (bench, management) = registered();
    deploy(&management, "rt-a");
    let target = cluster(&bench, "k3d-rt-a");
    until("what Argo CD deploys", || runs(&target, "rt-a"));
    let application = |management: &Cluster| {
        let there = management.get(APPLICATION, ARGOCD, "app-rt-a");
        there.unwrap()["metadata"]["uid"].clone()
    };
    let (app, secret) = (application(&management), identity(&management, "rt-a"));
    let (code, said) = tool("k3d", &["cluster", "delete", "rt-a"]);
    assert_eq!(code, 0, "{said}");
    let seen = bench.rollcall(&["reconcile"]).code(3);
    assert!(seen.out.contains("argocd/k3d/rt-a"), "{}", seen.out);
    bench.rollcall(&["reconcile", "--repair"]).code(0);
    let again = cluster(&bench, "k3d-rt-a");
    until("what Argo CD deploys, in the new life", || {
        runs(&again, "rt-a")
    });
    assert_eq!(application(&management), app);
    assert_eq!(identity(&management, "rt-a"), secret);
    assert!(members("k3d-rt-a").contains(NODE));
    bench.rollcall(&["reconcile"]).code(0);
}

#[test]
#[ignore = "needs an engine of its own: scripts/engine run DIR -- cargo test -- --include-ignored"]
fn without_the_management_cluster_nothing_is_unregistered_and_nothing_else_waits() {
    let (bench, management) = registered();
    docker(&["stop", "-t", "0", NODE]);
    docker(&["rm", "-fv", "rt-d-control-plane"]);
    bench.sql("UPDATE clusters SET desired_state = 'absent' WHERE name = 'rt-a'");
    let said = bench.rollcall(&["reconcile", "--repair"]).code(9);
    assert!(
        said.out.contains("argocd could not be observed"),
        "{}",
        said.out
    );
    assert_eq!(bench.status("rt-d"), "running Warning");
    assert_eq!(
        bench.status("rt-a"),
        "running Warning",
        "it goes when its Secret can go first"
    );
    docker(&["start", NODE]);
    until("the management cluster's API", || {
        bench.rollcall(&["status"]).code != 9
    });
    bench.rollcall(&["reconcile", "--repair"]).code(0);
    let left = management.names(SECRET, ARGOCD);
    assert_eq!(left, ["cluster-rt-d"]);
    let networks = docker(&["network", "ls", "--format", "{{.Name}}"]);
    assert!(!networks.contains("k3d-rt-a"), "{networks}");

    docker(&["rm", "-fv", NODE, "k3d-devops-serverlb"]);
    let gone = bench.rollcall(&["status"]).code(0);
    assert!(gone.out.contains("not installed"), "{}", gone.out);
}

#[test]
#[ignore = "needs an engine of its own: scripts/engine run DIR -- cargo test -- --include-ignored"]
fn what_leaves_is_unregistered_first_and_nothing_is_left() {
    let (bench, management) = registered();
    deploy(&management, "rt-a");
    let target = cluster(&bench, "k3d-rt-a");
    until("what Argo CD deploys", || runs(&target, "rt-a"));
    bench.sql("UPDATE clusters SET desired_state = 'absent' WHERE name = 'rt-a'");
    bench.sql("DELETE FROM clusters WHERE name = 'rt-d'");
    bench.rollcall(&["reconcile", "--repair"]).code(0);
    assert_eq!(
        management.names(SECRET, ARGOCD),
        ["cluster-rt-d"],
        "the orphan stays"
    );
    bench
        .rollcall(&["reconcile", "--prune", "--allow-all"])
        .code(0);
    assert_eq!(management.names(SECRET, ARGOCD), Vec::<String>::new());
    let networks = docker(&["network", "ls", "--format", "{{.Name}}"]);
    assert!(!networks.contains("rt-"), "{networks}");
    assert!(docker(&["ps", "--format", "{{.Names}}"]).contains(NODE));
}
