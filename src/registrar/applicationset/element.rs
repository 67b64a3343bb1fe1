//! What an element of ours says: a plain function of the cluster and the settings.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::model::{ClusterId, Fingerprint};

/// The key of whose provider a cluster is, where elements say it.
pub(super) const PROVIDER: &str = "provider";
/// Under this name, which no key has, a fingerprint tells by which settings an element is ours.
const SETTINGS: &str = "(settings)";

/// How elements of ours are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern {
    /// The key whose value is the cluster's name.
    pub(super) key: String,
    /// What else an element says.
    pub(super) element: BTreeMap<String, String>,
}

impl Pattern {
    /// What the element of this cluster shall say. Texts alone: a set without Go templates takes nothing else.
    pub(super) fn wanted(&self, id: &ClusterId) -> BTreeMap<String, String> {
        let filled = |text: &String| {
            text.replace("{name}", id.name.as_str())
                .replace("{provider}", id.provider.as_str())
        };
        let pairs = self.element.iter();
        let mut wanted: BTreeMap<String, String> = pairs
            .map(|(key, text)| (key.clone(), filled(text)))
            .collect();
        wanted.insert(self.key.clone(), id.name.as_str().to_owned());
        wanted
    }

    /// The name of the cluster that an element is for.
    pub(super) fn name<'e>(&self, element: &'e Value) -> Option<&'e str> {
        element.get(&self.key)?.as_str()
    }

    /// Whether an element is this cluster's: by name, and by provider if it says one.
    pub(super) fn is_of(&self, element: &Value, id: &ClusterId) -> bool {
        let same = self.name(element) == Some(id.name.as_str());
        same && provider(element).is_none_or(|provider| provider == id.provider.as_str())
    }

    /// What an element says where ours speak; what somebody added is not in it. It tells by which settings, too: where
    /// they change, ours differ from what was registered, and others' elements from nothing.
    pub(super) fn fingerprint(&self, element: &Value) -> Fingerprint {
        let keys = self.element.keys().chain([&self.key]);
        let said = keys.filter_map(|key| Some((key.as_str(), shown(element.get(key)?))));
        let settings = Fingerprint::digest(&format!("{:?}", (&self.key, &self.element)));
        Fingerprint::of(said.chain([(SETTINGS, settings)]))
    }

    /// The fingerprint of what the element of this cluster shall say.
    pub(super) fn wanted_fingerprint(&self, id: &ClusterId) -> Fingerprint {
        self.fingerprint(&document(&self.wanted(id)))
    }
}

/// The provider that an element says.
pub(super) fn provider(element: &Value) -> Option<&str> {
    element.get(PROVIDER)?.as_str()
}

/// An element that says this.
pub(super) fn document(said: &BTreeMap<String, String>) -> Value {
    let pairs = said.iter();
    let pairs = pairs.map(|(key, text)| (key.clone(), Value::String(text.clone())));
    Value::Object(pairs.collect::<Map<_, _>>())
}

/// A value as text; one that is no text never looks like one.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => format!("{other} (no text)"),
    }
}
