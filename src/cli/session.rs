//! One call: its settings, its streams, and how it answers.

use std::collections::BTreeSet;
use std::io::Write;
use std::rc::Rc;
use std::sync::Arc;

use serde::Serialize;

use super::args::{ColorMode, Global, ProgressMode};
use super::error::CliError;
use super::format::Format;
use super::settings::Settings;
use super::streams::Streams;
use super::targets::Targets;
pub(crate) use super::targets::{EventStream, complete};
use super::world;
use crate::clock::SystemClock;
use crate::model::{Guards, Mode, Policy, Scope, printable_lines};
use crate::observe::Ask;
use crate::ports::World;
use crate::reconcile::{Look, Question};
use crate::report::{ExitCode, Flags, Paint, Sheet, Subject};
use crate::store::Store;

/// One call.
pub(crate) struct Session {
    /// What was settled before it started.
    pub(crate) settings: Settings,
    /// Where it reads and writes.
    pub(crate) streams: Streams,
    /// Where answers and events go.
    pub(crate) targets: Rc<Targets>,
    /// What every command takes.
    pub(crate) global: Global,
}

impl Session {
    /// A call whose settings are settled and whose targets are open.
    pub(crate) fn new(
        settings: Settings,
        streams: Streams,
        targets: Rc<Targets>,
        global: Global,
    ) -> Self {
        Self {
            settings,
            streams,
            targets,
            global,
        }
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
            stop: BTreeSet::new(),
            adopt: BTreeSet::new(),
            guards: Guards::default(),
            management: self.settings.management.clone(),
            providers: world
                .providers
                .iter()
                .map(|(id, provider)| (id.clone(), provider.traits()))
                .collect(),
            unregistered: self.settings.config.unregistered(),
            in_progress: BTreeSet::new(),
            hosted: world::hosted(&self.settings, world),
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
            let line = printable_lines(line, false);
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

    /// Answers with a document that is no result: no format of results was asked for.
    pub(crate) fn answer(
        &self,
        document: &impl Serialize,
        text: impl Fn(Paint) -> String,
    ) -> Result<(), CliError> {
        self.answer_in(text, |format| match format {
            Format::Json => json(document).map(Some),
            _ => Ok(None),
        })
    }

    /// Answers with a result.
    pub(crate) fn answer_result(
        &self,
        document: &impl Serialize,
        sheet: &Sheet,
        text: impl Fn(Paint) -> String,
    ) -> Result<(), CliError> {
        self.answer_in(text, |format| match format {
            Format::Json => json(document).map(Some),
            _ => format.written(sheet),
        })
    }

    /// Answers in every format and place that was asked for. One that cannot be written keeps no other from getting it.
    fn answer_in(
        &self,
        text: impl Fn(Paint) -> String,
        other: impl Fn(Format) -> Result<Option<String>, CliError>,
    ) -> Result<(), CliError> {
        // What was said before stands before the answer, also where both go to one terminal.
        let _ = self.streams.err.told();
        let mut failed = Vec::new();
        for target in self.targets.documents() {
            let content = match target.format {
                Format::Table if target.path.is_none() => {
                    let paint = self.out_paint();
                    printable_lines(&text(paint), paint.color).into_owned()
                }
                Format::Table => printable_lines(&text(Paint::default()), false).into_owned(),
                format => match other(format)? {
                    Some(content) => content,
                    None => continue,
                },
            };
            failed.extend(target.write(&content).err());
        }
        let last = failed.pop();
        failed.into_iter().for_each(|error| self.complain(error));
        last.map_or(Ok(()), Err)
    }

    /// The streams of events that were asked for, opened before the command began. An error where one of them is
    /// broken already.
    pub(crate) fn event_streams(&self) -> Result<Vec<EventStream>, CliError> {
        let streams = self.targets.events();
        complete(streams)?;
        Ok(streams.to_vec())
    }
}

fn json(document: &impl Serialize) -> Result<String, CliError> {
    serde_json::to_string_pretty(document)
        .map(|json| json + "\n")
        .map_err(|error| CliError::new(ExitCode::Bug, error.to_string()))
}
