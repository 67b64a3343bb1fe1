//! `rollcall import`: what older scripts wrote into a file of the user's goes, once rollcall has it.

use crate::cli::args::ImportCommand;
use crate::cli::error::CliError;
use crate::cli::session::Session;
use crate::model::RegistrarId;
use crate::registrar::{HAPROXY, Import, Imported};
use crate::report::{Exit, ExitCode, ImportDoc, ImportKept, ImportLine, import_text};

pub(crate) fn run(session: &Session, what: &ImportCommand) -> Result<Exit, CliError> {
    let ImportCommand::Haproxy { file, write } = what;
    let world = session.world()?;
    let registrar = world.registrars.get(&RegistrarId::new(HAPROXY));
    let registrar = registrar.ok_or_else(|| {
        CliError::new(ExitCode::NotReady, "the registrar haproxy is off")
            .hint("switch it on: haproxy.dir in the configuration")
    })?;
    let act = if *write { Import::Write } else { Import::Show };
    let imported = Session::block_on(async { Ok(registrar.import(file, act).await?) })?;
    let doc = document(imported);
    session.answer(&doc, |_| session.command(&import_text(&doc)))?;
    Ok(doc.exit)
}

fn document(imported: Imported) -> ImportDoc {
    let written = imported.backup.is_some();
    let open = !imported.taken.is_empty() && !written;
    let found = open.then(|| {
        let names = imported.taken.join(", ");
        let file = imported.file.display();
        (
            ExitCode::Drift,
            format!("{file} has routes of its own to {names}"),
        )
    });
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
