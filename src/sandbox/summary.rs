//! A summary of the world, for people and for harnesses. It shows no secret: the world holds none.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::instruction::Health;
use super::state::State;
use super::{Actor, Sandbox, SandboxError};
use crate::model::{
    ClusterId, ClusterView, EngineId, Fingerprint, Phase, Port, PortMap, RegistrarId, Subnet,
    Unnamed,
};

/// Everything a person needs to know about a sandbox.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Summary {
    /// The engine's identity.
    pub engine: EngineId,
    /// The sources that are not up, as sentences.
    pub outages: Vec<String>,
    /// What time it is there.
    #[schemars(with = "String")]
    pub now: Timestamp,
    /// How many real seconds a second of waiting takes.
    pub pace: f64,
    /// Clusters and what is left of them.
    pub clusters: Vec<ClusterSummary>,
    /// Clusters whose names rollcall cannot carry.
    pub unnamed: Vec<Unnamed>,
    /// Containers that belong to no cluster.
    pub containers: Vec<String>,
    /// All networks.
    pub networks: Vec<String>,
    /// All volumes.
    pub volumes: Vec<String>,
    /// Ports of the host that processes without a container listen on.
    pub listeners: BTreeSet<Port>,
    /// All registrations.
    pub registrations: Vec<RegistrationSummary>,
    /// What is scripted to go wrong.
    pub faults: Vec<String>,
}

/// One cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ClusterSummary {
    /// Which.
    pub cluster: ClusterId,
    /// How alive.
    pub phase: Phase,
    /// Which life, shortened.
    pub incarnation: Option<String>,
    /// Whether rollcall made it: the world knows, whatever mark it bears.
    pub made_by: Actor,
    /// Its containers.
    pub nodes: Vec<String>,
    /// Published ports without the API's.
    pub ports: PortMap,
    /// The host port of its API.
    pub api_port: Option<Port>,
    /// Its network.
    pub subnet: Option<Subnet>,
    /// Whether what follows a creation was done.
    pub prepared: bool,
}

/// One registration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RegistrationSummary {
    /// Where.
    pub registrar: RegistrarId,
    /// Of which cluster.
    pub cluster: ClusterId,
    /// Where it points to.
    pub endpoint: String,
    /// Its digest.
    pub fingerprint: Fingerprint,
    /// Who wrote it last.
    pub made_by: Actor,
}

impl Sandbox {
    /// What there is. It is read from the world itself, so it shows what a silent engine does not.
    pub fn show(&self) -> Result<Summary, SandboxError> {
        let time = self.vault.time()?;
        let mut summary = self.vault.read(summary)?;
        summary.now = time.now();
        summary.pace = time.pace;
        Ok(summary)
    }
}

fn summary(state: &State) -> Summary {
    let view = state.look();
    let clusters = view.clusters.into_values().flat_map(BTreeMap::into_values);
    Summary {
        engine: state.engine.clone(),
        outages: state
            .health
            .iter()
            .map(|(source, health)| outage(source, *health))
            .collect(),
        now: Timestamp::UNIX_EPOCH,
        pace: 0.0,
        clusters: clusters.map(|view| cluster(state, view)).collect(),
        unnamed: view.unnamed,
        containers: state
            .containers
            .iter()
            .filter(|c| c.member.is_none())
            .map(|c| c.name.clone())
            .collect(),
        networks: state.networks.iter().map(|n| n.name.clone()).collect(),
        volumes: state
            .volumes
            .iter()
            .map(|v| v.id.name().to_owned())
            .collect(),
        listeners: state.listeners.clone(),
        registrations: registrations(state),
        faults: state.faults.iter().map(ToString::to_string).collect(),
    }
}

fn outage(source: &str, health: Health) -> String {
    format!("{source} is {health}")
}

fn cluster(state: &State, view: ClusterView) -> ClusterSummary {
    let of = (&view.id).into();
    let by_rollcall = state.nodes(&of).any(|c| c.made_by == Actor::Rollcall)
        || state
            .own_networks(&of)
            .any(|n| n.made_by == Actor::Rollcall)
        || state.own_volumes(&of).any(|v| v.made_by == Actor::Rollcall);
    ClusterSummary {
        phase: view.phase,
        incarnation: view
            .incarnation
            .as_ref()
            .map(|life| life.short().to_owned()),
        made_by: if by_rollcall {
            Actor::Rollcall
        } else {
            Actor::Hand
        },
        nodes: view.nodes.into_iter().map(|node| node.name).collect(),
        ports: view.ports,
        api_port: view.api_port,
        subnet: view.subnet,
        prepared: state
            .first_server(&of)
            .is_some_and(|server| server.prepared),
        cluster: view.id,
    }
}

fn registrations(state: &State) -> Vec<RegistrationSummary> {
    let all = state.registrars.iter();
    all.flat_map(|(registrar, entries)| {
        entries.iter().map(move |(id, entry)| RegistrationSummary {
            registrar: registrar.clone(),
            cluster: id.clone(),
            endpoint: entry.endpoint.clone(),
            fingerprint: entry.fingerprint.clone(),
            made_by: entry.made_by,
        })
    })
    .collect()
}
