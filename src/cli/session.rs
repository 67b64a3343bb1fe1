//! One call: its settings, its streams, and how it answers.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{ErrorKind, Write};
use std::sync::Arc;

use serde::Serialize;

use super::args::{ColorMode, Format, Global, OutputSpec, ProgressMode};
use super::error::CliError;
use super::settings::Settings;
use super::streams::{SharedWriter, Streams};
use super::world;
use crate::clock::SystemClock;
use crate::execute::{Event, Sink};
use crate::model::{Guards, Mode, Policy, Scope};
use crate::observe::Ask;
use crate::ports::World;
use crate::reconcile::{Look, Question};
use crate::report::{ExitCode, Flags, NdjsonSink, Paint, Subject};
use crate::store::Store;

/// One call.
pub(crate) struct Session {
    /// What was settled before it started.
    pub(crate) settings: Settings,
    /// Where it reads and writes.
    pub(crate) streams: Streams,
    /// What every command takes.
    pub(crate) global: Global,
}

impl Session {
    /// Settles everything that does not depend on the command.
    pub(crate) fn start(global: Global, streams: Streams) -> Result<Self, CliError> {
        let settings = Settings::resolve(&global, &streams)?;
        Ok(Self {
            settings,
            streams,
            global,
        })
    }

    /// Runs async work to its end.
    pub(crate) fn block_on<T>(
        work: impl Future<Output = Result<T, CliError>>,
    ) -> Result<T, CliError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let runtime = runtime
            .map_err(|error| CliError::new(ExitCode::Bug, format!("failed to start: {error}")))?;
        runtime.block_on(work)
    }

    /// The outside world.
    pub(crate) fn world(&self) -> Result<World, CliError> {
        world::build(&self.settings, &self.streams)
    }

    /// The database, for looking.
    pub(crate) fn open_read(&self) -> Result<Arc<Store>, CliError> {
        Ok(Arc::new(Store::open_read(&self.settings.db)?))
    }

    /// The database, for changing.
    pub(crate) fn open_write(&self) -> Result<Arc<Store>, CliError> {
        Ok(Arc::new(Store::open_write(
            &self.settings.db,
            &SystemClock,
        )?))
    }

    /// A policy that may do this and nothing else.
    pub(crate) fn policy(&self, world: &World, mode: Mode) -> Policy {
        Policy {
            mode,
            scope: Scope::default(),
            replace: BTreeSet::new(),
            replace_broken: false,
            adopt: BTreeSet::new(),
            guards: Guards::default(),
            management: self.settings.management.clone(),
            providers: world
                .providers
                .iter()
                .map(|(id, provider)| (id.clone(), provider.traits()))
                .collect(),
            registrars_off: BTreeSet::new(),
            in_progress: BTreeSet::new(),
        }
    }

    /// What a command that only looks asks: what a repair would do.
    pub(crate) fn repair_question(&self, world: &World, probe: bool) -> Question {
        Question {
            policy: self.policy(
                world,
                Mode {
                    repair: true,
                    ..Mode::default()
                },
            ),
            ask: Ask::default(),
            probe,
            accept_engine: false,
            respect_others: true,
        }
    }

    /// What a document is about.
    pub(crate) fn subject(&self, look: &Look) -> Subject {
        Subject {
            sandbox: self.settings.sandbox.is_some(),
            database: self.settings.db.display().to_string(),
            observed_at: look.observed_at.to_string(),
            mode: look.policy.mode,
            flags: self.flags(),
        }
    }

    /// Whether to colour what goes to standard output.
    pub(crate) fn out_paint(&self) -> Paint {
        self.paint(self.streams.out_tty)
    }

    /// Whether to colour what goes to standard error.
    pub(crate) fn err_paint(&self) -> Paint {
        self.paint(self.streams.err_tty)
    }

    fn paint(&self, tty: bool) -> Paint {
        let color = match self.global.color {
            ColorMode::Always => true,
            ColorMode::Never => false,
            ColorMode::Auto if self.streams.var("NO_COLOR").is_some() => false,
            ColorMode::Auto
                if self
                    .streams
                    .var("CLICOLOR_FORCE")
                    .is_some_and(|value| value != "0") =>
            {
                true
            }
            ColorMode::Auto => tty && self.streams.var("TERM") != Some("dumb"),
        };
        Paint { color }
    }

    /// Whether live rows can be drawn.
    pub(crate) fn live_rows(&self) -> bool {
        match self.global.progress {
            ProgressMode::Tty => true,
            ProgressMode::Plain | ProgressMode::None => false,
            ProgressMode::Auto => {
                self.streams.err_tty
                    && self.streams.var("TERM") != Some("dumb")
                    && self.streams.var("CI").is_none()
                    && !self.global.quiet
            }
        }
    }

    /// Whether one line per change is written.
    pub(crate) fn plain_lines(&self) -> bool {
        match self.global.progress {
            ProgressMode::Plain => true,
            ProgressMode::Tty | ProgressMode::None => false,
            ProgressMode::Auto => !self.live_rows() && !self.global.quiet,
        }
    }

    /// Writes a line on standard error, unless told to be quiet.
    pub(crate) fn say(&self, line: &str) {
        if !self.global.quiet {
            let _ = writeln!(self.streams.err.clone(), "{line}");
        }
    }

    /// The flags of this call that the next one needs too.
    pub(crate) fn flags(&self) -> Flags {
        self.global.flags()
    }

    /// The command with this call's flags.
    pub(crate) fn command(&self, text: &str) -> String {
        self.flags().apply(text)
    }

    /// Writes an error on standard error, also when told to be quiet.
    pub(crate) fn complain(&self, error: CliError) {
        let text = error.with_flags(&self.flags()).text();
        let _ = self.streams.err.clone().write_all(text.as_bytes());
    }

    /// Writes on standard output. That its reader went away is no error; that it is full is one.
    pub(crate) fn print(&self, text: &str) -> Result<(), CliError> {
        let mut out = self.streams.out.clone();
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(CliError::new(
                ExitCode::NotReady,
                format!("failed to write to standard output: {error}"),
            )),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Answers: the document in every format and place that was asked for.
    pub(crate) fn answer(
        &self,
        document: &impl Serialize,
        text: impl Fn(Paint) -> String,
    ) -> Result<(), CliError> {
        for spec in self.outputs() {
            let paint = if spec.path.is_none() {
                self.out_paint()
            } else {
                Paint::default()
            };
            let content = match spec.format {
                Format::Table => text(paint),
                Format::Json => match serde_json::to_string_pretty(document) {
                    Ok(json) => json + "\n",
                    Err(error) => {
                        return Err(CliError::new(ExitCode::Bug, error.to_string()));
                    }
                },
                Format::Ndjson => continue,
            };
            match &spec.path {
                Some(path) => {
                    std::fs::write(path, content)
                        .map_err(|error| CliError::file("write", path, &error))?;
                }
                None => self.print(&content)?,
            }
        }
        Ok(())
    }

    fn outputs(&self) -> Vec<OutputSpec> {
        let to_stdout = self.global.output.iter().any(|spec| spec.path.is_none());
        let mut all = self.global.output.clone();
        if !to_stdout {
            all.push(OutputSpec {
                format: Format::Table,
                path: None,
            });
        }
        all
    }

    /// The streams of events that were asked for: `--events`, `-o ndjson`.
    pub(crate) fn event_streams(&self) -> Result<Vec<EventStream>, CliError> {
        let mut streams = Vec::new();
        for spec in self
            .global
            .output
            .iter()
            .filter(|spec| spec.format == Format::Ndjson)
        {
            streams.push(match &spec.path {
                Some(path) => EventStream::file(path)?,
                None => EventStream::new("standard output", self.streams.out.clone()),
            });
        }
        if let Some(target) = self.global.events.as_deref() {
            streams.push(match (target, target.strip_prefix("fd:")) {
                ("fd:1", _) => EventStream::new("standard output", self.streams.out.clone()),
                ("fd:2", _) => EventStream::new("standard error", self.streams.err.clone()),
                (_, Some(number)) => {
                    EventStream::new(target, SharedWriter::new(descriptor(number)?))
                }
                (_, None) => EventStream::file(std::path::Path::new(target))?,
            });
        }
        Ok(streams)
    }
}

/// One stream of events, and where it goes.
pub(crate) struct EventStream {
    target: String,
    sink: NdjsonSink<SharedWriter>,
}

impl EventStream {
    fn new(target: &str, writer: SharedWriter) -> Self {
        Self {
            target: target.to_owned(),
            sink: NdjsonSink::new(writer),
        }
    }

    fn file(path: &std::path::Path) -> Result<Self, CliError> {
        let file =
            File::create(path).map_err(|error| CliError::file("write events to", path, &error))?;
        Ok(Self::new(
            &path.display().to_string(),
            SharedWriter::new(file),
        ))
    }

    /// Why events are missing in it.
    pub(crate) fn failure(&self) -> Option<CliError> {
        let why = self.sink.failure()?;
        Some(CliError::new(
            ExitCode::NotReady,
            format!("failed to write events to {}: {why}", self.target),
        ))
    }
}

impl Sink for EventStream {
    fn take(&self, event: &Event) {
        self.sink.take(event);
    }
}

/// Says whether every stream got all its events.
pub(crate) fn complete(streams: &[EventStream]) -> Result<(), CliError> {
    streams
        .iter()
        .find_map(EventStream::failure)
        .map_or(Ok(()), Err)
}

/// A descriptor that the caller opened. Going through the file system needs no unsafe code.
fn descriptor(number: &str) -> Result<File, CliError> {
    let number: u32 = number
        .parse()
        .map_err(|_| CliError::usage(format!("fd:{number} is no file descriptor")))?;
    let path = std::path::PathBuf::from(format!("/dev/fd/{number}"));
    File::options()
        .append(true)
        .open(&path)
        .map_err(|error| CliError::file("write events to", &path, &error))
}
