//! The record of a run: its start, its events, and how it ended.

use std::time::Duration;

use tokio::sync::Notify;

use super::Order;
use super::sinks::Sinks;
use crate::cli::error::CliError;
use crate::cli::session::Session;
use crate::clock::{Clock, SystemClock};
use crate::execute::Event;
use crate::reconcile::{RunError, Runner, on_store};
use crate::report::{Collector, Exit};
use crate::store::{EventRecord, Holder, RunId, RunStart};

/// How often events are stored.
const BEAT: Duration = Duration::from_millis(500);
/// Every how many beats a sign of life is given where no terminal shows one.
const ALIVE: u32 = 60;

/// Opens the record.
pub(super) async fn record_start(
    runner: &Runner<'_>,
    order: &Order,
    session: &Session,
) -> Result<RunId, CliError> {
    let holder = Holder::of_this_process("rollcall");
    let args: Vec<_> = order.words.iter().chain(&order.tuning).collect();
    let start = RunStart {
        mode: order.mode(),
        args: serde_json::to_string(&args).unwrap_or_default(),
        source: session
            .streams
            .var("ROLLCALL_SOURCE")
            .unwrap_or("cli")
            .to_owned(),
        actor: session.streams.var("USER").map(str::to_owned),
        host: holder.host,
        pid: holder.pid,
        lease: Some(runner.lease.id().to_owned()),
    };
    let now = runner.world.clock.now();
    Ok(on_store(&runner.store, move |store| store.begin_run(&start, now)).await?)
}

/// Keeps the record up to date until it is told that the run has ended. What it began to store it ends.
pub(super) async fn keep(runner: &Runner<'_>, sinks: &Sinks, ended: &Notify) {
    let began = SystemClock.now();
    let mut beats = 0_u32;
    loop {
        tokio::select! {
            () = ended.notified() => return,
            () = tokio::time::sleep(BEAT) => {}
        }
        beats = beats.wrapping_add(1);
        // What cannot be stored now is stored at the end, or complained about then.
        let _ = store_events(runner, &sinks.collector).await;
        if let (Some(plain), true) = (&sinks.plain, beats.is_multiple_of(ALIVE)) {
            let seconds = SystemClock.now().duration_since(began).as_secs();
            plain.heartbeat(&format!("… still at it, {seconds} s"));
        }
    }
}

/// Stores what was collected; what cannot be stored stays collected.
async fn store_events(runner: &Runner<'_>, collector: &Collector) -> Result<(), RunError> {
    let events = collector.drain();
    if events.is_empty() {
        return Ok(());
    }
    let records: Vec<EventRecord> = events.iter().filter_map(stored).collect();
    let run = runner.run;
    let done = on_store(&runner.store, move |store| {
        store.append_events(run, &records)
    })
    .await;
    if done.is_err() {
        collector.put_back(events);
    }
    done
}

fn stored(event: &Event) -> Option<EventRecord> {
    Some(EventRecord {
        seq: event.seq,
        at: event.ts,
        json: serde_json::to_string(event).ok()?,
    })
}

/// Stores the events so far, or says why not.
pub(super) async fn record_events(runner: &Runner<'_>, sinks: &Sinks) -> Option<CliError> {
    let stored = store_events(runner, &sinks.collector).await;
    stored
        .err()
        .map(|error| named(runner.run, "failed to store the events", error))
}

/// Closes the record, and says what of it could not be written.
pub(super) async fn record_end(
    runner: &Runner<'_>,
    sinks: &Sinks,
    exit: &Exit,
    verdict: &str,
) -> Vec<CliError> {
    let (run, code, verdict) = (runner.run, i32::from(exit.code), verdict.to_owned());
    let now = runner.world.clock.now();
    let events = record_events(runner, sinks).await;
    let closed = on_store(&runner.store, move |store| {
        store.finish_run(run, code, &verdict, now)
    })
    .await;
    let closed = closed
        .err()
        .map(|error| named(run, "failed to store the end", error));
    events.into_iter().chain(closed).collect()
}

fn named(run: RunId, what: &str, error: RunError) -> CliError {
    let mut error = CliError::from(error);
    error.message = format!("{what} of run {}: {}", run.0, error.message);
    error
}

/// How long ago that was.
pub(super) fn millis(began: jiff::Timestamp, runner: &Runner<'_>) -> u64 {
    let took = runner.world.clock.now().duration_since(began);
    u64::try_from(took.as_millis()).unwrap_or(0)
}
