//! An Application that a set made: where it goes, and what is wrong with it.

use kube::api::DynamicObject;
use serde_json::Value;

use crate::model::one_line;

/// How long a complaint of Argo CD may be.
pub(super) const LONGEST: usize = 200;

/// Argo CD's own finalizers; each may be followed by `/` and a way.
const OWN_FINALIZERS: [&str; 3] = [
    "resources-finalizer.argocd.argoproj.io",
    "pre-delete-finalizer.argocd.argoproj.io",
    "post-delete-finalizer.argocd.argoproj.io",
];

/// Conditions that say that an Application is not what it should be.
const TROUBLES: [&str; 3] = ["DeletionError", "InvalidSpecError", COMPARISON];
const COMPARISON: &str = "ComparisonError";
/// The words of a comparison that failed because of the cluster (argo-cd `controller/state.go`, `controller/cache`).
const OF_CLUSTER: [&str; 2] = ["Failed to load live state", "cluster info"];

/// Where an Application brings its workload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Destination {
    /// The cluster's name.
    pub(super) name: Option<String>,
    /// The cluster's URL.
    pub(super) server: Option<String>,
}

/// One Application.
#[derive(Debug, Clone)]
pub(super) struct Application {
    /// The object as it was read.
    pub(super) object: DynamicObject,
    /// Where its workload goes.
    pub(super) destination: Destination,
}

impl Application {
    /// Reads an Application.
    pub(super) fn of(object: DynamicObject) -> Self {
        let said = &object.data["spec"]["destination"];
        let text = |field: &str| {
            let text = said[field].as_str().filter(|text| !text.is_empty());
            text.map(|text| text.trim_end_matches('/').to_owned())
        };
        let destination = Destination {
            name: text("name"),
            server: text("server"),
        };
        Self {
            object,
            destination,
        }
    }

    /// Its name.
    pub(super) fn name(&self) -> &str {
        self.object.metadata.name.as_deref().unwrap_or_default()
    }

    /// Its identity.
    pub(super) fn uid(&self) -> Option<&str> {
        self.object.metadata.uid.as_deref()
    }

    /// Whether the object with this identity made it.
    pub(super) fn is_owned_by(&self, uid: Option<&str>) -> bool {
        let owners = self.object.metadata.owner_references.iter().flatten();
        let mut owners = owners.filter(|owner| owner.controller == Some(true));
        owners.any(|owner| Some(owner.uid.as_str()) == uid)
    }

    /// Whether it waits to go.
    pub(super) fn is_deleting(&self) -> bool {
        self.object.metadata.deletion_timestamp.is_some()
    }

    /// What is wrong with it.
    pub(super) fn trouble(&self) -> Option<String> {
        let conditions = self.object.data["status"]["conditions"].as_array();
        let complaint = TROUBLES.iter().find_map(|sort| {
            let mut conditions = conditions.into_iter().flatten();
            let condition = conditions.find(|condition| condition["type"] == *sort)?;
            let message = condition["message"].as_str().unwrap_or_default();
            // What Git or the manifests lack is no matter of the cluster.
            if *sort == COMPARISON && !OF_CLUSTER.iter().any(|words| message.contains(words)) {
                return None;
            }
            Some(one_line(&format!("{sort}: {message}"), LONGEST))
        });
        let name = self.name();
        match (self.is_deleting(), complaint) {
            (true, None) => Some(format!("application {name} waits to be deleted")),
            (true, Some(why)) => Some(format!("application {name} waits to be deleted: {why}")),
            (false, Some(why)) => Some(format!("application {name}: {why}")),
            (false, None) => None,
        }
    }

    /// The finalizers that are not Argo CD's.
    pub(super) fn foreign_finalizers(&self) -> Vec<&str> {
        let finalizers = self.object.metadata.finalizers.iter().flatten();
        finalizers
            .map(String::as_str)
            .filter(|finalizer| !is_own(finalizer))
            .collect()
    }

    /// The object without Argo CD's own finalizers; `None`: it has none of them.
    pub(super) fn freed(&self) -> Option<DynamicObject> {
        let mut object = self.object.clone();
        let finalizers = object.metadata.finalizers.as_mut()?;
        let before = finalizers.len();
        finalizers.retain(|finalizer| !is_own(finalizer));
        (finalizers.len() < before).then_some(object)
    }
}

/// Whether a finalizer is Argo CD's own.
fn is_own(finalizer: &str) -> bool {
    OWN_FINALIZERS.iter().any(|own| {
        let way = finalizer.strip_prefix(own);
        way.is_some_and(|way| way.is_empty() || way.starts_with('/'))
    })
}

/// The message of an object's condition of this sort, if it holds.
pub(super) fn condition(object: &Value, sort: &str) -> Option<String> {
    let mut conditions = object["status"]["conditions"].as_array()?.iter();
    let found =
        conditions.find(|condition| condition["type"] == sort && condition["status"] == "True")?;
    Some(one_line(
        found["message"].as_str().unwrap_or_default(),
        LONGEST,
    ))
}
