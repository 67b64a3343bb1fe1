//! What each row's cluster needs, seen by itself: one answer for each cell of the decision table.

use super::situation::{Leftover, Live, Situation};
use super::{ActionKind, Field, HeldReason, Reason, ReasonCode};
use crate::model::{
    ClusterId, ClusterSpec, ClusterView, Entry, EntryState, Intent, NodeRole, NodeState, NodeView,
    Phase, PortMap, Presence, Row, StopIntent,
};

/// What one row's cluster needs.
#[derive(Debug, Clone)]
pub(super) enum Need<'a> {
    /// Nothing: it is as the row says.
    Nothing(Option<&'a ClusterView>),
    /// It is left alone; a running cluster of ours is registered all the same.
    Held(HeldReason, Option<&'a ClusterView>),
    /// It is to be made, after its leftovers are swept.
    Make(Option<Leftover>),
    /// It is to be deleted, here or under another provider, and made again.
    Renew {
        old: &'a ClusterView,
        entry: &'a Entry,
        reasons: Vec<Reason>,
    },
    /// It is to be started.
    Start(&'a ClusterView),
    /// It is to be waited for.
    Await(&'a ClusterView),
    /// Ports are to be added while it runs.
    AddPorts(&'a ClusterView, PortMap, Vec<Field>),
    /// It is to be stopped.
    Stop(&'a ClusterView),
    /// It is to be taken into the ledger, and then started, waited for, or left running.
    Adopt(&'a ClusterView),
    /// The row says absent and it is alive.
    Remove(&'a ClusterView, &'a Entry),
    /// The row says absent and something is left.
    Sweep(Leftover),
    /// The row says absent and nothing is there.
    Gone,
}

/// What the row's cluster needs, whatever the mode allows and whoever else wants its ports.
pub(super) fn need<'a>(s: &Situation<'a>, row: &'a Row, intent: &'a Intent) -> Need<'a> {
    let id = &intent.spec.id;
    if !s.engine.clusters.contains_key(&id.provider) {
        let unseen = crate::model::Unseen {
            source: id.provider.to_string(),
            kind: crate::model::UnseenKind::Silent,
            error: "this observation does not cover it".to_owned(),
            hint: None,
        };
        return Need::Held(HeldReason::SourceUnknown(unseen), None);
    }
    if s.is_management(id) {
        return management(s, row, id);
    }
    match (s.live(id), intent.presence) {
        (Live::Foreign(view, _), Presence::Present) if s.input.policy.adopt.contains(id) => {
            Need::Adopt(view)
        }
        (Live::Foreign(view, stranger), _) => Need::Held(
            HeldReason::NotOurs {
                stranger,
                phase: view.phase,
            },
            None,
        ),
        (Live::Ours(view, _), Presence::Present) if stops(s, view) => Need::Stop(view),
        (Live::Ours(view, entry), Presence::Present) => alive(s, row, &intent.spec, view, entry),
        (Live::Ours(view, entry), Presence::Absent) => Need::Remove(view, entry),
        (Live::Absent, Presence::Present) => missing(s, id, None),
        (Live::Residue(leftover), Presence::Present) => missing(s, id, Some(leftover)),
        (Live::ForeignResidue(names), Presence::Present) => {
            Need::Held(HeldReason::ForeignResidue { names }, None)
        }
        (Live::Residue(leftover), Presence::Absent) => Need::Sweep(leftover),
        (Live::Absent | Live::ForeignResidue(_), Presence::Absent) => Need::Gone,
    }
}

/// The management cluster's row: started if ours and stopped, else only looked at.
fn management<'a>(s: &Situation<'a>, row: &'a Row, id: &'a ClusterId) -> Need<'a> {
    let held = |would: &str| HeldReason::Management {
        would: would.to_owned(),
    };
    match s.live(id) {
        Live::Ours(view, _) if stops(s, view) => Need::Stop(view),
        Live::Ours(view, _) if startable(view.phase) => match &row.stop {
            Some(stop) => Need::Held(HeldReason::StoppedByUser(stop.clone()), None),
            None => Need::Start(view),
        },
        Live::Ours(view, _) if view.phase >= Phase::Running => Need::Nothing(Some(view)),
        Live::Ours(view, _) => {
            Need::Held(held(&format!("{}; a bootstrap mends it", view.phase)), None)
        }
        Live::Foreign(view, _) => Need::Held(held(&format!("{}, not ours", view.phase)), None),
        Live::Absent | Live::Residue(_) | Live::ForeignResidue(_) => {
            Need::Held(held("not there; a bootstrap makes it"), None)
        }
    }
}

/// A present row with nothing alive under its own provider.
fn missing<'a>(s: &Situation<'a>, id: &'a ClusterId, leftover: Option<Leftover>) -> Need<'a> {
    match s.elsewhere(id) {
        Some((old, entry))
            if s.input.policy.replace.contains(id) || s.input.policy.replace.contains(&old.id) =>
        {
            let fields = vec![Field::new(
                "provider",
                Some(&old.id.provider),
                Some(&id.provider),
            )];
            Need::Renew {
                old,
                entry,
                reasons: vec![Reason::of(ReasonCode::ProviderChanged).fields(fields)],
            }
        }
        Some((old, _)) => Need::Held(
            HeldReason::ProviderChanged {
                live: old.id.clone(),
            },
            None,
        ),
        None => Need::Make(leftover),
    }
}

/// A present row whose own cluster is alive and ours.
fn alive<'a>(
    s: &Situation<'a>,
    row: &'a Row,
    spec: &'a ClusterSpec,
    view: &'a ClusterView,
    entry: &'a Entry,
) -> Need<'a> {
    // What was interrupted and is whole all the same is as good as any other: it may be in use by now. Only what never
    // came up, or lost a part, is made again unasked.
    // A node that was never started may lack what its tool would have given it before the start.
    let never_started = view
        .nodes
        .iter()
        .any(|node| node.role != NodeRole::Helper && node.state == NodeState::Created);
    let rests = matches!(view.phase, Phase::Stopped | Phase::Paused) && !never_started;
    let whole =
        rests || view.phase == Phase::Ready || (view.phase == Phase::Running && !view.probed);
    let interrupted = match entry.state {
        EntryState::Creating if !whole => Some(ReasonCode::InterruptedCreate),
        EntryState::Deleting | EntryState::Closed if !whole && view.phase != Phase::Running => {
            Some(ReasonCode::InterruptedDelete)
        }
        EntryState::Creating | EntryState::Live | EntryState::Deleting | EntryState::Closed => None,
    };
    if let Some(code) = interrupted {
        return Need::Renew {
            old: view,
            entry,
            reasons: vec![Reason::of(code)],
        };
    }
    let (fields, missing) = differences(spec, view);
    let broken = matches!(view.phase, Phase::Partial | Phase::Restarting);
    let asked = s.input.policy.replace.contains(&spec.id);
    if broken || (!fields.is_empty() && !addable(s, view, &fields, &missing)) || asked {
        return renew_or_hold(s, view, entry, fields, asked);
    }
    if startable(view.phase) {
        return match &row.stop {
            Some(stop) => Need::Held(HeldReason::StoppedByUser(StopIntent::clone(stop)), None),
            None => Need::Start(view),
        };
    }
    if !fields.is_empty() {
        return Need::AddPorts(view, missing, fields);
    }
    if view.phase == Phase::Running && view.probed {
        return Need::Await(view);
    }
    Need::Nothing(Some(view))
}

fn renew_or_hold<'a>(
    s: &Situation<'a>,
    view: &'a ClusterView,
    entry: &'a Entry,
    fields: Vec<Field>,
    asked: bool,
) -> Need<'a> {
    let broken = matches!(view.phase, Phase::Partial | Phase::Restarting);
    let detail = broken.then(|| {
        view.detail
            .clone()
            .unwrap_or_else(|| view.phase.to_string())
    });
    let consent = asked || (broken && s.input.policy.replace_broken);
    if !consent {
        let running = (view.phase >= Phase::Running).then_some(view);
        return Need::Held(
            HeldReason::NeedsReplace {
                fields,
                phase: view.phase,
                detail,
            },
            running,
        );
    }
    let mut reasons = Vec::new();
    if let Some(detail) = detail {
        reasons.push(Reason::of(ReasonCode::Broken).detail(detail));
    }
    if !fields.is_empty() {
        reasons.push(Reason::of(ReasonCode::FieldsChanged).fields(fields));
    }
    if asked {
        reasons.push(Reason::of(ReasonCode::RequestedReplace));
    }
    Need::Renew {
        old: view,
        entry,
        reasons,
    }
}

/// Whether it was asked to be stopped, and something of it is up.
fn stops(s: &Situation<'_>, view: &ClusterView) -> bool {
    let up = |node: &NodeView| {
        use NodeState::{Paused, Restarting, Running};
        node.role != NodeRole::Helper && matches!(node.state, Running | Paused | Restarting)
    };
    s.input.policy.stop.contains(&view.id) && view.nodes.iter().any(up)
}

pub(super) fn startable(phase: Phase) -> bool {
    matches!(phase, Phase::Created | Phase::Stopped | Phase::Paused)
}

/// Only missing ports, on a running cluster whose provider can add them.
fn addable(s: &Situation<'_>, view: &ClusterView, fields: &[Field], missing: &PortMap) -> bool {
    let provider = s.input.policy.providers.get(&view.id.provider);
    // A host port that the cluster has already leads elsewhere: it would have to be taken from there.
    let free = |host| view.ports.values().all(|other| other != host);
    fields.len() == missing.len()
        && missing.values().all(free)
        && view.accepts_ports
        && view.phase >= Phase::Running
        && provider.is_some_and(|traits| traits.adds_ports)
}

/// What of the row is not true of the live cluster, and which of that are ports with nothing published at all.
/// A column that is NULL asks for nothing and is never drift.
fn differences(spec: &ClusterSpec, view: &ClusterView) -> (Vec<Field>, PortMap) {
    let mut fields = Vec::new();
    let mut missing = PortMap::new();
    for (inside, wanted) in spec.ports.published() {
        let live = view.ports.get(&inside);
        if live == Some(&wanted) {
            continue;
        }
        if live.is_none() {
            missing.insert(inside, wanted);
        }
        fields.push(Field::new(spec.ports.column(inside), live, Some(wanted)));
    }
    if let Some(wanted) = spec.subnet.filter(|wanted| view.subnet != Some(*wanted)) {
        fields.push(Field::new("subnet", view.subnet, Some(wanted)));
    }
    (fields, missing)
}

/// What a repair would do about a need: what a mode that does not repair leaves undone.
pub(super) fn would(need: &Need<'_>) -> Option<ActionKind> {
    match need {
        Need::Make(_) | Need::Renew { .. } => Some(ActionKind::Create),
        Need::Start(_) => Some(ActionKind::Start),
        Need::Stop(_) => Some(ActionKind::Stop),
        Need::Await(_) => Some(ActionKind::Await),
        Need::AddPorts(..) => Some(ActionKind::AddPorts),
        Need::Remove(..) => Some(ActionKind::Delete),
        Need::Sweep(_) => Some(ActionKind::Sweep),
        Need::Adopt(_) => Some(ActionKind::Adopt),
        Need::Nothing(_) | Need::Held(..) | Need::Gone => None,
    }
}
