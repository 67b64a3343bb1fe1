//! The database: its table, its rows, whose ledger it holds, and who is at it.

use std::collections::BTreeSet;

use super::finding::Finding;
use super::world::Looked;
use crate::cli::session::Session;
use crate::clock::{Clock, SystemClock};
use crate::model::shell_word;
use crate::model::{Desired, EngineId, RowFault};
use crate::observe::other_engine_hint;
use crate::report::ExitCode;
use crate::store::{
    Holder, LockView, Snapshot, Store, StoreError, WorldBinding, liveness, missing_columns,
};

/// All that is found about it.
pub(super) fn look(session: &Session, seen: Option<&Looked>) -> Vec<Finding> {
    let store = match Store::open_read(&session.settings.db) {
        Ok(store) => store,
        Err(error) => return vec![Finding::of_error("database", error)],
    };
    let providers = seen.map_or_else(BTreeSet::new, Looked::providers);
    let desired = match store.desired(&providers, SystemClock.now()) {
        Ok(desired) => desired,
        Err(error) => return vec![Finding::of_error("database", error)],
    };
    let mut findings = vec![table(session, &desired)];
    // Without a world nobody knows which providers there are.
    if seen.is_some() {
        findings.extend(rows(session, &desired));
    }
    let binding = binding(&store, seen);
    findings.push(binding.unwrap_or_else(|error| Finding::of_error("binding", error)));
    match store.holder() {
        Ok(holder) => findings.extend(holder.as_ref().map(lock)),
        Err(error) => findings.push(Finding::of_error("lock", error)),
    }
    findings
}

/// Rows and ledger as of one moment.
pub(super) fn snapshot(session: &Session, seen: &Looked) -> Result<Snapshot, StoreError> {
    let store = Store::open_read(&session.settings.db)?;
    store.snapshot(&seen.providers(), SystemClock.now())
}

fn table(session: &Session, desired: &Desired) -> Finding {
    let path = session.settings.db.display();
    let missing = missing_columns(desired);
    let columns = if missing.is_empty() {
        String::new()
    } else {
        format!(
            "; without the columns {} (their defaults hold)",
            missing.join(", ")
        )
    };
    let origin = session.settings.db_origin.text();
    let rows = match desired.rows.len() {
        1 => "1 row".to_owned(),
        rows => format!("{rows} rows"),
    };
    Finding::good("database", format!("{path}: {rows}{columns} ({origin})"))
}

/// The rows that cannot be right.
fn rows(session: &Session, desired: &Desired) -> Vec<Finding> {
    let db = shell_word(&session.settings.db.to_string_lossy());
    let wrong = desired
        .rows
        .iter()
        .filter_map(|row| Some((row, row.intent.as_ref().err()?)));
    wrong
        .map(|(row, faults)| {
            let all: Vec<_> = faults.iter().map(RowFault::to_string).collect();
            let columns: BTreeSet<_> = faults.iter().map(|fault| fault.column.as_str()).collect();
            let columns: Vec<_> = columns.into_iter().map(|c| format!("{c} = ...")).collect();
            Finding::bad(
                "row",
                ExitCode::Drift,
                format!("{} cannot be right: {}", row.shown, all.join("; ")),
                Some(format!(
                    "sqlite3 {db} \"UPDATE clusters SET {} WHERE rowid = {}\"",
                    columns.join(", "),
                    row.rowid
                )),
            )
        })
        .collect()
}

/// Whose ledger it is: of which file, and of which world.
fn binding(store: &Store, seen: Option<&Looked>) -> Result<Finding, StoreError> {
    store.demand_own_file()?;
    let Some(bound) = store.world_binding()? else {
        return Ok(Finding::good(
            "binding",
            "the ledger belongs to no engine yet",
        ));
    };
    let Some(Looked {
        world, observed, ..
    }) = seen
    else {
        return Ok(Finding::good(
            "binding",
            format!("the ledger belongs to the {bound}"),
        ));
    };
    let answers = observed.engine.known().and_then(|e| e.facts.id.clone());
    if bound.kind != world.kind {
        let engine = answers.unwrap_or_else(|| EngineId::new("of this command"));
        return Err(StoreError::OtherWorld {
            bound,
            asked: WorldBinding {
                kind: world.kind,
                engine,
            },
        });
    }
    Ok(match answers {
        Some(asked) if asked != bound.engine => Finding::bad(
            "binding",
            ExitCode::Unknown,
            format!(
                "the ledger belongs to the engine {}, but {asked} answers",
                bound.engine
            ),
            Some(other_engine_hint(world.kind).to_owned()),
        ),
        _ => Finding::good("binding", format!("the ledger belongs to the {bound}")),
    })
}

/// Who holds the lock, and whether that run lives.
fn lock(view: &LockView) -> Finding {
    let Holder {
        command, pid, host, ..
    } = &view.holder;
    let who = format!("'{command}' (pid {pid} on {host}), since {}", view.since);
    let state = if view.died(&Holder::of_this_process("doctor"), &liveness) {
        "its process is gone"
    } else if view.stale(SystemClock.now()) {
        "it gave no sign of life for a minute"
    } else {
        return Finding::note("lock", format!("held by {who}"), None);
    };
    Finding::note(
        "lock",
        format!("left behind by {who}; {state}: the next run takes it over"),
        Some("rollcall lock break".to_owned()),
    )
}
