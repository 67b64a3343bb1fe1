//! `rollcall stop`: a person wants clusters stopped, and kept.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::SignedDuration;

use super::acting::{self, Deadline, Order};
use super::selecting::to_keep;
use crate::cli::args::StopArgs;
use crate::cli::error::CliError;
use crate::cli::session::Session;
use crate::model::{ClusterId, Mode, Ownership, Scope, Selector, one_line};
use crate::observe::Ask;
use crate::ports::World;
use crate::reconcile::{Look, Question, look, on_store};
use crate::report::{Exit, ExitCode};
use crate::store::{Stop, Store};

/// How much of what a person says about it is kept.
const SAID: usize = 200;

pub(crate) fn run(session: &Session, args: &StopArgs) -> Result<Exit, CliError> {
    let store = session.open_write()?;
    let world = session.world()?;
    Session::block_on(async {
        let deadline = Deadline::after(args.running.timeout);
        let mut question = Question {
            policy: session.policy(&world, Mode::default()),
            ask: Ask::default(),
            probe: false,
            accept_engine: false,
            respect_others: true,
        };
        let now = deadline.bound(look(&world, &store, &question)).await??;
        let ids = to_keep(&now, &args.name)?;
        for id in &ids {
            ours_if_it_lives(&now, id)?;
        }
        write_down(session, args, &world, &store, &ids).await?;
        question.policy.scope = Scope {
            only: ids.iter().cloned().map(Selector::Id).collect(),
            exclude: Vec::new(),
        };
        let mut words = vec!["stop".to_owned()];
        words.extend(ids.iter().map(ToString::to_string));
        question.policy.stop = ids;
        let order = Order::new(question, words, &args.running, deadline);
        let names: Vec<String> = args.name.iter().map(ToString::to_string).collect();
        let ended = acting::act(session, &world, store, order).await;
        if !matches!(&ended, Ok(exit) if exit.code == 0) {
            let back = session.command(&format!("rollcall start {}", names.join(" ")));
            session.say(&format!(
                "the wish stands all the same; to take it back: {back}"
            ));
        }
        ended
    })
}

/// What somebody else made is theirs to stop.
fn ours_if_it_lives(now: &Look, id: &ClusterId) -> Result<(), CliError> {
    let view = now.observed.cluster(id).filter(|view| view.has_nodes());
    let ours = |view| matches!(now.snapshot.ledger.ownership(view), Ownership::Ours(_));
    if view.is_none_or(ours) {
        return Ok(());
    }
    Err(
        CliError::new(ExitCode::Refused, format!("{id} is not ours to stop"))
            .hint(format!("rollcall cluster adopt {id}")),
    )
}

/// The wish stands before anything is stopped: what a run begins another one does not undo.
async fn write_down(
    session: &Session,
    args: &StopArgs,
    world: &World,
    store: &Arc<Store>,
    ids: &BTreeSet<ClusterId>,
) -> Result<(), CliError> {
    let since = world.clock.now();
    let lasting = args.lasting.map(SignedDuration::try_from).transpose();
    let until = lasting
        .and_then(|lasting| {
            lasting
                .map(|lasting| since.checked_add(lasting))
                .transpose()
        })
        .map_err(|error| CliError::usage(format!("--for: {error}")))?;
    let said = |text: &String| one_line(text, SAID);
    let user = || session.streams.var("USER").map(str::to_owned);
    for id in ids {
        let stop = Stop {
            name: id.name.clone(),
            who: args.who.clone().or_else(user).as_ref().map(said),
            why: args.why.as_ref().map(said),
            until,
            since,
        };
        on_store(store, move |store| store.put_stop(&stop)).await?;
        let until = until.map_or_else(|| "somebody starts it".to_owned(), |at| at.to_string());
        let start = session.command(&format!("rollcall start {}", id.name));
        session.say(&format!("{id} is to be stopped until {until}: {start}"));
    }
    Ok(())
}
