//! Server-side apply.

use serde_json::{Value, json};

use super::{CONFIGS, Cluster};
use crate::http::message::Reply;

/// Applies a config map `x` with these labels and data.
fn apply(
    cluster: &Cluster,
    manager: &str,
    labels: impl Into<Value>,
    data: impl Into<Value>,
) -> Reply {
    let document = json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "x", "labels": labels.into()}, "data": data.into(),
    });
    let path = format!("{CONFIGS}/x?fieldManager={manager}");
    cluster.patch(&path, "apply-patch+yaml", &document)
}

fn live(cluster: &Cluster) -> Value {
    cluster.get(&format!("{CONFIGS}/x"))
}

/// The managers and the fields of the data they own.
fn owners(object: &Value) -> Vec<(String, Vec<String>)> {
    let entries = object["metadata"]["managedFields"].as_array().unwrap();
    let fields = |entry: &Value| {
        let data = entry["fieldsV1"]["f:data"].as_object().cloned();
        data.unwrap_or_default().keys().cloned().collect()
    };
    let text = |entry: &Value| entry["manager"].as_str().unwrap().to_owned();
    entries
        .iter()
        .map(|entry| (text(entry), fields(entry)))
        .collect()
}

#[test]
fn what_is_not_there_is_made_and_the_same_again_writes_nothing() {
    let cluster = Cluster::new();
    let first = apply(&cluster, "a", json!({"l": "1"}), json!({"k": "1"}));
    assert_eq!(first.status, 201);
    let second = apply(&cluster, "a", json!({"l": "1"}), json!({"k": "1"}));
    assert_eq!(second.status, 200);
    assert_eq!(first.document(), second.document());
    assert_eq!(
        second.document()["metadata"]["managedFields"][0]["operation"],
        "Apply"
    );
}

#[test]
fn keys_of_maps_are_owned_one_by_one() {
    let cluster = Cluster::new();
    apply(&cluster, "a", json!({"l": "1"}), json!({"k": "1"}));
    let reply = apply(&cluster, "b", json!({"m": "1"}), json!({"j": "1"}));
    assert_eq!(reply.status, 200);
    let object = live(&cluster);
    assert_eq!(object["data"], json!({"k": "1", "j": "1"}));
    assert_eq!(object["metadata"]["labels"], json!({"l": "1", "m": "1"}));
    let expected = [("a", "f:k"), ("b", "f:j")];
    let expected = expected.map(|(manager, field)| (manager.to_owned(), vec![field.to_owned()]));
    assert_eq!(owners(&object), expected);
}

#[test]
fn a_field_of_somebody_else_is_a_conflict_that_names_him_unless_forced() {
    let cluster = Cluster::new();
    apply(&cluster, "a", json!({}), json!({"k": "1", "j": "1"}));
    let refused = apply(&cluster, "b", json!({}), json!({"k": "2"}));
    assert_eq!(refused.status, 409);
    let status = refused.document();
    assert_eq!(status["reason"], "Conflict");
    assert_eq!(
        status["message"],
        "Apply failed with 1 conflict: conflict with \"a\": .data.k"
    );
    assert_eq!(status["details"]["causes"][0]["field"], ".data.k");
    assert_eq!(
        status["details"]["causes"][0]["reason"],
        "FieldManagerConflict"
    );
    assert_eq!(
        apply(&cluster, "b&force=true", json!({}), json!({"k": "2"})).status,
        200
    );
    let object = live(&cluster);
    assert_eq!(object["data"]["k"], "2");
    assert_eq!(owners(&object)[0].1, ["f:j"]);
    let status = apply(&cluster, "a", json!({}), json!({"k": "1", "j": "1"})).document();
    assert_eq!(
        status["message"],
        "Apply failed with 1 conflict: conflict with \"b\": .data.k"
    );
}

#[test]
fn several_conflicts_are_told_manager_by_manager() {
    let cluster = Cluster::new();
    apply(&cluster, "a", json!({"l": "1"}), json!({"k": "1"}));
    apply(&cluster, "b", json!({}), json!({"j": "1"}));
    let refused = apply(
        &cluster,
        "c",
        json!({"l": "2"}),
        json!({"k": "2", "j": "2"}),
    );
    assert_eq!(
        refused.document()["message"],
        "Apply failed with 3 conflicts: conflicts with \"a\":\n- .data.k\n- .metadata.labels.l\n\
         conflicts with \"b\":\n- .data.j"
    );
}

#[test]
fn two_who_want_the_same_share_a_field_and_it_goes_with_the_last() {
    let cluster = Cluster::new();
    apply(&cluster, "a", json!({}), json!({"k": "1", "j": "1"}));
    apply(&cluster, "b", json!({}), json!({"k": "1"}));
    apply(&cluster, "a", json!({}), json!({"j": "1"}));
    assert_eq!(live(&cluster)["data"], json!({"k": "1", "j": "1"}));
    apply(&cluster, "b", json!({}), json!({}));
    assert_eq!(live(&cluster)["data"], json!({"j": "1"}));
}

#[test]
fn what_a_manager_no_longer_applies_is_removed_and_others_keep_theirs() {
    let cluster = Cluster::new();
    apply(
        &cluster,
        "a",
        json!({"l": "1"}),
        json!({"k": "1", "j": "1"}),
    );
    let patch = json!({"data": {"other": "1"}});
    cluster.patch(&format!("{CONFIGS}/x"), "merge-patch+json", &patch);
    apply(&cluster, "a", json!({}), json!({"j": "1"}));
    let object = live(&cluster);
    assert_eq!(object["data"], json!({"j": "1", "other": "1"}));
    assert!(object["metadata"]["labels"].is_null());
}

#[test]
fn whoever_changes_a_field_without_apply_owns_it() {
    let cluster = Cluster::new();
    apply(&cluster, "a", json!({}), json!({"k": "1", "j": "1"}));
    let change = json!({"data": {"k": "2"}});
    let path = format!("{CONFIGS}/x?fieldManager=kubectl");
    assert_eq!(
        cluster.patch(&path, "merge-patch+json", &change).status,
        200
    );
    let refused = apply(&cluster, "a", json!({}), json!({"k": "1", "j": "1"}));
    let message = refused.document()["message"].clone();
    let expected = "Apply failed with 1 conflict: conflict with \"kubectl\" using v1: .data.k";
    assert_eq!(message, expected);
    let object = live(&cluster);
    assert_eq!(object["data"]["k"], "2");
    let expected = [("a", "f:j"), ("kubectl", "f:k")];
    let expected = expected.map(|(manager, field)| (manager.to_owned(), vec![field.to_owned()]));
    assert_eq!(
        owners(&object),
        expected,
        "a field has one owner after that"
    );
}

#[test]
fn a_list_is_owned_as_a_whole() {
    let cluster = Cluster::new();
    let sets = "/apis/argoproj.io/v1alpha1/namespaces/default/applicationsets/s";
    let apply = |manager: &str, elements: Value| {
        let document = json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "ApplicationSet",
            "metadata": {"name": "s"}, "spec": {
                "generators": [{"list": {"elements": elements}}],
                "template": {"metadata": {}, "spec": {}},
            },
        });
        let path = format!("{sets}?fieldManager={manager}");
        cluster.patch(&path, "apply-patch+yaml", &document)
    };
    assert_eq!(apply("a", json!([{"n": "1"}])).status, 201);
    let refused = apply("b", json!([{"n": "1"}, {"n": "2"}]));
    assert_eq!(refused.status, 409);
    assert_eq!(
        refused.document()["details"]["causes"][0]["field"],
        ".spec.generators"
    );
    assert_eq!(apply("b&force=true", json!([{"n": "2"}])).status, 200);
}

#[test]
fn an_apply_needs_a_manager_a_kind_and_no_managed_fields() {
    let cluster = Cluster::new();
    let path = format!("{CONFIGS}/x");
    let document = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}});
    assert_eq!(
        cluster.patch(&path, "apply-patch+yaml", &document).status,
        422
    );
    let path = format!("{path}?fieldManager=a");
    let mut with = document.clone();
    with["metadata"]["managedFields"] = json!([]);
    assert_eq!(cluster.patch(&path, "apply-patch+yaml", &with).status, 400);
    let without = json!({"metadata": {"name": "x"}});
    assert_eq!(
        cluster.patch(&path, "apply-patch+yaml", &without).status,
        400
    );
}

#[test]
fn an_apply_with_a_version_alone_makes_what_is_gone_and_one_with_a_uid_does_not() {
    let cluster = Cluster::new();
    let path = format!("{CONFIGS}/x?fieldManager=a");
    let document = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}});
    let apply = |field: &str, value: &str| {
        let mut document = document.clone();
        document["metadata"][field] = json!(value);
        cluster.patch(&path, "apply-patch+yaml", &document)
    };
    let refused = apply("uid", "another");
    assert_eq!(refused.status, 422);
    let causes = &refused.document()["details"]["causes"];
    assert_eq!(causes[0]["field"], "metadata.uid");
    let made = apply("resourceVersion", "1");
    assert_eq!(made.status, 201);
    assert_eq!(apply("resourceVersion", "1").status, 409);
    assert_eq!(apply("uid", "another").status, 422);
    let uid = made.document()["metadata"]["uid"].clone();
    assert_eq!(apply("uid", uid.as_str().unwrap()).status, 200);
}

#[test]
fn an_apply_in_yaml_is_read_too() {
    use crate::http::Site;
    let cluster = Cluster::new();
    let path = format!("{CONFIGS}/x?fieldManager=a");
    let mut request = super::request(
        hyper::Method::PATCH,
        &path,
        "application/apply-patch+yaml",
        &Value::Null,
    );
    request.body =
        b"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: x\ndata:\n  k: \"1\"\n".to_vec();
    request.member = Some(crate::http::message::User::default());
    assert_eq!(cluster.server.answer(&request).document()["data"]["k"], "1");
}

#[test]
fn string_data_of_an_applied_secret_is_owned_as_data() {
    let cluster = Cluster::new();
    let path = "/api/v1/namespaces/default/secrets/x?fieldManager=a";
    let document = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "x"}, "stringData": {"k": "1"},
    });
    let made = cluster
        .patch(path, "apply-patch+yaml", &document)
        .document();
    assert_eq!(made["data"]["k"], "MQ==");
    assert_eq!(owners(&made)[0].1, ["f:k"]);
}
