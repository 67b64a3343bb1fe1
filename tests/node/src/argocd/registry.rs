//! The clusters that Argo CD knows: Secrets with its label.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::apiserver::kind::{CONFIG_MAP, SECRET};
use crate::apiserver::object::{self, Key};
use crate::apiserver::store::Store;

/// Where Argo CD lives, and everything it reads.
pub(super) const NAMESPACE: &str = "argocd";

/// argo-cd common/common.go:198-202.
const LABEL: &str = "argocd.argoproj.io/secret-type";

/// The cluster that Argo CD runs in (application_defaults.go:33-34).
pub(super) const OWN_NAME: &str = "in-cluster";
pub(super) const OWN_SERVER: &str = "https://kubernetes.default.svc";

/// One registered cluster.
#[derive(Clone, Debug)]
pub(super) struct Cluster {
    /// Its name.
    pub(super) name: String,
    /// Its URL, without a slash at the end.
    pub(super) server: String,
    /// The Secret's labels.
    pub(super) labels: BTreeMap<String, String>,
    /// The Secret's annotations.
    pub(super) annotations: BTreeMap<String, String>,
    /// The project it is limited to.
    pub(super) project: String,
    /// How to connect, or why that cannot be read.
    pub(super) config: Result<Value, String>,
    /// Whether it is known without a Secret.
    pub(super) implicit: bool,
}

/// All of them.
#[derive(Clone, Debug)]
pub(super) struct Registry {
    clusters: Vec<Cluster>,
}

impl Registry {
    /// Reads the Secrets; the own cluster is there without one, unless `argocd-cm` says otherwise.
    pub(super) fn read(store: &Store) -> Self {
        let mut clusters: Vec<Cluster> = store
            .list(&SECRET, NAMESPACE)
            .filter(|(_, secret)| secret["metadata"]["labels"][LABEL] == "cluster")
            .map(|(_, secret)| cluster(secret))
            .collect();
        let settings = store.get(&Key::new(&CONFIG_MAP, NAMESPACE, "argocd-cm"));
        let enabled =
            settings.is_none_or(|settings| settings["data"]["cluster.inClusterEnabled"] != "false");
        if enabled && !clusters.iter().any(|cluster| cluster.server == OWN_SERVER) {
            clusters.push(Cluster {
                name: OWN_NAME.to_owned(),
                server: OWN_SERVER.to_owned(),
                labels: BTreeMap::new(),
                annotations: BTreeMap::new(),
                project: String::new(),
                config: Ok(Value::Null),
                implicit: true,
            });
        }
        Self { clusters }
    }

    /// Every Secret as it is: the cluster generator does not read how to connect.
    pub(super) fn all(&self) -> &[Cluster] {
        &self.clusters
    }

    /// Those that can be read, as most of Argo CD sees them (db.ListClusters skips the others).
    pub(super) fn readable(&self) -> impl Iterator<Item = &Cluster> {
        self.clusters
            .iter()
            .filter(|cluster| cluster.config.is_ok())
    }

    /// All, or an error if one cannot be read (applicationset/utils/clusterUtils.go:29-33).
    pub(super) fn strict(&self) -> Result<&[Cluster], String> {
        for cluster in &self.clusters {
            if let Err(error) = &cluster.config {
                return Err(format!(
                    "error listing clusters: unable to convert cluster secret to cluster object: \
                     {error}"
                ));
            }
        }
        Ok(&self.clusters)
    }
}

fn cluster(secret: &Value) -> Cluster {
    let owned = |field: &str| {
        let pairs = object::map(secret, field).into_iter();
        pairs
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect()
    };
    Cluster {
        name: datum(secret, "name").unwrap_or_default(),
        server: datum(secret, "server")
            .unwrap_or_default()
            .trim_end_matches('/')
            .to_owned(),
        labels: owned("labels"),
        annotations: owned("annotations"),
        project: datum(secret, "project").unwrap_or_default(),
        config: config(secret),
        implicit: false,
    }
}

/// A missing configuration is an empty one (util/db/cluster.go:422-480).
fn config(secret: &Value) -> Result<Value, String> {
    if let Some(shard) = datum(secret, "shard")
        && shard.parse::<i64>().is_err()
    {
        return Err(format!("invalid shard \"{shard}\""));
    }
    let Some(text) = datum(secret, "config").filter(|text| !text.is_empty()) else {
        return Ok(Value::Null);
    };
    let config: Value = serde_json::from_str(&text)
        .map_err(|error| format!("failed to unmarshal cluster config: {error}"))?;
    if !config.is_object() {
        return Err("failed to unmarshal cluster config: not an object".to_owned());
    }
    Ok(config)
}

fn datum(secret: &Value, key: &str) -> Option<String> {
    let bytes = STANDARD.decode(secret["data"][key].as_str()?).ok()?;
    String::from_utf8(bytes).ok()
}
