//! `rollcall reconcile`: look, plan, and with a mode make it so.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::cli::args::{Probe, Reconcile};
use crate::cli::error::{CliError, read_observation};
use crate::cli::session::Session;
use crate::observe::Observation;
use crate::plan::{Plan, Refusal, Rule};
use crate::ports::World;
use crate::reconcile::{Look, Question, look, look_at_saved};
use crate::report::{Exit, ExitCode, plan_doc, plan_sheet, plan_text, save_observation};
use crate::store::Store;

use super::acting::{self, Deadline, Order};
use super::aims;
use super::selecting;
use super::status::ADD_A_ROW;

pub(crate) fn run(session: &Session, args: &Reconcile) -> Result<Exit, CliError> {
    let aims = &args.aims;
    let mode = aims::mode(aims)?;
    let acts = (aims.repair || mode.prune.any() || !aims.adopt.is_empty()) && !args.dry_run;
    if args.observation.is_some() && acts {
        return Err(
            CliError::usage("--observation never goes with a mode that changes something")
                .hint("add --dry-run to see what would be planned from it"),
        );
    }
    let world = session.world()?;
    let mut question = aims::question(session, &world, aims, args.probe)?;
    question.ask.introduce = args.save_observation.is_some();
    let store = if acts {
        session.open_write()?
    } else {
        session.open_read()?
    };
    Session::block_on(async {
        let deadline = Deadline::after(args.running.timeout);
        if selecting::names_any(aims) {
            let blind = Question {
                probe: false,
                ..question.clone()
            };
            let now = deadline.bound(see(&world, &store, args, &blind)).await??;
            selecting::resolve(&now, aims, &mut question)?;
        }
        if acts {
            let order = Order {
                yes: args.yes,
                tuning: tuning(args),
                ..Order::new(question, aims::words(aims), &args.running, deadline)
            };
            return acting::act(session, &world, store, order).await;
        }
        let seen = deadline
            .bound(see(&world, &store, args, &question))
            .await??;
        show(session, args, &seen)
    })
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
    let mut words = aims::words(&args.aims);
    if aims::are_bare(&args.aims) {
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
    let yes = args.yes.then(|| "--yes".to_owned());
    let probe = (args.probe == Probe::None).then(|| "--probe none".to_owned());
    let limits = aims::limits(&args.aims).into_iter().chain(yes).chain(probe);
    limits.chain(args.running.words()).collect()
}
