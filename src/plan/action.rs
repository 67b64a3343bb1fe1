//! Steps: what to do, in what order, and what it costs those who use the thing.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

use super::{Held, Reason, Refusal};
use crate::model::{
    Address, ClusterId, ClusterSpec, EntryKey, Fingerprint, Incarnation, NetworkId, PortMap,
    RegistrarId, RowSnapshot, VolumeId,
};

/// A step's place in its plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct StepId(pub usize);

/// What to do. Whatever is changed or taken away is named by the life that the plan saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Take a foreign cluster into the ledger; with a spec, also write its row.
    Adopt {
        /// Which.
        id: ClusterId,
        /// The life that was seen.
        incarnation: Incarnation,
        /// The row to write, where there is none.
        capture: Option<ClusterSpec>,
    },
    /// Make a cluster and wait until it is ready.
    Create {
        /// As the row says.
        spec: ClusterSpec,
    },
    /// Start a cluster and wait until it is ready.
    Start {
        /// Which.
        id: ClusterId,
        /// The life that was seen.
        incarnation: Incarnation,
    },
    /// Stop a cluster that runs; what it holds stays.
    Stop {
        /// Which.
        id: ClusterId,
        /// The life that was seen.
        incarnation: Incarnation,
    },
    /// Wait until a running cluster is ready.
    Await {
        /// Which.
        id: ClusterId,
        /// The life that was seen.
        incarnation: Incarnation,
    },
    /// Do what follows a creation once: load images, apply manifests.
    Prepare {
        /// Which.
        id: ClusterId,
        /// The life that was seen; `None`: the one that this plan makes.
        incarnation: Option<Incarnation>,
    },
    /// Publish more ports of a running cluster.
    AddPorts {
        /// Which.
        id: ClusterId,
        /// The life that was seen.
        incarnation: Incarnation,
        /// Inside port -> host port.
        ports: PortMap,
    },
    /// Take away what is left of a dead cluster of ours.
    Sweep {
        /// Whose it was.
        id: ClusterId,
        /// Its networks.
        networks: Vec<NetworkId>,
        /// Its volumes.
        volumes: Vec<VolumeId>,
    },
    /// Delete a cluster of ours, and all that belongs to it.
    Delete {
        /// Which.
        id: ClusterId,
        /// The ledger entry that makes it ours.
        entry: EntryKey,
        /// The life that was seen; `None`: no server or control-plane node is left.
        incarnation: Option<Incarnation>,
        /// What is made in its place: it is proven possible before anything is deleted.
        successor: Option<ClusterSpec>,
    },
    /// Write a registration, in place.
    Register {
        /// Where.
        registrar: RegistrarId,
        /// Which.
        id: ClusterId,
        /// The entry that was seen there.
        expected: Option<Fingerprint>,
    },
    /// Take a registration away.
    Deregister {
        /// Where.
        registrar: RegistrarId,
        /// Which.
        id: ClusterId,
        /// The entry that was seen there.
        expected: Fingerprint,
    },
    /// Delete a row, into a tombstone.
    PruneRow {
        /// Where it is.
        rowid: i64,
        /// Its name, printable.
        shown: String,
        /// What its intent columns must still say.
        snapshot: RowSnapshot,
    },
}

impl Action {
    /// What the action is about.
    pub fn address(&self) -> Address {
        match self {
            Self::Create { spec } => Address::Cluster(spec.id.clone()),
            Self::Adopt { id, .. }
            | Self::Start { id, .. }
            | Self::Stop { id, .. }
            | Self::Await { id, .. }
            | Self::Prepare { id, .. }
            | Self::AddPorts { id, .. }
            | Self::Sweep { id, .. }
            | Self::Delete { id, .. } => Address::Cluster(id.clone()),
            Self::Register { registrar, id, .. } | Self::Deregister { registrar, id, .. } => {
                Address::Registration(registrar.clone(), id.clone())
            }
            Self::PruneRow { shown, .. } => Address::Row(shown.clone()),
        }
    }

    /// Which kind it is.
    pub fn kind(&self) -> ActionKind {
        match self {
            Self::Adopt { .. } => ActionKind::Adopt,
            Self::Create { .. } => ActionKind::Create,
            Self::Start { .. } => ActionKind::Start,
            Self::Stop { .. } => ActionKind::Stop,
            Self::Await { .. } => ActionKind::Await,
            Self::Prepare { .. } => ActionKind::Prepare,
            Self::AddPorts { .. } => ActionKind::AddPorts,
            Self::Sweep { .. } => ActionKind::Sweep,
            Self::Delete { .. } => ActionKind::Delete,
            Self::Register { .. } => ActionKind::Register,
            Self::Deregister { .. } => ActionKind::Deregister,
            Self::PruneRow { .. } => ActionKind::PruneRow,
        }
    }

    /// The cluster it is about, if it is about one.
    pub fn cluster(&self) -> Option<ClusterId> {
        self.address().cluster().cloned()
    }
}

/// The kinds of action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ActionKind {
    /// Take into the ledger.
    Adopt,
    /// Make.
    Create,
    /// Start.
    Start,
    /// Stop.
    Stop,
    /// Wait until ready.
    Await,
    /// Do what follows a creation once.
    Prepare,
    /// Publish more ports.
    AddPorts,
    /// Take leftovers away.
    Sweep,
    /// Delete a cluster.
    Delete,
    /// Write a registration.
    Register,
    /// Take a registration away.
    Deregister,
    /// Delete a row.
    PruneRow,
}

impl ActionKind {
    /// Every kind, in the order in which people think of them.
    pub const ALL: [Self; 12] = [
        Self::Create,
        Self::Start,
        Self::Stop,
        Self::Await,
        Self::Prepare,
        Self::AddPorts,
        Self::Adopt,
        Self::Register,
        Self::Sweep,
        Self::Deregister,
        Self::Delete,
        Self::PruneRow,
    ];

    /// Its name as JSON spells it.
    pub fn code(self) -> &'static str {
        match self {
            Self::Adopt => "adopt",
            Self::Create => "create",
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Await => "await",
            Self::Prepare => "prepare",
            Self::AddPorts => "add_ports",
            Self::Sweep => "sweep",
            Self::Delete => "delete",
            Self::Register => "register",
            Self::Deregister => "deregister",
            Self::PruneRow => "prune_row",
        }
    }

    /// What it costs those who use the thing.
    pub fn disruption(self) -> Disruption {
        match self {
            Self::Adopt
            | Self::Create
            | Self::Start
            | Self::Await
            | Self::Prepare
            | Self::Register => Disruption::None,
            Self::AddPorts | Self::Stop => Disruption::Restart,
            Self::Sweep | Self::Delete | Self::Deregister | Self::PruneRow => Disruption::Delete,
        }
    }
}

impl fmt::Display for ActionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Await => "wait for",
            Self::AddPorts => "add ports",
            Self::PruneRow => "prune row",
            other => other.code(),
        })
    }
}

/// What a step costs those who use the thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Disruption {
    /// Nothing.
    None,
    /// Connections break; nothing is lost.
    Restart,
    /// It is deleted and made again.
    Replace,
    /// It is gone afterwards.
    Delete,
}

/// An action with its place in the plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Its place.
    pub id: StepId,
    /// What to do.
    pub action: Action,
    /// The steps that must have succeeded before.
    pub after: Vec<StepId>,
    /// Why; never empty.
    pub reasons: Vec<Reason>,
    /// Part of a replacement: the cluster is deleted and made again.
    pub replaces: bool,
    /// Nobody asked for this deletion by name: it was inferred, and the guards count it.
    pub inferred: bool,
}

impl Step {
    /// What it costs those who use the thing.
    pub fn disruption(&self) -> Disruption {
        if self.replaces {
            Disruption::Replace
        } else {
            self.action.kind().disruption()
        }
    }

    /// Whether something of worth is lost.
    pub fn destructive(&self) -> bool {
        match self.action.kind() {
            ActionKind::Delete | ActionKind::PruneRow => true,
            // What is left of a cluster that is about to be made again is in its way; an orphan's may be wanted.
            ActionKind::Sweep => self.inferred,
            _ => false,
        }
    }
}

/// What to do about all differences.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// In an order in which they could run one by one.
    pub steps: Vec<Step>,
    /// What is deliberately left alone.
    pub held: Vec<Held>,
    /// The guards that refuse the plan. Not empty: nothing of it may run.
    pub refusals: Vec<Refusal>,
}

impl Plan {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// The step of this id.
    pub fn step(&self, id: StepId) -> Option<&Step> {
        self.steps.get(id.0)
    }

    /// How many steps are of this kind.
    pub fn count(&self, kind: ActionKind) -> usize {
        self.steps
            .iter()
            .filter(|step| step.action.kind() == kind)
            .count()
    }
}
