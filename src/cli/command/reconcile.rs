//! `rollcall reconcile`: look, plan, and with a mode make it so.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::cli::args::{LOCK_TIMEOUT, OnLock, Probe, RETRIES, Reconcile, STEP_TIMEOUT};
use crate::cli::error::{CliError, read_observation};
use crate::cli::session::Session;
use crate::model::{DeleteLimit, Mode, Prune, Scope};
use crate::observe::Observation;
use crate::plan::{Plan, Refusal, Rule};
use crate::ports::World;
use crate::reconcile::{Look, Question, look, look_at_saved};
use crate::report::{Exit, ExitCode, plan_doc, plan_sheet, plan_text, save_observation};
use crate::store::Store;

use super::acting::{self, Deadline, Order};
use super::selecting;
use super::status::ADD_A_ROW;

pub(crate) fn run(session: &Session, args: &Reconcile) -> Result<Exit, CliError> {
    let mode = mode(args)?;
    let acts = (args.repair || mode.prune.any() || !args.adopt.is_empty()) && !args.dry_run;
    if args.observation.is_some() && acts {
        return Err(
            CliError::usage("--observation never goes with a mode that changes something")
                .hint("add --dry-run to see what would be planned from it"),
        );
    }
    let world = session.world()?;
    let mut question = question(session, &world, args, mode);
    let store = if acts {
        session.open_write()?
    } else {
        session.open_read()?
    };
    Session::block_on(async {
        let deadline = Deadline::after(args.timeout);
        if selecting::names_any(args) {
            let blind = Question {
                probe: false,
                ..question.clone()
            };
            let now = deadline.bound(see(&world, &store, args, &blind)).await??;
            selecting::resolve(&now, args, &mut question)?;
        }
        if acts {
            let order = Order::of(args, question, words(args), tuning(args), deadline);
            return acting::act(session, &world, store, order).await;
        }
        let seen = deadline
            .bound(see(&world, &store, args, &question))
            .await??;
        show(session, args, &seen)
    })
}

/// The mode that was asked for. Without one, what a repair would do.
fn mode(args: &Reconcile) -> Result<Mode, CliError> {
    let prune = args.prunes();
    if args.repair && prune.rows {
        return Err(CliError::usage(
            "--repair and --prune=rows are opposite answers to one drift: create, or forget",
        )
        .hint("rollcall reconcile --repair --prune=orphans,registrations")
        .hint("rollcall reconcile --prune=rows"));
    }
    let bare = !args.repair && !prune.any() && args.adopt.is_empty();
    let repair = args.repair || bare;
    if !repair && (args.replace_broken || !args.replace.is_empty()) {
        return Err(CliError::usage(
            "--replace makes a cluster again, and without --repair nothing is made",
        )
        .hint("rollcall reconcile --repair --replace NAME"));
    }
    Ok(Mode {
        repair,
        prune: if bare { Prune::default() } else { prune },
    })
}

fn question(session: &Session, world: &World, args: &Reconcile, mode: Mode) -> Question {
    let mut policy = session.policy(world, mode);
    policy.scope = Scope {
        only: args.only.clone(),
        exclude: args.exclude.clone(),
    };
    policy.replace_broken = args.replace_broken;
    policy.guards.allow_all = args.allow_all;
    if let Some(limit) = args.max_deletes {
        policy.guards.limit = limit;
    }
    Question {
        policy,
        ask: crate::observe::Ask {
            introduce: args.save_observation.is_some(),
            ..crate::observe::Ask::default()
        },
        probe: args.probe == Probe::Auto,
        accept_engine: args.accept_engine,
        respect_others: true,
    }
}

async fn see(
    world: &World,
    store: &Arc<Store>,
    args: &Reconcile,
    question: &Question,
) -> Result<Look, CliError> {
    let Some(path) = &args.observation else {
        return Ok(look(world, store, question).await?);
    };
    let saved = read_observation(path)?;
    Ok(look_at_saved(world, store, question, saved.observed, saved.observed_at).await?)
}

/// Shows a plan that is not executed.
fn show(session: &Session, args: &Reconcile, seen: &Look) -> Result<Exit, CliError> {
    if let Some(path) = &args.save_observation {
        let file = std::fs::File::create(path)
            .map_err(|error| CliError::file("save the observation to", path, &error))?;
        save_observation(
            &Observation::new(seen.observed.clone(), seen.observed_at),
            file,
        )
        .map_err(|error| CliError::file("save the observation to", path, &error))?;
    }
    let mut found = Exit::of_plan(&seen.plan, true);
    found.extend(
        seen.plan
            .refusals
            .iter()
            .map(|refusal| (ExitCode::Drift, format!("a guard would refuse: {refusal}"))),
    );
    let exit = Exit::of(found);
    let doc = plan_doc(
        &seen.plan,
        session.subject(seen),
        seen.snapshot.desired.rows.len(),
        exit.clone(),
    );
    let apply = session.command(&apply(args, &seen.plan));
    session.answer_result(&doc, &plan_sheet(&doc, &apply), |paint| {
        plan_text(&doc, paint, Some(&apply))
    })?;
    acting::stream_plan(session, seen, &exit)?;
    if seen.snapshot.desired.rows.is_empty() {
        session.say(&session.command(&format!("the table is empty; to add a row: {ADD_A_ROW}")));
    }
    Ok(exit)
}

/// The command that would do what a dry run shows; where a guard refuses, with the flag that lifts it.
fn apply(args: &Reconcile, plan: &Plan) -> String {
    let mut words = words(args);
    words.retain(|word| word != "--dry-run");
    if !args.repair && args.prune.is_empty() && args.adopt.is_empty() {
        words.insert(1, "--repair".to_owned());
    }
    let lift = lift(plan);
    let tuning = tuning(args)
        .into_iter()
        .filter(|word| lift.is_none() || !word.starts_with("--max-deletes"));
    words.extend(tuning);
    words.extend(lift);
    format!("rollcall {}", words.join(" "))
}

/// The flag that lets a refused plan pass.
fn lift(plan: &Plan) -> Option<String> {
    if plan.refusals.is_empty() {
        return None;
    }
    let too_many = |refusal: &Refusal| matches!(refusal.rule, Rule::TooMany { .. });
    if !plan.refusals.iter().all(too_many) {
        return Some("--allow-all".to_owned());
    }
    // One limit holds for every class, also for those that the present one lets pass.
    let mut classes: BTreeMap<String, usize> = BTreeMap::new();
    for step in plan.steps.iter().filter(|step| step.inferred) {
        let address = step.action.address().to_string();
        let kind = address.rsplit_once('/').map_or("", |(kind, _)| kind);
        *classes.entry(kind.to_owned()).or_default() += 1;
    }
    let refused = plan.refusals.iter().map(|refusal| refusal.deletes);
    let most = refused.chain(classes.into_values()).max();
    most.map(|count| format!("--max-deletes {count}"))
}

/// The arguments that only tune a run, as far as they are not the default.
fn tuning(args: &Reconcile) -> Vec<String> {
    let mut words = Vec::new();
    let mut flag = |on: bool, text: String| {
        if on {
            words.push(text);
        }
    };
    flag(args.accept_engine, "--accept-engine".to_owned());
    flag(args.yes, "--yes".to_owned());
    flag(args.probe == Probe::None, "--probe none".to_owned());
    flag(args.on_lock == OnLock::Fail, "--on-lock fail".to_owned());
    flag(
        args.retries != RETRIES,
        format!("--retries {}", args.retries),
    );
    for (name, value, usual) in [
        ("step-timeout", args.step_timeout, STEP_TIMEOUT),
        ("lock-timeout", args.lock_timeout, LOCK_TIMEOUT),
    ] {
        flag(value != usual, format!("--{name} {}", seconds(value)));
    }
    let limit = args.max_deletes.map(|limit| match limit {
        DeleteLimit::Count(count) => count.to_string(),
        DeleteLimit::Percent(percent) => format!("{percent}%"),
    });
    words.extend(limit.map(|limit| format!("--max-deletes {limit}")));
    words.extend(args.jobs.map(|jobs| format!("-j {jobs}")));
    words.extend(
        args.timeout
            .map(|timeout| format!("--timeout {}", seconds(timeout))),
    );
    words
}

fn seconds(duration: Duration) -> String {
    if duration.subsec_nanos() == 0 {
        format!("{}s", duration.as_secs())
    } else {
        format!("{}ms", duration.as_millis())
    }
}

/// The call as words, for the record and for the way on. What only tunes a run is left to [`tuning`].
fn words(args: &Reconcile) -> Vec<String> {
    let mut words = vec!["reconcile".to_owned()];
    let mut flag = |on: bool, text: String| {
        if on {
            words.push(text);
        }
    };
    flag(args.repair, "--repair".to_owned());
    let prune = args.prunes();
    let what: Vec<_> = [
        (prune.rows, "rows"),
        (prune.orphans, "orphans"),
        (prune.registrations, "registrations"),
    ]
    .into_iter()
    .filter_map(|(on, what)| on.then_some(what))
    .collect();
    flag(prune == Prune::ALL, "--prune".to_owned());
    flag(
        prune.any() && prune != Prune::ALL,
        format!("--prune={}", what.join(",")),
    );
    flag(args.dry_run, "--dry-run".to_owned());
    flag(args.replace_broken, "--replace-broken".to_owned());
    flag(args.allow_all, "--allow-all".to_owned());
    let lists = [
        ("only", &args.only),
        ("exclude", &args.exclude),
        ("replace", &args.replace),
        ("adopt", &args.adopt),
    ];
    for (name, list) in lists {
        list.iter()
            .for_each(|selector| flag(true, format!("--{name} {selector}")));
    }
    words
}
