//! The elements of a set's list generator, found by their key and changed one at a time.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::element::{Pattern, document};

/// Generators that consist of others.
pub(super) const NESTING: [&str; 2] = ["matrix", "merge"];

/// Where the list generator is whose elements have the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// The list generator, in the set's spec.
    pointer: String,
    /// Whether its elements are joined with what other generators give.
    pub(super) nested: bool,
    /// Whether no other generator makes Applications.
    pub(super) alone: bool,
}

impl Place {
    /// Finds the one list generator whose elements have this key; while none has elements, the only empty one.
    pub(super) fn find(spec: &Value, key: &str) -> Result<Self, String> {
        let mut lists = Vec::new();
        collect(&spec["generators"], "/generators", false, &mut lists);
        let generators = spec["generators"].as_array().map_or(0, Vec::len);
        let place = |(pointer, nested): &(String, bool)| Self {
            pointer: pointer.clone(),
            nested: *nested,
            alone: generators == 1 && !nested,
        };
        let list = |(pointer, _): &&(String, bool)| spec.pointer(pointer);
        let has_key = |list: &Value| {
            let elements = list["elements"].as_array();
            elements.is_some_and(|all| all.iter().any(|element| element.get(key).is_some()))
        };
        let keyed: Vec<_> = lists
            .iter()
            .filter(|found| list(found).is_some_and(has_key))
            .collect();
        let empty: Vec<_> = lists
            .iter()
            .filter(|found| list(found).is_some_and(is_empty))
            .collect();
        match (&keyed[..], &empty[..]) {
            ([one], _) | ([], [one]) => Ok(place(one)),
            ([], []) => Err(format!("no list generator of it has elements with {key}")),
            ([], more) => Err(format!("{} of its list generators are empty", more.len())),
            (more, _) => Err(format!(
                "{} of its list generators have elements with {key}",
                more.len()
            )),
        }
    }

    /// All elements.
    pub(super) fn elements<'s>(&self, spec: &'s Value) -> &'s [Value] {
        let list = spec.pointer(&self.pointer);
        let elements = list.and_then(|list| list["elements"].as_array());
        elements.map_or(&[], Vec::as_slice)
    }

    /// The list generator's own template.
    pub(super) fn template<'s>(&self, spec: &'s Value) -> Option<&'s Value> {
        spec.pointer(&self.pointer)?.get("template")
    }

    /// Whether nothing would be left without this many of its elements.
    pub(super) fn is_emptied_by(&self, spec: &Value, count: usize) -> bool {
        let list = spec.pointer(&self.pointer);
        self.elements(spec).len() <= count && list.is_none_or(|list| !has_yaml(list))
    }

    /// Where the elements of a cluster are.
    pub(super) fn positions(&self, spec: &Value, is_its: impl Fn(&Value) -> bool) -> Vec<usize> {
        let elements = self.elements(spec).iter().enumerate();
        elements
            .filter(|(_, element)| is_its(element))
            .map(|(position, _)| position)
            .collect()
    }

    /// Makes the element at this position say this, or a new one; what else it says stays. False: it said so already.
    pub(super) fn put(
        &self,
        spec: &mut Value,
        position: Option<usize>,
        said: &BTreeMap<String, String>,
    ) -> bool {
        let Some(elements) = self.elements_mut(spec) else {
            return false;
        };
        let old = position.and_then(|position| elements.get_mut(position));
        let Some(Value::Object(old)) = old else {
            elements.push(document(said));
            return true;
        };
        let before = old.clone();
        for (key, text) in said {
            old.insert(key.clone(), Value::String(text.clone()));
        }
        *old != before
    }

    /// Drops the element at this position.
    pub(super) fn drop_at(&self, spec: &mut Value, position: usize) {
        let elements = self.elements_mut(spec);
        if let Some(elements) = elements.filter(|elements| position < elements.len()) {
            elements.remove(position);
        }
    }

    fn elements_mut<'s>(&self, spec: &'s mut Value) -> Option<&'s mut Vec<Value>> {
        let list = spec.pointer_mut(&self.pointer)?;
        if list.is_null() {
            *list = Value::Object(Map::new());
        }
        let elements = list
            .as_object_mut()?
            .entry("elements")
            .or_insert(Value::Null);
        if elements.is_null() {
            *elements = Value::Array(Vec::new());
        }
        elements.as_array_mut()
    }
}

/// The list generators, nested ones included: where each is, and whether it is nested.
fn collect(generators: &Value, pointer: &str, nested: bool, found: &mut Vec<(String, bool)>) {
    for (number, generator) in generators.as_array().into_iter().flatten().enumerate() {
        let pointer = format!("{pointer}/{number}");
        if generator.get("list").is_some() {
            found.push((format!("{pointer}/list"), nested));
        }
        for sort in NESTING {
            let inner = &generator[sort]["generators"];
            collect(inner, &format!("{pointer}/{sort}/generators"), true, found);
        }
    }
}

fn is_empty(list: &Value) -> bool {
    let elements = &list["elements"];
    (elements.is_null() || elements.as_array().is_some_and(Vec::is_empty)) && !has_yaml(list)
}

fn has_yaml(list: &Value) -> bool {
    let yaml = list["elementsYaml"].as_str();
    yaml.is_some_and(|yaml| !yaml.trim().is_empty())
}

/// The keys that other elements of the list have, which says what comes from the list at all.
pub(super) fn keys_of_others<'s>(
    elements: &'s [Value],
    pattern: &Pattern,
    own: &str,
) -> Option<Vec<&'s String>> {
    let others = elements
        .iter()
        .filter(|element| pattern.name(element).is_some_and(|name| name != own));
    let others: Vec<_> = others.filter_map(Value::as_object).collect();
    (!others.is_empty()).then(|| others.iter().flat_map(|other| other.keys()).collect())
}
