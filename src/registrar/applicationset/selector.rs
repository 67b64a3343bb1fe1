//! Which cluster Secrets a set selects.

use std::collections::BTreeMap;

use serde_json::Value;

use super::wire::NESTING;
use crate::model::ClusterId;
use crate::registrar::argocd;

/// The labels that a cluster Secret of ours bears.
pub(super) fn labels(id: &ClusterId) -> BTreeMap<String, String> {
    let all = argocd::labels(id).into_iter();
    all.map(|(key, value)| (key.to_owned(), value)).collect()
}

/// The selectors of a set's cluster generators, nested ones included.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Selectors<'s>(Vec<&'s Value>);

impl<'s> Selectors<'s> {
    /// Those of this spec; `None`: it has no cluster generator.
    pub(super) fn of(spec: &'s Value) -> Option<Self> {
        let mut found = Vec::new();
        collect(&spec["generators"], &mut found);
        (!found.is_empty()).then_some(Self(found))
    }

    /// Whether any of them selects these labels.
    pub(super) fn select(&self, labels: &BTreeMap<String, String>) -> bool {
        self.0.iter().any(|selector| selects(selector, labels))
    }
}

fn collect<'s>(generators: &'s Value, found: &mut Vec<&'s Value>) {
    for generator in generators.as_array().into_iter().flatten() {
        if let Some(clusters) = generator.get("clusters") {
            found.push(&clusters["selector"]);
        }
        for sort in NESTING {
            collect(&generator[sort]["generators"], found);
        }
    }
}

/// A label selector of Kubernetes: everything in it must hold.
fn selects(selector: &Value, labels: &BTreeMap<String, String>) -> bool {
    let pairs = selector["matchLabels"].as_object();
    let equal = pairs
        .into_iter()
        .flatten()
        .all(|(key, value)| labels.get(key).map(String::as_str) == value.as_str());
    let expressions = selector["matchExpressions"].as_array();
    let mut expressions = expressions.into_iter().flatten();
    equal && expressions.all(|expression| holds(expression, labels))
}

fn holds(expression: &Value, labels: &BTreeMap<String, String>) -> bool {
    let said = labels.get(expression["key"].as_str().unwrap_or_default());
    let values = expression["values"].as_array();
    let among = |said: &String| values.is_some_and(|all| all.iter().any(|one| one == said));
    match expression["operator"].as_str() {
        Some("In") => said.is_some_and(among),
        Some("NotIn") => !said.is_some_and(among),
        Some("Exists") => said.is_some(),
        Some("DoesNotExist") => said.is_none(),
        _ => false,
    }
}
