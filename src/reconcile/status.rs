//! The status columns: what a run is about to do, and what it found, in the rows that others read.

use std::collections::BTreeMap;

use super::error::{RunError, on_store};
use super::look::Look;
use super::runner::{Runner, blocks};
use crate::execute::Outcome;
use crate::model::{ClusterId, Phase, Presence, Row, one_line};
use crate::plan::{ActionKind, Plan};
use crate::provider::ProviderError;
use crate::store::StatusUpdate;

impl Runner<'_> {
    /// Says in the rows what is about to happen.
    pub(super) async fn mark_beginning(&self, look: &Look) -> Result<(), RunError> {
        let doing: BTreeMap<ClusterId, &'static str> = look
            .plan
            .steps
            .iter()
            .filter_map(|step| match (step.action.kind(), step.action.cluster()) {
                (ActionKind::Create, Some(id)) => Some((id, "creating")),
                (ActionKind::Delete, Some(id)) if !step.replaces => Some((id, "deleting")),
                _ => None,
            })
            .collect();
        let updates: Vec<_> = look
            .snapshot
            .desired
            .intents()
            .filter_map(|(row, intent)| {
                doing
                    .get(&intent.spec.id)
                    .map(|state| (row.rowid, row_name(row), *state))
            })
            .collect();
        on_store(&self.store, move |store| {
            let updates: Vec<_> = updates
                .iter()
                .map(|(rowid, name, state)| StatusUpdate {
                    rowid: *rowid,
                    name,
                    actual_state: Some(state),
                    ..StatusUpdate::default()
                })
                .collect();
            store.write_status(&updates).map(|_| ())
        })
        .await
    }

    /// Writes what was found into the status columns: only where the engine is known.
    pub(super) async fn write_status(
        &self,
        look: &Look,
        rounds: &[(Plan, Outcome)],
    ) -> Result<(), RunError> {
        if look.observed.engine.known().is_none() {
            return Ok(());
        }
        let failures = failures(rounds);
        let rows: Vec<Finding> = look
            .snapshot
            .desired
            .rows
            .iter()
            .filter_map(|row| finding(look, row, &failures))
            .collect();
        let now = self.world.clock.now();
        on_store(&self.store, move |store| {
            let updates: Vec<_> = rows
                .iter()
                .map(|row| StatusUpdate {
                    rowid: row.rowid,
                    name: &row.name,
                    actual_state: row.actual_state,
                    status: Some(row.status),
                    reconcile_error: Some(row.error.clone()),
                    // What a row that cannot be right is about is not known, and neither is its address.
                    server_ip: row.actual_state.map(|_| row.server_ip.clone()),
                    last_reconciled_at: Some(now),
                })
                .collect();
            store.write_status(&updates).map(|_| ())
        })
        .await
    }
}

fn row_name(row: &Row) -> String {
    row.name
        .as_ref()
        .map_or_else(|| row.shown.clone(), ToString::to_string)
}
/// The failed steps of the last round, by cluster.
fn failures(rounds: &[(Plan, Outcome)]) -> BTreeMap<ClusterId, String> {
    let Some((plan, outcome)) = rounds.last() else {
        return BTreeMap::new();
    };
    let failed = plan.steps.iter().filter_map(|step| {
        let ended = outcome.steps.get(&step.id)?;
        let error: &ProviderError = ended.error.as_ref()?;
        let failed = ended.result == crate::execute::StepResult::Failed;
        let id = step.action.cluster().filter(|_| failed)?;
        Some((
            id,
            format!(
                "failed to {} {}: {error}",
                step.action.kind(),
                step.action.address()
            ),
        ))
    });
    failed.collect()
}

/// What the status columns of one row will say.
struct Finding {
    rowid: i64,
    name: String,
    actual_state: Option<&'static str>,
    status: &'static str,
    error: Option<String>,
    server_ip: Option<String>,
}

fn finding(look: &Look, row: &Row, failures: &BTreeMap<ClusterId, String>) -> Option<Finding> {
    let base = Finding {
        rowid: row.rowid,
        name: row.name.as_ref()?.to_string(),
        actual_state: None,
        status: "Failed",
        error: None,
        server_ip: None,
    };
    let intent = match &row.intent {
        Ok(intent) => intent,
        Err(faults) => {
            let all: Vec<_> = faults.iter().map(ToString::to_string).collect();
            let error = Some(one_line(
                &format!("the row cannot be right: {}", all.join("; ")),
                500,
            ));
            return Some(Finding { error, ..base });
        }
    };
    let id = &intent.spec.id;
    // What the run was told to leave alone it did not compare either.
    if !look.policy.scope.includes(id) {
        return None;
    }
    let view = look.observed.cluster(id).filter(|view| view.has_nodes());
    let held = look
        .plan
        .held
        .iter()
        .filter(|held| held.address.cluster() == Some(id));
    let held: Vec<_> = held
        .filter(|held| blocks(held.reason.class()))
        .map(|held| held.reason.to_string())
        .collect();
    let steps_left = look
        .plan
        .steps
        .iter()
        .any(|step| step.action.cluster().as_ref() == Some(id));
    let failed = failures.get(id).cloned();
    let actual_state = match view.map(|view| view.phase) {
        None | Some(Phase::Absent | Phase::Residue) => "absent",
        Some(Phase::Running | Phase::Ready) => "running",
        Some(_) if row.stop.is_some() => "unknown",
        Some(_) => "failed",
    };
    let status = match (failed.is_some(), intent.presence, actual_state) {
        (true, ..) | (false, Presence::Present, "failed") => "Failed",
        (false, Presence::Absent, "absent") => "Removed",
        (false, Presence::Present, "running") if held.is_empty() && !steps_left => "Ready",
        _ => "Warning",
    };
    let error = failed
        .or_else(|| (!held.is_empty()).then(|| held.join("; ")))
        .map(|text| one_line(&text, 500));
    let server_ip = view.and_then(|view| view.server_ip.clone());
    Some(Finding {
        actual_state: Some(actual_state),
        status,
        error,
        server_ip,
        ..base
    })
}
