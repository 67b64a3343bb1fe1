//! What a plan deliberately leaves alone, why, and what would lift it.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

use super::{ActionKind, Field};
use crate::model::{
    Address, ClusterId, Obstacle, Phase, RegistrarId, RowFault, StopIntent, Stranger, Unseen,
    UnseenKind,
};

/// One difference that gets no step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// What it is about.
    pub address: Address,
    /// Why it is left alone.
    pub reason: HeldReason,
}

/// What a held reason means for the verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Never counts.
    Information,
    /// Counts in a dry run: another mode would do it.
    BeyondMode,
    /// Counts in `verify` and `ensure`, not in a reconcile.
    Intended,
    /// The row is not true: counts in every mode.
    Blocks,
    /// Could not be observed: no verdict.
    Unknown,
    /// A tool or the engine is missing: not ready.
    NotReady,
}

/// Why a difference gets no step.
#[must_use]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum HeldReason {
    /// A live cluster bears the row's name and is not ours.
    NotOurs {
        /// Why it is not.
        stranger: Stranger,
        /// How alive it is.
        phase: Phase,
    },
    /// A network or volume that a creation needs the name of is left, and not ours.
    ForeignResidue {
        /// What is left.
        names: Vec<String>,
    },
    /// The row's cluster lives under another provider.
    ProviderChanged {
        /// There.
        live: ClusterId,
    },
    /// Only making it again would make it true.
    NeedsReplace {
        /// What differs.
        fields: Vec<Field>,
        /// How alive it is.
        phase: Phase,
        /// What is broken.
        detail: Option<String>,
    },
    /// A person wants it stopped.
    StoppedByUser(StopIntent),
    /// The row cannot be right.
    InvalidRow {
        /// All that is wrong with it.
        faults: Vec<RowFault>,
    },
    /// A port of the row is somebody else's.
    PortTaken {
        /// The row's column.
        column: String,
        /// The port.
        port: u16,
        /// Which row, container or cluster has it; `None`: a process of this host.
        by: Option<String>,
    },
    /// The row's subnet overlaps somebody else's.
    SubnetTaken {
        /// The row's subnet.
        subnet: String,
        /// Who has it.
        by: String,
    },
    /// Our own orphan is in the way, and this run may not prune.
    BlockedByOrphan {
        /// The orphan.
        orphan: ClusterId,
    },
    /// Ours, and no row names it; a prune would take it away.
    Orphan,
    /// Ours, and a row whose name cannot be read may mean it.
    PerhapsClaimed {
        /// The row.
        row: String,
    },
    /// Foreign, and to be adopted, but a row has its name for another cluster.
    NameTaken {
        /// The row.
        row: String,
    },
    /// Foreign, and no row names it.
    Unmanaged,
    /// The management cluster: not for a reconcile to make, replace or take away.
    Management {
        /// What would otherwise be done.
        would: String,
    },
    /// Another mode would do it.
    BeyondMode {
        /// This.
        would: ActionKind,
    },
    /// `--only` or `--exclude` leaves it out.
    Excluded,
    /// Another running rollcall works on it.
    InProgress,
    /// The source could not be observed.
    SourceUnknown(Unseen),
    /// The tool that the step needs is missing.
    ToolMissing {
        /// The program.
        program: String,
        /// How to get it.
        hint: String,
    },
    /// A registrar has an entry of this name that is not ours.
    RegistrationNotOurs {
        /// Where it points to.
        endpoint: String,
    },
    /// Something in the registrar stands in its way, or is wrong there, and is not ours to move.
    RegistrarObstructed(Obstacle),
    /// It has to be registered elsewhere first, and is not.
    WaitsFor {
        /// There.
        registrar: RegistrarId,
    },
    /// The registrar is switched on and not there.
    RegistrarNotInstalled,
}

/// The command that has a column of the row ask for something free.
fn set(address: &Address, column: &str) -> String {
    let name = address
        .cluster()
        .map_or_else(|| address.to_string(), |id| id.name.to_string());
    format!(
        "rollcall cluster set {name} --{} free",
        column.replace('_', "-")
    )
}

impl HeldReason {
    /// What it means for the verdict.
    pub fn class(&self) -> Class {
        match self {
            Self::NotOurs { .. }
            | Self::ForeignResidue { .. }
            | Self::ProviderChanged { .. }
            | Self::NeedsReplace { .. }
            | Self::InvalidRow { .. }
            | Self::PortTaken { .. }
            | Self::SubnetTaken { .. }
            | Self::BlockedByOrphan { .. }
            | Self::RegistrationNotOurs { .. }
            | Self::RegistrarObstructed(_)
            | Self::WaitsFor { .. }
            | Self::PerhapsClaimed { .. }
            | Self::NameTaken { .. }
            | Self::InProgress => Class::Blocks,
            Self::StoppedByUser(_) => Class::Intended,
            Self::Orphan | Self::BeyondMode { .. } => Class::BeyondMode,
            Self::Unmanaged
            | Self::Management { .. }
            | Self::Excluded
            | Self::RegistrarNotInstalled => Class::Information,
            Self::SourceUnknown(unseen) if unseen.kind == UnseenKind::NotReady => Class::NotReady,
            Self::SourceUnknown(_) => Class::Unknown,
            Self::ToolMissing { .. } => Class::NotReady,
        }
    }

    /// The command, or the act, that would lift it.
    pub fn hint(&self, address: &Address) -> Option<String> {
        let name = match (address.cluster(), address) {
            (Some(id), _) => id.to_string(),
            (None, Address::Row(name)) => name.clone(),
            (None, _) => String::new(),
        };
        match self {
            Self::NotOurs { .. } => Some(format!("rollcall cluster adopt {name}")),
            Self::RegistrationNotOurs { .. } => Some(in_the_way(address)),
            Self::ForeignResidue { names } => Some(format!(
                "remove {} yourself if nobody needs it: rollcall did not make it",
                names.join(", ")
            )),
            Self::ProviderChanged { .. } | Self::NeedsReplace { .. } => Some(format!(
                "rollcall reconcile --repair --replace {name}   (deletes it and makes it again)"
            )),
            Self::StoppedByUser(_) => Some(format!("rollcall start {name}")),
            Self::InvalidRow { .. } => {
                Some("correct the row's columns: rollcall cluster set --help".to_owned())
            }
            Self::PortTaken {
                column,
                by: Some(_),
                ..
            } => Some(format!("{}, or free this one", set(address, column))),
            // An engine that was killed may come back with a proxy too many: Docker 20.10 does.
            Self::PortTaken {
                column,
                port,
                by: None,
            } => Some(format!(
                "see whose it is: ss -ltnp 'sport = :{port}'; a docker-proxy without a container goes when Docker is \
                 restarted; or {}",
                set(address, column)
            )),
            Self::SubnetTaken { .. } => Some(set(address, "subnet")),
            Self::BlockedByOrphan { .. } => {
                Some("rollcall reconcile --repair --prune=orphans".to_owned())
            }
            Self::Orphan => Some("rollcall reconcile --prune=orphans".to_owned()),
            Self::PerhapsClaimed { row } => Some(format!("correct or delete row {row}")),
            Self::NameTaken { row } => Some(format!(
                "rename or delete row {row}, then: rollcall cluster adopt {name}"
            )),
            Self::BeyondMode { would } => Some(match would {
                ActionKind::PruneRow => "rollcall reconcile --prune=rows".to_owned(),
                _ => "rollcall reconcile --repair".to_owned(),
            }),
            Self::ToolMissing { hint, .. } => Some(hint.clone()),
            Self::SourceUnknown(unseen) => unseen.hint.clone(),
            Self::InProgress => Some("rollcall lock show".to_owned()),
            Self::RegistrarObstructed(obstacle) => Some(obstacle.remedy.clone()),
            Self::WaitsFor { registrar } => Some(match address.cluster() {
                Some(id) => {
                    format!("rollcall explain {id}   (says what is the matter in {registrar})")
                }
                None => format!("see what is the matter in {registrar}"),
            }),
            Self::Unmanaged
            | Self::Management { .. }
            | Self::Excluded
            | Self::RegistrarNotInstalled => None,
        }
    }

    /// The fields that differ.
    pub fn fields(&self) -> &[Field] {
        match self {
            Self::NeedsReplace { fields, .. } => fields,
            _ => &[],
        }
    }

    /// The reason's name, as JSON and `explain` spell it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotOurs { .. } => "not_ours",
            Self::ForeignResidue { .. } => "foreign_residue",
            Self::ProviderChanged { .. } => "provider_changed",
            Self::NeedsReplace { .. } => "needs_replace",
            Self::StoppedByUser(_) => "stopped_by_user",
            Self::InvalidRow { .. } => "invalid_row",
            Self::PortTaken { .. } => "port_taken",
            Self::SubnetTaken { .. } => "subnet_taken",
            Self::BlockedByOrphan { .. } => "blocked_by_orphan",
            Self::Orphan => "orphan",
            Self::PerhapsClaimed { .. } => "perhaps_claimed",
            Self::NameTaken { .. } => "name_taken",
            Self::Unmanaged => "unmanaged",
            Self::Management { .. } => "management",
            Self::BeyondMode { .. } => "beyond_mode",
            Self::Excluded => "excluded",
            Self::InProgress => "in_progress",
            Self::SourceUnknown(_) => "source_unknown",
            Self::ToolMissing { .. } => "tool_missing",
            Self::RegistrationNotOurs { .. } => "registration_not_ours",
            Self::RegistrarObstructed(_) => "registrar_obstructed",
            Self::WaitsFor { .. } => "waits_for",
            Self::RegistrarNotInstalled => "registrar_not_installed",
        }
    }
}

/// The entry that somebody else has where ours would go, and what to do about it.
fn in_the_way(address: &Address) -> String {
    match address {
        Address::Registration(registrar, id) => format!(
            "remove or rename {}-{} in {registrar}, then: rollcall reconcile --repair",
            id.provider, id.name
        ),
        _ => "remove or rename that entry, then: rollcall reconcile --repair".to_owned(),
    }
}

impl fmt::Display for HeldReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotOurs { stranger, phase } => match stranger {
                Stranger::Unlisted => write!(f, "{phase}, and not ours: rollcall did not make it"),
                Stranger::OtherNodes(nodes) => {
                    write!(
                        f,
                        "{phase}, and not ours any more: {} was made by somebody else",
                        nodes.join(", ")
                    )
                }
                Stranger::OtherLedger => {
                    write!(f, "{phase}, and another database's rollcall made it")
                }
            },
            Self::ForeignResidue { names } => {
                write!(f, "{} is in the way and not ours", names.join(", "))
            }
            Self::ProviderChanged { live } => write!(f, "the row moved; it lives as {live}"),
            Self::NeedsReplace {
                phase,
                detail: Some(detail),
                ..
            } => {
                write!(f, "{phase}: {detail}; only making it again helps")
            }
            Self::NeedsReplace { .. } => write!(f, "it differs in what cannot be changed in place"),
            Self::StoppedByUser(stop) => {
                write!(f, "stopped on purpose ({})", stop.source)?;
                if let Some(who) = &stop.who {
                    write!(f, " by {who}")?;
                }
                stop.why.as_ref().map_or(Ok(()), |why| write!(f, ": {why}"))
            }
            Self::InvalidRow { faults } => {
                let all: Vec<_> = faults.iter().map(ToString::to_string).collect();
                write!(f, "the row cannot be right: {}", all.join("; "))
            }
            Self::PortTaken { column, port, by } => {
                let by = by.as_deref().unwrap_or("a process of this host");
                write!(f, "{column} {port} is taken by {by}")
            }
            Self::SubnetTaken { subnet, by } => write!(f, "subnet {subnet} overlaps {by}"),
            Self::BlockedByOrphan { orphan } => write!(f, "our own orphan {orphan} is in the way"),
            Self::Orphan => f.write_str("ours, and no row names it"),
            Self::PerhapsClaimed { row } => {
                write!(
                    f,
                    "ours, and row {row}, whose name cannot be read, may mean it"
                )
            }
            Self::NameTaken { row } => {
                write!(
                    f,
                    "not ours, and row {row} has its name for another cluster"
                )
            }
            Self::Unmanaged => f.write_str("not ours: it is left alone"),
            Self::Management { would } => write!(f, "the management cluster: {would}"),
            Self::BeyondMode { would } => write!(f, "this mode does not {would}"),
            Self::Excluded => f.write_str("left out by --only or --exclude"),
            Self::InProgress => f.write_str("another rollcall works on it"),
            Self::SourceUnknown(unseen) => write!(
                f,
                "{} could not be observed: {}",
                unseen.source, unseen.error
            ),
            Self::ToolMissing { program, .. } => write!(f, "{program} is not installed"),
            Self::RegistrationNotOurs { endpoint } => {
                write!(f, "an entry of this name is not ours ({endpoint})")
            }
            Self::RegistrarObstructed(obstacle) => f.write_str(&obstacle.what),
            Self::WaitsFor { registrar } => write!(f, "it is not registered in {registrar} first"),
            Self::RegistrarNotInstalled => f.write_str("switched on, and not installed"),
        }
    }
}
