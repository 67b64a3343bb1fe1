//! `rollcall completions`: what a shell sources so that it knows the commands and their flags.

use crate::cli::args::CompletionsArgs;
use crate::cli::error::CliError;
use crate::cli::session::Session;
use crate::report::{CompletionsDoc, Exit};

pub(crate) fn run(session: &Session, args: &CompletionsArgs) -> Result<Exit, CliError> {
    let mut script = Vec::new();
    let mut command = crate::cli::command();
    clap_complete::generate(args.shell, &mut command, "rollcall", &mut script);
    let doc = CompletionsDoc {
        schema: "rollcall.completions/v1".to_owned(),
        shell: args.shell.to_string(),
        script: String::from_utf8_lossy(&script).into_owned(),
        exit: Exit::default(),
    };
    session.answer(&doc, |_| doc.script.clone())?;
    Ok(doc.exit)
}
