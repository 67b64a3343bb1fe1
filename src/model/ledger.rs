//! The ledger: what rollcall made or adopted, one entry per incarnation, and what follows from it: whose a
//! live cluster is.

use std::collections::BTreeSet;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    ClusterId, ClusterView, ContainerId, EngineFacts, EngineId, Fingerprint, Incarnation,
    NetworkId, NetworkView, NodeView, Nonce, Obstacle, RegistrarId, RegistrarView, VolumeId,
    VolumeView,
};

/// Which kind of world it is. A ledger of one is never used with the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WorldKind {
    /// Docker and what runs on it.
    Real,
    /// A world in a file.
    Sandbox,
}

/// What is ours: open entries, and what closed ones still claim by their marks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    /// The engine that the ledger is bound to since its first mutation.
    pub engine: Option<EngineId>,
    /// Open entries, oldest first.
    pub entries: Vec<Entry>,
    /// Closed entries that made things under a mark: a request that was under way when its run died may still be
    /// carried out, and what then appears is ours by that mark.
    #[serde(default)]
    pub closed: Vec<Entry>,
    /// What rollcall registered or adopted in registrars.
    pub registrations: Vec<RegistrationEntry>,
}

/// An entry's key in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EntryKey(pub i64);

/// One incarnation of a cluster that is, or is about to be, ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its key.
    pub key: EntryKey,
    /// Which cluster.
    pub id: ClusterId,
    /// Made or adopted.
    pub origin: Origin,
    /// How far its life is.
    pub state: EntryState,
    /// The mark it was made with; adopted ones have none.
    pub nonce: Option<Nonce>,
    /// Its life, once it was seen.
    pub incarnation: Option<Incarnation>,
    /// Its containers.
    pub containers: BTreeSet<ContainerId>,
    /// Its networks.
    pub networks: BTreeSet<NetworkId>,
    /// Its volumes.
    pub volumes: BTreeSet<VolumeId>,
    /// What was to follow its creation, once.
    #[serde(default)]
    pub preparation: Preparation,
    /// When the entry was made.
    pub since: Timestamp,
}

/// What follows a creation once, and never again in that life.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Preparation {
    /// Nothing was to follow.
    #[default]
    None,
    /// It is to be done, or was begun.
    Due,
    /// It was done.
    Done,
}

/// How a cluster became ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// rollcall made it.
    Made,
    /// rollcall took it over.
    Adopted,
}

/// How far an entry's life is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EntryState {
    /// Intent to make it is written; the tool may have started.
    Creating,
    /// Seen alive, its IDs recorded.
    Live,
    /// Intent to delete it is written.
    Deleting,
    /// Its life is over, as far as was seen. It lists nothing any more; only its mark still says something.
    Closed,
}

/// One registration that is ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegistrationEntry {
    /// Where.
    pub registrar: RegistrarId,
    /// Of which cluster.
    pub cluster: ClusterId,
    /// Of which life.
    pub incarnation: Incarnation,
    /// What was written there.
    pub fingerprint: Fingerprint,
}

/// Whose a live cluster is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ownership<'a> {
    /// Ours, by this entry.
    Ours(&'a Entry),
    /// Not ours.
    Foreign(Stranger),
}

/// Why a live cluster is not ours.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Stranger {
    /// No entry names it.
    Unlisted,
    /// An entry names it, but nodes are alive that the entry does not list: somebody made it again, or added to it.
    OtherNodes(Vec<String>),
    /// It carries a mark of rollcall that no entry of this database has.
    OtherLedger,
}

impl Ledger {
    /// The open entries of one cluster, newest first.
    pub fn entries_of<'l, 'i>(
        &'l self,
        id: &'i ClusterId,
    ) -> impl Iterator<Item = &'l Entry> + use<'l, 'i> {
        self.entries
            .iter()
            .rev()
            .filter(move |entry| entry.id == *id)
    }

    /// Every entry of one cluster: the open ones, newest first, then the closed ones whose marks may still turn up.
    fn of<'l, 'i>(&'l self, id: &'i ClusterId) -> impl Iterator<Item = &'l Entry> + use<'l, 'i> {
        let closed = self.closed.iter().filter(move |entry| entry.id == *id);
        self.entries_of(id).chain(closed)
    }

    /// What stands in a cluster's way in a registrar, and is not to be mended as somebody's entry.
    pub fn obstacle<'v>(
        &self,
        registrar: &RegistrarId,
        view: &'v RegistrarView,
        id: &ClusterId,
    ) -> Option<&'v Obstacle> {
        let all = view.obstacles.get(id).into_iter().flatten();
        let ours = |own: &ClusterId| self.registration(registrar, own).is_some();
        all.into_iter()
            .find(|obstacle| !obstacle.of.iter().any(ours))
    }

    /// What rollcall registered for one cluster in one registrar.
    pub fn registration(
        &self,
        registrar: &RegistrarId,
        id: &ClusterId,
    ) -> Option<&RegistrationEntry> {
        self.registrations
            .iter()
            .find(|entry| entry.registrar == *registrar && entry.cluster == *id)
    }

    /// Whose this cluster is. A mark alone never makes it ours, an entry keyed by its name alone neither: every
    /// live node must be listed by one entry, or carry its mark where it is not `live`: while it is made or deleted, and
    /// after it was closed, what an engine carries out late is still ours.
    pub fn ownership(&self, view: &ClusterView) -> Ownership<'_> {
        let mut strangers = BTreeSet::new();
        let mut named = false;
        for entry in self.of(&view.id) {
            named |= entry.state != EntryState::Closed;
            let unlisted: Vec<_> = view
                .proving_nodes()
                .filter(|node| !entry.covers(&node.id, node.nonce.as_ref()))
                .collect();
            if unlisted.is_empty() && entry.has_part_of(view) {
                return Ownership::Ours(entry);
            }
            if entry.state != EntryState::Closed {
                strangers.extend(unlisted.into_iter().map(|node| node.name.clone()));
            }
        }
        let marked = view.nodes.iter().any(|node| node.nonce.is_some());
        Ownership::Foreign(match (named, marked) {
            (true, _) => Stranger::OtherNodes(strangers.into_iter().collect()),
            (false, true) => Stranger::OtherLedger,
            (false, false) => Stranger::Unlisted,
        })
    }

    /// The networks and volumes on the engine that an entry of this cluster made, whatever they are called now.
    pub fn leftovers(
        &self,
        id: &ClusterId,
        engine: &EngineFacts,
    ) -> (Vec<NetworkView>, Vec<VolumeView>) {
        let of = |covers: &dyn Fn(&Entry) -> bool| self.of(id).any(covers);
        let networks = engine
            .networks
            .iter()
            .filter(|n| of(&|entry| entry.covers_network(n)))
            .cloned()
            .collect();
        let volumes = engine
            .volumes
            .iter()
            .filter(|v| of(&|entry| entry.covers_volume(v)))
            .cloned()
            .collect();
        (networks, volumes)
    }
}

impl Entry {
    /// Whether a container is this entry's: listed, or marked while the entry is not `live`.
    pub fn covers(&self, id: &ContainerId, nonce: Option<&Nonce>) -> bool {
        self.containers.contains(id) || self.claims(nonce)
    }

    /// Whether a container that proves nothing, a load balancer or a helper, was made for this entry: listed, or with
    /// its mark, whatever the entry's state.
    pub fn made(&self, node: &NodeView) -> bool {
        self.containers.contains(&node.id) || (node.nonce.is_some() && node.nonce == self.nonce)
    }

    /// Whether a network is this entry's.
    pub fn covers_network(&self, network: &NetworkView) -> bool {
        self.networks.contains(&network.id) || self.claims(network.nonce.as_ref())
    }

    /// Whether a volume is this entry's.
    pub fn covers_volume(&self, volume: &VolumeView) -> bool {
        self.volumes.contains(&volume.id) || self.claims(volume.nonce.as_ref())
    }

    /// A mark counts for as long as the IDs may not all have been recorded: from before the tool starts until the
    /// cluster was seen, and again while it is taken away.
    fn claims(&self, nonce: Option<&Nonce>) -> bool {
        nonce.is_some() && self.nonce.as_ref() == nonce && self.state != EntryState::Live
    }

    /// Whether anything that is left of the cluster is this entry's: a load balancer or a helper alone proves nothing.
    fn has_part_of(&self, view: &ClusterView) -> bool {
        view.proving_nodes().next().is_some()
            || view
                .networks
                .iter()
                .any(|network| self.covers_network(network))
            || view.volumes.iter().any(|volume| self.covers_volume(volume))
    }
}
