//! `rollcall sandbox`: rehearse what goes wrong.

use std::fmt::Write as _;

use crate::cli::args::SandboxCommand;
use crate::cli::error::CliError;
use crate::cli::session::Session;
use crate::model::{ClusterSpec, Ports};
use crate::report::{Exit, ListDoc};
use crate::sandbox::{self, Leave, Sandbox};

pub(crate) fn run(session: &Session, what: &SandboxCommand) -> Result<Exit, CliError> {
    let Some(dir) = &session.settings.sandbox else {
        return Err(
            CliError::usage("this command acts on a sandbox, and none was named")
                .hint("add --sandbox or --sandbox=DIR"),
        );
    };
    let world = sandbox::open(dir)?;
    match what {
        SandboxCommand::Show => {}
        SandboxCommand::Say { words } => world.tell(&words.join(" "))?,
        SandboxCommand::Forget => world.forget_faults()?,
        SandboxCommand::Wipe {
            cluster,
            leave_residue,
        } => {
            world.wipe(
                cluster,
                if *leave_residue {
                    Leave::NetworksAndVolumes
                } else {
                    Leave::Nothing
                },
            )?;
        }
        SandboxCommand::Stop { cluster } => world.stop(cluster)?,
        SandboxCommand::Make { cluster } => {
            world.make_foreign(&ClusterSpec {
                id: cluster.clone(),
                subnet: None,
                ports: Ports::default(),
            })?;
        }
        SandboxCommand::Advance { by } => world.advance(*by)?,
    }
    answer(session, &world, what)
}

/// The world as it is now; where a person only changed it, nothing is said on a terminal.
fn answer(session: &Session, world: &Sandbox, what: &SandboxCommand) -> Result<Exit, CliError> {
    let summary = world.show()?;
    let faults = world.faults()?;
    let mut items = vec![serde_json::to_value(&summary).unwrap_or_default()];
    items.extend(
        faults
            .iter()
            .map(|fault| serde_json::json!({"instruction": fault})),
    );
    let doc = ListDoc {
        schema: "rollcall.sandbox/v1".to_owned(),
        items,
        exit: Exit::default(),
    };
    session.answer(&doc, |_| {
        if !matches!(what, SandboxCommand::Show) {
            return String::new();
        }
        let mut out = serde_json::to_string_pretty(&summary).unwrap_or_default() + "\n";
        for (place, fault) in faults.iter().enumerate() {
            let _ = writeln!(out, "instruction {place}: {fault}");
        }
        out
    })?;
    Ok(doc.exit)
}
