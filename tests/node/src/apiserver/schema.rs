//! What the schemas of Argo CD's own kinds demand (argo-cd `manifests/crds`), as far as it was ever missed here.
//!
//! As in the real one, who says null in such an object says nothing; inside of a list's elements everything stays.

use serde_json::Value;

use super::failure::Failure;
use super::kind::{self, Kind};
use super::object;

/// Fields whose contents nobody knows (`x-kubernetes-preserve-unknown-fields`).
const FREE: [&str; 2] = ["elements", "values"];

/// Drops what says nothing, and refuses what lacks something.
pub(super) fn check(kind: &Kind, document: &mut Value) -> Result<(), Failure> {
    prune(document);
    let demanded: &[&str] = if kind == &kind::APPLICATION {
        &["/spec", "/spec/destination", "/spec/project"]
    } else if kind == &kind::APPLICATION_SET {
        &[
            "/spec",
            "/spec/generators",
            "/spec/template",
            "/spec/template/metadata",
            "/spec/template/spec",
        ]
    } else {
        &["/spec"]
    };
    for path in demanded {
        require(kind, document, path)?;
    }
    let destination = &document["spec"]["destination"];
    if kind == &kind::APPLICATION && !destination.is_object() {
        let why = "Invalid value: \"string\": spec.destination in body must be of type object: \"string\"";
        let name = object::name(document);
        return Err(Failure::invalid(kind, name, "spec.destination", why));
    }
    let generators = document["spec"]["generators"]
        .as_array()
        .map_or(0, Vec::len);
    for number in 0..generators {
        for sort in ["list", "clusters"] {
            let template = format!("/spec/generators/{number}/{sort}/template");
            if document.pointer(&template).is_some() {
                require(kind, document, &format!("{template}/spec"))?;
            }
        }
    }
    Ok(())
}

fn require(kind: &Kind, document: &Value, path: &str) -> Result<(), Failure> {
    if document.pointer(path).is_some() {
        return Ok(());
    }
    let mut field = String::new();
    for part in path.split('/').skip(1) {
        match (part.parse::<usize>(), field.as_str()) {
            (Ok(number), _) => field = format!("{field}[{number}]"),
            (Err(_), "") => field.push_str(part),
            (Err(_), _) => field.extend([".", part]),
        }
    }
    let name = object::name(document);
    Err(Failure::invalid(kind, name, &field, "Required value"))
}

fn prune(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|_, inner| !inner.is_null());
            for (key, inner) in map {
                if !FREE.contains(&key.as_str()) {
                    prune(inner);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(prune),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop")]

    use super::check;
    use crate::apiserver::kind::{APPLICATION, APPLICATION_SET, Kind};
    use serde_json::{Value, json};

    fn refused(kind: &Kind, mut document: Value) -> String {
        check(kind, &mut document).unwrap_err().message
    }

    #[test]
    fn what_the_schema_demands_must_be_there() {
        let app = |spec: Value| json!({"metadata": {"name": "x"}, "spec": spec});
        let mut good = app(json!({"project": "default", "destination": {"name": "dev"}}));
        assert!(check(&APPLICATION, &mut good).is_ok());
        assert_eq!(
            refused(&APPLICATION, app(json!({"destination": {}}))),
            "Application.argoproj.io \"x\" is invalid: spec.project: Required value"
        );
        assert_eq!(
            refused(&APPLICATION, json!({"metadata": {"name": "x"}})),
            "Application.argoproj.io \"x\" is invalid: spec: Required value"
        );
        let text = json!({"project": "default", "destination": "dev"});
        assert!(refused(&APPLICATION, app(text)).contains("must be of type object"));
        let set = |list: Value| {
            let template = json!({"metadata": {}, "spec": {}});
            app(json!({"generators": [{"list": list}], "template": template}))
        };
        assert_eq!(
            refused(&APPLICATION_SET, set(json!({"template": {"metadata": {}}}))),
            "ApplicationSet.argoproj.io \"x\" is invalid: spec.generators[0].list.template.spec: \
             Required value"
        );
        assert!(check(&APPLICATION_SET, &mut set(json!({"elements": []}))).is_ok());
    }

    #[test]
    fn null_says_nothing_but_inside_of_elements() {
        let mut set = json!({"metadata": {"name": "x"}, "spec": {
            "generators": [{"list": {"elements": [{"a": null}]}}, {"list": {"elements": null}}],
            "template": {"metadata": {}, "spec": {"source": null}},
        }});
        check(&APPLICATION_SET, &mut set).unwrap();
        let generators = json!([{"list": {"elements": [{"a": null}]}}, {"list": {}}]);
        assert_eq!(set["spec"]["generators"], generators);
        assert_eq!(set["spec"]["template"]["spec"], json!({}));
    }
}
