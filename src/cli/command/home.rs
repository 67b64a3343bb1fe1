//! `rollcall` alone: the status, and the one command to type next.

use super::status::{self, ADD_A_ROW};
use crate::cli::args::{Probe, StatusArgs};
use crate::cli::error::CliError;
use crate::cli::session::Session;
use crate::report::{Exit, ExitCode, StatusDoc, Sync};
use crate::store::{Store, StoreError};

pub(crate) fn run(session: &Session) -> Result<Exit, CliError> {
    match Store::open_read(&session.settings.db) {
        Err(StoreError::NoDatabase { path }) => {
            session.say(&format!("There is no database at {}.", path.display()));
            session.say(&session.command("Make one:      rollcall init"));
            session.say("Or use yours:  rollcall --db PATH status");
            session.say("Or rehearse:   rollcall --sandbox init");
            return Ok(Exit::default());
        }
        Err(error) => return Err(error.into()),
        Ok(_) => {}
    }
    let doc = status::show(
        session,
        &StatusArgs {
            name: None,
            probe: Probe::Auto,
        },
    )?;
    session.say(&session.command(&next(&doc)));
    // Drift is no failure of looking at it; what keeps it from looking is.
    Ok(if doc.exit.code == ExitCode::Drift.number() {
        Exit::default()
    } else {
        doc.exit
    })
}

/// The one command to type next.
fn next(doc: &StatusDoc) -> String {
    let left = doc
        .clusters
        .iter()
        .filter(|cluster| cluster.has_row && cluster.sync != Sync::Synced)
        .count();
    match doc.exit.code {
        0 if !doc.clusters.iter().any(|cluster| cluster.has_row) => {
            format!("the table is empty; to add a row: {ADD_A_ROW}")
        }
        0 if left > 0 => format!(
            "nothing to do: {left} out of sync on purpose; to see why: rollcall explain NAME"
        ),
        0 => "everything is in sync; to see more: rollcall explain NAME".to_owned(),
        code if code == ExitCode::Drift.number() => {
            "next: rollcall reconcile   (shows what would be done)".to_owned()
        }
        _ => "next: rollcall doctor   (says what is missing)".to_owned(),
    }
}
