//! Portainer's JSON, as far as it concerns us (portainer `api/portainer.go:370-449`).

use serde::{Deserialize, Deserializer};

/// `GET /api/system/status`, which everybody may ask.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct ServerStatus {
    /// The server's version.
    #[serde(rename = "Version")]
    pub(super) version: String,
    /// The life of its database: with another one, every number and every key is void.
    #[serde(rename = "InstanceID")]
    pub(super) instance: String,
}

/// A tag. Its number is `ID` here, and `Id` elsewhere.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Tag {
    /// Its number.
    #[serde(rename = "ID")]
    pub(super) id: u64,
    /// Its name.
    #[serde(rename = "Name")]
    pub(super) name: String,
}

/// A group of environments.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Group {
    /// Its number.
    #[serde(rename = "Id")]
    pub(super) id: u64,
    /// Its name.
    #[serde(rename = "Name")]
    pub(super) name: String,
}

/// An environment, which the API calls an endpoint. It holds secrets: no `Debug`.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Environment {
    /// Its number, never given twice.
    pub(super) id: u64,
    /// Its name.
    pub(super) name: String,
    /// What it is: 4 edge on Docker, 7 edge on Kubernetes.
    #[serde(rename = "Type")]
    pub(super) kind: u32,
    /// The host at which agents reach the server.
    #[serde(rename = "URL", default, deserialize_with = "or_default")]
    pub(super) url: String,
    /// Its group.
    #[serde(default, deserialize_with = "or_default")]
    pub(super) group_id: u64,
    /// Its tags.
    #[serde(default, deserialize_with = "or_default")]
    pub(super) tag_ids: Vec<u64>,
    /// The agent that it is bound to; empty: none was heard of.
    #[serde(rename = "EdgeID", default, deserialize_with = "or_default")]
    pub(super) edge_id: String,
    /// What its agent is given.
    #[serde(default, deserialize_with = "or_default")]
    pub(super) edge_key: String,
    /// Seconds between two check-ins.
    #[serde(default, deserialize_with = "or_default")]
    pub(super) edge_checkin_interval: u32,
    /// When the agent was last heard of, in seconds since 1970; 0 is never.
    #[serde(default, deserialize_with = "or_default")]
    pub(super) last_check_in_date: i64,
    /// When the list was asked for, by the server's clock.
    #[serde(default, deserialize_with = "or_default")]
    pub(super) query_date: i64,
    /// Whether the agent was heard of lately. `Status` says nothing for edge environments.
    #[serde(default, deserialize_with = "or_default")]
    pub(super) heartbeat: bool,
    /// Whether its agent is let in.
    #[serde(default, deserialize_with = "or_default")]
    pub(super) user_trusted: bool,
    /// What the agent said of itself.
    #[serde(default, deserialize_with = "or_default")]
    pub(super) agent: Agent,
}

/// What an agent said of itself.
#[derive(Clone, Default, Deserialize)]
pub(super) struct Agent {
    /// Its version; written together with the environment's type.
    #[serde(rename = "Version", default, deserialize_with = "or_default")]
    pub(super) version: String,
}

/// An environment that an agent polls for, on Docker, or on anything before the first poll (before 2.39).
const EDGE_DOCKER: u32 = 4;
/// An environment that an agent on Kubernetes polls for.
const EDGE_KUBERNETES: u32 = 7;

impl Environment {
    /// Whether an agent polls for it.
    pub(super) fn is_edge(&self) -> bool {
        matches!(self.kind, EDGE_DOCKER | EDGE_KUBERNETES)
    }

    /// Whether an agent on Docker was heard of. A new environment has that type too, until its agent says what it is on.
    pub(super) fn is_docker(&self) -> bool {
        self.kind == EDGE_DOCKER && !self.agent.version.is_empty()
    }
}

/// Go writes `null` for what is empty.
fn or_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}
