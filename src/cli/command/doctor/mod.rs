//! `rollcall doctor`: what is missing on this machine, each with what mends it.

use std::fmt::Write as _;

use serde_json::json;

use crate::cli::error::CliError;
use crate::cli::session::Session;
use crate::model::{Seen, ToolView, UnseenKind};
use crate::observe::{Ask, observe};
use crate::report::{Exit, ExitCode, ListDoc, Tone};
use crate::store::{Store, missing_columns};

/// One thing that was looked at.
struct Finding {
    what: String,
    problem: Option<(ExitCode, String)>,
    said: String,
    remedy: Option<String>,
}

impl Finding {
    fn good(what: &str, said: impl Into<String>) -> Self {
        Self {
            what: what.to_owned(),
            problem: None,
            said: said.into(),
            remedy: None,
        }
    }

    fn bad(what: &str, code: ExitCode, said: impl Into<String>, remedy: Option<String>) -> Self {
        let said = said.into();
        Self {
            what: what.to_owned(),
            problem: Some((code, said.clone())),
            said,
            remedy,
        }
    }
}

pub(crate) fn run(session: &Session) -> Result<Exit, CliError> {
    let mut findings = vec![database(session), configuration(session)];
    findings.extend(world(session)?);
    let found = findings.iter().filter_map(|f| f.problem.clone());
    let exit = Exit::of(found);
    let items = findings.iter().map(|finding| {
        json!({"what": finding.what, "ok": finding.problem.is_none(), "message": finding.said, "remedy": finding.remedy.as_deref().map(|remedy| session.command(remedy))})
    });
    let doc = ListDoc {
        schema: "rollcall.doctor/v1".to_owned(),
        items: items.collect(),
        exit: exit.clone(),
    };
    session.answer(&doc, |paint| {
        findings.iter().fold(String::new(), |mut out, finding| {
            let mark = match finding.problem {
                None => paint.tone(Tone::Good, "ok     "),
                Some(_) => paint.tone(Tone::Bad, "missing"),
            };
            let _ = writeln!(out, "{mark} {:<14} {}", finding.what, finding.said);
            if let Some(remedy) = &finding.remedy {
                let _ = writeln!(
                    out,
                    "        {}",
                    paint.tone(Tone::Dim, format!("-> {}", session.command(remedy)))
                );
            }
            out
        })
    })?;
    Ok(exit)
}

fn database(session: &Session) -> Finding {
    let path = session.settings.db.display();
    let origin = session.settings.db_origin.text();
    let store = match Store::open_read(&session.settings.db) {
        Ok(store) => store,
        Err(error) => {
            let hint = error.hint();
            return Finding::bad(
                "database",
                ExitCode::NotReady,
                format!("{error} ({origin})"),
                hint,
            );
        }
    };
    match store.desired(
        &std::collections::BTreeSet::new(),
        jiff::Timestamp::UNIX_EPOCH,
    ) {
        Err(error) => Finding::bad(
            "database",
            ExitCode::NotReady,
            error.to_string(),
            error.hint(),
        ),
        Ok(desired) => {
            let missing = missing_columns(&desired);
            let rows = desired.rows.len();
            let columns = if missing.is_empty() {
                String::new()
            } else {
                format!(
                    "; without the columns {} (their defaults hold)",
                    missing.join(", ")
                )
            };
            Finding::good(
                "database",
                format!("{path}: {rows} rows{columns} ({origin})"),
            )
        }
    }
}

fn configuration(session: &Session) -> Finding {
    match &session.settings.config_path {
        Some(path) => Finding::good("configuration", path.display().to_string()),
        None => Finding::good("configuration", "none; every default holds"),
    }
}

fn world(session: &Session) -> Result<Vec<Finding>, CliError> {
    let world = session.world()?;
    let observed = Session::block_on(async { Ok(observe(&world, &Ask::default()).await) })?;
    let mut findings = vec![match &observed.engine {
        Seen::Known(engine) if session.settings.sandbox.is_some() => Finding::good(
            "sandbox",
            format!("a rehearsal engine, {}", engine.facts.version),
        ),
        Seen::Known(engine) => Finding::good(
            "docker",
            format!("answers, version {}", engine.facts.version),
        ),
        Seen::Unknown(unseen) => {
            let code = if unseen.kind == UnseenKind::NotReady {
                ExitCode::NotReady
            } else {
                ExitCode::Unknown
            };
            Finding::bad("docker", code, &unseen.error, unseen.hint.clone())
        }
    }];
    findings.extend(observed.tools.iter().map(|(provider, tool)| match tool {
        ToolView::Found(path) => Finding::good(provider.as_str(), path.clone()),
        ToolView::Missing { program, hint } => {
            let said = format!("{program} is not installed; rows of {provider} cannot be made");
            Finding::bad(
                provider.as_str(),
                ExitCode::NotReady,
                said,
                Some(hint.clone()),
            )
        }
    }));
    findings.extend(
        observed
            .registrars
            .iter()
            .map(|(registrar, seen)| match seen {
                Seen::Known(view) => Finding::good(
                    registrar.as_str(),
                    format!("{} clusters registered", view.entries.len()),
                ),
                Seen::Unknown(unseen) => Finding::bad(
                    registrar.as_str(),
                    ExitCode::Unknown,
                    &unseen.error,
                    unseen.hint.clone(),
                ),
            }),
    );
    Ok(findings)
}
