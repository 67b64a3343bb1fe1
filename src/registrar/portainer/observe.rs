//! Looking: one list of environments, and what is wrong with each.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};

use super::edge_key::EdgeKey;
use super::http::{Call, Http};
use super::wire::{Environment, Group, ServerStatus, Tag};
use super::{PORTAINER, Portainer, PortainerGroup, PortainerSettings};
use crate::model::{
    ClusterId, ClusterName, Fingerprint, PortMap, ProviderId, RegistrarView, RegistrationView,
    Seen, Unseen, UnseenKind,
};
use crate::registrar::RegistrarError;

/// All edge environments without their snapshots. Filters by array need their brackets, or they are ignored.
const EDGE: &str = "endpoints?excludeSnapshots=true&types[]=7&types[]=4";

/// What is asked then, for messages.
const ENVIRONMENTS: &str = "list environments";

/// One look.
pub(super) struct Look {
    /// The server.
    pub(super) status: ServerStatus,
    /// All tags.
    pub(super) tags: Vec<Tag>,
    /// All groups, where one is asked for by its name.
    pub(super) groups: Vec<Group>,
    /// All edge environments.
    pub(super) environments: Vec<Environment>,
}

/// The environment of one cluster.
pub(super) struct Entry<'l> {
    /// The environment.
    pub(super) environment: &'l Environment,
    /// Others of its name that count for the cluster too: there must be none.
    pub(super) others: Vec<&'l Environment>,
}

/// Why an environment is of no use as it is, and has to be made anew (registrations.md 2.5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Flaw {
    /// An agent on Docker polls for it.
    Docker,
    /// Its agent is not let in.
    Untrusted,
    /// Its key cannot be read.
    NoKey,
    /// Its key is that of this environment.
    KeyOf(u64),
    /// Its key leads agents here.
    KeyTo(String),
    /// Its key leads tunnels here.
    KeyTunnel(String),
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Docker => f.write_str("an agent on Docker polls for it"),
            Self::Untrusted => f.write_str("it waits to be trusted"),
            Self::NoKey => f.write_str("its edge key cannot be read"),
            Self::KeyOf(id) => write!(f, "its edge key is that of environment {id}"),
            Self::KeyTo(url) => write!(f, "its edge key leads to {url}"),
            Self::KeyTunnel(tunnel) => write!(f, "its edge key leads tunnels to {tunnel}"),
        }
    }
}

impl Portainer {
    /// What is registered. Silence, refusals and what is not Portainer's are unknown.
    pub(super) async fn seen(&self, deadline: Duration) -> Seen<RegistrarView> {
        let looked = tokio::time::timeout(deadline, async { self.look(self.http()?).await });
        let (error, hint) = match looked.await {
            Ok(Ok(look)) => return Seen::Known(self.view(&look)),
            Ok(Err(error)) => (error.message, error.hint),
            Err(_) => (
                format!("no answer within {} s", deadline.as_secs()),
                Some("look whether Portainer hangs".to_owned()),
            ),
        };
        Seen::Unknown(Unseen {
            source: PORTAINER.to_owned(),
            kind: UnseenKind::Silent,
            error,
            hint,
        })
    }

    /// One request after the other: whatever happens, that is one login at most.
    pub(super) async fn look(&self, http: &Http) -> Result<Look, RegistrarError> {
        let status = Call::get("system/status", "ask who it is");
        let status = http.ask_openly(&status).await?.json()?;
        let tags = list(http, "tags", "list tags").await?;
        let groups = match self.settings.group {
            Some(PortainerGroup::Name(_)) => list(http, "endpoint_groups", "list groups").await?,
            _ => Vec::new(),
        };
        // Those that wait to be trusted are hidden, or shown alone; names have to be unique among both.
        let mut environments: Vec<Environment> = list(http, EDGE, ENVIRONMENTS).await?;
        let untrusted = format!("{EDGE}&edgeDeviceUntrusted=true");
        environments.extend(list(http, &untrusted, ENVIRONMENTS).await?);
        environments.retain(Environment::is_edge);
        environments.sort_by_key(|one| one.id);
        environments.dedup_by_key(|one| one.id);
        Ok(Look {
            status,
            tags,
            groups,
            environments,
        })
    }

    fn view(&self, look: &Look) -> RegistrarView {
        let mut entries = BTreeMap::new();
        for environment in &look.environments {
            let Ok(name) = ClusterName::parse(&environment.name) else {
                continue;
            };
            for provider in &self.providers {
                let id = ClusterId::new(provider.clone(), name.clone());
                if let Some(entry) = self.entry(look, &id) {
                    let registration = self.registration(look, &id, &entry);
                    entries.insert(id, registration);
                }
            }
        }
        RegistrarView {
            installed: true,
            entries,
            ..RegistrarView::default()
        }
    }

    fn registration(&self, look: &Look, id: &ClusterId, entry: &Entry<'_>) -> RegistrationView {
        let trouble = self.trouble(look, entry);
        RegistrationView {
            fingerprint: self.fingerprint(look, id, entry),
            endpoint: format!(
                "environment {} of {}",
                entry.environment.id, self.settings.url
            ),
            leads_to: PortMap::new(),
            trouble: (!trouble.is_empty()).then(|| trouble.join("; ")),
        }
    }

    /// The environment of one cluster: that of its name, unless its tag says that it is another provider's. Of several
    /// the one that bears our tags, is of use and is the oldest.
    pub(super) fn entry<'l>(&self, look: &'l Look, id: &ClusterId) -> Option<Entry<'l>> {
        let named = look
            .environments
            .iter()
            .filter(|one| one.name == id.name.as_str());
        let mut all: Vec<&Environment> = named
            .filter(|one| self.counts_for(look, one, &id.provider))
            .collect();
        all.sort_by_key(|one| {
            let (tagged, flaws) = (self.is_ours(look, one), self.flaws(one));
            (!tagged, flaws.len(), one.id)
        });
        let (environment, others) = all.split_first()?;
        Some(Entry {
            environment,
            others: others.to_vec(),
        })
    }

    /// Another provider's cluster that has this one's name in Portainer already.
    pub(super) fn rival(&self, look: &Look, id: &ClusterId) -> Option<ClusterId> {
        let named = |one: &&Environment| one.name == id.name.as_str();
        let mut named = look.environments.iter().filter(named);
        let other = named.find_map(|environment| {
            let mut others = self.providers.iter().filter(|one| **one != id.provider);
            others.find(|other| look.has(environment, &self.provider_tag(other)))
        })?;
        Some(ClusterId::new(other.clone(), id.name.clone()))
    }

    pub(super) fn counts_for(
        &self,
        look: &Look,
        environment: &Environment,
        provider: &ProviderId,
    ) -> bool {
        let tagged = |one: &ProviderId| look.has(environment, &self.provider_tag(one));
        tagged(provider) || !self.providers.iter().any(tagged)
    }

    /// Whether an environment bears the ownership tag.
    pub(super) fn is_ours(&self, look: &Look, environment: &Environment) -> bool {
        look.has(environment, &self.settings.tag)
    }

    /// The tag that says whose cluster it is.
    pub(super) fn provider_tag(&self, provider: &ProviderId) -> String {
        format!("{}-{provider}", self.settings.tag)
    }

    /// What an entry says.
    pub(super) fn fingerprint(
        &self,
        look: &Look,
        id: &ClusterId,
        entry: &Entry<'_>,
    ) -> Fingerprint {
        let environment = entry.environment;
        let none = || "none".to_owned();
        let borne = |name: &String| look.has(environment, name);
        let owner = Some(self.settings.tag.clone()).filter(borne);
        let mut providers = self.providers.iter().map(|one| self.provider_tag(one));
        let provider = providers.find(borne);
        let kind = if environment.is_docker() {
            "edge on Docker"
        } else {
            "edge"
        };
        let mut fields = vec![
            ("environment", environment.id.to_string()),
            ("name", environment.name.clone()),
            ("url", environment.url.clone()),
            ("kind", kind.to_owned()),
            (
                "edge id",
                Fingerprint::digest(&look.edge_id(id, environment)),
            ),
            ("key", Fingerprint::digest(&environment.edge_key)),
            ("owner", owner.unwrap_or_else(none)),
            ("provider", provider.unwrap_or_else(none)),
            ("instance", look.status.instance.clone()),
        ];
        if let Some(key) = EdgeKey::parse(&environment.edge_key) {
            fields.push(("key url", key.url));
            fields.push(("key tunnel", key.tunnel));
            fields.push(("key environment", key.environment.to_string()));
        }
        if self.settings.group.is_some() {
            fields.push(("group", environment.group_id.to_string()));
        }
        if self.settings.checkin.is_some() {
            fields.push(("check-in", environment.edge_checkin_interval.to_string()));
        }
        if !entry.others.is_empty() {
            fields.push(("twins", numbers(&entry.others)));
        }
        Fingerprint::of(fields)
    }

    /// What is wrong with an entry besides what it says. What the settings ask for belongs to it: they may have changed
    /// since it was registered.
    fn trouble(&self, look: &Look, entry: &Entry<'_>) -> Vec<String> {
        let environment = entry.environment;
        let mut all = Vec::new();
        if !entry.others.is_empty() {
            let others = numbers(&entry.others);
            all.push(format!(
                "there is another environment of its name: {others}"
            ));
        }
        let flaws = self.flaws(environment);
        all.extend(flaws.iter().map(Flaw::to_string));
        if !flaws.is_empty() {
            all.push("it is made anew: another number, without its access policies".to_owned());
        }
        match self.group(look) {
            Err(error) => all.push(error.message),
            Ok(Some(group)) if group != environment.group_id => {
                all.push(format!("it is not in group {group}"));
            }
            Ok(_) => {}
        }
        let wanted = self.settings.checkin;
        if let Some(seconds) = wanted.filter(|one| *one != environment.edge_checkin_interval) {
            all.push(format!("its agent does not check in every {seconds} s"));
        }
        if environment.last_check_in_date <= 0 {
            all.push("the agent has not checked in".to_owned());
        } else if !environment.heartbeat {
            let since = Timestamp::from_second(environment.last_check_in_date);
            let since = since.map_or_else(|_| "long ago".to_owned(), |time| time.to_string());
            all.push(format!("no heartbeat since {since}"));
        }
        all
    }

    /// Why an environment is of no use.
    pub(super) fn flaws(&self, environment: &Environment) -> Vec<Flaw> {
        flaws(&self.settings, environment)
    }
}

impl Look {
    /// The number of a tag.
    pub(super) fn tag(&self, name: &str) -> Option<u64> {
        let tag = self.tags.iter().find(|tag| tag.name == name);
        tag.map(|tag| tag.id)
    }

    /// Whether an environment bears this tag.
    pub(super) fn has(&self, environment: &Environment, tag: &str) -> bool {
        self.tag(tag)
            .is_some_and(|id| environment.tag_ids.contains(&id))
    }

    /// The name that a cluster's agent goes by: the one that its environment is bound to; until it is, the cluster's own.
    /// Who knows it can poll in the agent's place.
    pub(super) fn edge_id(&self, id: &ClusterId, environment: &Environment) -> String {
        match environment.edge_id.as_str() {
            "" => self.own_edge_id(id),
            known => known.to_owned(),
        }
    }

    /// The name that a cluster's agent gets where nothing else is known: the same in every life of the cluster, and
    /// another one in every life of Portainer's database.
    pub(super) fn own_edge_id(&self, id: &ClusterId) -> String {
        let digest = Sha256::digest(format!("rollcall edge id\n{id}\n{}", self.status.instance));
        let hex = digest.iter().take(16).enumerate();
        hex.fold(String::new(), |mut text, (at, byte)| {
            if matches!(at, 4 | 6 | 8 | 10) {
                text.push('-');
            }
            text + &format!("{byte:02x}")
        })
    }
}

/// A list; of an empty one Go makes null.
async fn list<T: DeserializeOwned>(
    http: &Http,
    path: &str,
    what: &str,
) -> Result<Vec<T>, RegistrarError> {
    let all: Option<Vec<T>> = http.ask(&Call::get(path, what)).await?.json()?;
    Ok(all.unwrap_or_default())
}

/// One environment, without the side effects that asking for it alone has.
pub(super) async fn one(http: &Http, id: u64) -> Result<Option<Environment>, RegistrarError> {
    let path = format!("endpoints?excludeSnapshots=true&endpointIds[]={id}");
    let all: Vec<Environment> = list(http, &path, ENVIRONMENTS).await?;
    Ok(all.into_iter().find(|one| one.id == id))
}

/// Numbers of environments, for people.
pub(super) fn numbers(all: &[&Environment]) -> String {
    let all: Vec<String> = all.iter().map(|one| one.id.to_string()).collect();
    all.join(", ")
}

fn flaws(settings: &PortainerSettings, environment: &Environment) -> Vec<Flaw> {
    let mut all = Vec::new();
    if environment.is_docker() {
        all.push(Flaw::Docker);
    }
    if !environment.user_trusted {
        all.push(Flaw::Untrusted);
    }
    let Some(key) = EdgeKey::parse(&environment.edge_key) else {
        all.push(Flaw::NoKey);
        return all;
    };
    if key.environment != environment.id {
        all.push(Flaw::KeyOf(key.environment));
    }
    let wanted = settings.agent_url.trim_end_matches('/');
    if key.url.trim_end_matches('/') != wanted {
        all.push(Flaw::KeyTo(key.url));
    }
    if settings
        .tunnel
        .as_ref()
        .is_some_and(|tunnel| *tunnel != key.tunnel)
    {
        all.push(Flaw::KeyTunnel(key.tunnel));
    }
    all
}
