//! `rollcall history` and `last-run`: past mutating runs, through the same renderer that showed them live.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::cli::args::HistoryArgs;
use crate::cli::error::CliError;
use crate::cli::session::{Session, complete};
use crate::clock::{Clock, SystemClock};
use crate::execute::{Event, EventBody, Sink};
use crate::report::{Exit, ListDoc, PlainProgress};
use crate::store::{Holder, RunId, RunRecord, Store, liveness};

pub(crate) fn run(session: &Session, args: &HistoryArgs) -> Result<Exit, CliError> {
    let store = session.open_read()?;
    if let Some(run) = args.run {
        return replay(session, &store, &store.run(RunId(run))?);
    }
    let runs = store.runs(args.limit)?;
    let doc = ListDoc {
        schema: "rollcall.history/v1".to_owned(),
        items: runs.iter().map(item).collect(),
        exit: Exit::default(),
    };
    session.answer(&doc, |_| {
        if runs.is_empty() {
            return "no run has changed anything yet\n".to_owned();
        }
        runs.iter().fold(String::new(), |mut out, run| {
            let exit = run
                .exit_code
                .map_or_else(|| "unfinished".to_owned(), |code| format!("exit {code}"));
            let verdict = run.verdict.clone().unwrap_or_default();
            let started = run.started_at.strftime("%Y-%m-%d %H:%M:%SZ");
            let _ = writeln!(
                out,
                "{:>5}  {started}  {:<22} {exit:<11} {verdict}",
                run.id.0, run.start.mode
            );
            out
        })
    })?;
    Ok(Exit::default())
}

pub(crate) fn last(session: &Session) -> Result<Exit, CliError> {
    let store = session.open_read()?;
    match store.last_run()? {
        Some(run) => replay(session, &store, &run),
        None => {
            session.say("no run has changed anything yet");
            Ok(Exit::default())
        }
    }
}

fn item(run: &RunRecord) -> Value {
    json!({
        "run_id": run.id.0.to_string(),
        "mode": run.start.mode,
        "actor": run.start.actor,
        "started_at": run.started_at.to_string(),
        "finished_at": run.finished_at.map(|at| at.to_string()),
        "exit_code": run.exit_code,
        "verdict": run.verdict,
    })
}

fn replay(session: &Session, store: &Store, run: &RunRecord) -> Result<Exit, CliError> {
    let stored = store.events(run.id)?;
    let events: Vec<Event> = stored
        .iter()
        .filter_map(|event| serde_json::from_str(&event.json).ok())
        .collect();
    let doc = ListDoc {
        schema: "rollcall.history/v1".to_owned(),
        items: events
            .iter()
            .filter_map(|event| serde_json::to_value(event).ok())
            .collect(),
        exit: Exit::default(),
    };
    let still_runs = is_at_work(store, run)?;
    let streams = session.event_streams()?;
    for stream in &streams {
        events.iter().for_each(|event| stream.take(event));
    }
    complete(&streams)?;
    session.answer(&doc, |paint| {
        let lines = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
        let text = PlainProgress::new(Shared(lines.clone()), paint, session.flags());
        let mut out = format!(
            "run {}: {} at {}\n",
            run.id.0, run.start.mode, run.started_at
        );
        for event in &events {
            text.take(event);
            if let EventBody::Verified { .. } | EventBody::RunFinished { .. } = event.body {
                text.heartbeat(&event.message);
            }
        }
        let written = lines
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        out.push_str(&String::from_utf8_lossy(&written));
        if run.finished_at.is_none() {
            let ending = if still_runs {
                "it still runs"
            } else {
                "it did not finish: it was killed, or its machine went down"
            };
            let _ = writeln!(out, "{ending}");
        }
        out
    })?;
    Ok(Exit::default())
}

/// Whether the run's process holds the lock and lives.
fn is_at_work(store: &Store, run: &RunRecord) -> Result<bool, CliError> {
    let lease = store.holder()?;
    let seer = Holder::of_this_process("history");
    Ok(lease.is_some_and(|view| {
        run.start.lease.as_deref() == Some(view.holder.id.as_str())
            && !view.abandoned(&seer, SystemClock.now(), &liveness)
    }))
}

/// A buffer that two hold.
struct Shared(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);

impl std::io::Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
