//! The world itself. It holds no secret: credentials are derived when somebody asks for them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::instruction::{Health, ScriptedFault};
use super::journal::{Deed, Journal, Record, Thing};
use super::things::{Container, Label, Network, NetworkKind, Volume};
use super::tool::Tool;
use super::{Actor, registrar};
use crate::model::{
    ClusterId, ContainerId, EngineId, Fingerprint, Incarnation, NetworkId, NodeRole, Port,
    RegistrarId, Subnet,
};

/// The name under which the engine's health and views go.
pub(super) const ENGINE: &str = "docker";

/// Everything there is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct State {
    /// Where identities come from.
    pub(super) seed: u64,
    /// How many were given out.
    pub(super) given: u64,
    pub(super) engine: EngineId,
    /// The sources that are not up.
    pub(super) health: BTreeMap<String, Health>,
    pub(super) images: BTreeSet<String>,
    pub(super) containers: Vec<Container>,
    pub(super) networks: Vec<Network>,
    pub(super) volumes: Vec<Volume>,
    /// Ports of the host that processes without a container listen on.
    pub(super) listeners: BTreeSet<Port>,
    pub(super) registrars: BTreeMap<RegistrarId, BTreeMap<ClusterId, Registered>>,
    /// The current context of the user's kubeconfig.
    #[serde(default)]
    pub(super) current: Option<String>,
    pub(super) faults: Vec<ScriptedFault>,
    pub(super) journal: Journal,
    /// The time of the present transaction.
    #[serde(skip)]
    pub(super) now: Timestamp,
    /// Who acts in the present transaction.
    #[serde(skip)]
    pub(super) actor: Actor,
}

/// One cluster in one registrar.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Registered {
    pub(super) endpoint: String,
    /// Whose credentials it holds; `None`: some that lead nowhere.
    pub(super) incarnation: Option<Incarnation>,
    pub(super) fingerprint: Fingerprint,
    pub(super) made_by: Actor,
}

impl State {
    /// An engine with the images of both tools, and nobody on it.
    pub(super) fn new(seed: u64) -> Self {
        let mut state = Self {
            seed,
            given: 0,
            engine: EngineId::new(""),
            health: BTreeMap::new(),
            images: Tool::ALL
                .iter()
                .flat_map(|tool| tool.images())
                .map(str::to_owned)
                .collect(),
            containers: Vec::new(),
            networks: Vec::new(),
            volumes: Vec::new(),
            listeners: BTreeSet::new(),
            registrars: registrar::ids().map(|id| (id, BTreeMap::new())).collect(),
            current: None,
            faults: Vec::new(),
            journal: Journal::default(),
            now: Timestamp::UNIX_EPOCH,
            actor: Actor::Rollcall,
        };
        state.engine = state.fresh_engine();
        for (name, subnet) in [
            ("bridge", Some("172.17.0.0/16")),
            ("host", None),
            ("none", None),
        ] {
            let id = NetworkId::new(state.fresh_id());
            state.networks.push(Network {
                id,
                name: name.to_owned(),
                subnet: subnet.and_then(|text| Subnet::parse(text).ok()),
                kind: NetworkKind::Builtin,
                nonce: None,
                made_by: Actor::Hand,
            });
        }
        state
    }

    /// How a source is.
    pub(super) fn health(&self, source: &str) -> Health {
        self.health.get(source).copied().unwrap_or(Health::Up)
    }

    /// How a source is, if it needs one.
    pub(super) fn health_of(&self, source: Option<&str>) -> Health {
        source.map_or(Health::Up, |source| self.health(source))
    }

    /// The container of this identity.
    pub(super) fn container(&self, id: &ContainerId) -> Option<&Container> {
        self.containers.iter().find(|c| c.id == *id)
    }

    /// The same, to change.
    pub(super) fn container_mut(&mut self, id: &ContainerId) -> Option<&mut Container> {
        self.containers.iter_mut().find(|c| c.id == *id)
    }

    /// The nodes of a cluster.
    pub(super) fn nodes<'a>(&'a self, of: &Label) -> impl Iterator<Item = &'a Container> {
        self.containers
            .iter()
            .filter(move |c| c.member.as_ref().is_some_and(|member| member.of == *of))
    }

    /// Its lowest-numbered server: the one that is its life.
    pub(super) fn first_server(&self, of: &Label) -> Option<&Container> {
        self.nodes(of)
            .filter(|c| c.role() == Some(NodeRole::Server))
            .min_by_key(|c| c.member.as_ref().map(|member| member.number))
    }

    /// Its load balancer.
    pub(super) fn balancer(&self, of: &Label) -> Option<&Container> {
        self.nodes(of)
            .find(|c| c.role() == Some(NodeRole::Balancer))
    }

    /// The network of this name.
    pub(super) fn network_named(&self, name: &str) -> Option<&Network> {
        self.networks.iter().find(|network| network.name == name)
    }

    /// Writes down what was done, unless a hand did it.
    pub(super) fn note(&mut self, deed: Deed, what: Noted<'_>, made_by: Actor) {
        if self.actor == Actor::Hand {
            return;
        }
        self.journal.push(Record {
            at: self.now,
            deed,
            thing: what.thing,
            id: what.id.to_owned(),
            name: what.name.to_owned(),
            cluster: what.cluster,
            made_by,
        });
    }
}

/// A thing, as the journal names it.
pub(super) struct Noted<'a> {
    pub(super) thing: Thing,
    pub(super) id: &'a str,
    pub(super) name: &'a str,
    pub(super) cluster: Option<ClusterId>,
}

impl<'a> From<&'a Container> for Noted<'a> {
    fn from(container: &'a Container) -> Self {
        Self {
            thing: Thing::Container,
            id: container.id.as_str(),
            name: &container.name,
            cluster: container.cluster(),
        }
    }
}

impl<'a> From<&'a Network> for Noted<'a> {
    fn from(network: &'a Network) -> Self {
        Self {
            thing: Thing::Network,
            id: network.id.as_str(),
            name: &network.name,
            cluster: Tool::ALL
                .iter()
                .find_map(|tool| tool.cluster_of_network(&network.name)),
        }
    }
}

impl<'a> From<&'a Volume> for Noted<'a> {
    fn from(volume: &'a Volume) -> Self {
        Self {
            thing: Thing::Volume,
            id: volume.id.as_str(),
            name: volume.id.name(),
            cluster: volume.label.as_ref().and_then(Label::id),
        }
    }
}
