//! `rollcall use`: switches the current context of the user's kubeconfig, because a person asks for it.

use super::reaching::{does_not_run, is_stale, off, registered, there};
use super::selecting::to_reach;
use crate::cli::args::UseArgs;
use crate::cli::error::CliError;
use crate::cli::session::Session;
use crate::model::{RegistrarId, shell_word};
use crate::reconcile::{Look, look};
use crate::registrar::{KUBECONFIG, Switched, context_of};
use crate::report::{Exit, ExitCode, UseDoc};

pub(crate) fn run(session: &Session, args: &UseArgs) -> Result<Exit, CliError> {
    let store = session.open_read()?;
    let world = session.world()?;
    let question = session.repair_question(&world, false);
    let doc = Session::block_on(async {
        let now = look(&world, &store, &question).await?;
        let id = to_reach(&now, &args.name)?;
        let view = there(&now, &id)?;
        if let Some((said, way_out)) = does_not_run(view) {
            return Err(CliError::new(ExitCode::Drift, said).hint(way_out));
        }
        registered(&now, view)?;
        let registrar = world.registrars.get(&RegistrarId::new(KUBECONFIG));
        let switched = registrar.ok_or_else(off)?.switch(&id).await?;
        let stale = is_stale(&now, &id).then(|| {
            session.command(&format!(
                "its entry is to be written anew: rollcall reconcile --repair --only {id}"
            ))
        });
        Ok(UseDoc {
            schema: "rollcall.use/v1".to_owned(),
            cluster: id.to_string(),
            changed: switched.before.as_ref() != Some(&switched.context),
            back: back(session, &now, &switched),
            file: switched.file.map(|file| file.display().to_string()),
            context: switched.context,
            before: switched.before,
            warnings: stale.into_iter().collect(),
            exit: Exit::default(),
        })
    })?;
    say(session, &doc);
    // For people all is said.
    session.answer(&doc, |_| String::new())?;
    Ok(doc.exit)
}

fn say(session: &Session, doc: &UseDoc) {
    let context = &doc.context;
    match (&doc.before, doc.changed) {
        (_, false) => session.say(&format!("the current context is {context} already")),
        (Some(before), true) => {
            session.say(&format!(
                "the current context is {context} now; it was {before}"
            ));
        }
        (None, true) => session.say(&format!(
            "the current context is {context} now; there was none"
        )),
    }
    if let Some(back) = &doc.back {
        session.say(&format!("  to get back: {back}"));
    }
    for warning in &doc.warnings {
        session.say(&format!("warning: {warning}"));
    }
}

/// The command that switches back: rollcall's own where it knows the cluster, else kubectl's.
fn back(session: &Session, now: &Look, switched: &Switched) -> Option<String> {
    if switched.before.as_ref() == Some(&switched.context) {
        return None;
    }
    let mut live = now.observed.clusters().filter(|view| view.has_nodes());
    let known = live.find(|view| Some(context_of(&view.id)) == switched.before);
    if let Some(view) = known {
        return Some(session.command(&format!("rollcall use {}", view.id)));
    }
    // Where kubectl looks elsewhere, it has to be told.
    let file = switched.file.as_ref()?;
    let elsewhere = session.settings.config.kubeconfig.path.is_some();
    let kubectl = if elsewhere {
        let file = shell_word(&file.to_string_lossy());
        format!("kubectl --kubeconfig {file}")
    } else {
        "kubectl".to_owned()
    };
    Some(match &switched.before {
        Some(before) => format!("{kubectl} config use-context {}", shell_word(before)),
        None => format!("{kubectl} config unset current-context"),
    })
}
