//! From needs to steps, row by row.

use std::collections::{BTreeMap, BTreeSet};

use super::builder::Draft;
use super::clusters::{Need, would};
use super::contention::in_the_way_of_start;
use super::measures::{adopt, prune_row, remove, renew, sweep, wake};
use super::needs::Needs;
use super::registrations::{Life, for_present, take_off};
use super::situation::{Leftover, Situation};
use super::{Action, Field, HeldReason, Reason, ReasonCode, StepId};
use crate::model::{
    Address, ClusterId, ClusterSpec, ClusterView, Intent, Phase, PortMap, Presence, Row, RowFault,
    Scope,
};

/// Plans the rows.
pub(super) fn plan_rows<'a>(draft: &mut Draft, s: &Situation<'a>, needs: &Needs<'a>) {
    for row in &s.input.desired.rows {
        if let Err(faults) = &row.intent {
            draft.hold(row.address(), invalid(&s.input.policy.scope, row, faults));
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
            // What a person wants stopped is not made in order to run.
            let wish = row.stop.as_ref().filter(|_| matches!(need, Need::Make(_)));
            if let Some(stop) = wish {
                draft.hold(cluster, HeldReason::StoppedByUser(stop.clone()));
            } else if let Some((step, first)) = repair_present(draft, s, intent, need, verdict) {
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

/// Why a row that cannot be right is left alone.
pub(super) fn invalid(scope: &Scope, row: &Row, faults: &[RowFault]) -> HeldReason {
    if scope.includes_name(row.claim.name()) {
        let faults = faults.to_vec();
        HeldReason::InvalidRow { faults }
    } else {
        HeldReason::Excluded
    }
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
    let in_the_way = match need {
        Need::Start(view) => in_the_way_of_start(s, view),
        _ => None,
    };
    if let Some(reason) = in_the_way.or_else(|| tool_in_the_way(s, id, need)) {
        draft.hold(address, reason);
        return None;
    }
    let step = match need {
        Need::Make(leftover) => Some(make(draft, s, intent, leftover.as_ref())),
        Need::Renew {
            old,
            entry,
            reasons,
        } => renew(draft, s, intent, old, entry, reasons),
        Need::AddPorts(view, ports, fields) => publish(draft, s, view, ports, fields),
        Need::Adopt(view) => {
            adopt(draft, s, view, None);
            None
        }
        Need::Start(_) | Need::Await(_) | Need::Nothing(_) | Need::Held(..) | Need::Stop(_) => {
            keep(draft, s, id, need);
            None
        }
        Need::Remove(..) | Need::Sweep(_) | Need::Gone => None,
    };
    let first = verdict.and_then(|verdict| verdict.as_ref().ok());
    Some((step?, first.cloned().unwrap_or_default()))
}

/// Makes a cluster that is not there, after what is left of it.
fn make<'a>(
    draft: &mut Draft,
    s: &Situation<'a>,
    intent: &'a Intent,
    leftover: Option<&Leftover>,
) -> StepId {
    let id = &intent.spec.id;
    let swept = leftover.map(|leftover| sweep(draft, id, leftover, ReasonCode::ResidueLeft));
    let action = Action::Create {
        spec: intent.spec.clone(),
    };
    let reason = Reason::of(ReasonCode::MissingLive).fields(asks(&intent.spec));
    let step = draft.push(action, reason, swept);
    for_present(draft, s, id, Life::New, Some(step));
    step
}

/// Publishes the ports that a running cluster lacks.
fn publish<'a>(
    draft: &mut Draft,
    s: &Situation<'a>,
    view: &'a ClusterView,
    ports: &PortMap,
    fields: &[Field],
) -> Option<StepId> {
    let action = Action::AddPorts {
        id: view.id.clone(),
        incarnation: view.incarnation.clone()?,
        ports: ports.clone(),
    };
    let reason = Reason::of(ReasonCode::PortMissing).fields(fields.to_vec());
    let step = draft.push(action, reason, None);
    for_present(draft, s, &view.id, Life::Grown(view, ports), Some(step));
    Some(step)
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
        // What it is registered as stays: it is the same cluster when it is started again.
        Need::Stop(view) => {
            if let Some(incarnation) = view.incarnation.clone() {
                let id = id.clone();
                let action = Action::Stop { id, incarnation };
                draft.push(action, Reason::of(ReasonCode::RequestedStop), None);
            }
        }
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
        Need::Nothing(Some(_)) | Need::Held(..) | Need::Stop(_) => keep(draft, s, id, need),
        other => {
            if let Some(would) = would(other) {
                draft.hold(address, HeldReason::BeyondMode { would });
            }
        }
    }
}
