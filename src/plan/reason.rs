//! Why a step is in the plan.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

/// One field that differs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct Field {
    /// The row's column, or what a registrar calls it.
    pub field: String,
    /// What is there; `None`: nothing.
    pub live: Option<String>,
    /// What the row says; `None`: nothing.
    pub row: Option<String>,
}

impl Field {
    /// A difference between what is live and what the row says.
    pub fn new(field: &str, live: Option<impl ToString>, row: Option<impl ToString>) -> Self {
        Self {
            field: field.to_owned(),
            live: live.map(|v| v.to_string()),
            row: row.map(|v| v.to_string()),
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = |value: &Option<String>| value.clone().unwrap_or_else(|| "none".to_owned());
        write!(
            f,
            "{}  {} live -> {} row",
            self.field,
            side(&self.live),
            side(&self.row)
        )
    }
}

/// One reason, with the fields that differ.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct Reason {
    /// Which reason.
    pub code: ReasonCode,
    /// What differs.
    pub fields: Vec<Field>,
    /// What else is to be said, for people.
    pub detail: Option<String>,
}

impl Reason {
    /// A reason that needs no fields.
    pub fn of(code: ReasonCode) -> Self {
        Self {
            code,
            fields: Vec::new(),
            detail: None,
        }
    }

    /// The same with fields.
    #[must_use]
    pub fn fields(mut self, fields: Vec<Field>) -> Self {
        self.fields = fields;
        self
    }

    /// The same with something to say.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.detail {
            Some(detail) => write!(f, "{}: {detail}", self.code.text()),
            None => f.write_str(self.code.text()),
        }
    }
}

/// The reasons there are. The set grows; it does not change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReasonCode {
    /// A row wants a cluster and there is none.
    MissingLive,
    /// Networks or volumes of a dead cluster of ours are in the way.
    ResidueLeft,
    /// A cluster that should run does not.
    NotRunning,
    /// A cluster runs and its API does not answer.
    NotReady,
    /// What follows its creation once is not done yet.
    Unprepared,
    /// A port of the row is not published.
    PortMissing,
    /// Ports or the subnet are not the row's, and cannot be changed in place.
    FieldsChanged,
    /// A node is missing or never comes up.
    Broken,
    /// A creation of ours was interrupted.
    InterruptedCreate,
    /// A deletion of ours was interrupted.
    InterruptedDelete,
    /// The row moved to another provider.
    ProviderChanged,
    /// `--replace` asked for it.
    RequestedReplace,
    /// `--adopt` asked for it.
    RequestedAdopt,
    /// `stop` asked for it.
    RequestedStop,
    /// `clean` asked for it.
    RequestedClean,
    /// The row says `absent`.
    DesiredAbsent,
    /// Ours, and no row names it.
    Orphan,
    /// The row's cluster is proven gone, and rows may be pruned.
    RowWithoutCluster,
    /// A registrar has no entry for the cluster.
    Unregistered,
    /// A registrar's entry is of an earlier life, or not what was written there.
    RegistrationStale,
    /// A registrar's entry is of a cluster that is gone.
    RegistrationOfGone,
    /// The configuration leaves the cluster out of a registrar that has an entry of ours for it.
    LeftOut,
    /// The cluster is about to go, and its registrations come off first.
    ClusterLeaves,
}

impl ReasonCode {
    /// The reason as a fragment for people.
    pub fn text(self) -> &'static str {
        match self {
            Self::MissingLive => "the row wants it and it is not there",
            Self::ResidueLeft => "left over from its last life",
            Self::NotRunning => "it should run and does not",
            Self::NotReady => "it runs and its API does not answer",
            Self::Unprepared => "what follows its creation is to be done",
            Self::PortMissing => "a port of the row is not published",
            Self::FieldsChanged => "it is not what the row says",
            Self::Broken => "it is broken",
            Self::InterruptedCreate => "its creation was interrupted",
            Self::InterruptedDelete => "its deletion was interrupted",
            Self::ProviderChanged => "the row moved to another provider",
            Self::RequestedReplace => "asked for with --replace",
            Self::RequestedAdopt => "asked for with --adopt",
            Self::RequestedStop => "asked for with stop",
            Self::RequestedClean => "asked for with clean",
            Self::DesiredAbsent => "the row says absent",
            Self::Orphan => "ours, and no row names it",
            Self::RowWithoutCluster => "its cluster is proven gone",
            Self::Unregistered => "not registered",
            Self::RegistrationStale => "registered as it was in an earlier life, or changed since",
            Self::RegistrationOfGone => "registered, and the cluster is gone",
            Self::LeftOut => "registered, and the configuration leaves it out",
            Self::ClusterLeaves => "its cluster is about to be deleted",
        }
    }
}
