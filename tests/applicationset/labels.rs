//! A set that selects cluster Secrets by their labels: nothing is written, only looked at.

use rollcall::registrar::{ApplicationSet, Fault, Way};
use serde_json::{Value, json};

use crate::node_api::{APPLICATION_SET, Node, SECRET, until};
use crate::world::{
    SHORT, deregister, elements, entry, failed, foreign, known, register, registrar, runs,
    settings, spec, trouble, unknown,
};

struct World {
    argo: Node,
    dev: Node,
}

impl World {
    /// A set with this selector.
    async fn start(selector: &Value) -> Self {
        let world = Self {
            argo: Node::start(&["--argocd"]),
            dev: Node::start(&[]),
        };
        let mut spec = spec(&json!([{"clusters": {"selector": selector}}]));
        spec["template"]["metadata"] = json!({"name": "whoami-{{.name}}"});
        spec["template"]["spec"]["destination"] =
            json!({"server": "{{.server}}", "namespace": "work"});
        spec["template"]["spec"]["source"]["targetRevision"] = json!("main");
        let set = json!({"metadata": {"name": "whoami"}, "spec": spec});
        world.argo.make(APPLICATION_SET, "argocd", set).await;
        world
    }

    /// The Secret of `dev` as the registrar of clusters writes it.
    async fn register(&self) {
        let labels = json!({
            "env": "dev", "provider": "k3d", "type": "business",
            "app.kubernetes.io/managed-by": "rollcall",
        });
        self.argo.register("dev", &self.dev, &labels).await;
    }

    fn registrar(&self) -> ApplicationSet {
        let mut settings = settings(self.argo.kubeconfig());
        settings.way = Way::Labels;
        registrar(settings)
    }

    /// The set without what its controller writes: the status, and empty templates.
    async fn written(&self) -> Value {
        let set = self
            .argo
            .find(APPLICATION_SET, "argocd", "whoami")
            .await
            .unwrap();
        let mut spec = set["spec"].clone();
        spec["generators"][0]["clusters"]["template"] = Value::Null;
        json!([spec, set["metadata"]["annotations"]])
    }
}

fn business() -> Value {
    json!({"matchLabels": {"type": "business"}})
}

#[tokio::test]
#[ignore = "needs the program of tests/node: ROLLCALL_TEST_NODE=PROGRAM cargo test --test applicationset -- --ignored"]
async fn a_selected_cluster_is_registered_as_soon_as_its_secret_is_there() {
    let world = World::start(&business()).await;
    let (before, registrar) = (world.written().await, world.registrar());
    assert!(known(&registrar).await.installed);
    assert_eq!(entry(&registrar, "k3d/dev").await, None);
    let (told, ()) = tokio::join!(register(&registrar, "k3d/dev", None), world.register());
    let written = told.unwrap();
    let seen = entry(&registrar, "k3d/dev").await.unwrap();
    assert_eq!(seen.fingerprint, written);
    assert_eq!(seen.endpoint, "argocd/whoami-dev");
    assert_eq!(seen.trouble, None);
    assert_eq!(
        entry(&registrar, "kind/dev").await,
        None,
        "its Secret says its provider"
    );
    assert_eq!(world.written().await, before);
    until("the workload", || runs(&world.dev, "whoami-dev")).await;
}

#[tokio::test]
#[ignore = "needs the program of tests/node: ROLLCALL_TEST_NODE=PROGRAM cargo test --test applicationset -- --ignored"]
async fn a_secret_that_does_not_come_is_said() {
    let world = World::start(&business()).await;
    let told = register(&world.registrar().patience(SHORT), "k3d/dev", None).await;
    failed(told, Fault::Deadline, "it selects no cluster Secret of it");
}

#[tokio::test]
#[ignore = "needs the program of tests/node: ROLLCALL_TEST_NODE=PROGRAM cargo test --test applicationset -- --ignored"]
async fn a_set_that_does_not_select_ours_says_what_to_change() {
    let world = World::start(&json!({"matchLabels": {"type": "management"}})).await;
    world.register().await;
    let told = register(&world.registrar(), "k3d/dev", None).await;
    let hint = told.as_ref().unwrap_err().hint.clone().unwrap();
    for label in [
        "env=dev",
        "provider=k3d",
        "type=business",
        "secret-type=cluster",
        "managed-by=rollcall",
    ] {
        assert!(hint.contains(label), "{hint}");
    }
    failed(
        told,
        Fault::Permanent,
        "its cluster generator does not select k3d/dev",
    );
    assert_eq!(entry(&world.registrar(), "k3d/dev").await, None);
}

#[tokio::test]
#[ignore = "needs the program of tests/node: ROLLCALL_TEST_NODE=PROGRAM cargo test --test applicationset -- --ignored"]
async fn a_set_without_a_cluster_generator_is_unknown() {
    let world = World::start(&business()).await;
    let list = json!({"spec": {"generators": elements(&[&foreign()])}});
    world
        .argo
        .edit(APPLICATION_SET, "argocd", "whoami", &list)
        .await;
    let unseen = unknown(&world.registrar()).await;
    assert!(
        unseen.error.contains("it has no cluster generator"),
        "{unseen:?}"
    );
    assert!(unseen.hint.is_some());
}

#[tokio::test]
#[ignore = "needs the program of tests/node: ROLLCALL_TEST_NODE=PROGRAM cargo test --test applicationset -- --ignored"]
async fn a_cluster_that_does_not_answer_is_its_trouble() {
    let mut world = World::start(&business()).await;
    world.register().await;
    let registrar = world.registrar();
    register(&registrar, "k3d/dev", None).await.unwrap();
    world.dev.stop();
    until("the complaint", async || {
        trouble(&registrar, "k3d/dev").await.is_some()
    })
    .await;
    let said = trouble(&registrar, "k3d/dev").await.unwrap();
    assert!(
        said.starts_with("application whoami-dev: ComparisonError: "),
        "{said}"
    );
    assert!(!said.contains("BEGIN"), "{said}");
}

#[tokio::test]
#[ignore = "needs the program of tests/node: ROLLCALL_TEST_NODE=PROGRAM cargo test --test applicationset -- --ignored"]
async fn it_leaves_with_its_secret_and_not_before() {
    let world = World::start(&business()).await;
    world.register().await;
    let registrar = world.registrar();
    let written = register(&registrar, "k3d/dev", None).await.unwrap();
    until("the workload", || runs(&world.dev, "whoami-dev")).await;
    let told = deregister(&registrar, "k3d/dev", &written).await;
    failed(
        told,
        Fault::Permanent,
        "it selects the cluster Secret of k3d/dev by its labels",
    );
    assert!(runs(&world.dev, "whoami-dev").await);
    world.argo.remove(SECRET, "argocd", "cluster-dev").await;
    deregister(&registrar, "k3d/dev", &written).await.unwrap();
    assert_eq!(entry(&registrar, "k3d/dev").await, None);
    assert!(runs(&world.dev, "whoami-dev").await);
}

#[tokio::test]
#[ignore = "needs the program of tests/node: ROLLCALL_TEST_NODE=PROGRAM cargo test --test applicationset -- --ignored"]
async fn a_list_that_is_forgotten_between_two_pages_is_read_again() {
    let world = World::start(&business()).await;
    world.register().await;
    let written = register(&world.registrar(), "k3d/dev", None).await.unwrap();
    let gone = json!({"path_prefix": "/api/v1/namespaces/argocd/secrets", "method": "GET", "status": 410, "times": 1});
    world.argo.fault(&gone).await;
    let seen = entry(&world.registrar(), "k3d/dev").await.unwrap();
    assert_eq!(seen.fingerprint, written);
    let always =
        json!({"path_prefix": "/api/v1/namespaces/argocd/secrets", "method": "GET", "status": 410});
    world.argo.fault(&always).await;
    let unseen = unknown(&world.registrar()).await;
    assert!(unseen.error.contains("410"), "{unseen:?}");
}
