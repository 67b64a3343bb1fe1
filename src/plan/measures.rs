//! The steps that one cluster needs: taken over, woken, made again, swept, removed.

use super::builder::Draft;
use super::clusters::startable;
use super::contention::in_the_way_of_start;
use super::registrations::{Life, for_present, take_off};
use super::situation::{Leftover, Situation};
use super::{Action, HeldReason, Reason, ReasonCode, StepId};
use crate::model::{Address, ClusterId, ClusterSpec, ClusterView, Entry, Intent, Phase, Row};

/// Starts or waits for a cluster, as its phase asks.
pub(super) fn wake(draft: &mut Draft, view: &ClusterView, after: Option<StepId>) -> Option<StepId> {
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
        // Without a server there is nothing to take over, and what is left of it is not ours to make anew.
        let names = view.nodes.iter().map(|node| node.name.clone()).collect();
        let address = Address::Cluster(view.id.clone());
        return draft.hold(address, HeldReason::ForeignResidue { names });
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
pub(super) fn renew<'a>(
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
        successor: Some(intent.spec.clone()),
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

pub(super) fn sweep(
    draft: &mut Draft,
    id: &ClusterId,
    leftover: &Leftover,
    code: ReasonCode,
) -> StepId {
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

pub(super) fn prune_row(row: &Row) -> Action {
    Action::PruneRow {
        rowid: row.rowid,
        shown: row.shown.clone(),
        snapshot: row.snapshot.clone(),
    }
}

/// Registrations off, then the cluster with all that belongs to it.
pub(super) fn remove<'a>(
    draft: &mut Draft,
    s: &Situation<'a>,
    view: &'a ClusterView,
    entry: &'a Entry,
    code: ReasonCode,
    inferred: bool,
) -> Option<StepId> {
    let leaves = match code {
        ReasonCode::RequestedClean => code,
        _ => ReasonCode::ClusterLeaves,
    };
    let off = take_off(draft, s, &view.id, leaves, inferred).ok()?;
    let action = Action::Delete {
        id: view.id.clone(),
        entry: entry.key,
        incarnation: view.incarnation.clone(),
        successor: None,
    };
    let step = draft.push_all(action, vec![Reason::of(code)], off);
    if inferred {
        draft.infer(step);
    }
    Some(step)
}
