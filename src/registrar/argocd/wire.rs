//! Cluster Secrets: what they say, and what ours say. Argo CD's parser is `util/db/cluster.go`, its words for the
//! connection `pkg/apis/application/v1alpha1/types.go` (`ClusterConfig`).

use std::collections::BTreeMap;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};

use super::config;
use crate::model::{ClusterId, ClusterName, Fingerprint, ProviderId};
use crate::provider::{ApiAddress, Credentials};

/// The label that makes a Secret a cluster, and its value.
pub(super) const SORT: (&str, &str) = ("argocd.argoproj.io/secret-type", "cluster");
/// Whose a Secret is.
pub(super) const OWNER: (&str, &str) = ("app.kubernetes.io/managed-by", "rollcall");
/// The cluster that a Secret of ours is for.
const CLUSTER: &str = "rollcall.dev/cluster";
/// How Argo CD is to reach it.
const REACH: &str = "rollcall.dev/reach";
/// The name that Argo CD has for its own cluster.
pub(super) const IN_CLUSTER: &str = "in-cluster";
/// And its address.
const IN_CLUSTER_SERVER: &str = "https://kubernetes.default.svc";
/// How the names of cluster Secrets begin.
const PREFIX: &str = "cluster-";

/// What a Secret of ours says of one cluster.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// Which.
    pub(super) id: ClusterId,
    /// How Argo CD is to reach it.
    pub(super) reach: String,
    /// Where Argo CD reaches it.
    pub(super) server: String,
    /// The name in its certificate.
    pub(super) server_name: String,
    /// Its CA's certificate, PEM in base64.
    pub(super) ca_data: String,
    /// What Argo CD shows there.
    pub(super) token: SecretString,
}

impl Entry {
    /// The Secret, as it is created, or applied over the one that is there.
    pub(super) fn secret(&self, namespace: &str, there: Option<&ClusterSecret>) -> Value {
        let config = json!({
            "bearerToken": self.token.expose_secret(),
            "tlsClientConfig": {
                "insecure": false,
                "serverName": self.server_name,
                "caData": self.ca_data,
            },
        });
        let bytes = |text: &str| ByteString(text.as_bytes().to_vec());
        let mut secret = json!({
            "metadata": {
                "name": secret_name(&self.id.name),
                "namespace": namespace,
                "labels": labels(&self.id),
                "annotations": {CLUSTER: self.id.to_string(), REACH: self.reach},
            },
            "type": "Opaque",
            "data": {
                "name": bytes(self.id.name.as_str()),
                "server": bytes(&self.server),
                "config": bytes(&config.to_string()),
            },
        });
        if let Some(there) = there {
            let meta = &there.secret.metadata;
            secret["metadata"]["resourceVersion"] = json!(meta.resource_version);
            // An apply with a version alone makes one that is gone anew.
            secret["metadata"]["uid"] = json!(meta.uid);
        }
        secret
    }
}

/// The labels of a Secret of ours: what a cluster generator selects by.
pub(in crate::registrar) fn labels(id: &ClusterId) -> BTreeMap<&'static str, String> {
    BTreeMap::from([
        (SORT.0, SORT.1.to_owned()),
        (OWNER.0, OWNER.1.to_owned()),
        ("env", id.name.to_string()),
        ("provider", id.provider.to_string()),
        ("type", "business".to_owned()),
    ])
}

/// The name of a cluster's Secret.
pub(super) fn secret_name(name: &ClusterName) -> String {
    format!("{PREFIX}{name}")
}

/// A Secret of Argo CD's namespace, read as a cluster.
#[derive(Debug, Clone)]
pub(super) struct ClusterSecret {
    secret: Secret,
    config: Result<Value, ()>,
}

impl ClusterSecret {
    /// The Secret, if it is a cluster or looks like one that lost its label.
    pub(super) fn of(secret: Secret) -> Option<Self> {
        let has = |key: &str| {
            secret
                .data
                .as_ref()
                .is_some_and(|data| data.contains_key(key))
        };
        let named = secret.metadata.name.as_deref().unwrap_or_default();
        let lost = named.starts_with(PREFIX)
            && (has("server") || label(&secret, OWNER.0) == Some(OWNER.1));
        if !is_labelled(&secret) && !lost {
            return None;
        }
        let text = text(&secret, "config").unwrap_or_default();
        let config = config::read(&text).ok_or(());
        Some(Self { secret, config })
    }

    /// The Secret's name.
    pub(super) fn name(&self) -> &str {
        self.secret.metadata.name.as_deref().unwrap_or_default()
    }

    /// Whether Argo CD sees it.
    pub(super) fn is_cluster(&self) -> bool {
        is_labelled(&self.secret)
    }

    /// Whether Argo CD can read it.
    pub(super) fn is_readable(&self) -> bool {
        self.config.is_ok()
    }

    /// Whether it is Argo CD's own cluster.
    pub(super) fn is_own(&self) -> bool {
        self.server() == IN_CLUSTER_SERVER
    }

    /// Where it leads.
    pub(super) fn server(&self) -> String {
        let server = text(&self.secret, "server").unwrap_or_default();
        server.trim_end_matches('/').to_owned()
    }

    /// What Argo CD calls the cluster.
    pub(super) fn cluster_name(&self) -> String {
        text(&self.secret, "name").unwrap_or_default()
    }

    /// The clusters that it may be the entry of: one, or, where it does not say its provider, one of each.
    pub(super) fn clusters(&self, providers: &[ProviderId]) -> Vec<ClusterId> {
        let name = self.name().strip_prefix(PREFIX);
        let Some(name) = name.and_then(|name| ClusterName::parse(name).ok()) else {
            return Vec::new();
        };
        if let Some(id) = self.written() {
            // Under another name it is a copy.
            return if id.name == name {
                vec![id]
            } else {
                Vec::new()
            };
        }
        let said = label(&self.secret, "provider");
        let of = |provider: &&ProviderId| said.is_none_or(|said| said == provider.as_str());
        let providers = providers.iter().filter(of);
        providers
            .map(|provider| ClusterId::new(provider.clone(), name.clone()))
            .collect()
    }

    /// Whether it says itself whose entry it is, and is.
    pub(super) fn is_marked(&self) -> bool {
        let named = |id: ClusterId| self.name() == secret_name(&id.name);
        self.written().is_some_and(named)
    }

    fn written(&self) -> Option<ClusterId> {
        self.annotation(CLUSTER)?.parse().ok()
    }

    /// How Argo CD was to reach it when it was written.
    pub(super) fn reach(&self) -> Option<&str> {
        self.annotation(REACH)
    }

    fn annotation(&self, name: &str) -> Option<&str> {
        let annotations = self.secret.metadata.annotations.as_ref()?;
        annotations.get(name).map(String::as_str)
    }

    /// What it says, field by field.
    pub(super) fn fingerprint(&self) -> Fingerprint {
        let label = |name: &str| label(&self.secret, name).unwrap_or("none").to_owned();
        let mut fields = vec![
            ("name", self.cluster_name()),
            ("server", self.server()),
            ("secret-type", label(SORT.0)),
            ("owner", label(OWNER.0)),
            ("env", label("env")),
            ("provider", label("provider")),
            ("type", label("type")),
        ];
        match &self.config {
            Err(()) => fields.push(("config", "unreadable".to_owned())),
            Ok(config) => fields.extend(connection(config)),
        }
        Fingerprint::of(fields)
    }

    /// The credentials that it holds, if they are a token.
    pub(super) fn credentials(&self) -> Option<ApiAddress> {
        let config = self.config.as_ref().ok()?;
        let tls = &config["tlsClientConfig"];
        let word = |value: &Value| {
            value
                .as_str()
                .filter(|word| !word.is_empty())
                .map(str::to_owned)
        };
        Some(ApiAddress {
            server: self.server(),
            server_name: word(&tls["serverName"]),
            ca_data: word(&tls["caData"])?,
            credentials: Credentials::Token(SecretString::from(word(&config["bearerToken"])?)),
        })
    }
}

/// How it connects, without what not everybody may read.
fn connection(config: &Value) -> Vec<(&'static str, String)> {
    let tls = &config["tlsClientConfig"];
    let none = || "none".to_owned();
    let digest = |value: &Value| value.as_str().map_or_else(none, Fingerprint::digest);
    let plain = |value: &Value| value.as_str().map_or_else(none, str::to_owned);
    let verify = tls["insecure"].as_bool() != Some(true);
    let mut fields = vec![
        ("token", digest(&config["bearerToken"])),
        ("ca", digest(&tls["caData"])),
        ("server name", plain(&tls["serverName"])),
        ("verified", if verify { "yes" } else { "no" }.to_owned()),
    ];
    // Whatever else would be used instead of the token, or on the way.
    let more = [
        (config, ["username", "password", "awsAuthConfig"].as_slice()),
        (config, &["execProviderConfig", "proxyUrl"]),
        (tls, &["certData", "keyData"]),
    ];
    let more = more.into_iter().flat_map(|(holder, keys)| {
        let set = |key: &&&str| !matches!(holder.get(**key), None | Some(Value::Null));
        keys.iter().filter(set).copied()
    });
    let more: Vec<&str> = more.collect();
    if !more.is_empty() {
        fields.push(("besides", more.join(", ")));
    }
    fields
}

fn is_labelled(secret: &Secret) -> bool {
    label(secret, SORT.0) == Some(SORT.1)
}

fn label<'s>(secret: &'s Secret, name: &str) -> Option<&'s str> {
    let labels = secret.metadata.labels.as_ref()?;
    labels.get(name).map(String::as_str)
}

fn text(secret: &Secret, key: &str) -> Option<String> {
    let data = secret.data.as_ref()?;
    String::from_utf8(data.get(key)?.0.clone()).ok()
}
