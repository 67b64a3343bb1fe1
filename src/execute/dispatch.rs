//! The one match on [`Action`].

use super::context::Context;
use super::step_log::Log;
use super::{making, registering, removing};
use crate::model::ClusterId;
use crate::plan::{Action, Step};
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

/// Does what the step says.
pub(super) async fn act(
    cx: &Context<'_>,
    step: &Step,
    rows: &RowClusters,
    log: &Log<'_>,
) -> Result<(), StepError> {
    cx.still_mine().await?;
    match &step.action {
        Action::Create { spec } => making::create(cx, spec, log).await?,
        Action::Start { id, incarnation } => making::start(cx, id, incarnation, log).await?,
        Action::Await { id, incarnation } => making::wait(cx, id, incarnation, log).await?,
        Action::AddPorts {
            id,
            incarnation,
            ports,
        } => making::add_ports(cx, id, incarnation, ports, log).await?,
        Action::Delete {
            id,
            entry,
            incarnation,
        } => {
            removing::delete(cx, id, *entry, incarnation.as_ref(), log).await?;
        }
        Action::Sweep {
            id,
            networks,
            volumes,
        } => removing::sweep(cx, id, networks, volumes, log).await?,
        Action::Register {
            registrar,
            id,
            expected,
        } => {
            registering::register(cx, registrar, id, expected.as_ref()).await?;
        }
        Action::Deregister {
            registrar,
            id,
            expected,
        } => removing::deregister(cx, registrar, id, expected).await?,
        Action::Adopt {
            id,
            incarnation,
            capture,
        } => {
            registering::adopt(cx, id, incarnation, capture.as_ref()).await?;
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
    }
    Ok(())
}

/// Which cluster each row asks for.
pub(super) type RowClusters = std::collections::BTreeMap<i64, ClusterId>;
