//! `rollcall clean`: take away what is ours, and leave the rows.

use super::acting::{self, Deadline, Order};
use crate::cli::args::CleanArgs;
use crate::cli::error::CliError;
use crate::cli::session::Session;
use crate::model::{Clean, Mode};
use crate::observe::Ask;
use crate::ports::World;
use crate::reconcile::{Look, Question, look};
use crate::report::{Exit, plan_doc, plan_sheet, plan_text};

pub(crate) fn run(session: &Session, args: &CleanArgs) -> Result<Exit, CliError> {
    let world = session.world()?;
    let question = question(session, &world, args);
    let store = if args.dry_run {
        session.open_read()?
    } else {
        session.open_write()?
    };
    Session::block_on(async {
        let deadline = Deadline::after(args.running.timeout);
        if args.dry_run {
            let seen = deadline.bound(look(&world, &store, &question)).await??;
            return show(session, args, &seen);
        }
        let order = Order {
            yes: args.yes,
            ..Order::new(question, words(args), &args.running, deadline)
        };
        let exit = acting::act(session, &world, store, order).await?;
        if exit.code == 0 {
            let back = session.command("rollcall reconcile --repair");
            let but = if args.all {
                ", all but the management cluster"
            } else {
                ""
            };
            session.say(&format!(
                "the rows stay; to bring back what they want{but}: {back}"
            ));
        }
        Ok(exit)
    })
}

fn question(session: &Session, world: &World, args: &CleanArgs) -> Question {
    let clean = if args.all {
        Clean::Everything
    } else {
        Clean::Clusters
    };
    let mode = Mode {
        clean: Some(clean),
        ..Mode::default()
    };
    Question {
        policy: session.policy(world, mode),
        ask: Ask::default(),
        // Whether what goes answers is of no matter.
        probe: false,
        accept_engine: args.accept_engine,
        respect_others: true,
    }
}

fn words(args: &CleanArgs) -> Vec<String> {
    let all = args.all.then(|| "--all".to_owned());
    ["clean".to_owned()].into_iter().chain(all).collect()
}

fn show(session: &Session, args: &CleanArgs, seen: &Look) -> Result<Exit, CliError> {
    let exit = Exit::of(Exit::of_plan(&seen.plan, true));
    let rows = seen.snapshot.desired.rows.len();
    let doc = plan_doc(&seen.plan, session.subject(seen), rows, exit.clone());
    let mut apply = words(args);
    apply.extend(args.running.words());
    let apply = session.command(&format!("rollcall {}", apply.join(" ")));
    session.answer_result(&doc, &plan_sheet(&doc, &apply), |paint| {
        plan_text(&doc, paint, Some(&apply))
    })?;
    acting::stream_plan(session, seen, &exit)?;
    Ok(exit)
}
