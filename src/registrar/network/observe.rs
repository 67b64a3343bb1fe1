//! Who is on which cluster's network, out of the engine's look.

use std::collections::{BTreeMap, BTreeSet};

use super::NetworkSettings;
use crate::model::{
    ClusterId, ClusterView, EngineView, Fingerprint, NodeRole, Obstacle, RegistrarView,
    RegistrationView,
};

/// Networks that the engine itself brings: nobody is put on them.
const BUILTIN: [&str; 3] = ["bridge", "host", "none"];

/// One cluster's network, with those that have to be on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Gap {
    /// The network's name.
    pub(super) network: String,
    /// Whether the network is the cluster's alone.
    pub(super) own: bool,
    /// Who is on it.
    pub(super) present: Vec<String>,
    /// Who is not.
    pub(super) missing: Vec<String>,
}

/// Every container that has to reach clusters and is there.
pub(super) fn members(settings: &NetworkSettings, engine: &EngineView) -> Vec<String> {
    let named = settings.containers.iter().chain(&settings.seats);
    let named = named.filter(|name| engine.facts.attachments.contains_key(*name));
    let nodes = management(settings, engine).flat_map(|view| &view.nodes);
    let nodes = nodes.filter(|node| node.role.proves());
    let all: BTreeSet<&String> = nodes.map(|node| &node.name).chain(named).collect();
    all.into_iter().cloned().collect()
}

/// Everything there is to see.
pub(super) fn view(settings: &NetworkSettings, engine: &EngineView) -> RegistrarView {
    let clusters = engine.clusters.values().flat_map(BTreeMap::values);
    let entries = clusters.filter_map(|cluster| {
        let gap = gap(settings, engine, &cluster.id)?;
        // Nobody there yet is no entry.
        if gap.present.is_empty() {
            return None;
        }
        let missing = gap.missing.join(", ");
        let entry = RegistrationView {
            fingerprint: fingerprint(&gap.network),
            trouble: (!missing.is_empty()).then(|| format!("{missing} is not on {}", gap.network)),
            endpoint: gap.network,
            leads_to: BTreeMap::default(),
        };
        Some((cluster.id.clone(), entry))
    });
    RegistrarView {
        installed: !members(settings, engine).is_empty(),
        attached: true,
        entries: entries.collect(),
        problems: missing(settings, engine),
        ..RegistrarView::default()
    }
}

/// Containers that are named and are not on the engine: nobody else would say so.
fn missing(settings: &NetworkSettings, engine: &EngineView) -> Vec<Obstacle> {
    let named = settings.containers.iter();
    let gone = named.filter(|name| !engine.facts.attachments.contains_key(*name));
    gone.map(|name| Obstacle {
        what: format!("there is no container {name}"),
        remedy: "make it, or mend network.containers".to_owned(),
        of: Vec::new(),
    })
    .collect()
}

/// Who is on a cluster's network and who is not; `None`: it has none, or is the management cluster.
pub(super) fn gap(settings: &NetworkSettings, engine: &EngineView, id: &ClusterId) -> Option<Gap> {
    let cluster = engine.clusters.get(&id.provider)?.get(&id.name)?;
    if settings.management.as_ref() == Some(&id.name) {
        return None;
    }
    let own = cluster.networks.first().map(|network| network.name.clone());
    let (network, own) = match own {
        Some(name) => (name, true),
        None => (shared(cluster, engine)?, false),
    };
    let (present, missing) = members(settings, engine)
        .into_iter()
        .partition(|name| on(engine, name).any(|other| *other == network));
    Some(Gap {
        network,
        own,
        present,
        missing,
    })
}

/// What an entry says.
pub(super) fn fingerprint(network: &str) -> Fingerprint {
    Fingerprint::of([("network", network.to_owned())])
}

fn management<'e>(
    settings: &NetworkSettings,
    engine: &'e EngineView,
) -> impl Iterator<Item = &'e ClusterView> {
    let name = settings.management.clone();
    let clusters = engine.clusters.values();
    clusters.filter_map(move |clusters| clusters.get(name.as_ref()?))
}

/// The network that a cluster shares with others.
fn shared(cluster: &ClusterView, engine: &EngineView) -> Option<String> {
    let mut nodes = cluster.nodes.iter();
    let server = nodes.find(|node| node.role == NodeRole::Server)?;
    let mut networks = on(engine, &server.name);
    networks
        .find(|name| !BUILTIN.contains(&name.as_str()))
        .cloned()
}

/// The networks that a container is on.
fn on<'e>(engine: &'e EngineView, container: &str) -> impl Iterator<Item = &'e String> {
    engine
        .facts
        .attachments
        .get(container)
        .into_iter()
        .flatten()
}
