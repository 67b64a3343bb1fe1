//! The one match on [`Action`].

use jiff::Timestamp;

use super::context::Context;
use super::removing::Afterwards;
use super::step_log::Log;
use super::{making, registering, removing, stopping};
use crate::model::ClusterId;
use crate::plan::{Action, ActionKind, ReasonCode, Step};
use crate::provider::{Fault, ProviderError};

/// How a step can end other than well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum StepError {
    /// It failed.
    Failed(ProviderError),
    /// What it was to change is not what was planned any more; nothing was done.
    Held(String),
}

impl From<ProviderError> for StepError {
    fn from(error: ProviderError) -> Self {
        Self::Failed(error)
    }
}

/// Does what the step says, within its time.
pub(super) async fn act(
    cx: &Context<'_>,
    step: &Step,
    rows: &RowClusters,
    until: Timestamp,
    log: &Log<'_>,
) -> Result<(), StepError> {
    cx.still_mine().await?;
    still_unwanted(cx, step).await?;
    match &step.action {
        Action::Create { spec } => making::create(cx, spec, until, log).await?,
        Action::Start { id, incarnation } => making::start(cx, id, incarnation, until, log).await?,
        Action::Stop { id, incarnation } => stopping::stop(cx, id, incarnation, log).await?,
        Action::Await { id, incarnation } => making::wait(cx, id, incarnation, until, log).await?,
        Action::Prepare { id, incarnation } => {
            making::prepare(cx, id, incarnation.as_ref(), until, log).await?;
        }
        Action::AddPorts {
            id,
            incarnation,
            ports,
        } => making::add_ports(cx, id, incarnation, ports, until, log).await?,
        Action::Register {
            registrar,
            id,
            expected,
        } => registering::register(cx, registrar, id, expected.as_ref()).await?,
        Action::Adopt {
            id,
            incarnation,
            capture,
        } => registering::adopt(cx, id, incarnation, capture.as_ref()).await?,
        Action::Delete { .. }
        | Action::Sweep { .. }
        | Action::Deregister { .. }
        | Action::PruneRow { .. } => take_away(cx, step, rows, until, log).await?,
    }
    Ok(())
}

async fn take_away(
    cx: &Context<'_>,
    step: &Step,
    rows: &RowClusters,
    until: Timestamp,
    log: &Log<'_>,
) -> Result<(), StepError> {
    match &step.action {
        Action::Delete {
            id,
            entry,
            incarnation,
            successor,
        } => {
            if let Some(spec) = successor {
                making::prove(cx, spec, id, until).await?;
            }
            removing::delete(cx, id, *entry, incarnation.as_ref(), log).await?;
        }
        Action::Sweep {
            id,
            networks,
            volumes,
        } => removing::sweep(cx, id, networks, volumes, log).await?,
        Action::Deregister {
            registrar,
            id,
            expected,
        } => {
            let afterwards = if left_out(step) {
                Afterwards::Stays
            } else {
                Afterwards::Goes
            };
            removing::deregister(cx, registrar, id, expected, afterwards, log).await?;
        }
        Action::PruneRow {
            rowid,
            shown,
            snapshot,
        } => {
            let cluster = rows.get(rowid).ok_or_else(|| {
                ProviderError::new(
                    Fault::Permanent,
                    "the row's cluster is not known: this is a bug in rollcall",
                )
            })?;
            removing::prune_row(cx, cluster, *rowid, shown, snapshot).await?;
        }
        _ => {}
    }
    Ok(())
}

/// What is taken away because no row wants it must still be wanted by none: a table is edited while a run runs.
async fn still_unwanted(cx: &Context<'_>, step: &Step) -> Result<(), StepError> {
    let takes = matches!(
        step.action.kind(),
        ActionKind::Delete | ActionKind::Sweep | ActionKind::Deregister
    );
    // A replacement and a sweep before a creation are for a row that wants the cluster; a clean asks no row.
    let whatever_rows_want = step.replaces
        || step.reasons.iter().any(|reason| {
            matches!(
                reason.code,
                ReasonCode::ResidueLeft | ReasonCode::RequestedClean
            )
        });
    let (true, false, Some(id)) = (takes, whatever_rows_want, step.action.cluster()) else {
        return Ok(());
    };
    if cx.wanted(&id).await? && !renews(step) {
        return Err(StepError::Held(format!(
            "a row wants {id} by now: it stays"
        )));
    }
    Ok(())
}

/// A registration that comes off because its cluster moves to another provider, is forgotten with its row, or because
/// the configuration leaves the cluster out.
fn renews(step: &Step) -> bool {
    step.reasons.iter().any(|reason| {
        matches!(
            reason.code,
            ReasonCode::ProviderChanged | ReasonCode::RegistrationOfGone | ReasonCode::LeftOut
        )
    })
}

/// A registration that comes off because the configuration leaves its cluster out: that stays.
fn left_out(step: &Step) -> bool {
    let mut reasons = step.reasons.iter();
    reasons.any(|reason| reason.code == ReasonCode::LeftOut)
}

/// Which cluster each row asks for.
pub(super) type RowClusters = std::collections::BTreeMap<i64, ClusterId>;
