//! The smaller records: tags, groups, users, API keys, settings.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A tag. Its key is `ID`, where an endpoint's is `Id` (P `api/portainer.go:1088`).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Tag {
    /// The number.
    #[serde(rename = "ID")]
    pub(crate) id: u32,
    /// The name, unique.
    #[serde(rename = "Name")]
    pub(crate) name: String,
}

/// A group of environments (P `api/portainer.go:468`).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Group {
    /// The number; 1 is "Unassigned".
    pub(crate) id: u32,
    /// The name, which need not be unique.
    pub(crate) name: String,
    /// The description.
    pub(crate) description: String,
    /// Who may use it.
    pub(crate) user_access_policies: Value,
    /// Which teams may use it.
    pub(crate) team_access_policies: Value,
    /// The tags, which its environments have too.
    pub(crate) tag_ids: Vec<u32>,
}

impl Group {
    /// The group of what is in no other (P `api/datastore/init.go:93-101`).
    pub(crate) fn unassigned() -> Self {
        Self::new(1, "Unassigned", "Unassigned environments", Vec::new())
    }

    /// A group that nobody has rights to.
    pub(crate) fn new(id: u32, name: &str, description: &str, tag_ids: Vec<u32>) -> Self {
        Self {
            id,
            name: name.to_owned(),
            description: description.to_owned(),
            user_access_policies: json!({}),
            team_access_policies: json!({}),
            tag_ids,
        }
    }
}

/// The administrator; there are no other users here.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct User {
    /// The number.
    pub(crate) id: u32,
    /// The name.
    pub(crate) name: String,
    /// The salted digest of the password.
    pub(crate) password: String,
    /// Tokens from before this second are void (P `api/jwt/jwt.go`).
    pub(crate) tokens_since: i64,
}

/// An API key, of which the server keeps the digest alone (P `api/portainer.go:890`).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ApiKey {
    /// The number.
    pub(crate) id: u32,
    /// Whose it is.
    pub(crate) user_id: u32,
    /// What for.
    pub(crate) description: String,
    /// Its first seven letters.
    pub(crate) prefix: String,
    /// When it was made, in seconds since 1970.
    pub(crate) date_created: i64,
    /// When it was last used, in seconds since 1970.
    pub(crate) last_used: i64,
    /// The digest, standard base64.
    pub(crate) digest: String,
}

/// The settings that anything here depends on.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Settings {
    /// Seconds between two check-ins of an edge agent.
    pub(crate) edge_agent_checkin_interval: u32,
    /// Whether new edge environments get an `EdgeID` at once.
    #[serde(rename = "EnforceEdgeID")]
    pub(crate) enforce_edge_id: bool,
    /// Whether an untrusted edge agent is let in.
    pub(crate) trust_on_first_connect: bool,
    /// Whether edge computing is shown; polling needs it not.
    pub(crate) enable_edge_compute_features: bool,
    /// The shortest password (P `api/datastore/init.go:38`).
    pub(crate) required_password_length: u32,
    /// Seconds that a login is good for.
    pub(crate) session_seconds: i64,
}

impl Settings {
    /// The settings of a new installation.
    pub(crate) fn new(checkin_seconds: u32) -> Self {
        Self {
            edge_agent_checkin_interval: checkin_seconds,
            enforce_edge_id: false,
            trust_on_first_connect: false,
            enable_edge_compute_features: false,
            required_password_length: 12,
            session_seconds: 8 * 3600,
        }
    }
}
