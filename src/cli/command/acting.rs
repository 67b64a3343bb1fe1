//! Acting: the lock, the signals, the record and the progress around a run that changes something.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::cli::args::{OnLock, Reconcile};
use crate::cli::error::CliError;
use crate::cli::session::Session;
use crate::execute::{Cancel, Caps, Emitter, EventBody, Retries, Settings, Sink};
use crate::plan::Plan;
use crate::ports::World;
use crate::reconcile::{
    Look, Question, Run, RunError, Runner, announce, announce_sources, on_store,
};
use crate::report::{
    Collector, Exit, ExitCode, PlainProgress, TtyProgress, plan_doc, plan_text, run_doc, run_text,
};
use crate::store::{EventRecord, Holder, Lease, RunId, RunStart, Store, StoreError, liveness};

/// How often the lease is renewed and events are stored.
const BEAT: Duration = Duration::from_millis(500);
/// Every how many beats the lease is renewed.
const RENEW: u32 = 20;
/// Every how many beats a sign of life is given where no terminal shows one.
const ALIVE: u32 = 60;

/// What is to be done.
pub(crate) struct Order {
    pub(crate) question: Question,
    pub(crate) words: Vec<String>,
    pub(crate) yes: bool,
    pub(crate) on_lock: OnLock,
    pub(crate) lock_timeout: Duration,
    pub(crate) timeout: Option<Duration>,
    pub(crate) jobs: Option<u16>,
    pub(crate) step_timeout: Duration,
    pub(crate) retries: u32,
}

impl Order {
    /// What a reconcile asked for.
    pub(crate) fn of(args: &Reconcile, question: Question, words: Vec<String>) -> Self {
        Self {
            question,
            words,
            yes: args.yes,
            on_lock: args.on_lock,
            lock_timeout: args.lock_timeout,
            timeout: args.timeout,
            jobs: args.jobs,
            step_timeout: args.step_timeout,
            retries: args.retries,
        }
    }
}

/// Takes the lock, does what was ordered, and gives it back.
pub(crate) async fn act(
    session: &Session,
    world: &World,
    store: Arc<Store>,
    order: Order,
) -> Result<Exit, CliError> {
    let holder = Holder::of_this_process(&format!("rollcall {}", order.words.join(" ")));
    let lease = acquire(session, world, &store, &holder, &order).await?;
    let done = under_lease(session, world, &store, &lease, order).await;
    let released = on_store(&store, move |store| store.release(&lease)).await;
    let exit = done?;
    released?;
    Ok(exit)
}

async fn acquire(
    session: &Session,
    world: &World,
    store: &Arc<Store>,
    holder: &Holder,
    order: &Order,
) -> Result<Lease, CliError> {
    let mut waited = Duration::ZERO;
    loop {
        let (candidate, now) = (holder.clone(), world.clock.now());
        match on_store(store, move |store| {
            store.acquire(&candidate, now, &liveness)
        })
        .await
        {
            Err(RunError::Store(StoreError::Locked(view)))
                if order.on_lock == OnLock::Wait && waited < order.lock_timeout =>
            {
                if waited.is_zero() {
                    session.say(&format!("waiting for {view}"));
                }
                tokio::time::sleep(BEAT).await;
                waited += BEAT;
            }
            other => return Ok(other?),
        }
    }
}

/// The sinks of one run.
struct Sinks {
    collector: Collector,
    plain: Option<PlainProgress<crate::cli::SharedWriter>>,
    tty: Option<TtyProgress>,
    streams: Vec<Box<dyn Sink>>,
}

impl Sinks {
    fn of(session: &Session) -> Result<Self, CliError> {
        let paint = session.err_paint();
        Ok(Self {
            collector: Collector::default(),
            plain: session
                .plain_lines()
                .then(|| PlainProgress::new(session.streams.err.clone(), paint)),
            tty: session.live_rows().then(|| TtyProgress::new(paint)),
            streams: session.event_sinks()?,
        })
    }

    fn all(&self) -> Vec<&dyn Sink> {
        let mut all: Vec<&dyn Sink> = vec![&self.collector];
        all.extend(self.plain.as_ref().map(|sink| sink as &dyn Sink));
        all.extend(self.tty.as_ref().map(|sink| sink as &dyn Sink));
        all.extend(self.streams.iter().map(|sink| &**sink as &dyn Sink));
        all
    }
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
        settings: settings(session, &order),
        question,
        cancel,
    };
    let look = runner.prepare().await?;
    if look.plan.is_empty() || !look.plan.refusals.is_empty() {
        return nothing_done(session, &runner, look, began).await;
    }
    forbid_mixed(&look)?;
    if !confirmed(session, &look, order.yes)? {
        return Err(CliError::new(
            ExitCode::Refused,
            "refused at the prompt: nothing was changed",
        ));
    }
    runner.run = record_start(&runner, &order, session).await?;
    runner.settings.log_dir = Some(
        session
            .settings
            .state_dir
            .join("runs")
            .join(runner.run.0.to_string()),
    );
    say_parallelism(session, &runner.settings, &look.plan);
    let sinks = Sinks::of(session)?;
    let emitter = Emitter::new(Arc::clone(&world.clock), sinks.all());
    emitter.name_run(runner.run.0.to_string());
    emitter.emit(
        format!("run {}: {}", runner.run.0, order.words.join(" ")),
        EventBody::RunStarted {
            mode: order.words.join(" "),
            sandbox: session.settings.sandbox.is_some(),
            database: session.settings.db.display().to_string(),
        },
    );
    announce_sources(&look.observed, &emitter);
    let stop = watch_signals(cancel_sender, order.timeout);
    let keep = keep(&runner, &sinks);
    let (ran, interruption) = {
        tokio::pin!(stop, keep);
        let run = runner.run(look, &emitter);
        tokio::pin!(run);
        let mut interruption = None;
        let ran = loop {
            tokio::select! {
                ran = &mut run => break ran,
                () = &mut keep => {}
                code = &mut stop, if interruption.is_none() => interruption = Some(code),
            }
        };
        (ran, interruption)
    };
    let run = ran?;
    finish(session, &runner, run, interruption, began, &emitter, &sinks).await
}

/// Nothing to do, or nothing that may be done: the rows learn what was found, and there is no run to record.
async fn nothing_done(
    session: &Session,
    runner: &Runner<'_>,
    look: Look,
    began: jiff::Timestamp,
) -> Result<Exit, CliError> {
    let sinks = Sinks::of(session)?;
    let emitter = Emitter::new(Arc::clone(&runner.world.clock), sinks.all());
    let run = runner.run(look, &emitter).await?;
    let mut found = Exit::of_plan(&run.last.plan, false);
    found.extend(
        run.last
            .plan
            .refusals
            .iter()
            .map(|refusal| (ExitCode::Refused, refusal.to_string())),
    );
    let exit = Exit::of(found);
    emit_finished(&emitter, &exit, began, runner.world);
    let rows = run.last.snapshot.desired.rows.len();
    let plan = plan_doc(
        &run.last.plan,
        session.subject(&run.last),
        rows,
        exit.clone(),
    );
    let verdict = if run.last.plan.refusals.is_empty() {
        plan.verdict
    } else {
        format!("refused: {}", plan.verdict)
    };
    let took = millis(began, runner.world);
    let converged = run.converged;
    let doc = run_doc(
        None,
        session.subject(&run.last),
        &[],
        &run.last.plan,
        verdict,
        converged,
        took,
        exit.clone(),
    );
    session.answer(&doc, |paint| run_text(&doc, paint))?;
    Ok(exit)
}

/// Adopting never goes with deleting what bears the same name.
fn forbid_mixed(look: &Look) -> Result<(), CliError> {
    use crate::plan::ActionKind;
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

/// On a terminal, a plan that loses something of worth asks once. Where nobody can answer, the mode flag is the consent.
fn confirmed(session: &Session, look: &Look, yes: bool) -> Result<bool, CliError> {
    let destructive = look
        .plan
        .steps
        .iter()
        .filter(|step| step.destructive())
        .count();
    if destructive == 0 || yes || !session.streams.in_tty || !session.streams.err_tty {
        return Ok(true);
    }
    let doc = plan_doc(
        &look.plan,
        session.subject(look),
        look.snapshot.desired.rows.len(),
        Exit::default(),
    );
    let mut err = session.streams.err.clone();
    let _ = write!(err, "{}", plan_text(&doc, session.err_paint(), None));
    let _ = write!(err, "\ndelete {destructive} of these? [y/N] ");
    let _ = err.flush();
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).map_err(|error| {
        CliError::new(
            ExitCode::Refused,
            format!("no answer could be read: {error}"),
        )
    })?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

fn settings(session: &Session, order: &Order) -> Settings {
    let heavy = order.jobs.map_or_else(automatic_jobs, usize::from);
    let _ = session;
    Settings {
        caps: Caps {
            heavy,
            per_provider: std::collections::BTreeMap::new(),
        },
        step_timeout: order.step_timeout,
        look_timeout: Duration::from_secs(10),
        retries: Retries {
            more: order.retries,
            ..Retries::default()
        },
        log_dir: None,
    }
}

/// min(cores, free memory / 1.5 GiB, 4), and at least one.
fn automatic_jobs() -> usize {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let by_memory = free_memory_mib().map_or(4, |mib| usize::try_from(mib / 1536).unwrap_or(4));
    cores.min(by_memory).clamp(1, 4)
}

/// `MemAvailable` of /proc/meminfo, in MiB.
fn free_memory_mib() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kib: u64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kib / 1024)
}

fn say_parallelism(session: &Session, settings: &Settings, plan: &Plan) {
    use crate::plan::ActionKind;
    let heavy = plan.count(ActionKind::Create) + plan.count(ActionKind::Start);
    if heavy > 1 {
        session.say(&format!(
            "{} clusters, {} at once (-j)",
            heavy,
            settings.caps.heavy.min(heavy)
        ));
    }
}

async fn record_start(
    runner: &Runner<'_>,
    order: &Order,
    session: &Session,
) -> Result<RunId, CliError> {
    let holder = Holder::of_this_process("rollcall");
    let start = RunStart {
        mode: order.words.join(" "),
        args: serde_json::to_string(&order.words).unwrap_or_default(),
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

/// Keeps the lease alive and the record up to date until the run ends.
async fn keep(runner: &Runner<'_>, sinks: &Sinks) {
    let mut beats = 0_u32;
    loop {
        tokio::time::sleep(BEAT).await;
        beats = beats.wrapping_add(1);
        // What cannot be stored now is kept and stored at the end; a lost lease is found by the next step.
        let _ = store_events(runner, sinks.collector.drain()).await;
        if beats.is_multiple_of(RENEW) {
            let (lease, now) = (runner.lease.clone(), runner.world.clock.now());
            let _ = on_store(&runner.store, move |store| store.renew(&lease, now)).await;
        }
        if let (Some(plain), true) = (&sinks.plain, beats.is_multiple_of(ALIVE)) {
            plain.heartbeat(&format!("… still at it, {} s", beats / 2));
        }
    }
}

async fn store_events(
    runner: &Runner<'_>,
    events: Vec<crate::execute::Event>,
) -> Result<(), RunError> {
    if events.is_empty() {
        return Ok(());
    }
    let run = runner.run;
    let records: Vec<EventRecord> = events
        .iter()
        .filter_map(|event| {
            let json = serde_json::to_string(event).ok()?;
            Some(EventRecord {
                seq: event.seq,
                at: event.ts,
                json,
            })
        })
        .collect();
    on_store(&runner.store, move |store| {
        store.append_events(run, &records)
    })
    .await
}

/// The first signal, or the end of the overall time, stops scheduling; the second kills what runs. Returns what to
/// exit with once the run has ended.
async fn watch_signals(cancel: watch::Sender<Cancel>, timeout: Option<Duration>) -> ExitCode {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate), Ok(mut hangup)) = (
        signal(SignalKind::interrupt()),
        signal(SignalKind::terminate()),
        signal(SignalKind::hangup()),
    ) else {
        return std::future::pending().await;
    };
    let over = async {
        match timeout {
            Some(timeout) => tokio::time::sleep(timeout).await,
            None => std::future::pending().await,
        }
    };
    let code = tokio::select! {
        _ = interrupt.recv() => ExitCode::Interrupted,
        _ = terminate.recv() => ExitCode::Terminated,
        _ = hangup.recv() => ExitCode::Terminated,
        () = over => {
            let _ = cancel.send(Cancel::Kill);
            return ExitCode::Timeout;
        }
    };
    let _ = cancel.send(Cancel::Stop);
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        let _ = cancel.send(Cancel::Kill);
        // Whoever waits for the channel must still find it open.
        std::future::pending::<()>().await;
    });
    code
}

async fn finish(
    session: &Session,
    runner: &Runner<'_>,
    run: Run,
    interruption: Option<ExitCode>,
    began: jiff::Timestamp,
    emitter: &Emitter<'_>,
    sinks: &Sinks,
) -> Result<Exit, CliError> {
    let exit = exit_of(&run, interruption);
    let verdict = verdict(&run, &exit);
    emit_finished(emitter, &exit, began, runner.world);
    store_events(runner, sinks.collector.drain()).await?;
    let (id, code, text, now) = (
        runner.run,
        i32::from(exit.code),
        verdict.clone(),
        runner.world.clock.now(),
    );
    on_store(&runner.store, move |store| {
        store.finish_run(id, code, &text, now)
    })
    .await?;
    let took = millis(began, runner.world);
    let subject = session.subject(&run.last);
    let name = Some(runner.run.0.to_string());
    let doc = run_doc(
        name,
        subject,
        &run.rounds,
        &run.last.plan,
        verdict,
        run.converged,
        took,
        exit.clone(),
    );
    session.answer(&doc, |paint| run_text(&doc, paint))?;
    Ok(exit)
}

fn exit_of(run: &Run, interruption: Option<ExitCode>) -> Exit {
    let mut found = Exit::of_plan(&run.last.plan, false);
    for (plan, outcome) in &run.rounds {
        found.extend(Exit::of_outcome(plan, outcome));
    }
    found.extend(
        run.last
            .plan
            .refusals
            .iter()
            .map(|refusal| (ExitCode::Refused, refusal.to_string())),
    );
    if run.restless {
        found.push((
            ExitCode::Drift,
            "the table changed during the run again and again".to_owned(),
        ));
    }
    let left = run.last.plan.steps.len();
    if left > 0 {
        found.push((ExitCode::Drift, format!("{left} changes are left")));
    }
    if let Some(code) = interruption {
        found.push((code, "the run was ended early".to_owned()));
    }
    Exit::of(found)
}

fn verdict(run: &Run, exit: &Exit) -> String {
    use crate::execute::StepResult;
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
    let word = if run.converged {
        "converged"
    } else {
        "not converged"
    };
    let held = run
        .last
        .plan
        .held
        .iter()
        .filter(|h| h.reason.class() != crate::plan::Class::Information)
        .count();
    let mut parts = vec![format!("{done} done")];
    for (count, what) in [(failed, "failed"), (rest, "not done"), (held, "held")] {
        if count > 0 {
            parts.push(format!("{count} {what}"));
        }
    }
    format!("{word}: {} (exit {})", parts.join(", "), exit.code)
}

fn emit_finished(emitter: &Emitter<'_>, exit: &Exit, began: jiff::Timestamp, world: &World) {
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
            duration_ms: millis(began, world),
        },
    );
}

fn millis(began: jiff::Timestamp, world: &World) -> u64 {
    u64::try_from(world.clock.now().duration_since(began).as_millis()).unwrap_or(0)
}

/// A dry run's events, for those who asked for a stream.
pub(crate) fn stream_plan(session: &Session, look: &Look, exit: &Exit) -> Result<(), CliError> {
    let sinks = session.event_sinks()?;
    if sinks.is_empty() {
        return Ok(());
    }
    let clock: crate::clock::SharedClock = Arc::new(crate::clock::SystemClock);
    let emitter = Emitter::new(
        Arc::clone(&clock),
        sinks.iter().map(|sink| &**sink as &dyn Sink).collect(),
    );
    emitter.emit(
        "dry run",
        EventBody::RunStarted {
            mode: "dry_run".to_owned(),
            sandbox: session.settings.sandbox.is_some(),
            database: session.settings.db.display().to_string(),
        },
    );
    announce_sources(&look.observed, &emitter);
    announce(&look.plan, &emitter);
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
            duration_ms: 0,
        },
    );
    Ok(())
}
