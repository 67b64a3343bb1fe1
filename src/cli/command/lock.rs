//! `rollcall lock`: who is at it, and how to take it from a holder that will not come back.

use crate::cli::args::LockCommand;
use crate::cli::error::CliError;
use crate::cli::session::Session;
use crate::clock::{Clock, SystemClock};
use crate::report::{Exit, LockDoc, LockHolder, LockState, lock_text};
use crate::store::{Holder, LockView, liveness};

pub(crate) fn run(session: &Session, what: &LockCommand) -> Result<Exit, CliError> {
    let (view, broken) = match what {
        LockCommand::Show => (session.open_read()?.holder()?, false),
        LockCommand::Break => (session.open_write()?.break_lock()?, true),
    };
    let doc = LockDoc {
        schema: "rollcall.lock/v1".to_owned(),
        state: view.as_ref().map_or(LockState::Free, state),
        broken: broken && view.is_some(),
        holder: view.map(holder),
        exit: Exit::default(),
    };
    session.answer(&doc, |_| lock_text(&doc))?;
    Ok(Exit::default())
}

fn state(view: &LockView) -> LockState {
    if view.died(&Holder::of_this_process("lock"), &liveness) {
        LockState::Died
    } else if view.stale(SystemClock.now()) {
        LockState::Silent
    } else {
        LockState::Held
    }
}

fn holder(view: LockView) -> LockHolder {
    LockHolder {
        command: view.holder.command,
        pid: view.holder.pid,
        host: view.holder.host,
        since: view.since.to_string(),
        heartbeat: view.heartbeat.to_string(),
    }
}
