//! An environment, which the API calls an endpoint (P `api/portainer.go:370-449`).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// What an environment is: `Endpoint.Type`, 1 to 7 (P `api/portainer.go:1733-1749`). It is not
/// `EndpointCreationType`, which says how one is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct EndpointType(pub(crate) u32);

impl EndpointType {
    /// A Docker engine.
    pub(crate) const DOCKER: Self = Self(1);
    /// An agent on Docker.
    pub(crate) const AGENT_DOCKER: Self = Self(2);
    /// An edge agent on Docker, and before 2.39 every edge agent that was not heard of yet.
    pub(crate) const EDGE_DOCKER: Self = Self(4);
    /// An agent on Kubernetes.
    pub(crate) const AGENT_KUBERNETES: Self = Self(6);
    /// An edge agent on Kubernetes.
    pub(crate) const EDGE_KUBERNETES: Self = Self(7);

    /// Whether an agent polls for it.
    pub(crate) fn is_edge(self) -> bool {
        self == Self::EDGE_DOCKER || self == Self::EDGE_KUBERNETES
    }

    /// Whether Kubernetes is behind it: 5, 6 or 7.
    pub(crate) fn is_kubernetes(self) -> bool {
        (5..=7).contains(&self.0)
    }
}

/// `Status`: 1 up, 2 down. For edge environments it is 1 from the beginning and for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "u32", from = "u32")]
pub(crate) enum Status {
    /// 1
    Up,
    /// 2
    Down,
}

impl From<Status> for u32 {
    fn from(status: Status) -> Self {
        match status {
            Status::Up => 1,
            Status::Down => 2,
        }
    }
}

impl From<u32> for Status {
    fn from(number: u32) -> Self {
        if number == 2 { Self::Down } else { Self::Up }
    }
}

/// How the server speaks to an environment that it reaches itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct TlsConfig {
    /// With TLS.
    #[serde(rename = "TLS")]
    pub(crate) tls: bool,
    /// Without looking at its certificate.
    #[serde(rename = "TLSSkipVerify")]
    pub(crate) skip_verify: bool,
}

/// What the agent said of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(crate) struct Agent {
    /// Its version.
    pub(crate) version: String,
}

/// What is known of a cluster.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(crate) struct Kubernetes {
    /// What was seen of it; kept apart, and only shown here. Null as far as a client made it so.
    pub(crate) snapshots: Option<Vec<Value>>,
    /// How it may be used.
    pub(crate) configuration: Map<String, Value>,
    /// What was looked at already.
    pub(crate) flags: Flags,
}

/// What was looked at already.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(crate) struct Flags {
    /// Whether it measures itself.
    pub(crate) is_server_metrics_detected: bool,
    /// Which ingress classes it has.
    pub(crate) is_server_ingress_class_detected: bool,
    /// Which storage it has.
    pub(crate) is_server_storage_detected: bool,
}

/// P `api/kubernetes.go` `KubernetesDefault`.
impl Default for Kubernetes {
    fn default() -> Self {
        let off = [
            "UseLoadBalancer",
            "UseServerMetrics",
            "RestrictDefaultNamespace",
            "IngressAvailabilityPerNamespace",
            "AllowNoneIngressClass",
        ];
        let mut configuration = Map::from_iter([
            ("EnableResourceOverCommit".to_owned(), json!(true)),
            ("ResourceOverCommitPercentage".to_owned(), json!(0)),
            ("StorageClasses".to_owned(), json!([])),
            ("IngressClasses".to_owned(), json!([])),
        ]);
        configuration.extend(off.map(|name| (name.to_owned(), json!(false))));
        Self {
            snapshots: Some(Vec::new()),
            configuration,
            flags: Flags::default(),
        }
    }
}

/// An environment, with the field names and the order of the API.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(crate) struct Endpoint {
    /// The number, never given twice.
    pub(crate) id: u32,
    /// The name, unique as far as creation checks it.
    pub(crate) name: String,
    /// What it is.
    #[serde(rename = "Type")]
    pub(crate) kind: EndpointType,
    /// `docker`, `podman` or nothing; there from 2.22 on.
    pub(crate) container_engine: String,
    /// The address; for edge environments the host that agents reach the server by.
    #[serde(rename = "URL")]
    pub(crate) url: String,
    /// The group; 1 is "Unassigned".
    pub(crate) group_id: u32,
    /// Where published ports are reached.
    #[serde(rename = "PublicURL")]
    pub(crate) public_url: String,
    /// Graphics cards.
    pub(crate) gpus: Value,
    /// How it is spoken to.
    #[serde(rename = "TLSConfig")]
    pub(crate) tls_config: TlsConfig,
    /// The tags.
    pub(crate) tag_ids: Vec<u32>,
    /// Up or down, which means nothing for edge environments.
    pub(crate) status: Status,
    /// Who may use it.
    pub(crate) user_access_policies: Value,
    /// Which teams may use it.
    pub(crate) team_access_policies: Value,
    /// The agent it is bound to; absent until one was heard of.
    #[serde(rename = "EdgeID", skip_serializing_if = "String::is_empty")]
    pub(crate) edge_id: String,
    /// What an agent is given to find the server.
    pub(crate) edge_key: String,
    /// Seconds between two check-ins; nought is the default.
    pub(crate) edge_checkin_interval: u32,
    /// What is known of the cluster.
    pub(crate) kubernetes: Kubernetes,
    /// When the agent was last heard of, in seconds since 1970; nought is never.
    pub(crate) last_check_in_date: i64,
    /// When the list was asked for.
    pub(crate) query_date: i64,
    /// Whether the agent was heard of lately.
    pub(crate) heartbeat: bool,
    /// Whether a person or the API vouched for it; absent if not.
    #[serde(skip_serializing_if = "is_false")]
    pub(crate) user_trusted: bool,
    /// The agent.
    pub(crate) agent: Agent,
    /// When the first snapshot was taken, in seconds since 1970; the API shows its content.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) snapshot_time: Option<i64>,
}

impl Default for Endpoint {
    fn default() -> Self {
        Self {
            id: 0,
            name: String::new(),
            kind: EndpointType::default(),
            container_engine: String::new(),
            url: String::new(),
            group_id: 1,
            public_url: String::new(),
            gpus: json!([]),
            tls_config: TlsConfig::default(),
            tag_ids: Vec::new(),
            status: Status::Up,
            user_access_policies: json!({}),
            team_access_policies: json!({}),
            edge_id: String::new(),
            edge_key: String::new(),
            edge_checkin_interval: 0,
            kubernetes: Kubernetes::default(),
            last_check_in_date: 0,
            query_date: 0,
            heartbeat: false,
            user_trusted: false,
            agent: Agent::default(),
            snapshot_time: None,
        }
    }
}

impl Endpoint {
    /// Whether the agent was heard of within two intervals and 20 seconds
    /// (P `api/internal/endpointutils/endpointutils.go:211-219`).
    pub(crate) fn beats(&self, now: i64, default_interval: u32) -> bool {
        let interval = self.interval(default_interval);
        now - self.last_check_in_date <= i64::from(interval) * 2 + 20
    }

    /// Seconds between two check-ins.
    pub(crate) fn interval(&self, default: u32) -> u32 {
        match self.edge_checkin_interval {
            0 => default,
            own => own,
        }
    }
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_false(flag: &bool) -> bool {
    !*flag
}

#[cfg(test)]
mod tests {
    use super::Endpoint;

    fn heard_of(seconds_ago: i64, own_interval: u32) -> bool {
        let endpoint = Endpoint {
            last_check_in_date: 1_000_000 - seconds_ago,
            edge_checkin_interval: own_interval,
            ..Endpoint::default()
        };
        endpoint.beats(1_000_000, 5)
    }

    #[test]
    fn a_heart_beats_for_two_intervals_and_twenty_seconds() {
        assert!(heard_of(30, 0));
        assert!(!heard_of(31, 0));
        assert!(heard_of(140, 60));
        assert!(!heard_of(141, 60));
    }

    #[test]
    fn an_agent_never_heard_of_has_no_heartbeat() {
        assert!(!Endpoint::default().beats(1_000_000, 5));
    }

    #[test]
    fn what_is_empty_is_left_out_as_the_api_leaves_it_out() {
        let text = serde_json::to_string(&Endpoint::default()).unwrap();
        for absent in ["EdgeID", "UserTrusted", "SnapshotTime"] {
            assert!(!text.contains(absent), "{absent} in {text}");
        }
        for present in ["\"Id\"", "\"TagIds\"", "\"GroupId\"", "\"EdgeKey\":\"\""] {
            assert!(text.contains(present), "no {present} in {text}");
        }
    }
}
