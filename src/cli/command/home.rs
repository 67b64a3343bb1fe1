//! `rollcall` alone: the status, and the one command to type next.

use std::path::Path;

use super::status::{self, ADD_A_ROW};
use crate::cli::args::{Probe, StatusArgs};
use crate::cli::error::CliError;
use crate::cli::session::Session;
use crate::report::{ErrorDoc, Exit, ExitCode, StatusDoc, Sync, error_sheet};
use crate::store::{Store, StoreError};

pub(crate) fn run(session: &Session) -> Result<Exit, CliError> {
    match Store::open_read(&session.settings.db) {
        Err(StoreError::NoDatabase { path }) => {
            return no_database(session, &path);
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

/// That there is nothing yet is no failure of who asks what to do. For people it is said, for others it is answered.
fn no_database(session: &Session, path: &Path) -> Result<Exit, CliError> {
    let message = format!("There is no database at {}.", path.display());
    let hints = [
        session.command("Make one:      rollcall init"),
        "Or use yours:  rollcall --db PATH status".to_owned(),
        "Or rehearse:   rollcall --sandbox init".to_owned(),
    ];
    session.say(&message);
    hints.iter().for_each(|hint| session.say(hint));
    let doc = ErrorDoc {
        schema: "rollcall.error/v1".to_owned(),
        message,
        hints: hints.to_vec(),
        exit: Exit::default(),
    };
    session.answer_result(&doc, &error_sheet(&doc), |_| String::new())?;
    Ok(doc.exit)
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
