//! The set as a document. What Argo CD makes of it is in `tests/applicationset.rs`.

use std::collections::BTreeMap;

use kube::api::DynamicObject;
use serde_json::{Value, json};

use super::element::Pattern;
use super::look::lacking;
use super::selector::{Selectors, labels};
use super::set::{Set, names};
use super::template::Language;
use super::wire::Place;
use crate::registrar::scene::id;

fn pattern(pairs: &[(&str, &str)]) -> Pattern {
    let pairs = pairs
        .iter()
        .map(|(key, text)| ((*key).to_owned(), (*text).to_owned()));
    Pattern {
        key: "clusterName".to_owned(),
        element: pairs.collect(),
    }
}

fn plain(elements: &Value) -> Value {
    json!({"generators": [{"list": {"elements": elements}}]})
}

fn set(spec: &Value) -> Set {
    let set = json!({"metadata": {"name": "whoami"}, "spec": spec});
    let set: DynamicObject = serde_json::from_value(set).unwrap();
    Set(set)
}

fn find(spec: &Value) -> Result<Place, String> {
    Place::find(spec, "clusterName")
}

/// The position of the only element of this cluster.
fn position(spec: &Value, cluster: &str) -> Option<usize> {
    let (place, pattern) = (find(spec).unwrap(), pattern(&[]));
    let found = place.positions(spec, |element| pattern.is_of(element, &id(cluster)));
    assert!(found.len() < 2, "{found:?}");
    found.first().copied()
}

#[test]
fn an_element_is_written_and_all_others_stay_as_they_are() {
    let text = r#"{"generators":[{"list":{"elements":[{"z":1.50,"clusterName":"other","a":{"deep":[null,true]}},
        {"extra":"kept","branch":"old","clusterName":"dev"},"no map"],"template":{}},"selector":{}}],"later":[9]}"#;
    let mut spec: Value = serde_json::from_str(text).unwrap();
    let place = find(&spec).unwrap();
    let said =
        pattern(&[("branch", "{name}"), ("env", "{provider}-{name}")]).wanted(&id("k3d/dev"));
    assert!(place.put(&mut spec, Some(1), &said));
    let expected = r#"{"generators":[{"list":{"elements":[{"z":1.5,"clusterName":"other","a":{"deep":[null,true]}},{"extra":"kept","branch":"dev","clusterName":"dev","env":"k3d-dev"},"no map"],"template":{}},"selector":{}}],"later":[9]}"#;
    assert_eq!(spec.to_string(), expected);
    assert!(!place.put(&mut spec, Some(1), &said), "it says so already");
    assert_eq!(spec.to_string(), expected);

    place.drop_at(&mut spec, 1);
    let expected = expected.replace(
        r#"{"extra":"kept","branch":"dev","clusterName":"dev","env":"k3d-dev"},"#,
        "",
    );
    assert_eq!(spec.to_string(), expected);
}

#[test]
fn a_new_element_comes_last_and_is_made_of_texts() {
    let mut spec = plain(&json!([{"clusterName": "a"}]));
    let said = pattern(&[("ingressClass", "traefik")]).wanted(&id("kind/b"));
    find(&spec).unwrap().put(&mut spec, None, &said);
    let expected = json!([{"clusterName": "a"}, {"clusterName": "b", "ingressClass": "traefik"}]);
    assert_eq!(spec, plain(&expected));
    for empty in [
        json!({}),
        json!({"elements": null}),
        json!({"elements": []}),
        Value::Null,
    ] {
        let mut spec = json!({"generators": [{"list": empty}]});
        find(&spec).unwrap().put(&mut spec, None, &said);
        assert_eq!(
            spec["generators"][0]["list"]["elements"][0]["clusterName"], "b",
            "{empty}"
        );
    }
}

#[test]
fn the_list_with_the_key_is_found_wherever_it_is() {
    let list = |key: &str| json!({"list": {"elements": [{key: "dev"}]}});
    let matrix = json!({"generators": [
        {"git": {}},
        {"matrix": {"generators": [{"clusters": {}}, {"merge": {"generators": [list("other"), list("clusterName")]}}]}},
    ]});
    let place = find(&matrix).unwrap();
    assert!(place.nested && !place.alone);
    assert_eq!(place.elements(&matrix), [json!({"clusterName": "dev"})]);

    let several =
        json!({"generators": [list("other"), list("clusterName"), {"list": {"elements": []}}]});
    let place = find(&several).unwrap();
    assert!(!place.nested && !place.alone);
    assert_eq!(place.elements(&several), [json!({"clusterName": "dev"})]);

    let alone = json!({"generators": [list("clusterName")]});
    assert!(find(&alone).unwrap().alone);
}

#[test]
fn no_list_and_two_lists_are_refused() {
    let list = |key: &str| json!({"list": {"elements": [{key: "dev"}]}});
    let empty = json!({"list": {"elements": []}});
    let yaml = json!({"list": {"elements": [], "elementsYaml": "- clusterName: dev"}});
    for (generators, why) in [
        (json!([]), "no list generator"),
        (json!([{"clusters": {}}]), "no list generator"),
        (json!([list("other")]), "no list generator"),
        (json!([yaml]), "no list generator"),
        (
            json!([list("clusterName"), list("clusterName")]),
            "2 of its list generators have",
        ),
        (json!([empty, empty]), "2 of its list generators are empty"),
    ] {
        let refused = find(&json!({"generators": generators})).unwrap_err();
        assert!(refused.starts_with(why), "{refused}");
    }
}

#[test]
fn an_element_is_of_a_cluster_by_name_and_by_the_provider_it_says() {
    let spec = plain(&json!([
        {"clusterName": "dev-a"},
        {"clusterName": "dev", "provider": "kind"},
        {"clusterName": 3},
        {"clusterName": "any"},
    ]));
    assert_eq!(position(&spec, "kind/dev"), Some(1));
    assert_eq!(position(&spec, "k3d/dev"), None);
    assert_eq!(position(&spec, "k3d/any"), Some(3));
    assert_eq!(position(&spec, "kind/any"), Some(3));
}

#[test]
fn a_list_is_emptied_only_if_nothing_else_is_in_it() {
    let one = plain(&json!([{"clusterName": "dev"}]));
    assert!(find(&one).unwrap().is_emptied_by(&one, 1));
    let two = plain(&json!([{"clusterName": "dev"}, {"any": "thing"}]));
    assert!(!find(&two).unwrap().is_emptied_by(&two, 1));
    let mut yaml = one.clone();
    yaml["generators"][0]["list"]["elementsYaml"] = json!("- clusterName: more");
    assert!(!find(&yaml).unwrap().is_emptied_by(&yaml, 1));
}

#[test]
fn what_somebody_added_is_no_difference_and_what_is_no_text_is_one() {
    let pattern = pattern(&[("branch", "{name}")]);
    let wanted = pattern.wanted_fingerprint(&id("k3d/dev"));
    let differs = |element: Value| -> Vec<String> {
        let there = pattern.fingerprint(&element).differences(&wanted);
        there.into_iter().map(|(name, ..)| name).collect()
    };
    let none: [&str; 0] = [];
    assert_eq!(
        differs(json!({"clusterName": "dev", "branch": "dev", "more": 1})),
        none
    );
    assert_eq!(differs(json!({"clusterName": "dev"})), ["branch"]);
    assert_eq!(
        differs(json!({"clusterName": "dev", "branch": "main"})),
        ["branch"]
    );
    let settings = self::pattern(&[("branch", "main")])
        .fingerprint(&json!({"clusterName": "dev", "branch": "dev"}));
    let names: Vec<String> = settings
        .differences(&wanted)
        .into_iter()
        .map(|(name, ..)| name)
        .collect();
    assert_eq!(names, ["(settings)"], "other settings, and nothing else");
    let numbers = self::pattern(&[("port", "80")]);
    let text = numbers.fingerprint(&json!({"clusterName": "dev", "port": "80"}));
    let number = numbers.fingerprint(&json!({"clusterName": "dev", "port": 80}));
    assert_ne!(text, number);
}

#[test]
fn names_are_filled_in_both_languages_or_not_at_all() {
    let element = json!({"env": "dev", "b": "x", "n": 3});
    let fast = |text| Language::Fast.fill(text, &element);
    let go = |text| Language::Go.fill(text, &element);
    assert_eq!(
        fast("whoami-{{env}}-{{ b }}").as_deref(),
        Some("whoami-dev-x")
    );
    assert_eq!(
        go("whoami-{{.env}}-{{- .b -}}").as_deref(),
        Some("whoami-dev-x")
    );
    assert_eq!(go("{{ index . \"env\" }}").as_deref(), Some("dev"));
    assert_eq!(go("plain").as_deref(), Some("plain"));
    for unclear in [
        "{{.env | upper}}",
        "{{.path.basename}}",
        "{{.n}}",
        "{{.gone}}",
        "{{env}}",
        "{{",
    ] {
        assert_eq!(go(unclear), None, "{unclear}");
    }
    for unclear in ["{{.env}}", "{{metadata.labels.env}}", "{{n}}", "{{gone}}"] {
        assert_eq!(fast(unclear), None, "{unclear}");
    }
}

#[test]
fn the_keys_that_a_template_uses_are_found_in_both_languages() {
    let used = |language: Language, text: &str| -> Vec<String> {
        language
            .used(&json!({"a": [{"b": text}]}))
            .into_iter()
            .collect()
    };
    let none: [&str; 0] = [];
    let go = "{{.env}} {{ .branch | default \"x\" }} {{- index . \"host\" -}} {{ if .maybe }}{{ end }} {{/* .no */}}";
    assert_eq!(used(Language::Go, go), ["branch", "env", "host"]);
    assert_eq!(
        used(Language::Go, "{{ range .all }}{{ .inner }}{{ end }}"),
        none
    );
    assert_eq!(used(Language::Go, "{{env}} {{.metadata.labels.env}}"), none);
    assert_eq!(
        used(
            Language::Fast,
            "{{env}} {{ branch }} {{metadata.labels.env}} {{.go}}"
        ),
        ["branch", "env"]
    );
    let key = json!({"{{env}}": 1});
    assert_eq!(
        Language::Fast.used(&key).into_iter().collect::<Vec<_>>(),
        ["env"]
    );
}

#[test]
fn a_key_that_the_template_uses_and_an_element_lacks_is_named() {
    let pattern = pattern(&[]);
    let template = json!({"metadata": {"name": "whoami-{{.env}}"}});
    let lacks = |elements: Value, nested: bool, go: bool| {
        let list = json!({"list": {"elements": elements}});
        let generator = if nested {
            json!({"matrix": {"generators": [{"git": {}}, list]}})
        } else {
            list
        };
        let mut spec = json!({"goTemplate": go, "generators": [generator], "template": template});
        if !go {
            spec["template"]["metadata"]["name"] = json!("whoami-{{env}}");
        }
        let place = find(&spec).unwrap();
        lacking(
            &set(&spec),
            &pattern,
            &place,
            &json!({"clusterName": "dev"}),
        )
    };
    let alone = json!([{"clusterName": "dev"}]);
    let both = json!([{"clusterName": "dev"}, {"clusterName": "ops", "env": "ops"}]);
    let without = json!([{"clusterName": "dev"}, {"clusterName": "ops"}]);
    for go in [true, false] {
        assert_eq!(lacks(alone.clone(), false, go).as_deref(), Some("env"));
        assert_eq!(lacks(both.clone(), false, go).as_deref(), Some("env"));
        assert_eq!(lacks(both.clone(), true, go).as_deref(), Some("env"));
        // It may come from the other generator, or from nowhere: the others get on without it.
        assert_eq!(lacks(alone.clone(), true, go), None);
        assert_eq!(lacks(without.clone(), false, go), None);
    }
}

#[test]
fn every_part_of_a_selector_must_hold() {
    let labels = labels(&id("k3d/dev"));
    let selects = |selector: Value| {
        let spec = json!({"generators": [{"matrix": {"generators": [{"clusters": {"selector": selector}}]}}]});
        Selectors::of(&spec).unwrap().select(&labels)
    };
    let expression = |operator: &str, key: &str, values: &[&str]| json!({"matchExpressions": [{"key": key, "operator": operator, "values": values}]});
    assert!(selects(Value::Null));
    assert!(selects(
        json!({"matchLabels": {"env": "dev", "type": "business"}})
    ));
    assert!(!selects(
        json!({"matchLabels": {"env": "dev", "type": "management"}})
    ));
    assert!(selects(expression("In", "provider", &["kind", "k3d"])));
    assert!(!selects(expression("In", "provider", &["kind"])));
    assert!(!selects(expression("In", "gone", &["kind"])));
    assert!(selects(expression("NotIn", "type", &["management"])));
    assert!(selects(expression("NotIn", "gone", &["any"])));
    assert!(!selects(expression("NotIn", "env", &["dev"])));
    assert!(selects(expression("Exists", "env", &[])));
    assert!(!selects(expression("Exists", "gone", &[])));
    assert!(selects(expression("DoesNotExist", "gone", &[])));
    assert!(!selects(expression("DoesNotExist", "env", &[])));
    assert!(!selects(expression("Nonsense", "env", &[])));
    assert_eq!(Selectors::of(&plain(&json!([]))), None);
    assert_eq!(
        labels,
        BTreeMap::from([
            (
                "argocd.argoproj.io/secret-type".to_owned(),
                "cluster".to_owned()
            ),
            (
                "app.kubernetes.io/managed-by".to_owned(),
                "rollcall".to_owned()
            ),
            ("env".to_owned(), "dev".to_owned()),
            ("provider".to_owned(), "k3d".to_owned()),
            ("type".to_owned(), "business".to_owned()),
        ])
    );
}

#[test]
fn a_message_names_a_cluster_only_as_a_word() {
    let message =
        "application destination spec is invalid: there are no clusters with this name: dev-a.";
    assert!(names(message, "dev-a"));
    assert!(!names(message, "dev"));
    assert!(names("duplicate name: whoami-dev", "whoami-dev"));
}

#[test]
fn whoever_else_wrote_the_generators_is_named() {
    let field = json!({"f:spec": {"f:generators": {}}});
    let mut set = set(&json!({}));
    let entry = |manager: &str, time: &str, fields: &Value| json!({"manager": manager, "operation": "Update", "time": time, "fieldsType": "FieldsV1", "fieldsV1": fields});
    set.0.metadata.managed_fields = serde_json::from_value(json!([
        entry("old", "2026-01-01T00:00:00Z", &field),
        entry("kubectl", "2026-01-02T00:00:00Z", &field),
        entry("status", "2026-01-03T00:00:00Z", &json!({"f:status": {}})),
        entry("rollcall", "2026-01-04T00:00:00Z", &field),
    ]))
    .unwrap();
    assert_eq!(set.other_writer().as_deref(), Some("kubectl"));
}

#[test]
fn its_own_controller_is_nobody_who_undoes_anything() {
    let wrote = |managers: &[(&str, &str)]| {
        let mut set = set(&json!({}));
        let entries = managers.iter().map(|(manager, time)| {
            json!({
                "manager": manager, "operation": "Update", "apiVersion": "argoproj.io/v1alpha1",
                "time": time, "fieldsType": "FieldsV1",
                "fieldsV1": {"f:spec": {"f:generators": {}}},
            })
        });
        let entries: Value = entries.collect();
        set.0.metadata.managed_fields = Some(serde_json::from_value(entries).unwrap());
        set.other_writer()
    };
    let controller = ("argocd-applicationset-controller", "2026-01-01T00:00:09Z");
    assert_eq!(wrote(&[controller]), None);
    let ours = ("rollcall", "2026-01-01T00:00:10Z");
    let flux = ("flux", "2026-01-01T00:00:01Z");
    assert_eq!(wrote(&[flux, ours, controller]), Some("flux".to_owned()));
}
