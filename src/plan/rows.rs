//! From needs to steps: the rows first, then what no row names.

use std::collections::{BTreeMap, BTreeSet};

use super::builder::Draft;
use super::clusters::{Need, need, startable, would};
use super::contention::{Verdicts, in_the_way_of_start, settle};
use super::registrations::{Life, for_present, take_off};
use super::situation::{Leftover, Live, Situation};
use super::{Action, ActionKind, Field, HeldReason, Reason, ReasonCode, StepId};
use crate::model::{
    Address, ClusterId, ClusterSpec, ClusterView, Entry, Intent, Phase, Ports, Presence, Row,
};

/// What every valid row's cluster needs, with who leaves and who may have what.
pub(super) struct Needs<'a> {
    pub(super) rows: Vec<(&'a Row, &'a Intent, Need<'a>)>,
    verdicts: Verdicts<'a>,
}

impl<'a> Needs<'a> {
    /// Looks at every row; then settles ports and subnets until no replacement rests on one that cannot be done.
    pub(super) fn of(s: &Situation<'a>) -> Self {
        let rows: Vec<_> = s
            .input
            .desired
            .intents()
            .map(|(row, intent)| (row, intent, need(s, row, intent)))
            .collect();
        let mut leaving = leaving(s, &rows);
        loop {
            let verdicts = settle(s, &leaving);
            let stuck: Vec<&'a ClusterId> = rows
                .iter()
                .filter_map(|(_, intent, need)| match need {
                    Need::Renew { old, .. }
                        if verdicts.get(&intent.spec.id).is_some_and(Result::is_err) =>
                    {
                        Some(&old.id)
                    }
                    _ => None,
                })
                .filter(|id| leaving.contains(id))
                .collect();
            if stuck.is_empty() {
                return Self { rows, verdicts };
            }
            leaving.retain(|id| !stuck.contains(id));
        }
    }
}

/// The clusters of ours that this plan would take away.
fn leaving<'a>(
    s: &Situation<'a>,
    rows: &[(&'a Row, &'a Intent, Need<'a>)],
) -> BTreeSet<&'a ClusterId> {
    let mode = s.input.policy.mode;
    let hidden = |id: &ClusterId| {
        s.registrars().any(|(r, seen)| {
            seen.unknown().is_some() && s.input.ledger.registration(r, id).is_some()
        })
    };
    let from_rows = rows.iter().filter_map(|(_, intent, need)| match need {
        Need::Remove(view, _)
            if s.removes_absent() && s.in_scope(&view.id) && !hidden(&view.id) =>
        {
            Some(&view.id)
        }
        Need::Sweep(_) if s.removes_absent() && s.in_scope(&intent.spec.id) => {
            Some(&intent.spec.id)
        }
        Need::Renew { old, .. }
            if mode.repair
                && s.in_scope(&intent.spec.id)
                && s.missing_tool(&intent.spec.id).is_none() =>
        {
            Some(&old.id)
        }
        _ => None,
    });
    let orphans = s
        .known_ids()
        .into_iter()
        .filter(|id| mode.prune.orphans && s.is_orphan(id) && s.in_scope(id) && !hidden(id));
    from_rows.chain(orphans).collect()
}

/// Plans the rows.
pub(super) fn plan_rows<'a>(draft: &mut Draft, s: &Situation<'a>, needs: &Needs<'a>) {
    for row in &s.input.desired.rows {
        if let Err(faults) = &row.intent {
            draft.hold(
                row.address(),
                HeldReason::InvalidRow {
                    faults: faults.clone(),
                },
            );
        }
    }
    let mut waits: BTreeMap<StepId, BTreeSet<&'a ClusterId>> = BTreeMap::new();
    for (row, intent, need) in &needs.rows {
        let id = &intent.spec.id;
        let cluster = Address::Cluster(id.clone());
        if s.input.policy.in_progress.contains(id) {
            draft.hold(cluster, HeldReason::InProgress);
        } else if !s.input.policy.scope.includes(id) {
            draft.hold(cluster, HeldReason::Excluded);
        } else if intent.presence == Presence::Absent {
            plan_absent(draft, s, row, id, need);
        } else if s.input.policy.mode.repair {
            let verdict = needs.verdicts.get(id);
            if let Some((step, first)) = repair_present(draft, s, intent, need, verdict) {
                waits.insert(step, first);
            }
        } else {
            leave_present(draft, s, row, id, need);
        }
    }
    draft.waits(
        waits
            .into_iter()
            .map(|(step, first)| (step, first.into_iter().cloned().collect())),
    );
}

/// Makes a present row true. Returns the step that has to wait for clusters that leave.
fn repair_present<'a>(
    draft: &mut Draft,
    s: &Situation<'a>,
    intent: &'a Intent,
    need: &Need<'a>,
    verdict: Option<&Result<BTreeSet<&'a ClusterId>, HeldReason>>,
) -> Option<(StepId, BTreeSet<&'a ClusterId>)> {
    let id = &intent.spec.id;
    let address = Address::Cluster(id.clone());
    let claims = matches!(
        need,
        Need::Make(_) | Need::Renew { .. } | Need::AddPorts(..)
    );
    if let (true, Some(Err(reason))) = (claims, verdict) {
        draft.hold(address, reason.clone());
        if let Need::AddPorts(view, ..) = need {
            for_present(draft, s, id, Life::Same(view), None);
        }
        return None;
    }
    if let Need::Start(view) = need
        && let Some(reason) = in_the_way_of_start(s, view)
    {
        draft.hold(address, reason);
        return None;
    }
    if let Some(reason) = tool_in_the_way(s, id, need) {
        draft.hold(address, reason);
        return None;
    }
    let first = || {
        verdict
            .and_then(|v| v.as_ref().ok())
            .cloned()
            .unwrap_or_default()
    };
    match need {
        Need::Make(leftover) => {
            let swept = leftover
                .as_ref()
                .map(|leftover| sweep(draft, id, leftover, ReasonCode::ResidueLeft));
            let action = Action::Create {
                spec: intent.spec.clone(),
            };
            let step = draft.push(
                action,
                Reason::of(ReasonCode::MissingLive).fields(asks(&intent.spec)),
                swept,
            );
            for_present(draft, s, id, Life::New, Some(step));
            return Some((step, first()));
        }
        Need::Renew {
            old,
            entry,
            reasons,
        } => {
            let step = renew(draft, s, intent, old, entry, reasons)?;
            return Some((step, first()));
        }
        Need::AddPorts(view, ports, fields) => {
            let incarnation = view.incarnation.clone()?;
            let action = Action::AddPorts {
                id: id.clone(),
                incarnation,
                ports: ports.clone(),
            };
            let step = draft.push(
                action,
                Reason::of(ReasonCode::PortMissing).fields(fields.clone()),
                None,
            );
            for_present(draft, s, id, Life::Same(view), Some(step));
            return Some((step, first()));
        }
        Need::Adopt(view) => adopt(draft, s, view, None),
        Need::Start(_) | Need::Await(_) | Need::Nothing(_) | Need::Held(..) => {
            keep(draft, s, id, need);
        }
        Need::Remove(..) | Need::Sweep(_) | Need::Gone => {}
    }
    None
}

/// What a new cluster is asked to have.
fn asks(spec: &ClusterSpec) -> Vec<Field> {
    let none = None::<String>;
    let ports = spec.ports.published().into_iter();
    let ports =
        ports.map(|(inside, host)| Field::new(spec.ports.column(inside), none.clone(), Some(host)));
    ports
        .chain(
            spec.subnet
                .map(|subnet| Field::new("subnet", none.clone(), Some(subnet))),
        )
        .collect()
}

/// The steps that keep a living cluster going, and its registrations.
fn keep<'a>(draft: &mut Draft, s: &Situation<'a>, id: &'a ClusterId, need: &Need<'a>) {
    match need {
        Need::Start(view) | Need::Await(view) => {
            let step = wake(draft, view, None);
            for_present(draft, s, id, Life::Same(view), step);
        }
        Need::Nothing(Some(view)) => for_present(draft, s, id, Life::Same(view), None),
        Need::Held(reason, running) => {
            draft.hold(Address::Cluster(id.clone()), reason.clone());
            if let Some(view) = running {
                for_present(draft, s, id, Life::Same(view), None);
            }
        }
        _ => {}
    }
}

/// The tool, where the need cannot be met without it and it is missing.
fn tool_in_the_way(s: &Situation<'_>, id: &ClusterId, need: &Need<'_>) -> Option<HeldReason> {
    let starts = s
        .input
        .policy
        .providers
        .get(&id.provider)
        .is_some_and(|traits| traits.start_needs_tool);
    let needed = match need {
        Need::Make(_) | Need::Renew { .. } | Need::AddPorts(..) => true,
        Need::Start(view) => starts && view.phase != Phase::Paused,
        _ => false,
    };
    let (program, hint) = s.missing_tool(id).filter(|_| needed)?;
    Some(HeldReason::ToolMissing {
        program: program.to_owned(),
        hint: hint.to_owned(),
    })
}

/// Starts or waits for a cluster, as its phase asks.
fn wake(draft: &mut Draft, view: &ClusterView, after: Option<StepId>) -> Option<StepId> {
    let (id, incarnation) = (view.id.clone(), view.incarnation.clone()?);
    if startable(view.phase) {
        let reason = Reason::of(ReasonCode::NotRunning).detail(view.phase.to_string());
        return Some(draft.push(Action::Start { id, incarnation }, reason, after));
    }
    let reason = Reason::of(ReasonCode::NotReady);
    let reason = match &view.detail {
        Some(detail) => reason.detail(detail.clone()),
        None => reason,
    };
    Some(draft.push(Action::Await { id, incarnation }, reason, after))
}

/// Takes a foreign cluster over, then keeps it going.
pub(super) fn adopt<'a>(
    draft: &mut Draft,
    s: &Situation<'a>,
    view: &'a ClusterView,
    capture: Option<ClusterSpec>,
) {
    let Some(incarnation) = view.incarnation.clone() else {
        let phase = view.phase;
        let detail = Some("no server or control-plane node is left to take over".to_owned());
        return draft.hold(
            Address::Cluster(view.id.clone()),
            HeldReason::NeedsReplace {
                fields: vec![],
                phase,
                detail,
            },
        );
    };
    let action = Action::Adopt {
        id: view.id.clone(),
        incarnation,
        capture,
    };
    let mut last = draft.push(action, Reason::of(ReasonCode::RequestedAdopt), None);
    let asleep = startable(view.phase) || (view.phase == Phase::Running && view.probed);
    if let (true, true, Some(reason)) = (
        s.input.policy.mode.repair,
        startable(view.phase),
        in_the_way_of_start(s, view),
    ) {
        return draft.hold(Address::Cluster(view.id.clone()), reason);
    }
    if s.input.policy.mode.repair && asleep {
        last = wake(draft, view, Some(last)).unwrap_or(last);
    }
    if s.input.policy.mode.repair && (asleep || view.phase >= Phase::Running) {
        for_present(draft, s, &view.id, Life::Adopted(view), Some(last));
    }
}

/// Deletes and makes again, under the row's provider.
fn renew<'a>(
    draft: &mut Draft,
    s: &Situation<'a>,
    intent: &'a Intent,
    old: &'a ClusterView,
    entry: &'a Entry,
    reasons: &[Reason],
) -> Option<StepId> {
    let id = &intent.spec.id;
    let moved = old.id != *id;
    let off = match moved.then(|| take_off(draft, s, &old.id, ReasonCode::ClusterLeaves, false)) {
        Some(Ok(steps)) => steps,
        Some(Err(())) => return None,
        None => Vec::new(),
    };
    let action = Action::Delete {
        id: old.id.clone(),
        entry: entry.key,
        incarnation: old.incarnation.clone(),
    };
    let delete = draft.push_all(action, reasons.to_vec(), off);
    draft.replaces(delete);
    let create = draft.push_all(
        Action::Create {
            spec: intent.spec.clone(),
        },
        reasons.to_vec(),
        vec![delete],
    );
    draft.replaces(create);
    for_present(draft, s, id, Life::New, Some(create));
    Some(create)
}

fn sweep(draft: &mut Draft, id: &ClusterId, leftover: &Leftover, code: ReasonCode) -> StepId {
    let action = Action::Sweep {
        id: id.clone(),
        networks: leftover
            .networks
            .iter()
            .map(|network| network.id.clone())
            .collect(),
        volumes: leftover
            .volumes
            .iter()
            .map(|volume| volume.id.clone())
            .collect(),
    };
    draft.push(
        action,
        Reason::of(code).detail(leftover.names().join(", ")),
        None,
    )
}

/// A row that says absent: its cluster goes, in every mode that acts; the row goes with it when rows are pruned.
fn plan_absent<'a>(
    draft: &mut Draft,
    s: &Situation<'a>,
    row: &'a Row,
    id: &'a ClusterId,
    need: &Need<'a>,
) {
    if !s.removes_absent() {
        if let Some(would) = would(need) {
            draft.hold(
                Address::Cluster(id.clone()),
                HeldReason::BeyondMode { would },
            );
        }
        return;
    }
    let last = match need {
        Need::Remove(view, entry) => {
            remove(draft, s, view, entry, ReasonCode::DesiredAbsent, false).map(|step| vec![step])
        }
        Need::Sweep(leftover) => take_off(draft, s, id, ReasonCode::RegistrationOfGone, false)
            .ok()
            .map(|mut after| {
                after.push(sweep(draft, id, leftover, ReasonCode::DesiredAbsent));
                after
            }),
        Need::Gone => take_off(draft, s, id, ReasonCode::RegistrationOfGone, false).ok(),
        Need::Held(reason, _) => {
            draft.hold(Address::Cluster(id.clone()), reason.clone());
            None
        }
        _ => None,
    };
    if let (Some(after), true) = (last, s.input.policy.mode.prune.rows) {
        let step = draft.push_all(
            prune_row(row),
            vec![Reason::of(ReasonCode::DesiredAbsent)],
            after,
        );
        draft.late(step);
    }
}

fn prune_row(row: &Row) -> Action {
    Action::PruneRow {
        rowid: row.rowid,
        shown: row.shown.clone(),
        snapshot: row.snapshot.clone(),
    }
}

/// Registrations off, then the cluster with all that belongs to it.
fn remove<'a>(
    draft: &mut Draft,
    s: &Situation<'a>,
    view: &'a ClusterView,
    entry: &'a Entry,
    code: ReasonCode,
    inferred: bool,
) -> Option<StepId> {
    let off = take_off(draft, s, &view.id, ReasonCode::ClusterLeaves, inferred).ok()?;
    let action = Action::Delete {
        id: view.id.clone(),
        entry: entry.key,
        incarnation: view.incarnation.clone(),
    };
    let step = draft.push_all(action, vec![Reason::of(code)], off);
    if inferred {
        draft.infer(step);
    }
    Some(step)
}

/// A present row in a run that does not repair: forgotten if its cluster is proven gone and rows may be pruned.
fn leave_present<'a>(
    draft: &mut Draft,
    s: &Situation<'a>,
    row: &'a Row,
    id: &'a ClusterId,
    need: &Need<'a>,
) {
    let address = Address::Cluster(id.clone());
    if let (Need::Make(leftover), true) = (need, s.input.policy.mode.prune.rows) {
        let Ok(mut after) = take_off(draft, s, id, ReasonCode::RegistrationOfGone, true) else {
            return;
        };
        after.extend(
            leftover
                .as_ref()
                .map(|leftover| sweep(draft, id, leftover, ReasonCode::ResidueLeft)),
        );
        let step = draft.push_all(
            prune_row(row),
            vec![Reason::of(ReasonCode::RowWithoutCluster)],
            after,
        );
        draft.infer(step);
        draft.late(step);
        return;
    }
    match need {
        Need::Adopt(view) => adopt(draft, s, view, None),
        Need::Nothing(Some(_)) | Need::Held(..) => keep(draft, s, id, need),
        other => {
            if let Some(would) = would(other) {
                draft.hold(address, HeldReason::BeyondMode { would });
            }
        }
    }
}

/// What is alive or left over and no row names: our orphans go in a prune, foreign things are shown.
pub(super) fn plan_rest(draft: &mut Draft, s: &Situation<'_>) {
    for id in s.known_ids() {
        if s.has_row(id) || s.claimed_by_invalid(id) {
            continue;
        }
        let address = Address::Cluster(id.clone());
        match s.live(id) {
            // Its row moved to another provider, and says there what becomes of it.
            Live::Ours(..) if s.moved_to(id).is_some() => {}
            _ if s.is_management(id) => {}
            Live::Foreign(..) if s.input.policy.adopt.contains(id) && !s.in_scope(id) => {
                draft.hold(address, HeldReason::Excluded);
            }
            // It could get no row of its own: taken over, it would be an orphan for the next prune.
            Live::Foreign(view, stranger)
                if s.input.policy.adopt.contains(id) && s.is_name_taken(id) =>
            {
                let phase = view.phase;
                draft.hold(address, HeldReason::NotOurs { stranger, phase });
            }
            Live::Foreign(view, _) if s.input.policy.adopt.contains(id) => {
                adopt(draft, s, view, Some(captured(view)));
            }
            Live::Foreign(..) | Live::ForeignResidue(_) => {
                draft.hold(address, HeldReason::Unmanaged);
            }
            Live::Ours(..) | Live::Residue(_) if !s.input.policy.scope.includes(id) => {
                draft.hold(address, HeldReason::Excluded);
            }
            Live::Ours(..) | Live::Residue(_) if s.input.policy.in_progress.contains(id) => {
                draft.hold(address, HeldReason::InProgress);
            }
            Live::Ours(..) | Live::Residue(_) if !s.input.policy.mode.prune.orphans => {
                draft.hold(address, HeldReason::Orphan);
            }
            Live::Ours(view, entry) => {
                if let Some(step) = remove(draft, s, view, entry, ReasonCode::Orphan, true) {
                    draft.late(step);
                }
            }
            Live::Residue(leftover) => {
                let step = sweep(draft, id, &leftover, ReasonCode::Orphan);
                draft.infer(step);
                draft.late(step);
            }
            Live::Absent => {}
        }
    }
    for unnamed in &s.engine.unnamed {
        draft.hold(
            Address::Row(format!("{}/{}", unnamed.provider, unnamed.shown)),
            HeldReason::Unmanaged,
        );
    }
}

/// The row that a live cluster would have.
fn captured(view: &ClusterView) -> ClusterSpec {
    let forward = view
        .ports
        .iter()
        .find(|(inside, _)| **inside != Ports::HTTP && **inside != Ports::HTTPS);
    let ports = Ports {
        http: view.ports.get(&Ports::HTTP).copied(),
        https: view.ports.get(&Ports::HTTPS).copied(),
        forward: forward.map(|(_, host)| *host),
        node: forward.map(|(inside, _)| *inside),
    };
    ClusterSpec {
        id: view.id.clone(),
        subnet: view.subnet,
        ports,
    }
}

/// The kinds of step that make a cluster: what other prunes wait for.
pub(super) fn makes(kind: ActionKind) -> bool {
    kind == ActionKind::Create
}
