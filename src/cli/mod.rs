//! The command line: the only layer that prints, exits or reads the environment.
//!
//! In: arguments and [`Streams`]. Out: an exit code; documents on standard output, everything else on standard error.
//! Must not: decide or act by itself.

mod args;
mod command;
mod environment;
mod error;
mod session;
mod settings;
mod streams;
mod world;

use std::ffi::OsString;
use std::io::Write;

use clap::{CommandFactory, Parser};

pub use error::CliError;
pub use streams::{SharedReader, SharedWriter, Streams};

use args::{Cli, Format};
use session::Session;

/// The command line as clap knows it, for completions, manual pages and tests.
pub fn command() -> clap::Command {
    Cli::command()
}

/// Runs one call and says with what to exit.
pub fn run(args: Vec<OsString>, mut streams: Streams) -> u8 {
    let args = environment::with_environment(Cli::command(), args, &streams.env);
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => return clap_says(&error, &mut streams),
    };
    let json = cli
        .global
        .output
        .iter()
        .any(|spec| spec.format == Format::Json && spec.path.is_none());
    start_log(&cli, &streams);
    let flags = cli.global.flags();
    match Session::start(cli.global, streams.clone())
        .and_then(|session| command::run(&session, cli.command))
    {
        Ok(exit) => exit.code,
        Err(error) => {
            let error = error.with_flags(&flags);
            let _ = streams.err.write_all(error.text().as_bytes());
            if json && let Ok(text) = serde_json::to_string_pretty(&error.document()) {
                let _ = writeln!(streams.out, "{text}");
            }
            error.code.number()
        }
    }
}

/// Help and version go to standard output and are no error; all else is a wrong command line.
fn clap_says(error: &clap::Error, streams: &mut Streams) -> u8 {
    let asked = !error.use_stderr();
    let (writer, tty) = if asked {
        (&mut streams.out, streams.out_tty)
    } else {
        (&mut streams.err, streams.err_tty)
    };
    let text = error.render();
    let color = tty && !streams.env.contains_key("NO_COLOR");
    let _ = if color {
        write!(writer, "{}", text.ansi())
    } else {
        write!(writer, "{text}")
    };
    if asked {
        0
    } else {
        crate::report::ExitCode::Usage.number()
    }
}

/// Logs go to standard error, quiet unless asked for.
fn start_log(cli: &Cli, streams: &Streams) {
    let level = match cli.global.verbose {
        0 => "error",
        1 => "rollcall=debug",
        _ => "rollcall=trace",
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
        .with_writer(move || err.clone())
        .try_init();
}
