//! The clusters that Argo CD knows: its labelled Secrets, without what is secret in them.

use std::collections::BTreeMap;

use k8s_openapi::ByteString;
use kube::api::DynamicObject;
use serde_json::Value;

use super::application::Destination;

/// The label that makes a Secret a cluster of Argo CD.
pub(super) const SECRET_TYPE: &str = "argocd.argoproj.io/secret-type";

/// The cluster that Argo CD runs in, known without a Secret.
const IN_CLUSTER: (&str, &str) = ("in-cluster", "https://kubernetes.default.svc");

/// What a cluster Secret says of where it leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cluster {
    /// The Secret's own name.
    secret: String,
    /// The cluster's name.
    pub(super) name: String,
    server: String,
    /// The Secret's labels.
    pub(super) labels: BTreeMap<String, String>,
}

impl Cluster {
    /// Reads a Secret.
    pub(super) fn of(secret: &DynamicObject) -> Self {
        let meta = &secret.metadata;
        Self {
            secret: meta.name.clone().unwrap_or_default(),
            name: datum(secret, "name"),
            server: datum(secret, "server").trim_end_matches('/').to_owned(),
            labels: meta.labels.clone().unwrap_or_default(),
        }
    }

    /// Whether an Application with this destination is for it.
    pub(super) fn is(&self, destination: &Destination) -> bool {
        let by_name = destination.name.as_ref().is_some_and(|name| {
            // A Secret of that cluster from which somebody took the name may get it back.
            *name == self.name || self.name.is_empty() && self.secret == format!("cluster-{name}")
        });
        by_name || destination.server.as_deref() == Some(self.server.as_str())
    }
}

/// Whether Argo CD still knows where this destination is.
pub(super) fn knows(clusters: &[Cluster], destination: &Destination) -> bool {
    let (name, server) = IN_CLUSTER;
    let own =
        destination.name.as_deref() == Some(name) || destination.server.as_deref() == Some(server);
    own || clusters.iter().any(|cluster| cluster.is(destination))
}

fn datum(secret: &DynamicObject, key: &str) -> String {
    let encoded: &Value = &secret.data["data"][key];
    let bytes = serde_json::from_value::<ByteString>(encoded.clone()).ok();
    bytes
        .and_then(|bytes| String::from_utf8(bytes.0).ok())
        .unwrap_or_default()
}
