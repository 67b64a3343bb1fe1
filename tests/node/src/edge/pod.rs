//! What an agent is started with: a template's environment, with what Secrets say at that moment.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::apiserver::kind::SECRET;
use crate::apiserver::object::{self, Key};
use crate::apiserver::store::Store;

/// A deployment's pod that is to run.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Pod {
    /// Whose it is: the deployment, in this life of its own.
    uid: String,
    namespace: String,
    template: Value,
}

/// What an agent has, once and for all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Started {
    /// The name that it goes by.
    pub(super) edge_id: String,
    /// What tells it where its server is.
    pub(super) edge_key: String,
    /// Whether it takes every certificate.
    pub(super) insecure: bool,
    /// Its version, which is its image's tag.
    pub(super) version: String,
}

impl Pod {
    /// The pod of a deployment, if that asks for an edge agent that runs.
    pub(super) fn of(deployment: &Value) -> Option<Self> {
        let pod = Self {
            uid: object::text(deployment, "uid").to_owned(),
            namespace: object::text(deployment, "namespace").to_owned(),
            template: deployment["spec"]["template"].clone(),
        };
        let wanted = deployment["spec"]["replicas"] != 0 && pod.agent().is_some();
        wanted.then_some(pod)
    }

    /// The container that is an edge agent.
    fn agent(&self) -> Option<&Value> {
        let containers = self.template["spec"]["containers"].as_array()?;
        let is_edge = |variable: &Value| variable["name"] == "EDGE" && variable["value"] == "1";
        let mut containers = containers.iter();
        containers.find(|one| {
            one["env"]
                .as_array()
                .is_some_and(|env| env.iter().any(is_edge))
        })
    }

    /// Starts it; nothing if something is missing, as a Secret that is not there yet.
    pub(super) fn start(&self, store: &Store) -> Option<Started> {
        let agent = self.agent()?;
        let mut env = BTreeMap::new();
        for variable in agent["env"].as_array()? {
            let name = variable["name"].as_str()?;
            let secret = &variable["valueFrom"]["secretKeyRef"];
            let value = if secret.is_object() {
                Some(self.read(store, secret)?)
            } else {
                variable["value"].as_str().map(str::to_owned)
            };
            // What comes from elsewhere, as the pod's address, no agent of ours needs.
            if let Some(value) = value {
                env.insert(name, value);
            }
        }
        let image = agent["image"].as_str().unwrap_or_default();
        let name = image.rsplit('/').next().unwrap_or_default();
        let version = name.rsplit_once(':').map_or("latest", |(_, tag)| tag);
        Some(Started {
            edge_id: env.remove("EDGE_ID")?,
            edge_key: env.remove("EDGE_KEY")?,
            insecure: env.get("EDGE_INSECURE_POLL").is_some_and(|set| set == "1"),
            version: version.to_owned(),
        })
    }

    fn read(&self, store: &Store, reference: &Value) -> Option<String> {
        let key = Key::new(&SECRET, &self.namespace, reference["name"].as_str()?);
        let datum = store.get(&key)?["data"][reference["key"].as_str()?].as_str()?;
        String::from_utf8(STANDARD.decode(datum).ok()?).ok()
    }
}
