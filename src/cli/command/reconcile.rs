//! `rollcall reconcile`: look, plan, and with a mode make it so.

use std::sync::Arc;

use crate::cli::args::{Probe, Reconcile};
use crate::cli::error::{CliError, read_observation};
use crate::cli::session::Session;
use crate::model::{Mode, Prune, Scope};
use crate::observe::Observation;
use crate::ports::World;
use crate::reconcile::{Look, Question, look, look_at_saved};
use crate::report::{Exit, ExitCode, plan_doc, plan_text, save_observation};
use crate::store::Store;

use super::acting::{self, Order};
use super::selecting;

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
    if acts {
        let store = session.open_write()?;
        return Session::block_on(async {
            selecting::resolve(&world, &store, args, &mut question).await?;
            acting::act(
                session,
                &world,
                store,
                Order::of(args, question, words(args)),
            )
            .await
        });
    }
    let store = session.open_read()?;
    Session::block_on(async {
        if args.observation.is_none() {
            selecting::resolve(&world, &store, args, &mut question).await?;
        }
        let seen = see(&world, &store, args, &question).await?;
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
    Ok(Mode {
        repair: args.repair || bare,
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
        ask: crate::observe::Ask::default(),
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
    let apply = format!(
        "rollcall{} {}",
        super::home::flags(session),
        apply_words(args)
    );
    session.answer(&doc, |paint| plan_text(&doc, paint, Some(&apply)))?;
    acting::stream_plan(session, seen, &exit)?;
    Ok(exit)
}

/// The words of the command that would do what a dry run shows.
fn apply_words(args: &Reconcile) -> String {
    let mut words = words(args);
    if !args.repair && args.prune.is_empty() && args.adopt.is_empty() {
        words.insert(1, "--repair".to_owned());
    }
    words.retain(|word| word != "--dry-run");
    words.join(" ")
}

/// The call as words, for the record and for the way on. What only tunes a run is left out.
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
