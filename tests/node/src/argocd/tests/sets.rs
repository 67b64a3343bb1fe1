//! What application sets make of elements and Secrets.

use serde_json::{Value, json};

use super::super::application_set;
use super::{World, always, template, until};
use crate::apiserver::create::{Writer, create};
use crate::apiserver::kind::{APPLICATION, APPLICATION_SET, NAMESPACE, SECRET};
use crate::apiserver::object::{self, Key};
use crate::apiserver::store::Store;

#[tokio::test]
async fn an_element_becomes_an_application_that_brings_its_workload() {
    let world = World::running(Value::Null).await;
    let app = world.argo.app("app-dev").unwrap();
    assert_eq!(
        object::finalizers(&app),
        ["resources-finalizer.argocd.argoproj.io"]
    );
    assert_eq!(app["metadata"]["ownerReferences"][0]["name"], "set");
    let synced = || world.argo.app("app-dev").unwrap()["status"]["sync"]["status"] == "Synced";
    until("the status", synced).await;
    assert_eq!(world.argo.trouble(), None);
}

#[tokio::test]
async fn an_element_of_an_unregistered_cluster_is_an_error_that_changes_nothing() {
    let world = World::running(Value::Null).await;
    let before = world.argo.app("app-dev").unwrap()["metadata"]["uid"].clone();
    world.unregister();
    world.relist(&["dev", "new"]);
    let message = world.argo.error().await;
    let expected =
        "application destination spec is invalid: there are no clusters with this name: ";
    assert!(message.starts_with(expected), "{message}");
    always("both", || {
        world.argo.app("app-dev").is_some() && world.argo.app("app-new").is_none()
    })
    .await;
    world.register();
    world.register_as("new", "https://127.0.0.1:1", "{}");
    // Secrets do not wake a set of lists: the next try does.
    until("the other one", || world.argo.app("app-new").is_some()).await;
    until("the end of the error", || world.argo.trouble().is_none()).await;
    assert_eq!(
        world.argo.app("app-dev").unwrap()["metadata"]["uid"],
        before
    );
}

#[tokio::test]
async fn a_key_that_an_element_lacks_stops_the_whole_set_and_deletes_nothing() {
    let world = World::running(Value::Null).await;
    let elements = json!([{"other": "dev"}]);
    let change = json!({"spec": {"generators": [{"list": {"elements": elements}}]}});
    world.argo.edit(&APPLICATION_SET, "argocd", "set", &change);
    let message = world.argo.error().await;
    assert!(message.contains("no entry for key \"name\""), "{message}");
    assert!(world.argo.app("app-dev").is_some());
}

#[tokio::test]
async fn without_go_templates_values_must_be_texts() {
    let world = World::start().await;
    let spec = json!({
        "generators": [{"list": {"elements": [{"name": "dev", "count": 1}]}}],
        "template": template("{{name}}"),
    });
    let set = json!({"metadata": {"name": "set"}, "spec": spec});
    world.argo.make(&APPLICATION_SET, "argocd", set);
    let message = world.argo.error().await;
    assert!(
        message.contains("error parsing value as string"),
        "{message}"
    );
    let change = json!({"spec": {"generators": [{"list": {"elements": [{"name": "dev"}]}}]}});
    world.argo.edit(&APPLICATION_SET, "argocd", "set", &change);
    until("the workload", || world.dev.runs("app-dev")).await;
}

#[tokio::test]
async fn a_cluster_generator_follows_the_labels_of_the_secrets_at_once() {
    let world = World::start().await;
    let selector = json!({"matchLabels": {"env": "dev"}});
    let spec = json!({
        "goTemplate": true,
        "generators": [{"clusters": {"selector": selector}}],
        "template": template("{{.name}}"),
    });
    let set = json!({"metadata": {"name": "set"}, "spec": spec});
    world.argo.make(&APPLICATION_SET, "argocd", set);
    until("the workload", || world.dev.runs("app-dev")).await;
    let other = json!({"metadata": {"labels": {"env": null}}});
    world.argo.edit(&SECRET, "argocd", "cluster-dev", &other);
    world.argo.ends("app-dev").await;
    assert!(
        !world.dev.runs("app-dev"),
        "the cluster is still registered"
    );
}

#[tokio::test]
async fn a_changed_application_is_put_back() {
    let world = World::running(Value::Null).await;
    let change = json!({"metadata": {"finalizers": null}, "spec": {"project": "other"}});
    world.argo.edit(&APPLICATION, "argocd", "app-dev", &change);
    let restored = || {
        let app = world.argo.app("app-dev").unwrap();
        app["spec"]["project"] == "default" && object::finalizers(&app).len() == 1
    };
    until("what was generated", restored).await;
}

#[tokio::test]
async fn two_elements_of_one_name_are_an_error_and_the_first_one_wins() {
    let world = World::running(Value::Null).await;
    world.relist(&["dev", "dev"]);
    let message = world.argo.error().await;
    assert!(message.contains("duplicate name: app-dev"), "{message}");
    assert!(world.argo.app("app-dev").is_some());
}

/// Without the application controller: what the set's controller does alone.
#[test]
fn before_it_deletes_it_takes_one_finalizer_off_if_the_cluster_is_not_registered() {
    let cascade = "resources-finalizer.argocd.argoproj.io";
    let background = format!("{cascade}/background");
    for (finalizer, stays) in [(cascade, false), (background.as_str(), true)] {
        let mut store = Store::memory();
        let writer = Writer::named("test");
        let make = |store: &mut Store, kind, document| {
            create(store, writer, kind, "argocd", document).unwrap()
        };
        make(
            &mut store,
            &NAMESPACE,
            json!({"metadata": {"name": "argocd"}}),
        );
        let template = json!({"metadata": {}, "spec": {}});
        let spec = json!({"generators": [], "template": template});
        let set = json!({"metadata": {"name": "set"}, "spec": spec});
        let set = make(&mut store, &APPLICATION_SET, set);
        let owner = json!({"uid": set["metadata"]["uid"], "controller": true});
        let app = json!({
            "metadata": {"name": "x", "finalizers": [finalizer], "ownerReferences": [owner]},
            "spec": {"project": "default", "destination": {"name": "gone"}},
        });
        make(&mut store, &APPLICATION, app);
        application_set::reconcile(&mut store, &set).unwrap();
        let left = store.get(&Key::new(&APPLICATION, "argocd", "x"));
        assert_eq!(left.is_some_and(object::deleting), stays, "{finalizer}");
        assert_eq!(left.is_some(), stays, "{finalizer}");
    }
}

#[tokio::test]
async fn a_refresh_is_done_and_taken_off() {
    let world = World::running(Value::Null).await;
    let refresh = "argocd.argoproj.io/application-set-refresh";
    let change = json!({"metadata": {"annotations": {refresh: "true"}}});
    world.argo.edit(&APPLICATION_SET, "argocd", "set", &change);
    let done = || {
        let set = world.argo.find(&APPLICATION_SET, "argocd", "set").unwrap();
        object::annotation(&set, refresh).is_none()
    };
    until("the end of the refresh", done).await;
}

#[tokio::test]
async fn a_policy_without_deletes_keeps_applications_until_the_set_goes() {
    let world = World::running(json!({"applicationsSync": "create-update"})).await;
    world.relist(&[]);
    always("the workload", || world.dev.runs("app-dev")).await;
    world.argo.remove(&APPLICATION_SET, "argocd", "set");
    world.argo.ends("app-dev").await;
    assert!(!world.dev.runs("app-dev"));
}

#[tokio::test]
async fn a_refresh_completes_the_generators_and_makes_them_the_controllers() {
    let world = World::running(Value::Null).await;
    let refresh = "argocd.argoproj.io/application-set-refresh";
    let change = json!({"metadata": {"annotations": {refresh: "true"}}});
    world.argo.edit(&APPLICATION_SET, "argocd", "set", &change);
    let set = || {
        let set = world.argo.find(&APPLICATION_SET, "argocd", "set");
        set.unwrap()
    };
    until("the end of it", || {
        object::annotation(&set(), refresh).is_none()
    })
    .await;
    let list = set()["spec"]["generators"][0]["list"].clone();
    let empty = json!({"metadata": {}, "spec": {"destination": {}, "project": ""}});
    assert_eq!(
        list,
        json!({"elements": [{"name": "dev"}], "template": empty})
    );
    let entries = set()["metadata"]["managedFields"].clone();
    let owner = entries
        .as_array()
        .unwrap()
        .iter()
        .find(|entry| !entry["fieldsV1"]["f:spec"]["f:generators"].is_null());
    assert_eq!(
        owner.unwrap()["manager"],
        "argocd-applicationset-controller"
    );
    // A second one changes nothing more.
    let generation = set()["metadata"]["generation"].clone();
    world.argo.edit(&APPLICATION_SET, "argocd", "set", &change);
    until("the end of it", || {
        object::annotation(&set(), refresh).is_none()
    })
    .await;
    assert_eq!(set()["metadata"]["generation"], generation);
}
