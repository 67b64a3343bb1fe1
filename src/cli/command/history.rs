//! `rollcall history` and `last-run`: past mutating runs, through the same renderer that showed them live.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::cli::args::HistoryArgs;
use crate::cli::error::CliError;
use crate::cli::session::{Session, complete};
use crate::clock::{Clock, SystemClock};
use crate::execute::{Event, EventBody, Sink};
use crate::report::{
    Exit, ListDoc, PastEnd, PastRun, PlainProgress, nothing_past_sheet, past_sheet,
};
use crate::store::{Holder, LockView, RunId, RunRecord, RunState, Store, liveness};

pub(crate) fn run(session: &Session, args: &HistoryArgs) -> Result<Exit, CliError> {
    let store = session.open_read()?;
    if let Some(run) = args.run {
        return replay(session, &store, &store.run(RunId(run))?);
    }
    let runs = store.runs(args.limit)?;
    let live = live(&store)?;
    let runs: Vec<_> = runs
        .iter()
        .map(|run| (run, run.state(live.as_ref())))
        .collect();
    let doc = ListDoc {
        schema: "rollcall.history/v1".to_owned(),
        items: runs.iter().map(|(run, state)| item(run, *state)).collect(),
        exit: Exit::default(),
    };
    session.answer(&doc, |_| {
        if runs.is_empty() {
            return "no run has changed anything yet\n".to_owned();
        }
        runs.iter()
            .fold(String::new(), |out, (run, state)| out + &line(run, *state))
    })?;
    Ok(Exit::default())
}

pub(crate) fn last(session: &Session) -> Result<Exit, CliError> {
    let store = session.open_read()?;
    match store.last_run()? {
        Some(run) => replay(session, &store, &run),
        None => nothing_yet(session),
    }
}

/// For people it is said, for others it is answered.
fn nothing_yet(session: &Session) -> Result<Exit, CliError> {
    let verdict = "no run has changed anything yet";
    session.say(verdict);
    let doc = ListDoc {
        schema: "rollcall.history/v1".to_owned(),
        items: Vec::new(),
        exit: Exit::default(),
    };
    session.answer_result(&doc, &nothing_past_sheet(verdict), |_| String::new())?;
    Ok(doc.exit)
}

fn line(run: &RunRecord, state: RunState) -> String {
    let (state, verdict) = match state {
        RunState::Running => ("running".to_owned(), None),
        RunState::Died => ("died".to_owned(), Some(RunState::DIED)),
        RunState::Ended(code) => (format!("exit {code}"), None),
    };
    let verdict = run.verdict.as_deref().or(verdict).unwrap_or_default();
    let started = run.started_at.strftime("%Y-%m-%d %H:%M:%SZ");
    let (id, mode) = (run.id.0, &run.start.mode);
    format!("{id:>5}  {started}  {mode:<22} {state:<11} {verdict}\n")
}

fn item(run: &RunRecord, state: RunState) -> Value {
    json!({
        "run_id": run.id.0.to_string(),
        "mode": run.start.mode,
        "actor": run.start.actor,
        "started_at": run.started_at.to_string(),
        "finished_at": run.finished_at.map(|at| at.to_string()),
        "state": match state {
            RunState::Running => "running",
            RunState::Died => "died",
            RunState::Ended(_) => "ended",
        },
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
    let state = run.state(live(store)?.as_ref());
    let streams = session.event_streams()?;
    for stream in &streams {
        events.iter().for_each(|event| stream.take(event));
    }
    complete(&streams)?;
    let past = PastRun {
        run_id: run.id.0.to_string(),
        started_at: run.started_at.to_string(),
        end: match state {
            RunState::Running => PastEnd::Running,
            RunState::Died => PastEnd::Died(RunState::DIED),
            RunState::Ended(code) => PastEnd::Ended(code),
        },
        verdict: run.verdict.as_deref(),
        events: &events,
    };
    let sheet = past_sheet(&past, &session.flags());
    session.answer_result(&doc, &sheet, |paint| {
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
        match state {
            RunState::Running => out.push_str("it still runs\n"),
            RunState::Died => {
                let _ = writeln!(out, "it did not finish: {}", RunState::DIED);
            }
            RunState::Ended(_) => {}
        }
        out
    })?;
    Ok(Exit::default())
}

/// The lock as a living run holds it.
fn live(store: &Store) -> Result<Option<LockView>, CliError> {
    let seer = Holder::of_this_process("history");
    let held = store.holder()?;
    Ok(held.filter(|view| !view.abandoned(&seer, SystemClock.now(), &liveness)))
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
