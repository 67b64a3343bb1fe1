//! Policy: what a run may do, as the command line and the configuration say.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ClusterId, ClusterName, ProviderId, RegistrarId, Selector};

/// Everything the planner must know besides desired, observed and ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// What kinds of change the run may make.
    pub mode: Mode,
    /// Which clusters the run may change.
    pub scope: Scope,
    /// Clusters that may be deleted and made again.
    pub replace: BTreeSet<ClusterId>,
    /// Every broken cluster may be deleted and made again.
    pub replace_broken: bool,
    /// Clusters to stop.
    pub stop: BTreeSet<ClusterId>,
    /// Foreign clusters to take into the ledger.
    pub adopt: BTreeSet<ClusterId>,
    /// Limits of inferred deletions.
    pub guards: Guards,
    /// The name of the management cluster, under every provider.
    pub management: ClusterName,
    /// The providers and what they can do.
    pub providers: BTreeMap<ProviderId, ProviderTraits>,
    /// Clusters that are not to be registered, per registrar.
    pub unregistered: BTreeMap<RegistrarId, BTreeSet<Selector>>,
    /// Clusters that another running rollcall works on.
    pub in_progress: BTreeSet<ClusterId>,
    /// Registrars that live in the management cluster, and in which one: what they hold goes with it.
    pub hosted: BTreeMap<RegistrarId, ClusterId>,
}

impl Policy {
    /// Whether a cluster is not to be registered there.
    pub fn leaves_out(&self, registrar: &RegistrarId, id: &ClusterId) -> bool {
        let out = self.unregistered.get(registrar).into_iter().flatten();
        out.into_iter().any(|selector| selector.matches(id))
    }
}

/// What kinds of change a run may make.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Mode {
    /// Make it so: create, start, register again, delete what a row declares absent.
    pub repair: bool,
    /// Take away what no row wants.
    pub prune: Prune,
    /// Take away what is ours, whatever rows want; the rows stay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clean: Option<Clean>,
}

/// How much a clean takes away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Clean {
    /// Every cluster of ours but the management cluster, and every registration of theirs.
    Clusters,
    /// The management cluster too.
    Everything,
}

/// What a prune may take away.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Prune {
    /// Rows whose clusters are proven gone.
    pub rows: bool,
    /// Our clusters that no row names.
    pub orphans: bool,
    /// Our registrations of clusters that are gone.
    pub registrations: bool,
}

impl Prune {
    /// All three.
    pub const ALL: Self = Self {
        rows: true,
        orphans: true,
        registrations: true,
    };

    /// Whether anything may be pruned.
    pub fn any(self) -> bool {
        self.rows || self.orphans || self.registrations
    }
}

/// Which clusters a run may change; the guards and the port plan look at the whole world all the same.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope {
    /// If not empty, only these.
    pub only: Vec<Selector>,
    /// Never these.
    pub exclude: Vec<Selector>,
}

impl Scope {
    /// Whether the run may look into a row that names no cluster, for this name.
    pub fn includes_name(&self, name: Option<&ClusterName>) -> bool {
        let named = |list: &[Selector]| list.iter().any(|s| Some(s.name()) == name);
        (self.only.is_empty() || named(&self.only)) && !named(&self.exclude)
    }

    /// Whether the run may change this cluster.
    pub fn includes(&self, id: &ClusterId) -> bool {
        (self.only.is_empty() || self.only.iter().any(|s| s.matches(id)))
            && !self.exclude.iter().any(|s| s.matches(id))
    }
}

/// Limits of inferred deletions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Guards {
    /// The most that may go, of each class.
    pub limit: DeleteLimit,
    /// All of a class may go, and anything may go with an empty table.
    pub allow_all: bool,
}

impl Default for Guards {
    fn default() -> Self {
        Self {
            limit: DeleteLimit::Percent(50),
            allow_all: false,
        }
    }
}

/// `--max-deletes`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeleteLimit {
    /// At most this many of a class.
    Count(usize),
    /// At most this share of what is ours, rounded down, but always one.
    Percent(u8),
}

impl DeleteLimit {
    /// How many of `total` may go.
    pub fn of(self, total: usize) -> usize {
        match self {
            Self::Count(count) => count,
            Self::Percent(percent) => (total * usize::from(percent) / 100).max(1),
        }
    }
}

/// What a provider can do in place.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProviderTraits {
    /// A missing published port can be added to a running cluster.
    pub adds_ports: bool,
    /// Starting a stopped cluster needs the provider's tool, not the engine alone.
    pub start_needs_tool: bool,
    /// There is something to do once after each creation.
    #[serde(default)]
    pub prepares: bool,
}
