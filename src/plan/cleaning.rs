//! A clean: everything of ours goes, whatever rows want. The management cluster goes last, because what lives in it says
//! where the others are registered.

use super::builder::Draft;
use super::measures::{remove, sweep};
use super::registrations::{self, take_off};
use super::situation::{Live, Situation};
use super::{HeldReason, ReasonCode};
use crate::model::{Address, Clean, ClusterId};

/// Plans a clean.
pub(super) fn plan_clean(draft: &mut Draft, s: &Situation<'_>, clean: Clean) {
    let (management, others): (Vec<_>, Vec<_>) = s
        .known_ids()
        .into_iter()
        .partition(|id| s.is_management(id));
    for id in others {
        leave(draft, s, id);
    }
    for unnamed in &s.engine.unnamed {
        let shown = format!("{}/{}", unnamed.provider, unnamed.shown);
        draft.hold(Address::Row(shown), HeldReason::Unmanaged);
    }
    registrations::of_the_gone(draft, s);
    for id in management {
        match clean {
            Clean::Everything => leave_last(draft, s, id),
            Clean::Clusters if matches!(s.live(id), Live::Ours(..)) => {
                let would = "clean --all deletes it too".to_owned();
                draft.hold(
                    Address::Cluster(id.clone()),
                    HeldReason::Management { would },
                );
            }
            Clean::Clusters => {}
        }
    }
}

/// Takes a cluster of ours away, or says that it stays.
fn leave<'a>(draft: &mut Draft, s: &Situation<'a>, id: &'a ClusterId) {
    let code = ReasonCode::RequestedClean;
    match s.live(id) {
        Live::Foreign(..) | Live::ForeignResidue(_) => {
            draft.hold(Address::Cluster(id.clone()), HeldReason::Unmanaged);
        }
        Live::Ours(view, entry) => {
            remove(draft, s, view, entry, code, false);
        }
        Live::Residue(leftover) => {
            sweep(draft, id, &leftover, code);
        }
        Live::Absent => {}
    }
}

/// Takes the management cluster away, and its own registrations, once nothing needs it any more.
fn leave_last<'a>(draft: &mut Draft, s: &Situation<'a>, id: &'a ClusterId) {
    let before = draft.count();
    leave(draft, s, id);
    if matches!(s.live(id), Live::Absent | Live::Residue(_)) {
        // Only what was written down about it may be left.
        let off = take_off(draft, s, id, ReasonCode::RegistrationOfGone, false);
        drop(off);
    }
    draft.behind(before);
}
