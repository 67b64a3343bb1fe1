//! Portainer as a registrar: an edge environment for each cluster, and the edge agent in the cluster that polls for it.
//!
//! In: Portainer's address as rollcall and as agents reach it, credentials, the ownership tag. Out: which environments
//! name a cluster, where their keys lead and whether their agents are heard of; changes of one environment in place.
//! Must not: put a key, a token or a password into a message; trust `Status`; log in again and again; touch environments
//! of other names; delete one that does not bear the tag, unless the plan saw it and it has to be made anew.
//!
//! ```text
//! look (status, tags, groups, environments) -> next (pure): tag, make, drop, free, change, or ready
//!        ^                                        |
//!        +-------------- one request -------------+        then: the agent, its heartbeat, one more look
//! ```
//!
//! An environment is named like its cluster, without the provider. Which provider's cluster it is says a second tag,
//! `TAG-PROVIDER`; without one it counts for every provider.

mod agent;
mod apply;
mod edge_key;
mod environment;
mod http;
mod manifest;
mod observe;
mod wire;

#[cfg(test)]
mod scene;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use secrecy::SecretString;

use crate::model::{ClusterId, Fingerprint, ProviderId, RegistrarId};
use crate::registrar::RegistrarError;
pub use agent::{AgentHost, ClusterAgents, EdgeAgent};

/// The registrar's name.
pub const PORTAINER: &str = "portainer";

/// Which Portainer, and how clusters are registered there.
#[derive(Debug, Clone)]
pub struct PortainerSettings {
    /// Where rollcall reaches it: `https://127.0.0.1:9443`.
    pub url: String,
    /// Where agents reach it from inside a cluster; it becomes part of every edge key. Never `localhost`.
    pub agent_url: String,
    /// `HOST:PORT` of the tunnel that edge keys must lead to; `None`: whatever Portainer writes into them.
    pub tunnel: Option<String>,
    /// Whose signature under Portainer's certificate is good, PEM; `None`: those that this machine trusts.
    pub ca_file: Option<PathBuf>,
    /// Takes every certificate.
    pub insecure_skip_verify: bool,
    /// Who asks.
    pub credentials: PortainerCredentials,
    /// The group of the environments; `None`: new ones are unassigned, and where a person puts them they stay.
    pub group: Option<PortainerGroup>,
    /// The ownership tag.
    pub tag: String,
    /// The agent's image; `None`: `portainer/agent` of the server's version, because any other one is not supported.
    pub agent_image: Option<String>,
    /// The namespace of the agent.
    pub namespace: String,
    /// Seconds between two check-ins of an agent; `None`: as Portainer's settings say.
    pub checkin: Option<u32>,
    /// How long the agent is waited for after it was put into the cluster; `None`: not at all. It should be longer than
    /// two check-ins.
    pub heartbeat: Option<Duration>,
}

impl PortainerSettings {
    /// The usual settings for this Portainer. The namespace is the one that clusters of earlier tools have.
    pub fn new(
        url: impl Into<String>,
        agent_url: impl Into<String>,
        credentials: PortainerCredentials,
    ) -> Self {
        Self {
            url: url.into(),
            agent_url: agent_url.into(),
            tunnel: None,
            ca_file: None,
            insecure_skip_verify: false,
            credentials,
            group: None,
            tag: "rollcall".to_owned(),
            agent_image: None,
            namespace: "portainer-edge".to_owned(),
            checkin: None,
            heartbeat: Some(Duration::from_secs(60)),
        }
    }
}

/// Who asks Portainer. A `Debug` shows no secret.
#[derive(Debug, Clone)]
pub enum PortainerCredentials {
    /// An administrator's API key: survives restarts, and is not rate limited.
    ApiKey(SecretString),
    /// An administrator's login. Portainer bans an address for an hour that logs in too often.
    Login {
        /// The name.
        username: String,
        /// The password.
        password: SecretString,
    },
}

/// A group of environments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PortainerGroup {
    /// By its number.
    Id(u64),
    /// By its name.
    Name(String),
}

/// One Portainer.
pub struct Portainer {
    settings: PortainerSettings,
    providers: Vec<ProviderId>,
    agents: Arc<dyn AgentHost>,
    /// Made when it is first needed, because it reads a file.
    http: OnceLock<Result<http::Http, RegistrarError>>,
    /// What this process wrote in attempts that came to no end: a second attempt goes on from there.
    written: Mutex<BTreeMap<ClusterId, Fingerprint>>,
}

impl Portainer {
    /// The Portainer of these settings. Environments are recognised for these providers.
    pub fn new(settings: PortainerSettings, providers: Vec<ProviderId>) -> Self {
        Self::with_agents(settings, providers, Arc::new(ClusterAgents))
    }

    /// The same with another way to get agents into clusters.
    pub fn with_agents(
        settings: PortainerSettings,
        providers: Vec<ProviderId>,
        agents: Arc<dyn AgentHost>,
    ) -> Self {
        Self {
            settings,
            providers,
            agents,
            http: OnceLock::new(),
            written: Mutex::default(),
        }
    }

    /// The registrar's identity.
    pub fn registrar_id() -> RegistrarId {
        RegistrarId::new(PORTAINER)
    }

    fn http(&self) -> Result<&http::Http, RegistrarError> {
        let made = self.http.get_or_init(|| http::Http::new(&self.settings));
        made.as_ref().map_err(Clone::clone)
    }
}

impl std::fmt::Debug for Portainer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = f.debug_struct("Portainer");
        shown
            .field("url", &self.settings.url)
            .finish_non_exhaustive()
    }
}
