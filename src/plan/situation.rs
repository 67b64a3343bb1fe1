//! The situation of each cluster: whose it is and how alive, decided before anything else.

use std::collections::{BTreeMap, BTreeSet};

use super::PlanInput;
use crate::model::{
    Clean, ClusterId, ClusterName, ClusterView, EngineView, Entry, NetworkId, NetworkView,
    NodeRole, Ownership, RegistrarId, RegistrarView, Row, Seen, Stranger, ToolView, VolumeView,
};

/// What is left of a dead cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Leftover {
    pub(super) networks: Vec<NetworkView>,
    pub(super) volumes: Vec<VolumeView>,
}

impl Leftover {
    pub(super) fn names(&self) -> Vec<String> {
        let networks = self.networks.iter().map(|n| format!("network {}", n.name));
        networks
            .chain(
                self.volumes
                    .iter()
                    .map(|v| format!("volume {}", v.id.name())),
            )
            .collect()
    }

    fn is_empty(&self) -> bool {
        self.networks.is_empty() && self.volumes.is_empty()
    }
}

/// One cluster as it is.
#[derive(Debug, Clone)]
pub(super) enum Live<'a> {
    /// Nothing there.
    Absent,
    /// Only networks or volumes, all ours.
    Residue(Leftover),
    /// Only networks or volumes, and some are not ours.
    ForeignResidue(Vec<String>),
    /// Alive and ours.
    Ours(&'a ClusterView, &'a Entry),
    /// Alive and not ours.
    Foreign(&'a ClusterView, Stranger),
}

/// The input, with the questions that are asked of it again and again.
pub(super) struct Situation<'a> {
    pub(super) input: PlanInput<'a>,
    pub(super) engine: &'a EngineView,
    claimed: BTreeSet<&'a ClusterName>,
    rows: BTreeSet<&'a ClusterId>,
    network_owner: BTreeMap<&'a NetworkId, &'a ClusterId>,
}

impl<'a> Situation<'a> {
    pub(super) fn new(input: PlanInput<'a>, engine: &'a EngineView) -> Self {
        let rows = input
            .desired
            .intents()
            .map(|(_, intent)| &intent.spec.id)
            .collect();
        let claimed = input.desired.claimed_by_invalid();
        let ours = input
            .ledger
            .entries
            .iter()
            .flat_map(|e| e.networks.iter().map(move |n| (n, &e.id)));
        let live = input
            .observed
            .clusters()
            .flat_map(|view| view.networks.iter().map(move |n| (&n.id, &view.id)));
        Self {
            input,
            engine,
            claimed,
            rows,
            network_owner: ours.chain(live).collect(),
        }
    }

    /// How alive a cluster is, and whose.
    pub(super) fn live(&self, id: &'a ClusterId) -> Live<'a> {
        let view = self.input.observed.cluster(id);
        if let Some(view) = view.filter(|view| view.has_nodes()) {
            return match self.input.ledger.ownership(view) {
                Ownership::Ours(entry) => match strays(entry, view) {
                    none if none.is_empty() => Live::Ours(view, entry),
                    strays => Live::Foreign(view, Stranger::OtherNodes(strays)),
                },
                Ownership::Foreign(stranger) => Live::Foreign(view, stranger),
            };
        }
        let (networks, volumes) = self.input.ledger.leftovers(id, &self.engine.facts);
        let ours = Leftover { networks, volumes };
        let foreign: Vec<String> = view.map_or_else(Vec::new, |view| {
            let networks = view
                .networks
                .iter()
                .filter(|n| !ours.networks.iter().any(|own| own.id == n.id))
                .cloned();
            let volumes = view
                .volumes
                .iter()
                .filter(|v| !ours.volumes.iter().any(|own| own.id == v.id))
                .cloned();
            Leftover {
                networks: networks.collect(),
                volumes: volumes.collect(),
            }
            .names()
        });
        match (foreign.is_empty(), ours.is_empty()) {
            (false, _) => Live::ForeignResidue(foreign),
            (true, false) => Live::Residue(ours),
            (true, true) => Live::Absent,
        }
    }

    /// Every cluster that is alive, left over or remembered in the ledger.
    pub(super) fn known_ids(&self) -> BTreeSet<&'a ClusterId> {
        let live = self.input.observed.clusters().map(|view| &view.id);
        live.chain(self.input.ledger.entries.iter().map(|entry| &entry.id))
            .collect()
    }

    /// Whether a valid row asks for exactly this cluster.
    pub(super) fn has_row(&self, id: &ClusterId) -> bool {
        self.rows.contains(id)
    }

    /// The row that has the name, under whatever provider.
    pub(super) fn taken_by(&self, id: &ClusterId) -> Option<&'a Row> {
        let mut rows = self.input.desired.rows.iter();
        rows.find(|row| row.claim.name() == Some(&id.name))
    }

    /// Whether there is a row of which nobody can say whose name it means: what seems to have no row may have that one.
    pub(super) fn is_unclear(&self) -> bool {
        self.input.desired.unclear().is_some()
    }

    /// Whether an invalid row claims the name, under every provider.
    pub(super) fn claimed_by_invalid(&self, id: &ClusterId) -> bool {
        self.claimed.contains(&id.name)
    }

    /// Whether it is the management cluster.
    pub(super) fn is_management(&self, id: &ClusterId) -> bool {
        id.name == self.input.policy.management
    }

    /// Whether the registrar goes with the management cluster in this run: nothing has to be taken off there. Only
    /// where nothing keeps that cluster from going.
    pub(super) fn goes_along(&self, registrar: &RegistrarId) -> bool {
        let policy = self.input.policy;
        let host = policy.hosted.get(registrar);
        policy.mode.clean == Some(Clean::Everything)
            && host.is_some_and(|host| {
                self.known_ids().contains(host) && self.is_management(host) && self.leaves(host)
            })
    }

    /// Whether a management cluster is ours, and every other registrar that may hold it is seen.
    fn leaves(&self, id: &ClusterId) -> bool {
        let Some(view) = self
            .input
            .observed
            .cluster(id)
            .filter(|view| view.has_nodes())
        else {
            return false;
        };
        let ours = matches!(self.input.ledger.ownership(view), Ownership::Ours(entry) if strays(entry, view).is_empty());
        let hidden = self.registrars().any(|(registrar, seen)| {
            let inside = self.input.policy.hosted.contains_key(registrar);
            let holds = self.input.ledger.registration(registrar, id).is_some();
            holds && !inside && seen.known().is_none()
        });
        ours && !hidden
    }

    /// Ours, alive or left over, and no row claims it.
    pub(super) fn is_orphan(&self, id: &'a ClusterId) -> bool {
        !self.has_row(id)
            && !self.claimed_by_invalid(id)
            && !self.is_unclear()
            && !self.is_management(id)
            && match self.live(id) {
                Live::Ours(..) => self.moved_to(id).is_none(),
                Live::Residue(_) => true,
                Live::Absent | Live::ForeignResidue(_) | Live::Foreign(..) => false,
            }
    }

    /// The row of this name under another provider that has nothing alive of its own: the cluster did not become an
    /// orphan, its row moved.
    pub(super) fn moved_to(&self, id: &ClusterId) -> Option<&'a ClusterId> {
        let live =
            |own: &'a ClusterId| matches!(self.live(own), Live::Ours(..) | Live::Foreign(..));
        self.input
            .desired
            .intents()
            .filter(|(_, intent)| intent.presence == crate::model::Presence::Present)
            .map(|(_, intent)| &intent.spec.id)
            .find(|own| own.name == id.name && own.provider != id.provider && !live(own))
    }

    /// The cluster of this name that is ours and alive under another provider than the row's.
    pub(super) fn elsewhere(&self, id: &ClusterId) -> Option<(&'a ClusterView, &'a Entry)> {
        let others = self
            .input
            .observed
            .clusters()
            .filter(|view| view.id.name == id.name && view.id.provider != id.provider);
        others
            .filter(|view| !self.has_row(&view.id))
            .find_map(|view| match self.live(&view.id) {
                Live::Ours(view, entry) => Some((view, entry)),
                _ => None,
            })
    }

    /// Whose network it is.
    pub(super) fn network_owner(&self, network: &NetworkId) -> Option<&'a ClusterId> {
        self.network_owner.get(network).copied()
    }

    /// Whether this run may change the cluster.
    pub(super) fn in_scope(&self, id: &ClusterId) -> bool {
        self.input.policy.scope.includes(id) && !self.input.policy.in_progress.contains(id)
    }

    /// The provider's tool, if it is missing: program and remedy.
    pub(super) fn missing_tool(&self, id: &ClusterId) -> Option<(&'a str, &'a str)> {
        match self.input.observed.tools.get(&id.provider) {
            Some(ToolView::Missing { program, hint }) => Some((program, hint)),
            Some(ToolView::Found(_)) | None => None,
        }
    }

    /// What each registrar said.
    pub(super) fn registrars(
        &self,
    ) -> impl Iterator<Item = (&'a crate::model::RegistrarId, &'a Seen<RegistrarView>)> + use<'a>
    {
        self.input.observed.registrars.iter()
    }

    /// Whether the run takes away what rows say is absent: a repair does, and a prune that takes the row with it.
    pub(super) fn removes_absent(&self) -> bool {
        self.input.policy.mode.repair || self.input.policy.mode.prune.rows
    }
}

/// Where no server or worker is left to say whose a cluster is, the load balancers that are not listed: on a network
/// of ours, they may be all that is left of a cluster that somebody made there.
fn strays(entry: &Entry, view: &ClusterView) -> Vec<String> {
    if view.proving_nodes().next().is_some() {
        return Vec::new();
    }
    view.nodes
        .iter()
        .filter(|node| node.role == NodeRole::Balancer)
        .filter(|node| !entry.covers(&node.id, node.nonce.as_ref()))
        .map(|node| node.name.clone())
        .collect()
}
