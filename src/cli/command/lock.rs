//! `rollcall lock`: who is at it, and how to take it from a holder that will not come back.

use crate::cli::args::LockCommand;
use crate::cli::error::CliError;
use crate::cli::session::Session;
use crate::report::Exit;

pub(crate) fn run(session: &Session, what: &LockCommand) -> Result<Exit, CliError> {
    let held = match what {
        LockCommand::Show => session.open_read()?.holder()?,
        LockCommand::Break => session.open_write()?.break_lock()?,
    };
    let said = match (what, held) {
        (_, None) => "nobody holds the lock".to_owned(),
        (LockCommand::Show, Some(view)) => format!("held by {view}"),
        (LockCommand::Break, Some(view)) => {
            format!("taken from {view}; that run, if it lives, stops at its next step")
        }
    };
    session.print(&format!("{said}\n"))?;
    Ok(Exit::default())
}
