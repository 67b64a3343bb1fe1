//! `rollcall start`: takes back a stop, and makes the clusters so.

use super::acting::{self, Deadline, Order};
use super::selecting::to_keep;
use crate::cli::args::StartArgs;
use crate::cli::error::CliError;
use crate::cli::session::Session;
use crate::model::{Scope, Selector};
use crate::reconcile::{look, on_store};
use crate::report::Exit;

pub(crate) fn run(session: &Session, args: &StartArgs) -> Result<Exit, CliError> {
    let store = session.open_write()?;
    let world = session.world()?;
    Session::block_on(async {
        let deadline = Deadline::after(args.running.timeout);
        let mut question = session.repair_question(&world, false);
        let now = deadline.bound(look(&world, &store, &question)).await??;
        let ids = to_keep(&now, &args.name)?;
        for id in &ids {
            let name = id.name.clone();
            if on_store(&store, move |store| store.lift_stop(&name)).await? {
                session.say(&format!("{id} is not to be stopped any more"));
            }
        }
        question.probe = true;
        question.policy.scope = Scope {
            only: ids.iter().cloned().map(Selector::Id).collect(),
            exclude: Vec::new(),
        };
        let mut words = vec!["start".to_owned()];
        words.extend(ids.iter().map(ToString::to_string));
        let order = Order::new(question, words, &args.running, deadline);
        acting::act(session, &world, store, order).await
    })
}
