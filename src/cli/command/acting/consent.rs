//! Consent: on a terminal, a plan that loses something of worth is shown, and a person says yes to exactly that plan.

use std::io::Write;

use super::Order;
use super::lease::holding;
use crate::cli::error::CliError;
use crate::cli::session::Session;
use crate::model::printable_lines;
use crate::plan::{ActionKind, Step};
use crate::reconcile::{Look, Runner};
use crate::report::{Exit, ExitCode, plan_doc, plan_text};

/// Asks if it must, and hands back the look whose plan may be executed: after an answer everything is looked at again,
/// and what differs from what was shown is asked anew. Where nobody can answer, the mode flag is the consent.
pub(super) async fn obtain(
    session: &Session,
    runner: &Runner<'_>,
    order: &Order,
    mut look: Look,
) -> Result<Look, CliError> {
    while must_ask(session, &look, order.yes)? {
        ask(session, runner, order, &look).await?;
        let again = holding(runner, order.deadline.bound(runner.prepare())).await??;
        let same = again.plan.steps == look.plan.steps;
        look = again;
        if same || !executable(&look) {
            break;
        }
        session.say("what would be done changed while you were asked:");
    }
    Ok(look)
}

/// Whether a plan is there to be executed.
pub(super) fn executable(look: &Look) -> bool {
    !look.plan.is_empty() && look.plan.refusals.is_empty()
}

fn losses(look: &Look) -> impl Iterator<Item = &Step> {
    look.plan.steps.iter().filter(|step| step.destructive())
}

fn must_ask(session: &Session, look: &Look, yes: bool) -> Result<bool, CliError> {
    let streams = &session.streams;
    if yes || !streams.in_tty || losses(look).next().is_none() {
        return Ok(false);
    }
    if streams.err_tty {
        return Ok(true);
    }
    Err(CliError::new(
        ExitCode::Refused,
        format!(
            "this would {}, and standard error is no terminal to ask on: nothing was changed",
            what_goes(look)
        ),
    )
    .hint("add --yes if that is meant"))
}

/// `delete k3d/dev and kind/ops, forget row old`.
fn what_goes(look: &Look) -> String {
    let named = |kind: ActionKind| {
        losses(look)
            .filter(move |step| step.action.kind() == kind)
            .map(|step| match step.action.cluster() {
                Some(id) if kind == ActionKind::Delete => id.to_string(),
                _ => step.action.address().to_string(),
            })
            .collect::<Vec<_>>()
            .join(" and ")
    };
    [
        ("delete", named(ActionKind::Delete)),
        ("forget", named(ActionKind::PruneRow)),
    ]
    .into_iter()
    .filter(|(_, names)| !names.is_empty())
    .map(|(verb, names)| format!("{verb} {names}"))
    .collect::<Vec<_>>()
    .join(", ")
}

async fn ask(
    session: &Session,
    runner: &Runner<'_>,
    order: &Order,
    look: &Look,
) -> Result<(), CliError> {
    let doc = plan_doc(
        &look.plan,
        session.subject(look),
        look.snapshot.desired.rows.len(),
        Exit::default(),
    );
    let mut err = session.streams.err.clone();
    let paint = session.err_paint();
    let text = plan_text(&doc, paint, None);
    let text = printable_lines(&text, paint.color);
    let refused = |why: String| CliError::new(ExitCode::Refused, why);
    write!(err, "{text}\n{}? [y/N] ", what_goes(look))
        .and_then(|()| err.flush())
        .map_err(|error| refused(format!("the question could not be asked: {error}")))?;
    let answered = holding(runner, order.deadline.bound(answer(session))).await??;
    let answer = answered.map_err(|error| refused(format!("no answer could be read: {error}")))?;
    if matches!(answer.trim(), "y" | "Y" | "yes") {
        Ok(())
    } else {
        Err(refused(
            "refused at the prompt: nothing was changed".to_owned(),
        ))
    }
}

/// A line, read in a thread of its own: what waits for a person must not keep the process from ending.
async fn answer(session: &Session) -> Result<std::io::Result<String>, CliError> {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let input = session.streams.input.clone();
    std::thread::spawn(move || {
        // Nobody waits any more: the time is over.
        let _ = sender.send(input.line());
    });
    receiver
        .await
        .map_err(|_| CliError::new(ExitCode::Refused, "no answer could be read"))
}
