//! Desired beside observed, one cluster a line, with sync and health as two things.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Serialize;

use super::documents::{HeldDoc, Subject, held_doc};
use super::exit::Exit;
use super::flags::Flags;
use crate::model::{Address, ClusterId, ClusterView, Ownership, Phase, PortMap, Presence, Seen};
use crate::plan::{ActionKind, Class, Held, HeldReason, Plan, PlanInput, published};

/// All clusters.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct StatusDoc {
    /// Always `rollcall.status/v1`.
    pub schema: String,
    /// What it is about.
    #[serde(flatten)]
    pub subject: Subject,
    /// The first line of the text.
    pub verdict: String,
    /// One item for each row and each cluster without one.
    pub clusters: Vec<ClusterStatus>,
    /// What could not be observed.
    pub unknown: Vec<HeldDoc>,
    /// The run that holds the lock now.
    pub running: Option<String>,
    /// How it ended.
    pub exit: Exit,
}

/// One cluster.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ClusterStatus {
    /// `cluster/k3d/dev`, or `row/NAME` for a row that names no cluster.
    pub address: String,
    /// The provider, if known.
    pub provider: Option<String>,
    /// The name, printable.
    pub name: String,
    /// What the row says; `None`: no row, or one that cannot be right.
    pub desired: Option<Presence>,
    /// Whether there is a row.
    pub has_row: bool,
    /// How alive it is; `None`: unknown.
    pub phase: Option<Phase>,
    /// Whether it is as the row says.
    pub sync: Sync,
    /// How it is.
    pub health: Health,
    /// Whose it is.
    pub owner: Owner,
    /// Its life, the first 12 characters.
    pub incarnation: Option<String>,
    /// Published ports: inside -> host.
    pub ports: BTreeMap<u16, u16>,
    /// The host port of its API.
    pub api_port: Option<u16>,
    /// Its network.
    pub subnet: Option<String>,
    /// Where it is registered.
    pub registrations: Vec<RegistrationStatus>,
    /// What a repair would do: `create`, `register`, …
    pub would: Vec<String>,
    /// What is left alone, and why.
    pub held: Vec<HeldDoc>,
}

/// Whether a cluster is as its row says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Sync {
    /// As the row says.
    Synced,
    /// Not as the row says.
    OutOfSync,
    /// Ours, and no row names it.
    Orphan,
    /// Foreign, and no row names it.
    Unmanaged,
    /// Not known.
    Unknown,
}

/// How a cluster is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// It runs and its API answers.
    Healthy,
    /// It runs and its API answers; what was to follow its creation is not done.
    Unprepared,
    /// It runs; nobody asked its API.
    Running,
    /// It runs and its API does not answer.
    Silent,
    /// It does not run.
    Stopped,
    /// A node is missing or never comes up.
    Degraded,
    /// It is not there.
    Missing,
    /// Not known.
    Unknown,
}

/// Whose a cluster is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Owner {
    /// rollcall made or adopted it.
    Ours,
    /// Somebody else did.
    Foreign,
    /// There is nothing to own.
    Nobody,
}

/// One registration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RegistrationStatus {
    /// Where.
    pub registrar: String,
    /// How.
    pub state: RegistrationState,
}

/// How a cluster stands in one registrar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RegistrationState {
    /// There, ours, and of the cluster's present life.
    Registered,
    /// Not there.
    Missing,
    /// Ours, and edited since, or of an earlier life.
    Stale,
    /// There, and not ours.
    Foreign,
    /// Something that is not rollcall's stands in its way.
    Obstructed,
    /// The registrar could not be observed, or, where it holds an entry of ours, the cluster.
    Unknown,
    /// The row asks for nothing that could be registered there.
    NotAsked,
    /// The registrar is not there.
    NotInstalled,
}

impl RegistrationState {
    /// For people.
    pub fn text(self) -> &'static str {
        match self {
            Self::Registered => "registered",
            Self::Missing => "missing",
            Self::Stale => "stale",
            Self::Foreign => "foreign",
            Self::Obstructed => "obstructed",
            Self::NotAsked => "not asked for",
            Self::Unknown => "unknown",
            Self::NotInstalled => "not installed",
        }
    }
}

/// The status of everything.
pub fn status_doc(
    input: &PlanInput<'_>,
    plan: &Plan,
    subject: Subject,
    running: Option<String>,
    exit: Exit,
) -> StatusDoc {
    let mut clusters: Vec<ClusterStatus> = input
        .desired
        .rows
        .iter()
        .map(|row| match &row.intent {
            Ok(intent) => cluster_status(input, plan, &intent.spec.id, &subject.flags),
            Err(_) => invalid(plan, &row.address(), &row.shown, &subject.flags),
        })
        .collect();
    let rows: BTreeSet<&ClusterId> = input
        .desired
        .intents()
        .map(|(_, intent)| &intent.spec.id)
        .collect();
    let invalid_names = input.desired.claimed_by_invalid();
    let rest = input.observed.clusters().map(|view| &view.id);
    let rest = rest.filter(|id| !rows.contains(id) && !invalid_names.contains(&id.name));
    clusters.extend(rest.map(|id| cluster_status(input, plan, id, &subject.flags)));
    let unknown = plan
        .held
        .iter()
        .filter(|held| matches!(held.address, Address::Source(_)))
        .map(|held| held_doc(held, &subject.flags))
        .collect();
    StatusDoc {
        schema: "rollcall.status/v1".to_owned(),
        verdict: status_verdict(&clusters),
        subject,
        clusters,
        unknown,
        running,
        exit,
    }
}

/// `5 clusters: 2 synced, 1 out of sync, 1 orphan, 1 unmanaged`.
pub fn status_verdict(clusters: &[ClusterStatus]) -> String {
    if clusters.is_empty() {
        return "no rows and no clusters".to_owned();
    }
    let kinds = [
        (Sync::Synced, "synced", "synced"),
        (Sync::OutOfSync, "out of sync", "out of sync"),
        (Sync::Unknown, "unknown", "unknown"),
        (Sync::Orphan, "orphan", "orphans"),
        (Sync::Unmanaged, "unmanaged", "unmanaged"),
    ];
    let counted: Vec<_> = kinds
        .into_iter()
        .filter_map(|(sync, one, many)| {
            let count = clusters.iter().filter(|c| c.sync == sync).count();
            let word = if count == 1 { one } else { many };
            (count > 0).then(|| format!("{count} {word}"))
        })
        .collect();
    let noun = if clusters.len() == 1 {
        "cluster"
    } else {
        "clusters"
    };
    format!("{} {noun}: {}", clusters.len(), counted.join(", "))
}

fn invalid(plan: &Plan, address: &Address, shown: &str, flags: &Flags) -> ClusterStatus {
    ClusterStatus {
        address: address.to_string(),
        provider: None,
        name: shown.to_owned(),
        desired: None,
        has_row: true,
        phase: None,
        sync: Sync::OutOfSync,
        health: Health::Unknown,
        owner: Owner::Nobody,
        incarnation: None,
        ports: BTreeMap::new(),
        api_port: None,
        subnet: None,
        registrations: Vec::new(),
        would: Vec::new(),
        held: plan
            .held
            .iter()
            .filter(|held| held.address == *address)
            .map(|held| held_doc(held, flags))
            .collect(),
    }
}

/// The status of one cluster.
pub fn cluster_status(
    input: &PlanInput<'_>,
    plan: &Plan,
    id: &ClusterId,
    flags: &Flags,
) -> ClusterStatus {
    let row = input
        .desired
        .intents()
        .find(|(_, intent)| intent.spec.id == *id);
    let view = input.observed.cluster(id);
    let engine = input.observed.engine.known();
    let known = engine.is_some_and(|engine| engine.clusters.contains_key(&id.provider));
    let about = |address: &Address| address.cluster() == Some(id);
    let held: Vec<&Held> = plan
        .held
        .iter()
        .filter(|held| about(&held.address))
        .collect();
    let would: Vec<String> = plan
        .steps
        .iter()
        .filter(|s| about(&s.action.address()))
        .map(|s| s.action.kind().code().to_owned())
        .collect();
    let owner = owner(input, view);
    let wanted = row.map(|(_, intent)| intent.presence);
    let sync = if !known || held.iter().any(|held| is_unseen(held)) {
        Sync::Unknown
    } else if let Some(wanted) = wanted {
        let left = !would.is_empty() || held.iter().any(|held| is_drift(held));
        row_sync(wanted, owner, left, &held)
    } else if owner == Owner::Ours || held.iter().any(|held| held.reason == HeldReason::Orphan) {
        Sync::Orphan
    } else {
        Sync::Unmanaged
    };
    ClusterStatus {
        address: Address::Cluster(id.clone()).to_string(),
        provider: Some(id.provider.to_string()),
        name: id.name.to_string(),
        desired: wanted,
        has_row: row.is_some(),
        phase: known.then(|| view.map_or(Phase::Absent, |view| view.phase)),
        sync,
        health: if known {
            health(view, &would)
        } else {
            Health::Unknown
        },
        owner,
        incarnation: view
            .and_then(|view| view.incarnation.as_ref())
            .map(|life| life.short().to_owned()),
        ports: view.map(|view| numbers(&view.ports)).unwrap_or_default(),
        api_port: view
            .and_then(|view| view.api_port)
            .map(crate::model::Port::get),
        subnet: view
            .and_then(|view| view.subnet)
            .map(|subnet| subnet.to_string()),
        registrations: registrations(input, id, known, view),
        would,
        held: held.into_iter().map(|held| held_doc(held, flags)).collect(),
    }
}

/// Whose a cluster is, if anything of it is alive.
fn owner(input: &PlanInput<'_>, view: Option<&ClusterView>) -> Owner {
    let alive = view.filter(|view| view.has_nodes());
    match alive.map(|view| input.ledger.ownership(view)) {
        Some(Ownership::Ours(_)) => Owner::Ours,
        Some(Ownership::Foreign(_)) => Owner::Foreign,
        None => Owner::Nobody,
    }
}

fn is_unseen(held: &Held) -> bool {
    matches!(held.reason.class(), Class::Unknown | Class::NotReady)
}

fn is_drift(held: &Held) -> bool {
    matches!(
        held.reason.class(),
        Class::Blocks | Class::Intended | Class::BeyondMode
    )
}

/// Whether a row is true: nothing is left to do, and what it wants is there, or not, and ours. The plan is silent about
/// what is not its business (the management cluster); that does not make it true.
fn row_sync(wanted: Presence, owner: Owner, left: bool, held: &[&Held]) -> Sync {
    let lacking = held
        .iter()
        .any(|held| matches!(held.reason, HeldReason::Management { .. }));
    let there = match wanted {
        Presence::Present => owner == Owner::Ours && !lacking,
        Presence::Absent => owner == Owner::Nobody,
    };
    if there && !left {
        Sync::Synced
    } else {
        Sync::OutOfSync
    }
}

fn numbers(ports: &PortMap) -> BTreeMap<u16, u16> {
    ports
        .iter()
        .map(|(inside, host)| (inside.get(), host.get()))
        .collect()
}

fn health(view: Option<&ClusterView>, would: &[String]) -> Health {
    let prepare = ActionKind::Prepare.code();
    match view.map(|view| (view.phase, view.probed)) {
        None | Some((Phase::Absent | Phase::Residue, _)) => Health::Missing,
        Some((Phase::Ready, _)) if would.iter().any(|word| word == prepare) => Health::Unprepared,
        Some((Phase::Ready, _)) => Health::Healthy,
        Some((Phase::Running, false)) => Health::Running,
        Some((Phase::Running, true)) => Health::Silent,
        Some((Phase::Created | Phase::Stopped | Phase::Paused, _)) => Health::Stopped,
        Some((Phase::Partial | Phase::Restarting, _)) => Health::Degraded,
    }
}

fn registrations(
    input: &PlanInput<'_>,
    id: &ClusterId,
    known: bool,
    view: Option<&ClusterView>,
) -> Vec<RegistrationStatus> {
    let ports = published(input.desired, id, view);
    let state = |registrar, seen: &Seen<crate::model::RegistrarView>| {
        let Seen::Known(there) = seen else {
            return RegistrationState::Unknown;
        };
        if !there.installed {
            return RegistrationState::NotInstalled;
        }
        let entry = there.entries.get(id);
        let ours = input.ledger.registration(registrar, id);
        match (entry, ours) {
            (None, _) if input.policy.leaves_out(registrar, id) || !there.takes(&ports) => {
                RegistrationState::NotAsked
            }
            _ if input.ledger.obstacle(registrar, there, id).is_some() => {
                RegistrationState::Obstructed
            }
            (None, _) => RegistrationState::Missing,
            (Some(entry), None) if there.attached && entry.trouble.is_none() => {
                RegistrationState::Registered
            }
            (Some(_), None) if there.attached => RegistrationState::Stale,
            (Some(_), None) => RegistrationState::Foreign,
            // Of which life it should be is not known.
            (Some(_), Some(_)) if !known => RegistrationState::Unknown,
            (Some(entry), Some(ours)) => {
                let same_life =
                    view.and_then(|view| view.incarnation.as_ref()) == Some(&ours.incarnation);
                let sound = entry.trouble.is_none();
                if same_life && sound && entry.fingerprint == ours.fingerprint {
                    RegistrationState::Registered
                } else {
                    RegistrationState::Stale
                }
            }
        }
    };
    let all = input.observed.registrars.iter();
    all.map(|(registrar, seen)| RegistrationStatus {
        registrar: registrar.to_string(),
        state: state(registrar, seen),
    })
    .collect()
}
