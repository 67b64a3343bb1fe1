//! One run, from the lock to the last line.

use std::sync::Arc;

use rustix::process::Signal;
use tokio::sync::{Notify, watch};

use super::consent::{executable, obtain};
use super::freshness::{demand_same, demand_unmoved, use_up};
use super::lease::{acquire, holding};
use super::recording::{keep, millis, record_end, record_events, record_start};
use super::signals::{asked_to_end, watch_signals};
use super::sinks::{Sinks, emit_finished, emit_started, say_parallelism};
use super::{Deadline, Demand, Order};
use crate::cli::command::status::ADD_A_ROW;
use crate::cli::error::CliError;
use crate::cli::session::{EventStream, Session, complete};
use crate::cli::streams::Streams;
use crate::execute::{Cancel, Emitter, FaultPoint, StepResult};
use crate::plan::{ActionKind, Class};
use crate::ports::World;
use crate::reconcile::{
    Look, Question, ROUNDS, Run, RunError, Runner, Unsettled, hold_steady, on_store,
};
use crate::report::{Exit, ExitCode, plan_doc, run_doc, run_sheet, run_text};
use crate::store::{Holder, Lease, RunId, Store};

/// Takes the lock, does what was ordered, and gives it back.
pub(crate) async fn act(
    session: &Session,
    world: &World,
    store: Arc<Store>,
    order: Order,
) -> Result<Exit, CliError> {
    let holder = Holder::of_this_process(&format!("rollcall {}", order.mode()));
    let lease = acquire(session, &store, &holder, order.waiting()).await?;
    let done = Box::pin(under_lease(session, world, &store, &lease, order)).await;
    let released = on_store(&store, move |store| store.release(&lease)).await;
    let exit = done?;
    released?;
    Ok(exit)
}

async fn under_lease(
    session: &Session,
    world: &World,
    store: &Arc<Store>,
    lease: &Lease,
    order: Order,
) -> Result<Exit, CliError> {
    let began = world.clock.now();
    let (cancel_sender, cancel) = watch::channel(Cancel::No);
    let question = Question {
        respect_others: false,
        ..order.question.clone()
    };
    let mut runner = Runner {
        world,
        store: Arc::clone(store),
        lease,
        run: RunId(0),
        settings: order.settings(),
        question,
        cancel,
        // What was shown is done, and nothing that turns up later.
        rounds: if order.saved.is_some() { 1 } else { ROUNDS },
    };
    order
        .deadline
        .bound(demand_unmoved(&runner, &order))
        .await??;
    let prepared = holding(&runner, order.deadline.bound(runner.prepare()));
    let mut look = prepared.await??;
    demand_same(&runner, &order, &look)?;
    if executable(&look) {
        forbid_mixed(&look)?;
        look = obtain(session, &runner, &order, look).await?;
        demand_same(&runner, &order, &look)?;
    }
    if !executable(&look) {
        return nothing_done(session, &runner, &order, look, began).await;
    }
    forbid_mixed(&look)?;
    let sinks = Sinks::of(session)?;
    use_up(&runner, &order).await?;
    runner.run = record_start(&runner, &order, session).await?;
    let logs = session.settings.state_dir.join("runs");
    runner.settings.log_dir = Some(logs.join(runner.run.0.to_string()));
    if cfg!(feature = "fault-points") {
        runner.settings.fault_point = fault_point(&session.streams);
    }
    say_parallelism(session, runner.settings.caps.heavy, &look.plan);
    let emitter = Emitter::new(Arc::clone(&world.clock), sinks.all());
    emitter.name_run(runner.run.0.to_string());
    let message = format!("run {}: {}", runner.run.0, order.mode());
    emit_started(session, &emitter, message, order.mode(), &look);
    let run = async {
        let run = runner.run(look, &emitter).await?;
        steadied(session, &runner, order.ending, run).await
    };
    let (ran, ended_by) = Box::pin(attended(
        session,
        &runner,
        &sinks,
        cancel_sender,
        order.deadline,
        run,
    ))
    .await;
    let ending = Ending {
        session,
        runner: &runner,
        emitter: &emitter,
        sinks: &sinks,
        began,
        demand: order.ending,
    };
    match ran {
        Ok(run) => Ok(ending.of_run(run, ended_by).await),
        Err(error) => Err(ending.of_error(error.into()).await),
    }
}

/// Where a test wants this process to get which signal.
fn fault_point(streams: &Streams) -> Option<FaultPoint> {
    let asked = [
        ("ROLLCALL_TEST_DIE_AT", Signal::KILL),
        ("ROLLCALL_TEST_STOP_AT", Signal::STOP),
    ];
    asked.into_iter().find_map(|(name, signal)| {
        let at = streams.var(name)?.to_owned();
        Some(FaultPoint::new(at, signal))
    })
}

/// The run, with the lease renewed, the record kept and the signals heard until it ends.
async fn attended(
    session: &Session,
    runner: &Runner<'_>,
    sinks: &Sinks,
    cancel: watch::Sender<Cancel>,
    deadline: Deadline,
    run: impl Future<Output = Result<Run, RunError>>,
) -> (Result<Run, RunError>, Option<ExitCode>) {
    let ended = Notify::new();
    let keeping = keep(runner, sinks, &ended);
    let stop = watch_signals(session, &sinks.running, cancel, deadline);
    let run = async {
        tokio::pin!(run, stop);
        let mut ended_by = None;
        let ran = loop {
            tokio::select! {
                ran = &mut run => break ran,
                code = &mut stop, if ended_by.is_none() => ended_by = Some(code),
            }
        };
        ended.notify_one();
        (ran, ended_by)
    };
    holding(runner, async { tokio::join!(run, keeping).0 }).await
}

/// Nothing to do, or nothing that may be done: the rows learn what was found, and there is no run to record.
async fn nothing_done(
    session: &Session,
    runner: &Runner<'_>,
    order: &Order,
    look: Look,
    began: jiff::Timestamp,
) -> Result<Exit, CliError> {
    let sinks = Sinks::of(session)?;
    let emitter = Emitter::new(Arc::clone(&runner.world.clock), sinks.all());
    emit_started(session, &emitter, order.mode(), order.mode(), &look);
    let work = async {
        let run = runner.run(look, &emitter).await?;
        steadied(session, runner, order.ending, run).await
    };
    let run = tokio::select! {
        // First, so that a signal is heard from the first moment on.
        biased;
        code = asked_to_end() => {
            return Err(CliError::new(code, "ended early; nothing was changed"));
        }
        run = Box::pin(holding(runner, order.deadline.bound(work))) => run??,
    };
    let exit = Exit::of(reasons(&run, order.ending, None));
    emit_finished(&emitter, &exit, millis(began, runner));
    let rows = run.last.snapshot.desired.rows.len();
    let subject = session.subject(&run.last);
    let plan = plan_doc(&run.last.plan, subject.clone(), rows, exit.clone());
    let verdict = if run.last.plan.refusals.is_empty() {
        plan.verdict
    } else {
        format!("refused: {}", plan.verdict)
    };
    let took = millis(began, runner);
    let doc = run_doc(
        None,
        subject,
        &[],
        &run.last.plan,
        verdict,
        run.converged,
        took,
        exit.clone(),
    );
    session.answer_result(&doc, &run_sheet(&doc), |paint| run_text(&doc, paint))?;
    complete(&sinks.streams)?;
    if rows == 0 {
        session.say(&session.command(&format!("the table is empty; to add a row: {ADD_A_ROW}")));
    }
    Ok(exit)
}

/// Adopting never goes with deleting what bears the same name.
fn forbid_mixed(look: &Look) -> Result<(), CliError> {
    let adopts = &look.policy.adopt;
    let deleted = look
        .plan
        .steps
        .iter()
        .filter(|step| step.action.kind() == ActionKind::Delete);
    for id in deleted.filter_map(|step| step.action.cluster()) {
        if adopts.iter().any(|adopted| adopted.name == id.name) {
            return Err(CliError::usage(format!(
                "this run would adopt a cluster named {} and delete {id}",
                id.name
            ))
            .hint("do one after the other"));
        }
    }
    Ok(())
}

/// The end of a run that was recorded. It always answers; what could not be written joins the reasons.
struct Ending<'e> {
    session: &'e Session,
    runner: &'e Runner<'e>,
    emitter: &'e Emitter<'e>,
    sinks: &'e Sinks,
    began: jiff::Timestamp,
    demand: Demand,
}

impl Ending<'_> {
    /// Answers, then sends the last event and closes the record: they know how the answer went.
    async fn of_run(&self, run: Run, ended_by: Option<ExitCode>) -> Exit {
        let mut found = reasons(&run, self.demand, ended_by);
        let stored = record_events(self.runner, self.sinks).await;
        self.join(&mut found, self.broken_streams().chain(stored));
        let exit = Exit::of(found.clone());
        let doc = run_doc(
            Some(self.runner.run.0.to_string()),
            self.session.subject(&run.last),
            &run.rounds,
            &run.last.plan,
            verdict(&run, &exit),
            run.converged,
            millis(self.began, self.runner),
            exit,
        );
        let text = |paint| run_text(&doc, paint);
        let answered = self.session.answer_result(&doc, &run_sheet(&doc), text);
        self.join(&mut found, answered.err());
        self.close(found, |exit| verdict(&run, exit)).await
    }

    /// A run that could not go on: its record ends all the same.
    async fn of_error(&self, error: CliError) -> CliError {
        let found = vec![(error.code, error.message.clone())];
        self.close(found, |exit| {
            format!("broken off: {} (exit {})", error.message, exit.code)
        })
        .await;
        error
    }

    /// Sends the last event and closes the record.
    async fn close(
        &self,
        mut found: Vec<(ExitCode, String)>,
        verdict: impl Fn(&Exit) -> String,
    ) -> Exit {
        self.join(&mut found, self.broken_streams());
        let exit = Exit::of(found.clone());
        emit_finished(self.emitter, &exit, millis(self.began, self.runner));
        let unwritten = record_end(self.runner, self.sinks, &exit, &verdict(&exit)).await;
        self.join(&mut found, self.broken_streams().chain(unwritten));
        Exit::of(found)
    }

    fn broken_streams(&self) -> impl Iterator<Item = CliError> {
        self.sinks.streams.iter().filter_map(EventStream::failure)
    }

    /// What could not be written joins the reasons, and is complained about once.
    fn join(
        &self,
        found: &mut Vec<(ExitCode, String)>,
        errors: impl IntoIterator<Item = CliError>,
    ) {
        for error in errors {
            let reason = (error.code, error.message.clone());
            if !found.contains(&reason) {
                found.push(reason);
                self.session.complain(error);
            }
        }
    }
}

/// The run, after it was seen to stay as it is for as long as is demanded.
async fn steadied(
    session: &Session,
    runner: &Runner<'_>,
    demand: Demand,
    mut run: Run,
) -> Result<Run, RunError> {
    let Demand::True(lasting) = demand else {
        return Ok(run);
    };
    let is_true = |look: &Look| Exit::of_untruth(&look.plan).is_empty();
    if lasting.is_zero() || !is_true(&run.last) {
        return Ok(run);
    }
    session.say(&format!("holding for {} s", lasting.as_secs()));
    let (world, question) = (runner.world, &runner.question);
    let first = run.last.clone();
    let steady = hold_steady(world, &runner.store, question, first, lasting, is_true);
    let mut cancel = runner.cancel.clone();
    tokio::select! {
        steady = steady => {
            run.last = steady?.last;
            run.converged &= is_true(&run.last);
        }
        // Who is told to stop does not go on looking; how it was before is known.
        Ok(_) = cancel.wait_for(|cancel| *cancel != Cancel::No) => {}
    }
    Ok(run)
}

/// Everything that speaks for an exit code.
fn reasons(run: &Run, demand: Demand, ended_by: Option<ExitCode>) -> Vec<(ExitCode, String)> {
    let plan = &run.last.plan;
    let mut found = match demand {
        Demand::Converged => Exit::of_plan(plan, false),
        Demand::True(_) => Exit::of_untruth(plan),
    };
    for (plan, outcome) in &run.rounds {
        // A step that was held because a mind changed, and whose thing is true now all the same, is no drift.
        let counts = |(code, _): &(ExitCode, String)| !run.converged || *code != ExitCode::Drift;
        found.extend(Exit::of_outcome(plan, outcome).into_iter().filter(counts));
    }
    found.extend(
        plan.refusals
            .iter()
            .map(|refusal| (ExitCode::Refused, refusal.to_string())),
    );
    if let Some(why) = run.unsettled {
        let why = match why {
            Unsettled::Restless => "the table changed during the run again and again",
            Unsettled::WouldTakeAway => {
                "the table changed during the run, and now asks for deletions: look at them in a dry run first"
            }
        };
        found.push((ExitCode::Drift, why.to_owned()));
    }
    // What a guard refused is said once.
    if !plan.is_empty() && plan.refusals.is_empty() {
        let left = plan.steps.len();
        found.push((ExitCode::Drift, format!("{left} changes are left")));
    }
    if let Some(code) = ended_by {
        found.push((code, "the run was ended early".to_owned()));
    }
    found
}

fn verdict(run: &Run, exit: &Exit) -> String {
    let all = run
        .rounds
        .iter()
        .flat_map(|(_, outcome)| outcome.steps.values());
    let (mut done, mut failed, mut rest) = (0, 0, 0);
    for ended in all {
        match ended.result {
            StepResult::Succeeded => done += 1,
            StepResult::Failed => failed += 1,
            StepResult::Skipped | StepResult::Cancelled | StepResult::Held => rest += 1,
        }
    }
    let steps = if failed == 1 { "step" } else { "steps" };
    let cleans = run.last.policy.mode.clean.is_some();
    let word = match (run.converged, exit.code, failed) {
        (true, 0, _) if cleans => "clean".to_owned(),
        (false, ..) if cleans => "not clean".to_owned(),
        (true, 0, _) => "converged".to_owned(),
        (true, _, 0) => "in sync now, but not all of this run went well".to_owned(),
        (true, ..) => format!("in sync now, but {failed} {steps} of this run failed"),
        (false, ..) => "not converged".to_owned(),
    };
    let held = &run.last.plan.held;
    let held = held
        .iter()
        .filter(|held| held.reason.class() != Class::Information)
        .count();
    let mut parts = vec![format!("{done} done")];
    for (count, what) in [(failed, "failed"), (rest, "not done"), (held, "held")] {
        if count > 0 {
            parts.push(format!("{count} {what}"));
        }
    }
    format!("{word}: {} (exit {})", parts.join(", "), exit.code)
}
