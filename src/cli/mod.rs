//! The command line: the only layer that prints, exits or reads the environment.
//!
//! In: arguments and [`Streams`]. Out: an exit code; documents on standard output, everything else on standard error.
//! Must not: decide or act by itself.

mod args;
mod command;
mod config;
mod environment;
mod error;
mod format;
mod queue;
mod session;
mod settings;
mod streams;
mod targets;
mod world;

use std::ffi::OsString;
use std::io::Write;
use std::rc::Rc;

use clap::error::{ContextKind, ContextValue};
use clap::{CommandFactory, Parser};

pub use error::CliError;
pub use streams::{SharedReader, SharedWriter, Streams};

use crate::report;
use args::Cli;
use session::Session;
use settings::Settings;
use targets::Targets;

/// The command line as clap knows it, for completions, manual pages and tests.
pub fn command() -> clap::Command {
    Cli::command()
}

/// Runs one call and says with what to exit. A panic is a bug, and exit code 70.
pub fn run(args: Vec<OsString>, streams: Streams) -> u8 {
    let (mut err, last) = (streams.err.clone(), streams.err.clone());
    let called = std::panic::AssertUnwindSafe(move || call(args, streams));
    let code = std::panic::catch_unwind(called).unwrap_or_else(|_| {
        let bug = CliError::new(report::ExitCode::Bug, "rollcall has a bug and gave up")
            .hint("run it again: what was begun is resumed; and report what stands above");
        let _ = err.write_all(bug.text().as_bytes());
        bug.code.number()
    });
    // Nobody who reads: then nobody misses it.
    let _ = last.told();
    code
}

fn call(args: Vec<OsString>, mut streams: Streams) -> u8 {
    let args = environment::with_environment(Cli::command(), args, &streams.env);
    let cli = match Cli::try_parse_from(&args) {
        Ok(cli) => cli,
        Err(error) if error.use_stderr() => return refuse(&error, &args, &mut streams),
        Err(help) => return show_help(&help, &mut streams),
    };
    start_log(&cli, &streams);
    let flags = cli.global.flags();
    let mut targets = Targets::default();
    let opened = targets.open(&cli.global, cli.command.as_ref(), &streams);
    let targets = Rc::new(targets);
    let ended = opened
        .and_then(|()| settled(&cli, &streams))
        .map(|settings| Session::new(settings, streams.clone(), Rc::clone(&targets), cli.global))
        .and_then(|session| command::run(&session, cli.command));
    match ended {
        Ok(exit) => exit.code,
        Err(error) => {
            let error = error.with_flags(&flags);
            let _ = streams.err.write_all(error.text().as_bytes());
            targets.tell(&error.document());
            error.code.number()
        }
    }
}

/// The settings. Who asks what is wrong gets an answer in spite of a broken configuration; what rollcall says of itself
/// needs none.
fn settled(cli: &Cli, streams: &Streams) -> Result<Settings, CliError> {
    match cli.command {
        Some(args::Command::Completions(_) | args::Command::Man(_)) => Settings::of_nobody(),
        Some(args::Command::Doctor) => Settings::resolve_in_spite(&cli.global, streams),
        _ => Settings::resolve(&cli.global, streams),
    }
}

/// Help and version go to standard output and are no error, unless they cannot be written.
fn show_help(help: &clap::Error, streams: &mut Streams) -> u8 {
    let text = rendered(help, streams.out_tty, streams);
    match targets::print(&streams.out, &text) {
        Ok(()) => 0,
        Err(error) => {
            let error = targets::unwritten(&error);
            let _ = streams.err.write_all(error.text().as_bytes());
            error.code.number()
        }
    }
}

/// A wrong command line is told on standard error in clap's words, and as a document wherever it asks for one.
fn refuse(error: &clap::Error, args: &[OsString], streams: &mut Streams) -> u8 {
    let mut text = rendered(error, streams.err_tty, streams);
    if let Some(flag) = flag_of_reconcile(error) {
        text.push_str(&format!("  -> rollcall reconcile {flag}\n"));
    }
    let _ = streams.err.write_all(text.as_bytes());
    let error = CliError::from(error);
    Targets::of_wrong_words(args, streams).tell(&error.document());
    error.code.number()
}

/// The unknown flag, if `reconcile` knows it.
fn flag_of_reconcile(error: &clap::Error) -> Option<String> {
    let ContextValue::String(flag) = error.get(ContextKind::InvalidArg)? else {
        return None;
    };
    let command = Cli::command();
    let mut flags = command.find_subcommand("reconcile")?.get_arguments();
    let known = flags.any(|arg| arg.get_long() == flag.strip_prefix("--"));
    known.then(|| flag.clone())
}

fn rendered(error: &clap::Error, tty: bool, streams: &Streams) -> String {
    let text = error.render();
    if tty && streams.var("NO_COLOR").is_none() {
        text.ansi().to_string()
    } else {
        text.to_string()
    }
}

/// Logs go to standard error, quiet unless asked for.
fn start_log(cli: &Cli, streams: &Streams) {
    let level = match cli.global.verbose {
        // What a library finds worth an error is part of an answer that is given anyway.
        0 => "rollcall=warn",
        1 => "rollcall=debug,warn",
        _ => "rollcall=trace,debug",
    };
    let filter = streams.var("ROLLCALL_LOG").unwrap_or(level);
    let Ok(filter) = tracing_subscriber::EnvFilter::try_new(filter) else {
        return;
    };
    let err = streams.err.clone();
    // A second call in one process keeps the first one's log.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(false)
        // A log that nobody reads any more is no reason to stop; the library would complain on standard error, which is
        // where nobody reads.
        .log_internal_errors(false)
        .with_writer(move || err.clone())
        .try_init();
}
