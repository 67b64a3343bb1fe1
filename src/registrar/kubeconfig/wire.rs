//! The file's content: a YAML document of which only our three entries are understood, and the rest is carried along.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::model::{ClusterId, ClusterName, Fingerprint, Incarnation, ProviderId};
use crate::provider::Access;
use secrecy::{ExposeSecret, SecretString};

/// The lists that entries are in.
const LISTS: [&str; 3] = ["contexts", "clusters", "users"];

/// The key of the current context.
const CURRENT: &str = "current-context";

/// A kubeconfig as it stands in its file.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Document(Map<String, Value>);

/// What the file calls one cluster's entries: the names that kind and k3d themselves give
/// (kind `pkg/cluster/internal/kubeconfig/internal/kubeconfig/helpers.go`, k3d `pkg/client/kubeconfig.go`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Names {
    pub(super) context: String,
    pub(super) user: String,
}

impl Names {
    pub(super) fn of(id: &ClusterId) -> Self {
        let context = format!("{}-{}", id.provider, id.name);
        let user = if id.provider.as_str() == "k3d" {
            format!("admin@{context}")
        } else {
            context.clone()
        };
        Self { context, user }
    }
}

/// One cluster's entries. `None`: missing.
#[derive(Debug, Clone, Copy)]
struct Entries<'d> {
    cluster: Option<&'d Value>,
    user: Option<&'d Value>,
    context: Option<&'d Value>,
}

impl Document {
    /// Reads a file's text; an empty file is an empty kubeconfig.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if text.trim().is_empty() {
            return Ok(Self::empty());
        }
        match serde_saphyr::from_str::<Value>(text) {
            Ok(Value::Object(map)) => match LISTS.iter().find(|list| !is_list(map.get(**list))) {
                Some(list) => Err(format!("{list} is no list")),
                None => Ok(Self(map)),
            },
            Ok(Value::Null) => Ok(Self::empty()),
            Ok(_) => Err("it is no mapping".to_owned()),
            // The message may quote the file, and the file is full of keys: only the place is said.
            Err(error) => Err(match error.location() {
                Some(place) => format!("it is no YAML (line {})", place.line()),
                None => "it is no YAML".to_owned(),
            }),
        }
    }

    /// A kubeconfig without entries.
    pub(super) fn empty() -> Self {
        let mut map = Map::new();
        map.insert("apiVersion".to_owned(), json!("v1"));
        map.insert("kind".to_owned(), json!("Config"));
        Self(map)
    }

    /// The document as text.
    pub(super) fn text(&self) -> Result<String, String> {
        serde_saphyr::to_string(&Value::Object(self.0.clone()))
            .map_err(|_| "it cannot be written as YAML".to_owned())
    }

    /// What is there for clusters of these providers: fingerprint and server.
    pub(super) fn entries(
        &self,
        providers: &[ProviderId],
    ) -> BTreeMap<ClusterId, (Fingerprint, String)> {
        let names = LISTS
            .iter()
            .flat_map(|list| self.list(list))
            .filter_map(|entry| entry.get("name")?.as_str());
        let ids = names.filter_map(|name| {
            let name = name.strip_prefix("admin@").unwrap_or(name);
            let (provider, name) = name.split_once('-')?;
            let provider = providers.iter().find(|known| known.as_str() == provider)?;
            Some(ClusterId::new(
                provider.clone(),
                ClusterName::parse(name).ok()?,
            ))
        });
        ids.filter_map(|id| {
            let found = (self.fingerprint(&id)?, self.server(&id).unwrap_or_default());
            Some((id, found))
        })
        .collect()
    }

    /// A digest of one cluster's entries, or `None` if there are none. A namespace or an extension that a person put
    /// into the context is theirs and no change of the registration.
    pub(super) fn fingerprint(&self, id: &ClusterId) -> Option<Fingerprint> {
        let Entries {
            cluster,
            user,
            context,
        } = self.of(id);
        if cluster.is_none() && user.is_none() && context.is_none() {
            return None;
        }
        let body = |entry: Option<&Value>, key: &str| {
            entry
                .and_then(|entry| entry.get(key))
                .cloned()
                .unwrap_or_default()
        };
        let context = body(context, "context");
        let mut cluster = body(cluster, "cluster");
        let server = cluster.as_object_mut().and_then(|map| map.remove("server"));
        let digest = |value: &Value| Fingerprint::digest(&canonical(value).to_string());
        Some(Fingerprint::of([
            ("server", server.map(plain).unwrap_or_default()),
            ("trust", digest(&cluster)),
            ("credentials", digest(&body(user, "user"))),
            (
                "context",
                digest(&json!([context.get("cluster"), context.get("user")])),
            ),
        ]))
    }

    /// Where one cluster's entry points to.
    fn server(&self, id: &ClusterId) -> Option<String> {
        Some(
            self.of(id)
                .cluster?
                .get("cluster")?
                .get("server")?
                .as_str()?
                .to_owned(),
        )
    }

    /// The credentials of one cluster's entry, if it holds a client certificate. Of which life they are nobody knows.
    pub(super) fn access(&self, id: &ClusterId) -> Option<Access> {
        let entries = self.of(id);
        let (cluster, user) = (entries.cluster?.get("cluster")?, entries.user?.get("user")?);
        let secret = |key: &str| Some(SecretString::from(user.get(key)?.as_str()?));
        Some(Access {
            id: id.clone(),
            incarnation: Incarnation::new(""),
            server: cluster.get("server")?.as_str()?.to_owned(),
            ca_data: cluster
                .get("certificate-authority-data")?
                .as_str()?
                .to_owned(),
            client_certificate_data: secret("client-certificate-data")?,
            client_key_data: secret("client-key-data")?,
        })
    }

    /// The context that holds where nobody names one.
    pub(super) fn current(&self) -> Option<&str> {
        let current = self.0.get(CURRENT)?.as_str()?;
        (!current.is_empty()).then_some(current)
    }

    /// Makes this context the current one.
    pub(super) fn set_current(&mut self, context: &str) {
        self.0.insert(CURRENT.to_owned(), json!(context));
    }

    /// Whether a cluster has all that its context needs.
    pub(super) fn is_whole(&self, id: &ClusterId) -> bool {
        let of = self.of(id);
        of.cluster.is_some() && of.user.is_some() && of.context.is_some()
    }

    /// The document itself.
    pub(super) fn into_value(self) -> Value {
        Value::Object(self.0)
    }

    /// Writes one cluster's entries: in place where they are, at the end where they are not.
    pub(super) fn put(&mut self, access: &Access) {
        let names = Names::of(&access.id);
        let cluster =
            json!({"certificate-authority-data": access.ca_data, "server": access.server});
        let user = json!({
            "client-certificate-data": access.client_certificate_data.expose_secret(),
            "client-key-data": access.client_key_data.expose_secret(),
        });
        let mut context = match self
            .of(&access.id)
            .context
            .and_then(|entry| entry.get("context"))
        {
            Some(Value::Object(own)) => own.clone(),
            _ => Map::new(),
        };
        context.insert("cluster".to_owned(), json!(names.context));
        context.insert("user".to_owned(), json!(names.user));
        self.put_entry("clusters", &names.context, "cluster", cluster);
        self.put_entry("users", &names.user, "user", user);
        self.put_entry(
            "contexts",
            &names.context,
            "context",
            Value::Object(context),
        );
    }

    /// Takes one cluster's entries away. A current context that named it is left naming it: kubectl then says that the
    /// context does not exist, and no other cluster is talked to by mistake.
    pub(super) fn remove(&mut self, id: &ClusterId) {
        let names = Names::of(id);
        for (list, name) in [
            ("clusters", &names.context),
            ("users", &names.user),
            ("contexts", &names.context),
        ] {
            if let Some(Value::Array(entries)) = self.0.get_mut(list) {
                entries.retain(|entry| entry.get("name").and_then(Value::as_str) != Some(name));
            }
        }
    }

    fn put_entry(&mut self, list: &str, name: &str, key: &str, body: Value) {
        let entries = self.0.entry(list).or_insert_with(|| json!([]));
        if !entries.is_array() {
            *entries = json!([]);
        }
        let Value::Array(entries) = entries else {
            return;
        };
        match entries
            .iter_mut()
            .find(|entry| entry.get("name").and_then(Value::as_str) == Some(name))
        {
            Some(Value::Object(entry)) => {
                entry.insert(key.to_owned(), body);
            }
            _ => entries.push(json!({"name": name, key: body})),
        }
    }

    fn of(&self, id: &ClusterId) -> Entries<'_> {
        let names = Names::of(id);
        let find = |list: &str, name: &str| {
            self.list(list)
                .find(|entry| entry.get("name").and_then(Value::as_str) == Some(name))
        };
        Entries {
            cluster: find("clusters", &names.context),
            user: find("users", &names.user),
            context: find("contexts", &names.context),
        }
    }

    fn list<'d>(&'d self, list: &str) -> impl Iterator<Item = &'d Value> + use<'d> {
        self.0
            .get(list)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
    }
}

/// Whether something is a list, or none yet.
fn is_list(value: Option<&Value>) -> bool {
    matches!(value, None | Some(Value::Null | Value::Array(_)))
}

/// A text as it is, anything else as JSON.
fn plain(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

/// The value with every mapping sorted by key: how a program orders its keys is no difference.
fn canonical(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let sorted: BTreeMap<&String, Value> = map
                .iter()
                .map(|(key, value)| (key, canonical(value)))
                .collect();
            json!(sorted)
        }
        Value::Array(items) => Value::Array(items.iter().map(canonical).collect()),
        other => other.clone(),
    }
}
