//! `rollcall status`: desired beside observed.

use crate::cli::args::{Probe, StatusArgs};
use crate::cli::error::CliError;
use crate::cli::session::Session;
use crate::reconcile::look;
use crate::report::{Exit, StatusDoc, status_doc, status_sheet, status_text, status_verdict};

/// How a row is added.
pub(super) const ADD_A_ROW: &str = "rollcall cluster add k3d/dev --http-port 18080";

pub(crate) fn run(session: &Session, args: &StatusArgs) -> Result<Exit, CliError> {
    Ok(show(session, args)?.exit)
}

/// Shows the status, and hands it out.
pub(super) fn show(session: &Session, args: &StatusArgs) -> Result<StatusDoc, CliError> {
    let store = session.open_read()?;
    let world = session.world()?;
    let mut question = session.repair_question(&world, args.probe == Probe::Auto);
    if let Some(name) = &args.name {
        question.policy.scope.only.push(name.clone());
    }
    let look = Session::block_on(async { Ok(look(&world, &store, &question).await?) })?;
    let exit = Exit::of(Exit::of_plan(&look.plan, true));
    let running = look.at_work.as_ref().map(ToString::to_string);
    let mut doc = status_doc(
        &look.input(),
        &look.plan,
        session.subject(&look),
        running,
        exit,
    );
    if let Some(name) = &args.name {
        doc.clusters
            .retain(|cluster| cluster.name == name.name().as_str());
        if doc.clusters.is_empty() {
            return Err(
                CliError::usage(format!("there is no row and no cluster named {name}"))
                    .hint("rollcall status   (shows all)"),
            );
        }
        doc.verdict = status_verdict(&doc.clusters);
    }
    session.answer_result(&doc, &status_sheet(&doc), |paint| {
        status_text(&doc, paint, None)
    })?;
    Ok(doc)
}
