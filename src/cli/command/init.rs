//! `rollcall init`: the database, or the side tables in an existing one.

use crate::cli::args::InitArgs;
use crate::cli::error::CliError;
use crate::cli::session::Session;
use crate::clock::SystemClock;
use crate::report::{Exit, InitDoc};
use crate::store::{InitMode, Store};

pub(crate) fn run(session: &Session, args: &InitArgs) -> Result<Exit, CliError> {
    let mode = match (args.new_owner, args.moved) {
        (true, _) => InitMode::NewOwner,
        (false, true) => InitMode::Moved,
        (false, false) => InitMode::Keep,
    };
    let (_, report) = Store::init(&session.settings.db, mode, &SystemClock)?;
    let db = report.path.display();
    let said = match (report.made_table, report.made_side_tables) {
        (true, _) => format!("made {db} with an empty table clusters"),
        (false, true) => {
            format!("made rollcall's side tables in {db}; its table clusters is as it was")
        }
        (false, false) => format!("{db} has all it needs"),
    };
    session.say(&said);
    if args.new_owner {
        session.say(&format!(
            "this file has a ledger of its own now; {} entries are not its",
            report.closed_entries
        ));
    }
    if report.made_table {
        session.say("say what should be there, for example:");
        session.say(&format!(
            "  {}",
            session.command("rollcall cluster add k3d/dev --http-port 18080")
        ));
        session.say(&session.command("then: rollcall reconcile"));
    }
    let doc = InitDoc {
        schema: "rollcall.init/v1".to_owned(),
        database: db.to_string(),
        made_table: report.made_table,
        made_side_tables: report.made_side_tables,
        closed_entries: report.closed_entries,
        exit: Exit::default(),
    };
    // For people all is said.
    session.answer(&doc, |_| String::new())?;
    Ok(doc.exit)
}
