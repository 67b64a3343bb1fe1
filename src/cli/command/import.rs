//! `rollcall import`: what older scripts wrote into a file of the user's goes, once rollcall has it.

use super::acting::alone;
use crate::cli::args::ImportCommand;
use crate::cli::error::CliError;
use crate::cli::session::Session;
use crate::model::RegistrarId;
use crate::registrar::{HAPROXY, Import, Imported};
use crate::report::{Exit, ExitCode, ImportDoc, ImportKept, ImportLine, import_text};

pub(crate) fn run(session: &Session, what: &ImportCommand) -> Result<Exit, CliError> {
    let ImportCommand::Haproxy { file, write } = what;
    if session.settings.sandbox.is_some() {
        return Err(
            CliError::usage("a sandbox has no HAProxy: there is no file of one to import")
                .hint("leave --sandbox (ROLLCALL_SANDBOX) out: without --write nothing is changed"),
        );
    }
    // Not even asked for what cannot be written down.
    let store = write.then(|| session.open_write()).transpose()?;
    let world = session.world()?;
    let registrar = world.registrars.get(&RegistrarId::new(HAPROXY));
    let registrar = registrar.ok_or_else(|| {
        CliError::new(ExitCode::NotReady, "the registrar haproxy is off")
            .hint("switch it on: haproxy.dir in the configuration")
    })?;
    let imported = Session::block_on(async {
        let import = |act| async move { Ok(registrar.import(file, act).await?) };
        match &store {
            None => import(Import::Show).await,
            // What is in the files counts from here on.
            Some(store) => alone(session, &world, store, "import", import(Import::Write)).await,
        }
    })?;
    let doc = document(imported);
    session.answer(&doc, |_| session.command(&import_text(&doc)))?;
    Ok(doc.exit)
}

fn document(imported: Imported) -> ImportDoc {
    let written = imported.backup.is_some();
    let file = imported.file.display();
    let mut found = Vec::new();
    if !imported.taken.is_empty() && !written {
        let names = imported.taken.join(", ");
        found.push((
            ExitCode::Drift,
            format!("{file} has routes of its own to {names}"),
        ));
    }
    if !imported.twice.is_empty() {
        let names = imported.twice.join(", ");
        found.push((
            ExitCode::Drift,
            format!("{file} keeps routes of its own to {names}"),
        ));
    }
    let lines = imported.lines.into_iter();
    let kept = imported.kept.into_iter();
    ImportDoc {
        schema: "rollcall.import/v1".to_owned(),
        file: imported.file.display().to_string(),
        written,
        backup: imported.backup.map(|backup| backup.display().to_string()),
        taken: imported.taken,
        kept: kept.map(|(name, why)| ImportKept { name, why }).collect(),
        lines: lines
            .map(|(number, text)| ImportLine { number, text })
            .collect(),
        exit: Exit::of(found),
    }
}
