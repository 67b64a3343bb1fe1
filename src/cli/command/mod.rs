//! One file per command.

mod acting;
mod adding;
mod aims;
mod backup;
mod clean;
mod cluster;
mod completions;
mod doctor;
mod ensure;
mod explain;
mod free;
mod history;
mod home;
mod import;
mod init;
mod kubeconfig;
mod lock;
mod man;
mod plan;
mod reaching;
mod reconcile;
mod sandbox;
mod schema;
mod selecting;
mod start;
mod status;
mod stop;
mod switch;
mod verify;

use super::args::Command;
use super::error::CliError;
use super::session::Session;
use crate::report::Exit;

/// Runs the command that was named.
pub(crate) fn run(session: &Session, command: Option<Command>) -> Result<Exit, CliError> {
    match command {
        None => home::run(session),
        Some(Command::Reconcile(args)) => reconcile::run(session, &args),
        Some(Command::Plan(args)) => plan::run(session, &args),
        Some(Command::Status(args)) => status::run(session, &args),
        Some(Command::Explain(args)) => explain::run(session, &args),
        Some(Command::Verify(args)) => verify::run(session, &args),
        Some(Command::Ensure(args)) => ensure::run(session, &args),
        Some(Command::Stop(args)) => stop::run(session, &args),
        Some(Command::Start(args)) => start::run(session, &args),
        Some(Command::Clean(args)) => clean::run(session, &args),
        Some(Command::History(args)) => history::run(session, &args),
        Some(Command::LastRun) => history::last(session),
        Some(Command::Cluster(what)) => cluster::run(session, &what),
        Some(Command::Use(args)) => switch::run(session, &args),
        Some(Command::Kubeconfig(args)) => kubeconfig::run(session, &args),
        Some(Command::Import(what)) => import::run(session, &what),
        Some(Command::Init(args)) => init::run(session, &args),
        Some(Command::Backup(args)) => backup::run(session, &args),
        Some(Command::Doctor) => doctor::run(session),
        Some(Command::Lock(what)) => lock::run(session, &what),
        Some(Command::Schema(args)) => schema::run(session, &args),
        Some(Command::Completions(args)) => completions::run(session, &args),
        Some(Command::Man(args)) => man::run(session, &args),
        Some(Command::Sandbox(what)) => sandbox::run(session, &what),
    }
}
