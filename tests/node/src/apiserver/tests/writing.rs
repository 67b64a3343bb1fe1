//! Creating, replacing, patching, deleting.

use hyper::Method;
use serde_json::{Value, json};

use super::{CONFIGS, Cluster};

const APPS: &str = "/apis/argoproj.io/v1alpha1/namespaces/default/applications";
const SETS: &str = "/apis/argoproj.io/v1alpha1/namespaces/default/applicationsets";

fn config(name: &str) -> Value {
    json!({"metadata": {"name": name}, "data": {"a": "1"}})
}

#[test]
fn a_new_object_has_an_identity_and_a_second_one_of_its_name_is_refused() {
    let cluster = Cluster::new();
    let made = cluster.create(CONFIGS, &config("x"));
    assert_eq!(made["kind"], "ConfigMap");
    assert_eq!(made["metadata"]["namespace"], "default");
    assert_eq!(made["metadata"]["uid"].as_str().unwrap().len(), 36);
    assert_eq!(
        made["metadata"]["creationTimestamp"]
            .as_str()
            .unwrap()
            .len(),
        20
    );
    let again = cluster.expect(409, Method::POST, CONFIGS, &config("x"));
    assert_eq!(again["reason"], "AlreadyExists");
    assert_eq!(again["message"], "configmaps \"x\" already exists");
    let generated = json!({"metadata": {"generateName": "x-"}});
    let generated = cluster.create(CONFIGS, &generated);
    assert_eq!(generated["metadata"]["name"].as_str().unwrap().len(), 7);
}

#[test]
fn nothing_is_created_in_a_namespace_that_is_not_there() {
    let cluster = Cluster::new();
    let path = "/api/v1/namespaces/nowhere/configmaps";
    let answer = cluster.expect(404, Method::POST, path, &config("x"));
    assert_eq!(answer["message"], "namespaces \"nowhere\" not found");
    let answer = cluster.expect(404, Method::GET, &format!("{CONFIGS}/x"), &Value::Null);
    assert_eq!(answer["details"]["kind"], "configmaps");
}

#[test]
fn a_replacement_of_an_older_version_is_a_conflict() {
    let cluster = Cluster::new();
    let path = format!("{CONFIGS}/x");
    let mut first = cluster.create(CONFIGS, &config("x"));
    first["data"]["a"] = json!("2");
    let second = cluster.expect(200, Method::PUT, &path, &first);
    assert_ne!(
        first["metadata"]["resourceVersion"],
        second["metadata"]["resourceVersion"]
    );
    assert_eq!(first["metadata"]["uid"], second["metadata"]["uid"]);
    let answer = cluster.expect(409, Method::PUT, &path, &first);
    assert_eq!(answer["reason"], "Conflict");
    let same = cluster.expect(200, Method::PUT, &path, &second);
    assert_eq!(same, second, "nothing changed, so nothing is written");
    let change = json!({"metadata": {"resourceVersion": "1"}, "data": {"a": "3"}});
    assert_eq!(
        cluster.patch(&path, "merge-patch+json", &change).status,
        409
    );
}

#[test]
fn a_json_patch_whose_test_fails_is_422_and_changes_nothing() {
    let cluster = Cluster::new();
    let path = format!("{CONFIGS}/x");
    let made = cluster.create(CONFIGS, &config("x"));
    let change = json!([
        {"op": "replace", "path": "/data/a", "value": "2"},
        {"op": "test", "path": "/metadata/resourceVersion", "value": "0"},
    ]);
    let reply = cluster.patch(&path, "json-patch+json", &change);
    assert_eq!(reply.status, 422);
    assert_eq!(cluster.get(&path), made);
    assert_eq!(cluster.patch(&path, "json", &change).status, 415);
}

#[test]
fn an_object_with_finalizers_waits_until_the_last_one_is_gone() {
    let cluster = Cluster::new();
    let mut object = config("x");
    object["metadata"]["finalizers"] = json!(["a/b", "c/d"]);
    cluster.create(CONFIGS, &object);
    let path = format!("{CONFIGS}/x");
    let waiting = cluster.expect(200, Method::DELETE, &path, &Value::Null);
    assert_eq!(waiting["kind"], "ConfigMap");
    assert!(waiting["metadata"]["deletionTimestamp"].is_string());
    let again = cluster.expect(200, Method::DELETE, &path, &Value::Null);
    assert_eq!(again, waiting);
    let one = json!({"metadata": {"finalizers": ["c/d"]}});
    assert_eq!(cluster.patch(&path, "merge-patch+json", &one).status, 200);
    let more = json!({"metadata": {"finalizers": ["c/d", "e/f"]}});
    assert_eq!(cluster.patch(&path, "merge-patch+json", &more).status, 422);
    let none = json!([{"op": "remove", "path": "/metadata/finalizers"}]);
    assert_eq!(cluster.patch(&path, "json-patch+json", &none).status, 200);
    cluster.expect(404, Method::GET, &path, &Value::Null);
}

#[test]
fn a_delete_with_preconditions_means_that_one_object_only() {
    let cluster = Cluster::new();
    let path = format!("{CONFIGS}/x");
    let made = cluster.create(CONFIGS, &config("x"));
    for wrong in [json!({"uid": "other"}), json!({"resourceVersion": "0"})] {
        let options = json!({"preconditions": wrong});
        cluster.expect(409, Method::DELETE, &path, &options);
    }
    let options = json!({"preconditions": {"uid": made["metadata"]["uid"]}});
    let answer = cluster.expect(200, Method::DELETE, &path, &options);
    assert_eq!(answer["status"], "Success");
    cluster.expect(404, Method::DELETE, &path, &Value::Null);
}

#[test]
fn the_generation_counts_changes_of_what_is_wanted() {
    let cluster = Cluster::new();
    cluster.create(
        SETS,
        &json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "ApplicationSet",
            "metadata": {"name": "s"},
            "spec": {"a": 1, "generators": [], "template": {"metadata": {}, "spec": {}}},
            "status": {"x": 1},
        }),
    );
    let (path, status) = (format!("{SETS}/s"), format!("{SETS}/s/status"));
    let generation = |path: &str, patch: Value| {
        let after = cluster.patch(path, "merge-patch+json", &patch).document();
        after["metadata"]["generation"].clone()
    };
    assert!(
        cluster.get(&path).get("status").is_none(),
        "it has a path of its own"
    );
    assert_eq!(
        generation(&path, json!({"metadata": {"labels": {"l": "1"}}})),
        1
    );
    assert_eq!(generation(&path, json!({"spec": {"a": 2}})), 2);
    assert_eq!(generation(&path, json!({"status": {"x": 1}})), 2);
    assert!(cluster.get(&path).get("status").is_none());
    assert_eq!(
        generation(&status, json!({"status": {"x": 1}, "spec": {"a": 3}})),
        2
    );
    let after = cluster.get(&path);
    assert_eq!(
        (&after["status"]["x"], &after["spec"]["a"]),
        (&json!(1), &json!(2))
    );
}

#[test]
fn an_application_has_no_status_of_its_own_path() {
    let cluster = Cluster::new();
    cluster.create(
        APPS,
        &json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
            "metadata": {"name": "a"}, "spec": {"project": "default", "destination": {}},
            "status": {"x": 1},
        }),
    );
    assert_eq!(cluster.get(&format!("{APPS}/a"))["status"]["x"], 1);
    cluster.expect(404, Method::GET, &format!("{APPS}/a/status"), &Value::Null);
}

#[test]
fn a_dry_run_says_what_would_be_and_leaves_it() {
    let cluster = Cluster::new();
    let path = format!("{CONFIGS}?dryRun=All");
    assert!(cluster.create(&path, &config("x"))["metadata"]["uid"].is_string());
    cluster.expect(404, Method::GET, &format!("{CONFIGS}/x"), &Value::Null);
}

#[test]
fn a_collection_is_deleted_by_its_labels() {
    let cluster = Cluster::new();
    for (name, label) in [("a", "1"), ("b", "2")] {
        let mut object = config(name);
        object["metadata"]["labels"] = json!({"l": label});
        cluster.create(CONFIGS, &object);
    }
    let path = format!("{CONFIGS}?labelSelector=l%3D1");
    cluster.expect(200, Method::DELETE, &path, &Value::Null);
    let left = cluster.get(CONFIGS);
    assert_eq!(left["items"].as_array().unwrap().len(), 1);
    assert_eq!(left["items"][0]["metadata"]["name"], "b");
}

#[test]
fn a_kind_that_somebody_defined_must_be_said_and_takes_no_strategic_patch() {
    let cluster = Cluster::new();
    let mut app = json!({
        "metadata": {"name": "a"}, "spec": {"project": "default", "destination": {}},
    });
    let refused = cluster.ask(Method::POST, APPS, "application/json", &app);
    assert_eq!(refused.status, 400);
    let words = refused.document()["message"].clone();
    assert!(words.as_str().unwrap().contains("Object 'Kind' is missing"));
    app["apiVersion"] = json!("argoproj.io/v1alpha1");
    app["kind"] = json!("Application");
    cluster.create(APPS, &app);
    let path = format!("{APPS}/a");
    let labels = json!({"metadata": {"labels": {"x": "1"}}});
    let refused = cluster.patch(&path, "strategic-merge-patch+json", &labels);
    assert_eq!(refused.status, 415);
    assert_eq!(
        cluster.patch(&path, "merge-patch+json", &labels).status,
        200
    );
}

#[test]
fn a_group_that_is_not_there_is_a_404_in_plain_text() {
    let cluster = Cluster::new();
    let path = "/apis/example.org/v1/namespaces/default/things";
    let answer = cluster.ask(Method::GET, path, "", &Value::Null);
    assert_eq!(answer.status, 404);
    assert_eq!(answer.body_text(), "404 page not found\n");
}
