//! Sets of fields: the leaves of a document, and how Kubernetes writes such sets (`FieldsV1`).
//!
//! A leaf is a path to a scalar, to a list or to an empty map: the keys of maps are owned one by
//! one, lists as a whole. The real one knows lists with keys too; none of those is needed here.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::kind::Kind;

/// From the document's root to a field.
pub(crate) type Path = Vec<String>;

/// Some fields of a document.
pub(crate) type Fields = BTreeSet<Path>;

/// Metadata that belongs to the server or to the object's place.
const NOBODYS: [&str; 11] = [
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generateName",
    "generation",
    "managedFields",
    "name",
    "namespace",
    "resourceVersion",
    "selfLink",
    "uid",
];

/// The part of a document that one path of the API writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// Everything.
    Whole,
    /// Everything but the status.
    Main,
    /// The status alone.
    Status,
}

impl Part {
    /// What a request to the object itself, or to its `/status`, writes.
    pub(crate) fn of(kind: &Kind, status: bool) -> Self {
        match (kind.status, status) {
            (false, _) => Self::Whole,
            (true, false) => Self::Main,
            (true, true) => Self::Status,
        }
    }

    fn has(self, path: &[String]) -> bool {
        let top = path.first().map(String::as_str);
        match (self, top) {
            (_, None | Some("apiVersion" | "kind")) | (Self::Main, Some("status")) => false,
            (Self::Status, top) => top == Some("status"),
            (_, Some("metadata")) => path
                .get(1)
                .is_some_and(|field| !NOBODYS.contains(&field.as_str())),
            _ => true,
        }
    }
}

/// The leaves of one part of a document.
pub(crate) fn leaves(document: &Value, part: Part) -> Fields {
    let mut found = Fields::new();
    collect(document, &mut Path::new(), &mut found);
    found.retain(|path| part.has(path));
    found
}

fn collect(value: &Value, path: &mut Path, found: &mut Fields) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (key, inner) in map {
                path.push(key.clone());
                collect(inner, path, found);
                path.pop();
            }
        }
        // Who says null says nothing.
        Value::Null => {}
        _ => {
            found.insert(path.clone());
        }
    }
}

/// The value at a path.
pub(crate) fn at<'a>(document: &'a Value, path: &[String]) -> Option<&'a Value> {
    path.iter()
        .try_fold(document, |value, key| value.as_object()?.get(key))
}

/// Removes a leaf, and the maps that are empty without it, unless somebody owns them.
pub(crate) fn prune(document: &mut Value, path: &[String], owned: &Fields) {
    let Some((last, parents)) = path.split_last() else {
        return;
    };
    let parent = parents.iter().try_fold(&mut *document, |value, key| {
        value.as_object_mut()?.get_mut(key)
    });
    let Some(map) = parent.and_then(Value::as_object_mut) else {
        return;
    };
    map.remove(last);
    if map.is_empty() && parents != ["metadata"] && !owned.contains(parents) {
        prune(document, parents, owned);
    }
}

/// A field in messages: `.metadata.labels.env`.
pub(crate) fn dotted(path: &[String]) -> String {
    format!(".{}", path.join("."))
}

/// The set as `FieldsV1`.
pub(crate) fn render(fields: &Fields) -> Value {
    let mut root = json!({});
    for path in fields {
        let mut place = &mut root;
        for key in path {
            place = &mut place[format!("f:{key}")];
            if place.is_null() {
                *place = json!({});
            }
        }
        // A map that is owned itself, beside what is in it; paths come before longer ones.
        place["."] = json!({});
    }
    without_lone_dots(root)
}

fn without_lone_dots(value: Value) -> Value {
    let Value::Object(map) = value else {
        return value;
    };
    let alone = map.len() == 1;
    let kept: Map<String, Value> = map
        .into_iter()
        .filter(|(key, _)| key != "." || !alone)
        .map(|(key, inner)| (key, without_lone_dots(inner)))
        .collect();
    Value::Object(kept)
}

/// Reads `FieldsV1`.
pub(crate) fn parse(value: &Value) -> Fields {
    let mut found = Fields::new();
    descend(value, &mut Path::new(), &mut found);
    found
}

fn descend(value: &Value, path: &mut Path, found: &mut Fields) {
    let map = value.as_object();
    if map.is_none_or(|map| map.is_empty() || map.contains_key(".")) && !path.is_empty() {
        found.insert(path.clone());
    }
    for (key, inner) in map.into_iter().flatten() {
        if let Some(key) = key.strip_prefix("f:") {
            path.push(key.to_owned());
            descend(inner, path, found);
            path.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Part, leaves, parse, render};
    use serde_json::json;

    #[test]
    fn a_set_of_fields_is_written_and_read_without_loss() {
        let document = json!({
            "kind": "ConfigMap",
            "metadata": {"name": "x", "uid": "u", "labels": {"a.b/c": "1"}, "annotations": {}},
            "data": {"one": "1", "two": "2"},
            "list": [{"a": 1}],
        });
        let mut fields = leaves(&document, Part::Whole);
        fields.insert(vec!["data".to_owned()]);
        let written = render(&fields);
        assert_eq!(
            written,
            json!({
                "f:metadata": {"f:labels": {"f:a.b/c": {}}, "f:annotations": {}},
                "f:data": {".": {}, "f:one": {}, "f:two": {}},
                "f:list": {},
            })
        );
        assert_eq!(parse(&written), fields);
    }

    #[test]
    fn the_status_of_a_kind_with_a_subresource_is_a_part_of_its_own() {
        let document = json!({"spec": {"a": 1}, "status": {"b": 2}});
        assert_eq!(leaves(&document, Part::Whole).len(), 2);
        assert_eq!(leaves(&document, Part::Main).len(), 1);
        assert_eq!(leaves(&document, Part::Status).len(), 1);
    }
}
