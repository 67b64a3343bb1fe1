//! The executor: runs ready steps at once, retries what may pass, and ends what a person wants ended.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt};

use jiff::Timestamp;

use super::context::{Cancel, Context};
use super::dispatch::{RowClusters, StepError, act};
use super::event::{Emitter, EventBody, StepResult};
use super::scheduler::{Scheduler, StepState};
use super::step_log::Log;
use crate::model::Desired;
use crate::plan::{ActionKind, Plan, Step, StepId};
use crate::provider::{Fault, ProviderError};
use crate::store::{StepEnd, StepKey, StepStart};

/// How long a step may take to clean up after its tool.
const CLEANING: Duration = Duration::from_secs(30);

/// How one step ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepOutcome {
    /// How.
    pub result: StepResult,
    /// Why it failed or was held.
    pub error: Option<ProviderError>,
    /// How often it was tried; 0: it was not begun.
    pub attempts: u32,
    /// How long it took, all its attempts included.
    pub duration: Duration,
    /// The last lines of its log, if it failed.
    pub log_tail: Vec<String>,
    /// Where its log is.
    pub log: Option<String>,
}

impl StepOutcome {
    /// A step that ended this way, before anything else is known of it.
    fn of(result: StepResult, error: Option<ProviderError>, attempts: u32) -> Self {
        Self {
            result,
            error,
            attempts,
            duration: Duration::ZERO,
            log_tail: Vec::new(),
            log: None,
        }
    }
}

/// How every step of a plan ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// By step.
    pub steps: BTreeMap<StepId, StepOutcome>,
}

impl Outcome {
    /// Whether any step ended this way.
    pub fn any(&self, result: StepResult) -> bool {
        self.steps.values().any(|outcome| outcome.result == result)
    }

    /// Whether the lease was lost on the way.
    pub fn lost_lease(&self) -> bool {
        self.steps.values().any(|ended| {
            ended
                .error
                .as_ref()
                .is_some_and(|error| error.fault == Fault::LeaseLost)
        })
    }
}

/// Executes a plan that was checked and that no guard refuses.
pub async fn execute(
    cx: &Context<'_>,
    plan: &Plan,
    desired: &Desired,
    emitter: &Emitter<'_>,
) -> Outcome {
    let rows: RowClusters = desired
        .intents()
        .map(|(row, intent)| (row.rowid, intent.spec.id.clone()))
        .collect();
    let mut scheduler = Scheduler::new(plan, cx.settings.caps.clone());
    let mut outcome = Outcome::default();
    let mut running: FuturesUnordered<BoxFuture<'_, (StepId, StepOutcome)>> =
        FuturesUnordered::new();
    let mut cancel = cx.cancel.clone();
    loop {
        if *cancel.borrow_and_update() != Cancel::No {
            scheduler.stop();
        }
        for id in scheduler.take_ready() {
            if let Some(step) = plan.step(id) {
                running.push(
                    run_step(cx, step, &rows, emitter)
                        .map(move |outcome| (id, outcome))
                        .boxed(),
                );
            }
        }
        if running.is_empty() {
            break;
        }
        tokio::select! {
            ended = running.next() => if let Some((id, ended)) = ended {
                scheduler.finish(id, ended.result == StepResult::Succeeded);
                outcome.steps.insert(id, ended);
            },
            changed = cancel.changed() => if changed.is_err() {
                // Nobody is left who could cancel; wait for the steps alone.
                if let Some((id, ended)) = running.next().await {
                    scheduler.finish(id, ended.result == StepResult::Succeeded);
                    outcome.steps.insert(id, ended);
                }
            },
        }
    }
    for step in &plan.steps {
        if let Some(left) = not_run(plan, step, scheduler.state(step.id), emitter) {
            outcome.steps.insert(step.id, left);
        }
    }
    outcome
}

/// Says why a step did not run.
fn not_run(
    plan: &Plan,
    step: &Step,
    state: StepState,
    emitter: &Emitter<'_>,
) -> Option<StepOutcome> {
    let (result, why) = match state {
        StepState::Skipped(cause) => {
            let cause = plan.step(cause).map_or_else(String::new, describe);
            (
                StepResult::Skipped,
                format!("skipped, because {cause} did not succeed"),
            )
        }
        StepState::Cancelled => (
            StepResult::Cancelled,
            "not started: the run was interrupted".to_owned(),
        ),
        StepState::Pending | StepState::Running | StepState::Done | StepState::Failed => {
            return None;
        }
    };
    let error = ProviderError::new(Fault::Cancelled, why);
    let outcome = StepOutcome::of(result, Some(error), 0);
    finished(step, &outcome, emitter);
    Some(outcome)
}

fn describe(step: &Step) -> String {
    format!("{} {}", step.action.kind(), step.action.address())
}

async fn run_step(
    cx: &Context<'_>,
    step: &Step,
    rows: &RowClusters,
    emitter: &Emitter<'_>,
) -> StepOutcome {
    let address = step.action.address();
    let log = Log::open(emitter, step.id.0, &address, cx.settings.log_dir.as_deref());
    let began = cx.world.clock.now();
    emitter.emit(
        format!("{} …", describe(step)),
        EventBody::StepStarted {
            step: step.id.0,
            action: step.action.kind().code().to_owned(),
            address: address.to_string(),
            log: log.path(),
        },
    );
    let key = record_begin(cx, step, log.path(), began).await;
    let kind = step.action.kind();
    cx.point(kind, "before");
    let until = began
        .saturating_add(cx.settings.step_timeout)
        .unwrap_or(Timestamp::MAX);
    let mut outcome = attempts(cx, step, rows, until, &log, emitter).await;
    outcome.duration = cx.world.clock.now().duration_since(began).unsigned_abs();
    cx.point(kind, "done");
    if let Some(key) = key {
        record_end(cx, key, &outcome).await;
    }
    cx.point(kind, "recorded");
    if outcome.result == StepResult::Failed {
        outcome.log_tail = log.tail();
    }
    outcome.log = log.path();
    finished(step, &outcome, emitter);
    outcome
}

/// Tries until the step succeeds, until nothing says that another try may, or until its time is up.
async fn attempts(
    cx: &Context<'_>,
    step: &Step,
    rows: &RowClusters,
    until: Timestamp,
    log: &Log<'_>,
    emitter: &Emitter<'_>,
) -> StepOutcome {
    let address = step.action.address();
    // Real time, whatever a sandbox's clock says.
    let given_up = tokio::time::Instant::now() + limit(cx, step);
    let mut attempts = 1;
    loop {
        tracing::debug!(%address, action = step.action.kind().code(), attempts, "acts");
        let error = match attempt(cx, step, rows, (until, given_up), log).await {
            Ok(()) => return StepOutcome::of(StepResult::Succeeded, None, attempts),
            Err(StepError::Held(why)) => {
                let error = ProviderError::new(Fault::NotOurs, why);
                return StepOutcome::of(StepResult::Held, Some(error), attempts);
            }
            Err(StepError::Failed(error)) => error,
        };
        let stopped = *cx.cancel.borrow() != Cancel::No;
        let delay = cx.settings.retries.delay(attempts, error.fault, random());
        let Some(delay) = delay.filter(|delay| !stopped && *delay < cx.left(until)) else {
            return StepOutcome::of(StepResult::Failed, Some(error), attempts);
        };
        emitter.emit(
            format!(
                "{address}: attempt {attempts} failed, again in {} ms: {error}",
                delay.as_millis()
            ),
            EventBody::StepRetrying {
                step: step.id.0,
                address: address.to_string(),
                attempt: attempts,
                delay_ms: millis(delay),
                error: error.to_string(),
            },
        );
        cx.world.clock.sleep(delay).await;
        attempts += 1;
    }
}

/// Writes that the step is at work: another rollcall leaves its cluster to it. A record that cannot be written is no
/// reason not to act; what must not be done without is the lease, and that is asked for next.
async fn record_begin(
    cx: &Context<'_>,
    step: &Step,
    log: Option<String>,
    now: Timestamp,
) -> Option<StepKey> {
    let (run, address, action) = (cx.run, step.action.address(), step.action.kind().code());
    cx.db(move |store| {
        let start = StepStart {
            address: &address,
            action,
            log: log.as_deref(),
        };
        store.begin_step(run, &start, now)
    })
    .await
    .ok()
}

async fn record_end(cx: &Context<'_>, key: StepKey, outcome: &StepOutcome) {
    let attempts = outcome.attempts;
    let state = match outcome.result {
        StepResult::Succeeded => "done",
        StepResult::Failed => "failed",
        StepResult::Held => "held",
        StepResult::Skipped | StepResult::Cancelled => "cancelled",
    };
    let error = outcome.error.as_ref().map(ToString::to_string);
    let now = cx.world.clock.now();
    let written = cx
        .db(move |store| {
            let end = StepEnd {
                state,
                attempts,
                error: error.as_deref(),
            };
            store.finish_step(key, &end, now)
        })
        .await;
    if let Err(error) = written {
        tracing::warn!(%error, "the step's end was not recorded");
    }
}

/// One attempt, ended by a second Ctrl-C or by the end of all time. Its own deadlines are inside.
async fn attempt(
    cx: &Context<'_>,
    step: &Step,
    rows: &RowClusters,
    (until, given_up): (Timestamp, tokio::time::Instant),
    log: &Log<'_>,
) -> Result<(), StepError> {
    let mut cancel = cx.cancel.clone();
    let ended = async move {
        loop {
            match *cancel.borrow_and_update() {
                Cancel::Kill => break "ended by a second interrupt; the next run resumes",
                Cancel::TimeUp => break "ended because --timeout was reached; the next run resumes",
                Cancel::No | Cancel::Stop => {}
            }
            if cancel.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    };
    tokio::select! {
        done = act(cx, step, rows, until, log) => done,
        never = cx.point_while_running(step.action.kind()) => match never {},
        () = tokio::time::sleep_until(given_up) => Err(overdue(cx).into()),
        why = ended => Err(ProviderError::new(Fault::Cancelled, why).into()),
    }
}

/// When a step is given up with all its attempts, whatever it waits for. The deadlines of tools and of waits are inside
/// of it; a request to an engine that fell silent has none of its own.
fn limit(cx: &Context<'_>, step: &Step) -> Duration {
    match step.action.kind() {
        // After its tool has ended, what a failed creation made is taken away.
        ActionKind::Create | ActionKind::Start | ActionKind::Stop | ActionKind::AddPorts => {
            cx.settings.step_timeout.saturating_add(CLEANING)
        }
        _ => cx.settings.step_timeout,
    }
}

fn overdue(cx: &Context<'_>) -> ProviderError {
    let seconds = cx.settings.step_timeout.as_secs();
    ProviderError::new(
        Fault::Deadline,
        format!("not done within {seconds} s: what it waited for did not answer"),
    )
}

fn finished(step: &Step, outcome: &StepOutcome, emitter: &Emitter<'_>) {
    let what = describe(step);
    let why = outcome.error.as_ref().map(ToString::to_string);
    let message = match (&why, outcome.result) {
        (_, StepResult::Succeeded) => {
            format!("{what}: done in {:.1} s", outcome.duration.as_secs_f64())
        }
        (Some(why), StepResult::Failed) => format!("failed to {what}: {why}"),
        (Some(why), _) => format!("{what}: {why}"),
        (None, result) => format!("{what}: {}", result.text()),
    };
    emitter.emit(
        message,
        EventBody::StepFinished {
            step: step.id.0,
            action: step.action.kind().code().to_owned(),
            address: step.action.address().to_string(),
            result: outcome.result,
            attempts: outcome.attempts,
            duration_ms: millis(outcome.duration),
            error: why,
            hint: outcome.error.as_ref().and_then(|error| error.hint.clone()),
            log_tail: outcome.log_tail.clone(),
            log: outcome.log.clone(),
        },
    );
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn random() -> u64 {
    let mut bytes = [0; 8];
    // Without random bytes the jitter is 0, which is allowed.
    let _ = getrandom::fill(&mut bytes);
    u64::from_le_bytes(bytes)
}
