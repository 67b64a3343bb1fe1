//! Ports and subnets that rows ask for and somebody else has.

use super::finding::Finding;
use super::world::Looked;
use crate::cli::session::Session;
use crate::model::Mode;
use crate::plan::{HeldReason, Plan, PlanInput, plan};
use crate::report::ExitCode;
use crate::store::Snapshot;

const WHAT: &str = "ports";

/// What the planner finds taken, whoever would have made the cluster.
pub(super) fn look(session: &Session, seen: &Looked, snapshot: &Snapshot) -> Vec<Finding> {
    let Some(engine) = seen.observed.engine.known() else {
        let said = "who has the ports and subnets of the rows could not be seen";
        return vec![Finding::unknown(WHAT, said, None)];
    };
    // What is on another engine than the ledger's is a finding of its own, and nothing there is ours.
    let bound = snapshot.world.as_ref();
    if bound.is_some_and(|bound| Some(&bound.engine) != engine.facts.id.as_ref()) {
        return Vec::new();
    }
    let repair = Mode {
        repair: true,
        ..Mode::default()
    };
    let found = taken(&plan(&PlanInput {
        desired: &snapshot.desired,
        observed: &seen.observed,
        ledger: &snapshot.ledger,
        policy: &session.policy(&seen.world, repair),
    }));
    if !found.is_empty() {
        return found;
    }
    vec![match engine.facts.listeners {
        Some(_) => Finding::good(WHAT, "nobody else has a port or subnet of a row"),
        None => Finding::unknown(
            WHAT,
            "no container has a port or subnet of a row; who listens on Docker's machine itself could not be seen",
            Some("look there: ss -ltn".to_owned()),
        ),
    }]
}

fn taken(plan: &Plan) -> Vec<Finding> {
    let held = plan.held.iter().filter(|held| {
        matches!(
            held.reason,
            HeldReason::PortTaken { .. } | HeldReason::SubnetTaken { .. }
        )
    });
    held.map(|held| {
        let said = format!("{}: {}", held.address, held.reason);
        Finding::bad(WHAT, ExitCode::Drift, said, held.reason.hint(&held.address))
    })
    .collect()
}
