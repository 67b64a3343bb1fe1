//! `rollcall verify`: is every row true everywhere, now and for a while?

use std::time::Duration;

use super::selecting::check_scope;
use crate::cli::args::VerifyArgs;
use crate::cli::error::CliError;
use crate::cli::session::Session;
use crate::reconcile::{Look, Steady, hold_steady, look};
use crate::report::{Exit, Sync, status_doc, status_sheet, status_text, status_verdict};

pub(crate) fn run(session: &Session, args: &VerifyArgs) -> Result<Exit, CliError> {
    let store = session.open_read()?;
    let world = session.world()?;
    let mut question = session.repair_question(&world, true);
    question.policy.scope.only.clone_from(&args.name);
    let steady = Session::block_on(async {
        let first = look(&world, &store, &question).await?;
        check_scope(&first, &question.policy.scope)?;
        let lasting = args.lasting.unwrap_or_default();
        Ok(hold_steady(&world, &store, &question, first, lasting, is_true).await?)
    })?;
    let exit = Exit::of(Exit::of_untruth(&steady.last.plan));
    let running = steady.last.at_work.as_ref().map(ToString::to_string);
    let last = &steady.last;
    let subject = session.subject(last);
    let mut doc = status_doc(&last.input(), &last.plan, subject, running, exit);
    let named = |name: &str| args.name.iter().any(|only| only.name().as_str() == name);
    doc.clusters
        .retain(|cluster| args.name.is_empty() || named(&cluster.name));
    // A reconcile makes every row true but the management cluster's, and that one is not judged here either.
    let management = session.settings.management.as_str();
    let rows = doc
        .clusters
        .iter()
        .filter(|cluster| cluster.has_row && cluster.name != management);
    let untrue = rows.clone().filter(|row| row.sync != Sync::Synced).count();
    doc.verdict = verdict(&doc.exit, (untrue, rows.count()), &steady);
    if doc.exit.code != 0 {
        doc.verdict = format!("{}; {}", doc.verdict, status_verdict(&doc.clusters));
    }
    session.answer_result(&doc, &status_sheet(&doc), |paint| {
        status_text(&doc, paint, None)
    })?;
    Ok(doc.exit)
}

/// Whether nothing speaks against a look.
fn is_true(look: &Look) -> bool {
    Exit::of_untruth(&look.plan).is_empty()
}

fn verdict(exit: &Exit, (untrue, rows): (usize, usize), steady: &Steady) -> String {
    let rows_of = |count: usize| match count {
        1 => "1 row".to_owned(),
        more => format!("{more} rows"),
    };
    let lasted = match (steady.looks, steady.lasted) {
        (1, _) => String::new(),
        (looks, lasted) => format!(" for {} ({looks} looks)", spoken(lasted)),
    };
    match (exit.code, untrue) {
        (0, _) if rows == 0 => "nothing to verify: the table has no rows".to_owned(),
        (0, _) => format!("true: {}{lasted}", rows_of(rows)),
        (9 | 12, _) => "no verdict: not everything could be observed".to_owned(),
        (_, 0) => format!("not true: drift besides {}{lasted}", rows_of(rows)),
        (_, untrue) => format!("not true: {untrue} of {}{lasted}", rows_of(rows)),
    }
}

/// `30 s`.
fn spoken(duration: Duration) -> String {
    format!("{} s", duration.as_secs())
}
