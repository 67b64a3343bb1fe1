//! Where the events of one run go.

use std::sync::Arc;

use crate::cli::SharedWriter;
use crate::cli::error::CliError;
use crate::cli::session::{EventStream, Session, complete};
use crate::cli::streams::ErrTerminal;
use crate::execute::{Emitter, EventBody, Sink};
use crate::plan::{ActionKind, Plan};
use crate::reconcile::{Look, announce, announce_sources};
use crate::report::{Collector, Exit, PlainProgress, Running, TtyProgress};

/// The sinks of one run.
pub(super) struct Sinks {
    /// For the store.
    pub(super) collector: Collector,
    /// For the signals.
    pub(super) running: Running,
    /// For a person without a terminal.
    pub(super) plain: Option<PlainProgress<SharedWriter>>,
    tty: Option<TtyProgress>,
    /// For programs.
    pub(super) streams: Vec<EventStream>,
}

impl Sinks {
    /// Those that were asked for.
    pub(super) fn of(session: &Session) -> Result<Self, CliError> {
        let paint = session.err_paint();
        let plain = || PlainProgress::new(session.streams.err.clone(), paint, session.flags());
        let terminal = || ErrTerminal(session.streams.err.clone());
        let rows = || TtyProgress::new(terminal(), paint, session.flags());
        Ok(Self {
            collector: Collector::default(),
            running: Running::default(),
            plain: session.plain_lines().then(plain),
            tty: session.live_rows().then(rows),
            streams: session.event_streams()?,
        })
    }

    /// All of them.
    pub(super) fn all(&self) -> Vec<&dyn Sink> {
        let mut all: Vec<&dyn Sink> = vec![&self.collector, &self.running];
        all.extend(self.plain.as_ref().map(|sink| sink as &dyn Sink));
        all.extend(self.tty.as_ref().map(|sink| sink as &dyn Sink));
        all.extend(self.streams.iter().map(|sink| sink as &dyn Sink));
        all
    }
}

/// The first event of every stream, and what was seen.
pub(super) fn emit_started(
    session: &Session,
    emitter: &Emitter<'_>,
    message: String,
    mode: String,
    look: &Look,
) {
    emitter.emit(
        message,
        EventBody::RunStarted {
            mode,
            sandbox: session.settings.sandbox.is_some(),
            database: session.settings.db.display().to_string(),
        },
    );
    announce_sources(&look.observed, emitter);
}

/// The last event of every stream.
pub(super) fn emit_finished(emitter: &Emitter<'_>, exit: &Exit, duration_ms: u64) {
    emitter.emit(
        format!("finished: {}", exit.name),
        EventBody::RunFinished {
            exit: exit.code,
            name: exit.name.clone(),
            reasons: exit
                .reasons
                .iter()
                .map(|reason| reason.message.clone())
                .collect(),
            duration_ms,
        },
    );
}

/// A dry run's events, for those who asked for a stream.
pub(crate) fn stream_plan(session: &Session, look: &Look, exit: &Exit) -> Result<(), CliError> {
    let streams = session.event_streams()?;
    let clock: crate::clock::SharedClock = Arc::new(crate::clock::SystemClock);
    let emitter = Emitter::new(
        clock,
        streams.iter().map(|sink| sink as &dyn Sink).collect(),
    );
    emit_started(
        session,
        &emitter,
        "dry run".to_owned(),
        "dry_run".to_owned(),
        look,
    );
    announce(&look.plan, &emitter);
    emit_finished(&emitter, exit, 0);
    complete(&streams)
}

/// Says how much is worked on at once, where that is a question.
pub(super) fn say_parallelism(session: &Session, heavy: usize, plan: &Plan) {
    let count = plan.count(ActionKind::Create) + plan.count(ActionKind::Start);
    if count > 1 {
        session.say(&format!(
            "{count} clusters, {} at once (-j)",
            heavy.min(count)
        ));
    }
}
