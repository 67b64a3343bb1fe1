//! Patches that need no owners: JSON patch (RFC 6902) and merge patch (RFC 7386).

use serde_json::Value;

use super::failure::Failure;

/// Merges: null removes, maps are merged, everything else replaces.
pub(crate) fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(serde_json::Map::new());
    }
    for (key, value) in patch {
        if value.is_null() {
            if let Some(map) = target.as_object_mut() {
                map.remove(key);
            }
        } else {
            merge(&mut target[key], value);
        }
    }
}

/// Applies the operations in their order, or none of them.
pub(crate) fn json(target: &Value, operations: &Value) -> Result<Value, Failure> {
    let operations = operations
        .as_array()
        .ok_or_else(|| Failure::bad_request("a JSON patch is a list of operations"))?;
    let mut document = target.clone();
    for operation in operations {
        step(&mut document, operation)?;
    }
    Ok(document)
}

fn step(document: &mut Value, operation: &Value) -> Result<(), Failure> {
    let pointer = |field: &str| {
        operation[field]
            .as_str()
            .ok_or_else(|| Failure::bad_request(&format!("an operation lacks its \"{field}\"")))
    };
    let path = pointer("path")?;
    let value = || operation.get("value").cloned().unwrap_or_default();
    match operation["op"].as_str().unwrap_or_default() {
        "add" => add(document, path, value()),
        "remove" => remove(document, path).map(drop),
        "replace" => {
            let place = document
                .pointer_mut(path)
                .ok_or_else(Failure::unfit_patch)?;
            *place = value();
            Ok(())
        }
        "move" => {
            let moved = remove(document, pointer("from")?)?;
            add(document, path, moved)
        }
        "copy" => {
            let from = pointer("from")?;
            let copied = document
                .pointer(from)
                .ok_or_else(Failure::unfit_patch)?
                .clone();
            add(document, path, copied)
        }
        "test" if document.pointer(path).unwrap_or(&Value::Null) == &value() => Ok(()),
        _ => Err(Failure::unfit_patch()),
    }
}

fn add(document: &mut Value, path: &str, value: Value) -> Result<(), Failure> {
    let Some((parent, last)) = path.rsplit_once('/') else {
        *document = value;
        return Ok(());
    };
    match document.pointer_mut(parent) {
        Some(Value::Object(map)) => {
            map.insert(unescaped(last), value);
            Ok(())
        }
        Some(Value::Array(items)) if last == "-" => {
            items.push(value);
            Ok(())
        }
        Some(Value::Array(items)) => {
            let index = last.parse().ok().filter(|index| *index <= items.len());
            items.insert(index.ok_or_else(Failure::unfit_patch)?, value);
            Ok(())
        }
        _ => Err(Failure::unfit_patch()),
    }
}

fn remove(document: &mut Value, path: &str) -> Result<Value, Failure> {
    let (parent, last) = path.rsplit_once('/').ok_or_else(Failure::unfit_patch)?;
    let removed = match document.pointer_mut(parent) {
        Some(Value::Object(map)) => map.remove(&unescaped(last)),
        Some(Value::Array(items)) => {
            let index = last.parse().ok().filter(|index| *index < items.len());
            index.map(|index: usize| items.remove(index))
        }
        _ => None,
    };
    removed.ok_or_else(Failure::unfit_patch)
}

fn unescaped(segment: &str) -> String {
    segment.replace("~1", "/").replace("~0", "~")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop")]

    use super::{json as apply, merge};
    use hyper::StatusCode;
    use serde_json::json;

    #[test]
    fn a_merge_patch_removes_by_null_and_replaces_lists_whole() {
        let mut document = json!({"a": {"b": 1, "c": 2}, "l": [1, 2]});
        merge(&mut document, &json!({"a": {"b": null, "d": 3}, "l": [9]}));
        assert_eq!(document, json!({"a": {"c": 2, "d": 3}, "l": [9]}));
    }

    #[test]
    fn a_json_patch_is_done_in_order() {
        let patch = json!([
            {"op": "test", "path": "/m/x~1y", "value": 1},
            {"op": "add", "path": "/l/-", "value": 3},
            {"op": "add", "path": "/l/0", "value": 0},
            {"op": "remove", "path": "/m/x~1y"},
            {"op": "copy", "from": "/l", "path": "/m/l"},
            {"op": "replace", "path": "/l/1", "value": 7},
            {"op": "move", "from": "/l", "path": "/n"},
        ]);
        let after = apply(&json!({"l": [1, 2], "m": {"x/y": 1}}), &patch).unwrap();
        assert_eq!(after, json!({"m": {"l": [0, 1, 2, 3]}, "n": [0, 7, 2, 3]}));
    }

    #[test]
    fn a_test_that_fails_and_a_path_that_is_missing_are_422() {
        let document = json!({"a": 1});
        for patch in [
            json!([{"op": "test", "path": "/a", "value": 2}]),
            json!([{"op": "remove", "path": "/b"}]),
            json!([{"op": "replace", "path": "/b/c", "value": 1}]),
        ] {
            let failure = apply(&document, &patch).unwrap_err();
            assert_eq!(failure.status, StatusCode::UNPROCESSABLE_ENTITY);
        }
    }
}
