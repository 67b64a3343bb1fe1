//! `rollcall backup`: a copy of the database, whoever writes to it meanwhile.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::acting::asked_to_end;
use crate::cli::args::BackupArgs;
use crate::cli::error::CliError;
use crate::cli::session::Session;
use crate::model::shell_word;
use crate::report::{BackupDoc, Exit, ExitCode};
use crate::store::{Backup, Store};

/// How often a copying is told to end.
const AGAIN: Duration = Duration::from_millis(10);

pub(crate) fn run(session: &Session, args: &BackupArgs) -> Result<Exit, CliError> {
    let store = session.open_read()?;
    let made = Session::block_on(copied(&store, &args.file))?;
    let (db, file) = (store.path().display(), made.path.display());
    session.say(&format!("{db} is copied to {file}"));
    let hints = hints(&made);
    for hint in &hints {
        session.say(&format!("  {}", session.command(hint)));
    }
    let doc = BackupDoc {
        schema: "rollcall.backup/v1".to_owned(),
        database: db.to_string(),
        file: file.to_string(),
        bytes: made.bytes,
        has_ledger: made.has_ledger,
        hints: hints.iter().map(|hint| session.command(hint)).collect(),
        exit: Exit::default(),
    };
    // For people all is said.
    session.answer(&doc, |_| String::new())?;
    Ok(doc.exit)
}

/// The copy; or, when somebody wants it to end before it is made, nothing.
async fn copied(store: &Arc<Store>, to: &Path) -> Result<Backup, CliError> {
    let interrupter = store.interrupter();
    let (own, to) = (Arc::clone(store), to.to_owned());
    let mut copying = tokio::task::spawn_blocking(move || own.backup(&to));
    let torn = |_| CliError::new(ExitCode::Bug, "the copying was torn down");
    let code = tokio::select! {
        made = &mut copying => return Ok(made.map_err(torn)??),
        code = asked_to_end() => code,
    };
    // Only a statement that runs can be ended, and it may not have begun.
    let made = loop {
        interrupter.interrupt();
        tokio::select! {
            made = &mut copying => break made,
            () = tokio::time::sleep(AGAIN) => {}
        }
    };
    match made.map_err(torn)? {
        // It was made before it could be ended.
        Ok(made) => Ok(made),
        Err(_) => Err(CliError::new(code, "interrupted: there is no copy")),
    }
}

/// How the copy is used.
fn hints(made: &Backup) -> Vec<String> {
    let file = shell_word(&made.path.to_string_lossy());
    let mut hints = vec![format!("look at it: rollcall --db {file} cluster list")];
    if made.has_ledger {
        hints.push(format!(
            "it is a copy: what would change something is refused until rollcall --db {file} init --new-owner \
             (it owns nothing then) or init --moved (it is the database now)"
        ));
    }
    hints
}
