//! What differs is seen, and repaired in place.

use rollcall::registrar::{Fault, RegistrarError, Way};
use serde_json::{Value, json};

use crate::node_api::{APPLICATION, APPLICATION_SET, Node, until};
use crate::world::{
    QUIET, SHORT, World, deregister, elements, empty_template, entry, failed, foreign, known, ours,
    quiet_registrar, quiet_set, register, registrar, runs, settings, trouble, unknown,
};

#[tokio::test]
#[ignore = "needs the program of tests/node: ROLLCALL_TEST_NODE=PROGRAM cargo test --test applicationset -- --ignored"]
async fn a_registered_cluster_gets_its_workload_and_nothing_else_changes() {
    let world = World::start().await;
    let before = world.set().await;
    assert_eq!(entry(&world.registrar(), "k3d/dev").await, None);
    let written = register(&world.registrar(), "k3d/dev", None).await.unwrap();
    until("the workload", || runs(&world.dev, "whoami-dev")).await;

    let seen = entry(&world.registrar(), "k3d/dev").await.unwrap();
    assert_eq!(seen.fingerprint, written);
    assert_eq!(seen.endpoint, "argocd/whoami-dev");
    assert_eq!(seen.trouble, None);
    let after = world.set().await;
    assert_eq!(world.elements().await, [foreign(), ours("dev")]);
    let mut expected = before["spec"].clone();
    let listed = expected["generators"][0]["list"]["elements"].as_array_mut();
    listed.unwrap().push(ours("dev"));
    // So its controller writes a set back from which it took the refresh.
    expected["generators"][0]["list"]["template"] = empty_template();
    assert_eq!(after["spec"].to_string(), expected.to_string());
    assert_eq!(
        after["metadata"]["annotations"],
        before["metadata"]["annotations"]
    );
    assert!(runs(&world.ops, "whoami-ops").await);
}

#[tokio::test]
#[ignore = "needs the program of tests/node: ROLLCALL_TEST_NODE=PROGRAM cargo test --test applicationset -- --ignored"]
async fn an_element_that_is_missing_is_no_entry_and_is_written_again() {
    let (world, written) = World::registered().await;
    world.relist(&elements(&[&foreign()])).await;
    let registrar = world.registrar();
    until("the end of the application", async || {
        world.app("whoami-dev").await.is_none()
    })
    .await;
    assert_eq!(entry(&registrar, "k3d/dev").await, None);
    assert_eq!(register(&registrar, "k3d/dev", None).await, Ok(written));
    assert!(world.app("whoami-dev").await.is_some());
}

#[tokio::test]
#[ignore = "needs the program of tests/node: ROLLCALL_TEST_NODE=PROGRAM cargo test --test applicationset -- --ignored"]
async fn an_element_that_nobody_asked_for_is_an_entry() {
    let world = World::start().await;
    let extra = json!({"clusterName": "ghost", "env": "ghost", "branch": "x", "provider": "kind"});
    world.relist(&elements(&[&foreign(), &extra])).await;
    let view = known(&world.registrar()).await;
    let ids: Vec<String> = view.entries.keys().map(ToString::to_string).collect();
    // Who does not say its provider counts for each.
    assert_eq!(ids, ["k3d/ops", "kind/ghost", "kind/ops"]);
    let of = |id: &str| view.entries[&id.parse().unwrap()].clone();
    assert_eq!(of("k3d/ops"), of("kind/ops"));
    assert_eq!(of("kind/ghost").endpoint, "no application");
}

#[tokio::test]
#[ignore = "needs the program of tests/node: ROLLCALL_TEST_NODE=PROGRAM cargo test --test applicationset -- --ignored"]
async fn a_key_that_is_missing_is_put_back_and_the_application_survives() {
    let (world, written) = World::registered().await;
    let (uid, registrar) = (world.uid("whoami-dev").await, world.registrar());
    let mut torn = ours("dev");
    torn.as_object_mut().unwrap().remove("branch");
    torn["note"] = json!("kept");
    world.relist(&elements(&[&torn, &foreign()])).await;
    until("the complaint", async || {
        let set = world.set().await;
        set["status"]["conditions"][0]["status"] == "True"
    })
    .await;
    let seen = entry(&registrar, "k3d/dev").await.unwrap();
    let said = "its element lacks branch, which the template uses";
    assert_eq!(seen.trouble.as_deref(), Some(said));
    let names: Vec<String> = seen
        .fingerprint
        .differences(&written)
        .into_iter()
        .map(|(name, ..)| name)
        .collect();
    assert_eq!(names, ["branch"]);

    let repaired = register(&registrar, "k3d/dev", Some(&seen.fingerprint)).await;
    assert_eq!(repaired, Ok(written));
    let mut whole = ours("dev");
    whole["note"] = json!("kept");
    assert_eq!(world.elements().await, [whole, foreign()]);
    assert_eq!(trouble(&registrar, "k3d/dev").await, None);
    assert_eq!(world.uid("whoami-dev").await, uid);
    assert!(runs(&world.dev, "whoami-dev").await);
}

#[tokio::test]
#[ignore = "needs the program of tests/node: ROLLCALL_TEST_NODE=PROGRAM cargo test --test applicationset -- --ignored"]
async fn a_value_that_differs_is_put_back_and_the_application_survives() {
    let (world, written) = World::registered().await;
    let (uid, registrar) = (world.uid("whoami-dev").await, world.registrar());
    let mut other = ours("dev");
    other["branch"] = json!("main");
    world.relist(&elements(&[&foreign(), &other])).await;
    let seen = entry(&registrar, "k3d/dev").await.unwrap();
    assert_ne!(seen.fingerprint, written);
    register(&registrar, "k3d/dev", Some(&seen.fingerprint))
        .await
        .unwrap();
    let app = world.app("whoami-dev").await.unwrap();
    assert_eq!(app["spec"]["source"]["targetRevision"], "dev");
    assert_eq!(app["metadata"]["uid"], uid);
}

#[tokio::test]
#[ignore = "needs the program of tests/node: ROLLCALL_TEST_NODE=PROGRAM cargo test --test applicationset -- --ignored"]
async fn an_unregistered_cluster_is_an_error_until_its_secret_comes() {
    let world = World::start().await;
    world.unregister("dev").await;
    let registrar = world.registrar();
    let impatient = world.registrar().patience(SHORT);
    let told = register(&impatient, "k3d/dev", None).await;
    failed(
        told,
        Fault::Deadline,
        "there are no clusters with this name: dev",
    );
    let said = trouble(&registrar, "k3d/dev").await.unwrap();
    assert!(
        said.starts_with("Argo CD has made no application of it: "),
        "{said}"
    );
    assert!(
        said.ends_with("there are no clusters with this name: dev"),
        "{said}"
    );
    // Of the others it says nothing.
    assert_eq!(trouble(&registrar, "k3d/ops").await, None);

    // The same attempt again, by the same program: its own element is no stranger's.
    let (again, secret) = tokio::join!(register(&impatient, "k3d/dev", None), async {
        world.argo.register("dev", &world.dev, &json!({})).await;
    });
    let ((), written) = (secret, again.unwrap());
    assert_eq!(
        entry(&registrar, "k3d/dev").await.unwrap().fingerprint,
        written
    );
    assert_eq!(trouble(&registrar, "k3d/dev").await, None);
}

#[tokio::test]
#[ignore = "needs the program of tests/node: ROLLCALL_TEST_NODE=PROGRAM cargo test --test applicationset -- --ignored"]
async fn what_argo_cd_complains_of_is_the_trouble_of_that_cluster_alone() {
    let (mut world, _) = World::registered().await;
    world.dev.stop();
    let registrar = world.registrar();
    let complains = async || trouble(&registrar, "k3d/dev").await.is_some();
    until("the complaint", complains).await;
    let said = trouble(&registrar, "k3d/dev").await.unwrap();
    assert!(
        said.starts_with("application whoami-dev: ComparisonError: Failed to load"),
        "{said}"
    );
    assert!(said.chars().count() < 250 && !said.contains('\n'), "{said}");
    assert_eq!(trouble(&registrar, "k3d/ops").await, None);

    world.dev.start_again();
    until("the end of it", async || {
        trouble(&registrar, "k3d/dev").await.is_none()
    })
    .await;
}

#[tokio::test]
#[ignore = "needs the program of tests/node: ROLLCALL_TEST_NODE=PROGRAM cargo test --test applicationset -- --ignored"]
async fn a_long_complaint_is_one_short_line() {
    let argo = Node::start(&[]);
    let owners = quiet_set(&argo, &[&ours("dev")]).await;
    let message = format!("first\nsecond {}", "x".repeat(5000));
    let app = json!({
        "metadata": {"name": "whoami-dev", "ownerReferences": owners},
        "spec": {"project": "default", "destination": {"name": "dev"}},
        "status": {"conditions": [{"type": "InvalidSpecError", "message": message}]},
    });
    argo.make(APPLICATION, QUIET, app).await;
    let said = trouble(&quiet_registrar(&argo), "k3d/dev").await.unwrap();
    assert!(
        said.starts_with("application whoami-dev: InvalidSpecError: first second xxx"),
        "{said}"
    );
    assert!(said.chars().count() < 250, "{said}");
}

#[tokio::test]
#[ignore = "needs the program of tests/node: ROLLCALL_TEST_NODE=PROGRAM cargo test --test applicationset -- --ignored"]
async fn an_element_that_would_stop_the_whole_set_is_not_written() {
    let world = World::start().await;
    let mut settings = settings(world.argo.kubeconfig());
    let element = [("env".to_owned(), "{name}".to_owned())];
    settings.way = Way::Elements {
        key: "clusterName".to_owned(),
        element: element.into(),
    };
    let registrar = registrar(settings);
    let told = register(&registrar, "k3d/dev", None).await;
    failed(
        told,
        Fault::Permanent,
        "its template uses branch, which no element of ours has",
    );
    assert_eq!(world.elements().await, [foreign()]);
}

#[tokio::test]
#[ignore = "needs the program of tests/node: ROLLCALL_TEST_NODE=PROGRAM cargo test --test applicationset -- --ignored"]
async fn a_set_that_is_not_there_is_not_installed_and_nothing_can_be_registered() {
    let world = World::start().await;
    world.argo.remove(APPLICATION_SET, "argocd", "whoami").await;
    let view = known(&world.registrar()).await;
    assert!(!view.installed && view.entries.is_empty());
    let told = register(&world.registrar(), "k3d/dev", None).await;
    failed(
        told,
        Fault::Permanent,
        "applicationset argocd/whoami: it is not there",
    );
    let gone: Result<(), RegistrarError> =
        deregister(&world.registrar(), "k3d/dev", &fingerprint()).await;
    assert_eq!(gone, Ok(()));
}

#[tokio::test]
#[ignore = "needs the program of tests/node: ROLLCALL_TEST_NODE=PROGRAM cargo test --test applicationset -- --ignored"]
async fn the_list_may_be_one_of_several_and_nested() {
    let world = World::start().await;
    let other = json!({"list": {"elements": [{"env": "extra", "branch": "x", "app": "a", "cluster": "ops"}]}});
    let generators =
        json!([other, {"list": {"elements": [foreign()], "template": empty_template()}}]);
    world.relist(&generators).await;
    register(&world.registrar().patience(SHORT), "k3d/dev", None)
        .await
        .unwrap_err();
    let now = world.set().await["spec"]["generators"].clone();
    let mut expected = generators.clone();
    // Its controller completes what it writes back, if it came to that.
    if !now[0]["list"]["template"].is_null() {
        expected[0]["list"]["template"] = empty_template();
    }
    let added: &mut Value = &mut expected[1]["list"]["elements"];
    added.as_array_mut().unwrap().push(ours("dev"));
    assert_eq!(now, expected);

    let two = json!([{"list": {"elements": [foreign()]}}, {"list": {"elements": [ours("dev")]}}]);
    world.relist(&two).await;
    let unseen = unknown(&world.registrar()).await;
    assert!(
        unseen
            .error
            .contains("2 of its list generators have elements with clusterName"),
        "{unseen:?}"
    );
    assert!(unseen.hint.is_some());
    let told = register(&world.registrar(), "k3d/dev", None).await;
    failed(told, Fault::Permanent, "2 of its list generators");
    let now = world.set().await["spec"]["generators"].clone();
    for number in 0..2 {
        let elements = |generators: &Value| generators[number]["list"]["elements"].clone();
        assert_eq!(elements(&now), elements(&two));
    }
}

fn fingerprint() -> rollcall::model::Fingerprint {
    rollcall::model::Fingerprint::of([("any", "thing".to_owned())])
}
