//! What is alive or left over and no row names.

use super::builder::Draft;
use super::measures::{adopt, remove, sweep};
use super::situation::{Live, Situation};
use super::{HeldReason, ReasonCode};
use crate::model::{Address, ClusterSpec, ClusterView, Ports};

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
            Live::Foreign(view, _) if s.input.policy.adopt.contains(id) => match s.taken_by(id) {
                // It could get no row of its own: taken over, it would be an orphan for the next prune.
                Some(row) => {
                    let row = row.shown.clone();
                    draft.hold(address, HeldReason::NameTaken { row });
                }
                None => adopt(draft, s, view, Some(captured(view))),
            },
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
            Live::Ours(..) | Live::Residue(_) if s.is_unclear() => {
                let row = s.input.desired.unclear();
                let row = row.map_or_else(String::new, |row| row.shown.clone());
                draft.hold(address, HeldReason::PerhapsClaimed { row });
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
