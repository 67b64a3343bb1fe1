//! What an object must be before it is kept: a document of its kind at its place, with valid names
//! and the defaults of its kind.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::failure::Failure;
use super::kind::{self, Kind};
use super::{names, object, schema};

/// The type of a Secret that is filled with a service account's token.
pub(crate) const TOKEN_SECRET: &str = "kubernetes.io/service-account-token";

/// The annotation that names the service account of such a Secret.
pub(crate) const ACCOUNT: &str = "kubernetes.io/service-account.name";

/// Makes the document say what and where it is, as its path does.
pub(crate) fn identify(kind: &Kind, namespace: &str, document: &mut Value) -> Result<(), Failure> {
    if !document.is_object() {
        return Err(Failure::bad_request("the body is not an object"));
    }
    shapes(document)?;
    for (field, expected) in [
        ("apiVersion", kind.api_version()),
        ("kind", kind.title.to_owned()),
    ] {
        match document[field].as_str() {
            None => document[field] = json!(expected),
            Some(said) if said == expected => {}
            Some(said) => {
                let message = format!(
                    "the {field} in the data ({said}) does not match the expected {field} ({expected})"
                );
                return Err(Failure::bad_request(&message));
            }
        }
    }
    if !kind.namespaced {
        object::set(document, "namespace", Value::Null);
        return Ok(());
    }
    match object::text(document, "namespace") {
        "" => object::set(document, "namespace", json!(namespace)),
        said if said == namespace => {}
        _ => {
            return Err(Failure::bad_request(
                "the namespace of the provided object does not match the namespace sent on the \
                 request",
            ));
        }
    }
    Ok(())
}

/// Maps are maps and lists are lists: whoever writes into them relies on it.
fn shapes(document: &Value) -> Result<(), Failure> {
    let maps = [
        "/metadata",
        "/metadata/labels",
        "/metadata/annotations",
        "/data",
        "/stringData",
        "/spec",
        "/status",
    ];
    let lists = ["/metadata/finalizers", "/metadata/ownerReferences"];
    let odd = |paths: &[&'static str], fits: fn(&Value) -> bool| {
        let mut paths = paths.iter().copied();
        paths.find(|path| {
            let value = document.pointer(path);
            value.is_some_and(|value| !value.is_null() && !fits(value))
        })
    };
    match odd(&maps, Value::is_object).or_else(|| odd(&lists, Value::is_array)) {
        None => Ok(()),
        Some(path) => {
            let field = path.trim_start_matches('/').replace('/', ".");
            let message = format!("json: cannot unmarshal the field {field}: it has another type");
            Err(Failure::bad_request(&message))
        }
    }
}

/// Fills in what the kind defaults to, and refuses what it does not allow.
pub(crate) fn prepare(
    kind: &Kind,
    document: &mut Value,
    before: Option<&Value>,
) -> Result<(), Failure> {
    tidy(document);
    metadata(kind, document, before)?;
    if kind == &kind::SECRET {
        secret(document, before)
    } else if kind == &kind::NAMESPACE {
        namespace(document, before);
        Ok(())
    } else if kind == &kind::DEPLOYMENT {
        deployment(document, before)
    } else if !kind.built_in() {
        schema::check(kind, document)
    } else if kind == &kind::CLUSTER_ROLE_BINDING || kind == &kind::ROLE_BINDING {
        let changed = before.is_some_and(|before| before["roleRef"] != document["roleRef"]);
        let role = |field: &str| document["roleRef"][field].as_str().unwrap_or_default();
        let (group, sort, name) = (role("apiGroup"), role("kind"), role("name"));
        let refused = format!(
            "Invalid value: {{\"APIGroup\":\"{group}\",\"Kind\":\"{sort}\",\"Name\":\"{name}\"}}: \
             cannot change roleRef"
        );
        refuse(changed, kind, document, "roleRef", &refused)
    } else if kind == &kind::CONFIG_MAP {
        data_keys(kind, document)
    } else {
        Ok(())
    }
}

/// Leaves out what is there but empty, as Go's `omitempty` does.
fn tidy(document: &mut Value) {
    for field in ["labels", "annotations", "finalizers", "ownerReferences"] {
        let value = &document["metadata"][field];
        let empty = value.as_object().is_some_and(serde_json::Map::is_empty)
            || value.as_array().is_some_and(Vec::is_empty);
        if empty || value.is_null() {
            object::set(document, field, Value::Null);
        }
    }
    if document["data"] == json!({}) {
        object::remove(document, "data");
    }
}

fn refuse(
    wrong: bool,
    kind: &Kind,
    document: &Value,
    field: &str,
    why: &str,
) -> Result<(), Failure> {
    if wrong {
        return Err(Failure::invalid(kind, object::name(document), field, why));
    }
    Ok(())
}

fn metadata(kind: &Kind, document: &Value, before: Option<&Value>) -> Result<(), Failure> {
    let name = object::name(document);
    let nameless = "Required value: name or generateName is required";
    refuse(name.is_empty(), kind, document, "metadata.name", nameless)?;
    let why = format!("Invalid value: \"{name}\": {}", names::RULE_OF_OBJECTS);
    refuse(
        !names::object(kind, name),
        kind,
        document,
        "metadata.name",
        &why,
    )?;
    for (key, value) in document["metadata"]["labels"]
        .as_object()
        .into_iter()
        .flatten()
    {
        let Some(text) = value.as_str() else {
            return Err(not_of_its_type(kind, "metadata.labels", "string"));
        };
        let field = "metadata.labels";
        let why = format!("Invalid value: \"{key}\": {}", names::RULE_OF_KEYS);
        refuse(!names::key(key), kind, document, field, &why)?;
        let why = format!("Invalid value: {value}: {}", names::RULE_OF_LABELS);
        refuse(!names::label(text), kind, document, field, &why)?;
    }
    for (key, value) in document["metadata"]["annotations"]
        .as_object()
        .into_iter()
        .flatten()
    {
        let why = format!("Invalid value: \"{key}\"");
        let good = names::key(key) && value.is_string();
        refuse(!good, kind, document, "metadata.annotations", &why)?;
    }
    let owners = document["metadata"]["ownerReferences"].as_array();
    let mut owners = owners.into_iter().flatten();
    let nobody = owners.any(|owner| owner["uid"].as_str().unwrap_or_default().is_empty());
    let field = "metadata.ownerReferences.uid";
    let why = "Invalid value: \"\": must not be empty";
    refuse(nobody, kind, document, field, why)?;
    let Some(before) = before.filter(|before| object::deleting(before)) else {
        return Ok(());
    };
    let known = object::finalizers(before);
    let added = object::finalizers(document);
    let added: Vec<&str> = added
        .into_iter()
        .filter(|finalizer| !known.contains(finalizer))
        .collect();
    let why = format!(
        "Forbidden: no new finalizers can be added if the object is being deleted, found new \
         finalizers []string{{{}}}",
        added
            .iter()
            .map(|finalizer| format!("\"{finalizer}\""))
            .collect::<Vec<_>>()
            .join(", ")
    );
    let field = "metadata.finalizers";
    refuse(!added.is_empty(), kind, document, field, &why)
}

/// A document that Go cannot read into the kind's type.
fn not_of_its_type(kind: &Kind, field: &str, wanted: &str) -> Failure {
    let (title, version) = (kind.title, kind.version);
    Failure::bad_request(&format!(
        "{title} in version \"{version}\" cannot be handled as a {title}: json: cannot unmarshal \
         another type into Go struct field ObjectMeta.{field} of type {wanted}"
    ))
}

/// Makes a Secret's `stringData` data.
pub(crate) fn fold(document: &mut Value) {
    let given = document["stringData"].as_object().cloned();
    for (key, value) in given.into_iter().flatten() {
        let text = value.as_str().unwrap_or_default();
        document["data"][key] = json!(STANDARD.encode(text));
    }
    object::remove(document, "stringData");
    object::remove_if_null(document, "data");
}

/// Data is base64, and the type never changes.
fn secret(document: &mut Value, before: Option<&Value>) -> Result<(), Failure> {
    fold(document);
    object::remove_if_null(document, "type");
    if document.get("type").is_none() {
        document["type"] = json!("Opaque");
    }
    for value in document["data"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(_, value)| value)
    {
        let text = value.as_str().or_else(|| value.is_null().then_some(""));
        if text.is_none_or(|text| STANDARD.decode(text).is_err()) {
            return Err(Failure::bad_request(
                "Secret in version \"v1\" cannot be handled as a Secret: illegal base64 data",
            ));
        }
    }
    data_keys(&kind::SECRET, document)?;
    let retyped = before.is_some_and(|before| before["type"] != document["type"]);
    let immutable = format!("Invalid value: {}: field is immutable", document["type"]);
    refuse(retyped, &kind::SECRET, document, "type", &immutable)?;
    let nameless =
        document["type"] == TOKEN_SECRET && object::annotation(document, ACCOUNT).is_none();
    let field = "metadata.annotations[kubernetes.io/service-account.name]";
    refuse(nameless, &kind::SECRET, document, field, "Required value")
}

fn data_keys(kind: &Kind, document: &Value) -> Result<(), Failure> {
    for (key, _) in document["data"].as_object().into_iter().flatten() {
        let why = format!("Invalid value: \"{key}\": {}", names::RULE_OF_DATA);
        let field = format!("data[{key}]");
        refuse(!names::datum(key), kind, document, &field, &why)?;
    }
    Ok(())
}

fn namespace(document: &mut Value, before: Option<&Value>) {
    let name = object::name(document).to_owned();
    document["metadata"]["labels"]["kubernetes.io/metadata.name"] = json!(name);
    if let Some(before) = before {
        // Both are the server's.
        document["spec"] = before["spec"].clone();
        document["status"] = before["status"].clone();
    } else {
        document["spec"] = json!({"finalizers": ["kubernetes"]});
        document["status"] = json!({"phase": "Active"});
    }
}

fn deployment(document: &mut Value, before: Option<&Value>) -> Result<(), Failure> {
    let kind = &kind::DEPLOYMENT;
    let selector = &document["spec"]["selector"];
    let moved = before.is_some_and(|before| before["spec"]["selector"] != *selector);
    let why = format!("Invalid value: {selector}: field is immutable");
    refuse(moved, kind, document, "spec.selector", &why)?;
    let containers = document["spec"]["template"]["spec"]["containers"].as_array();
    let none = containers.is_none_or(Vec::is_empty);
    let field = "spec.template.spec.containers";
    refuse(none, kind, document, field, "Required value")?;
    let wanted = document["spec"]["selector"]["matchLabels"].clone();
    let labels = document["spec"]["template"]["metadata"]["labels"].clone();
    let pairs = wanted.as_object().cloned().unwrap_or_default();
    refuse(
        pairs.is_empty(),
        kind,
        document,
        "spec.selector",
        "Required value",
    )?;
    let fits = pairs.iter().all(|(key, value)| labels[key] == *value);
    let why = format!("Invalid value: {labels}: `selector` does not match template `labels`");
    refuse(!fits, kind, document, "spec.template.metadata.labels", &why)?;
    if document["spec"]["replicas"].is_null() {
        document["spec"]["replicas"] = json!(1);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop")]

    use super::{identify, prepare};
    use crate::apiserver::kind::{CLUSTER_ROLE, CLUSTER_ROLE_BINDING, DEPLOYMENT, Kind, SECRET};
    use serde_json::{Value, json};

    fn refused(kind: &Kind, mut document: Value, before: Option<&Value>) -> Option<String> {
        let failure = prepare(kind, &mut document, before).err()?;
        Some(failure.message)
    }

    #[test]
    fn string_data_is_folded_into_data_and_data_must_be_base64() {
        let mut secret = json!({
            "metadata": {"name": "x"}, "stringData": {"a": "1"}, "data": {"b": "Mg=="},
        });
        prepare(&SECRET, &mut secret, None).unwrap();
        assert_eq!(secret["data"], json!({"a": "MQ==", "b": "Mg=="}));
        assert!(secret.get("stringData").is_none());
        assert_eq!(secret["type"], "Opaque");
        let plain = json!({"metadata": {"name": "x"}, "data": {"a": "not base64"}});
        assert!(refused(&SECRET, plain, None).unwrap().contains("base64"));
    }

    #[test]
    fn names_and_labels_must_be_valid() {
        let named = |name: &str| json!({"metadata": {"name": name}});
        assert!(refused(&SECRET, named("Upper"), None).is_some());
        assert!(refused(&SECRET, named("-x"), None).is_some());
        assert!(refused(&SECRET, named("a.b-c"), None).is_none());
        assert!(refused(&CLUSTER_ROLE, named("system:x"), None).is_none());
        let labelled = |key: &str, value: &str| {
            let document = json!({"metadata": {"name": "x", "labels": {key: value}}});
            refused(&SECRET, document, None)
        };
        assert!(labelled("a.b/env", "dev_1").is_none());
        assert!(labelled("env", "two words").is_some());
        assert!(labelled("a/b/c", "x").is_some());
        assert!(labelled("env", &"x".repeat(64)).is_some());
    }

    #[test]
    fn a_map_that_is_no_map_is_refused_before_anybody_writes_into_it() {
        for document in [
            json!({"metadata": "x"}),
            json!({"metadata": {"labels": ["x"]}}),
            json!({"data": "x"}),
            json!({"stringData": 1}),
            json!({"metadata": {"finalizers": {}}}),
            json!(["x"]),
        ] {
            assert!(
                identify(&SECRET, "n", &mut document.clone()).is_err(),
                "{document}"
            );
        }
    }

    #[test]
    fn what_is_immutable_cannot_be_changed() {
        let secret = json!({"metadata": {"name": "x"}, "type": "Opaque"});
        let other = json!({"metadata": {"name": "x"}, "type": "other"});
        assert!(
            refused(&SECRET, other, Some(&secret))
                .unwrap()
                .contains("immutable")
        );
        let binding = json!({"metadata": {"name": "x"}, "roleRef": {"name": "a"}});
        let other = json!({"metadata": {"name": "x"}, "roleRef": {"name": "b"}});
        assert!(refused(&CLUSTER_ROLE_BINDING, other, Some(&binding)).is_some());
    }

    #[test]
    fn an_object_that_is_being_deleted_gets_no_new_finalizer() {
        let before = json!({
            "type": "Opaque",
            "metadata": {"name": "x", "deletionTimestamp": "t", "finalizers": ["a/b"]},
        });
        let more = json!({"metadata": {"name": "x", "finalizers": ["a/b", "c/d"]}});
        assert!(
            refused(&SECRET, more, Some(&before))
                .unwrap()
                .contains("no new finalizers")
        );
        let fewer = json!({"metadata": {"name": "x"}});
        assert!(refused(&SECRET, fewer, Some(&before)).is_none());
    }

    #[test]
    fn a_deployment_selects_its_own_pods() {
        let deployment = |label: &str| {
            json!({"metadata": {"name": "x"}, "spec": {
                "selector": {"matchLabels": {"app": "x"}},
                "template": {
                    "metadata": {"labels": {"app": label}},
                    "spec": {"containers": [{"name": "x", "image": "x"}]},
                },
            }})
        };
        assert!(refused(&DEPLOYMENT, deployment("x"), None).is_none());
        assert!(refused(&DEPLOYMENT, deployment("y"), None).is_some());
        let mut empty = deployment("x");
        empty["spec"]["template"]["spec"]["containers"] = json!([]);
        let words =
            "Deployment.apps \"x\" is invalid: spec.template.spec.containers: Required value";
        assert_eq!(refused(&DEPLOYMENT, empty, None).as_deref(), Some(words));
        let mut other = deployment("x");
        other["spec"]["selector"]["matchLabels"] = json!({"app": "z"});
        let moved = refused(&DEPLOYMENT, deployment("x"), Some(&other)).unwrap();
        assert!(moved.contains("spec.selector: Invalid value: {\"matchLabels\""));
        assert!(moved.ends_with("field is immutable"));
    }
}
