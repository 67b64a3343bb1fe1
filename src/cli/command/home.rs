//! `rollcall` alone: the status, and the one command to type next.

use crate::cli::args::{Probe, StatusArgs};
use crate::cli::error::CliError;
use crate::cli::session::Session;
use crate::report::{Exit, ExitCode};
use crate::store::{Store, StoreError};

pub(crate) fn run(session: &Session) -> Result<Exit, CliError> {
    let flags = flags(session);
    match Store::open_read(&session.settings.db) {
        Err(StoreError::NoDatabase { path }) => {
            session.say(&format!("There is no database at {}.", path.display()));
            session.say(&format!("Make one:      rollcall{flags} init"));
            session.say("Or use yours:  rollcall --db PATH status");
            session.say("Or rehearse:   rollcall --sandbox init");
            return Ok(Exit::default());
        }
        Err(error) => return Err(error.into()),
        Ok(_) => {}
    }
    let exit = super::status::run(
        session,
        &StatusArgs {
            name: None,
            probe: Probe::Auto,
        },
    )?;
    let next = match exit.code {
        0 => format!("everything is in sync; to see more: rollcall{flags} explain NAME"),
        code if code == ExitCode::Drift.number() => {
            format!("next: rollcall{flags} reconcile   (shows what would be done)")
        }
        _ => format!("next: rollcall{flags} doctor   (says what is missing)"),
    };
    session.say(&next);
    // Drift is no failure of looking at it; what keeps it from looking is.
    Ok(if exit.code == ExitCode::Drift.number() {
        Exit::default()
    } else {
        exit
    })
}

/// The flags of this call that the next one needs too.
pub(crate) fn flags(session: &Session) -> String {
    let mut flags = String::new();
    if let Some(db) = &session.global.db {
        flags.push_str(&format!(" --db {}", db.display()));
    }
    match &session.global.sandbox {
        Some(Some(dir)) => flags.push_str(&format!(" --sandbox={}", dir.display())),
        Some(None) => flags.push_str(" --sandbox"),
        None => {}
    }
    flags
}
