//! What every object has: a key, labels, owners, finalizers.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::kind::Kind;

/// Where an object is kept.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    /// The kind: `secrets`, `deployments.apps`.
    pub(crate) resource: String,
    /// The namespace, or nothing.
    pub(crate) namespace: String,
    /// The name.
    pub(crate) name: String,
}

impl Key {
    /// The key of the object of this kind, namespace and name.
    pub(crate) fn new(kind: &Kind, namespace: &str, name: &str) -> Self {
        let namespace = if kind.namespaced { namespace } else { "" };
        Self {
            resource: kind.resource(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        }
    }

    /// The key of an object that says what it is.
    pub(crate) fn of(object: &Value) -> Option<(&'static Kind, Self)> {
        let kind = Kind::of(object)?;
        let key = Self::new(kind, text(object, "namespace"), text(object, "name"));
        (!key.name.is_empty()).then_some((kind, key))
    }
}

/// A text of the metadata, or nothing.
pub(crate) fn text<'a>(object: &'a Value, field: &str) -> &'a str {
    object["metadata"][field].as_str().unwrap_or_default()
}

/// The name.
pub(crate) fn name(object: &Value) -> &str {
    text(object, "name")
}

/// The revision of the whole store at which the object was written last.
pub(crate) fn revision(object: &Value) -> u64 {
    text(object, "resourceVersion").parse().unwrap_or_default()
}

/// Labels or annotations.
pub(crate) fn map<'a>(object: &'a Value, field: &str) -> BTreeMap<&'a str, &'a str> {
    let pairs = object["metadata"][field].as_object().into_iter().flatten();
    pairs
        .filter_map(|(key, value)| Some((key.as_str(), value.as_str()?)))
        .collect()
}

/// One annotation.
pub(crate) fn annotation<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    object["metadata"]["annotations"][key].as_str()
}

/// The finalizers.
pub(crate) fn finalizers(object: &Value) -> Vec<&str> {
    let list = object["metadata"]["finalizers"].as_array();
    list.into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}

/// Whether it is on its way out.
pub(crate) fn deleting(object: &Value) -> bool {
    !object["metadata"]["deletionTimestamp"].is_null()
}

/// The uids of the owners.
pub(crate) fn owners(object: &Value) -> Vec<&str> {
    let list = object["metadata"]["ownerReferences"].as_array();
    list.into_iter()
        .flatten()
        .filter_map(|owner| owner["uid"].as_str())
        .collect()
}

/// The uid of the owner that controls it.
pub(crate) fn controller(object: &Value) -> Option<&str> {
    let list = object["metadata"]["ownerReferences"].as_array();
    list.into_iter()
        .flatten()
        .find(|owner| owner["controller"] == true)
        .and_then(|owner| owner["uid"].as_str())
}

/// Writes into the metadata, making it if need be; null removes.
pub(crate) fn set(object: &mut Value, field: &str, value: Value) {
    if !object["metadata"].is_object() {
        object["metadata"] = json!({});
    }
    if value.is_null() {
        if let Some(metadata) = object["metadata"].as_object_mut() {
            metadata.remove(field);
        }
    } else {
        object["metadata"][field] = value;
    }
}

/// Removes a field of the document itself.
pub(crate) fn remove(object: &mut Value, field: &str) {
    if let Some(map) = object.as_object_mut() {
        map.remove(field);
    }
}

/// Removes a field of the document itself if it says nothing.
pub(crate) fn remove_if_null(object: &mut Value, field: &str) {
    if object.get(field).is_some_and(Value::is_null) {
        remove(object, field);
    }
}
