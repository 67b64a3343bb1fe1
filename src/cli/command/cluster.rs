//! `rollcall cluster`: the rows, adopting, and bringing pruned rows back.

use std::fmt::Write as _;

use serde_json::json;

use super::acting::{self, Deadline, Order};
use super::adding;
use super::selecting::to_adopt;
use super::status::ADD_A_ROW;
use crate::cli::args::{ClusterCommand, Running};
use crate::cli::error::CliError;
use crate::cli::session::Session;
use crate::model::{ClusterName, Mode, Ownership, Row, Scope, Selector, shell_word};
use crate::plan::Plan;
use crate::reconcile::{Look, Question, look};
use crate::report::{Exit, ListDoc, RowDoc, RowEdit, run_doc, run_sheet, table};

pub(crate) fn run(session: &Session, what: &ClusterCommand) -> Result<Exit, CliError> {
    match what {
        ClusterCommand::List => list(session),
        ClusterCommand::Add(args) => adding::add(session, args),
        ClusterCommand::Set(args) => adding::set(session, args),
        ClusterCommand::Remove { name } => adding::remove(session, name),
        ClusterCommand::Adopt { name, rows } => adopt(session, name, *rows),
        ClusterCommand::Restore { name } => restore(session, name),
    }
}

fn list(session: &Session) -> Result<Exit, CliError> {
    let store = session.open_read()?;
    let world = session.world()?;
    let providers = world.providers.keys().cloned().collect();
    let desired = store.desired(&providers, world.clock.now())?;
    let tombstones = store.tombstones()?;
    let rows = desired.rows.iter().map(|row| match &row.intent {
        Ok(intent) => json!({"kind": "row", "name": row.shown, "desired_state": intent.presence, "spec": intent.spec,
            "actual_state": row.status.actual_state, "status": row.status.status}),
        Err(faults) => json!({"kind": "row", "name": row.shown, "faults": faults}),
    });
    let pruned = tombstones.iter().filter(|stone| stone.restored_at.is_none()).map(|stone| {
        json!({"kind": "tombstone", "name": stone.name, "deleted_at": stone.at.to_string(), "reason": stone.reason})
    });
    let doc = ListDoc {
        schema: "rollcall.clusters/v1".to_owned(),
        items: rows.chain(pruned).collect(),
        exit: Exit::default(),
    };
    session.answer(&doc, |_| {
        let mut out = String::new();
        if !desired.rows.is_empty() {
            out = table(
                ["CLUSTER", "DESIRED", "PORTS", "SUBNET"],
                desired.rows.iter().map(line),
                None,
            );
        }
        for stone in tombstones
            .iter()
            .filter(|stone| stone.restored_at.is_none())
        {
            let _ = writeln!(
                out,
                "{:<24} pruned {}; {}",
                stone.name,
                stone.at,
                session.command(&format!(
                    "rollcall cluster restore {}",
                    shell_word(&stone.name)
                ))
            );
        }
        if out.is_empty() {
            out.push_str(&session.command(&format!("no rows; to add one: {ADD_A_ROW}\n")));
        }
        out
    })?;
    Ok(Exit::default())
}

fn line(row: &Row) -> [String; 4] {
    let intent = match &row.intent {
        Ok(intent) => intent,
        Err(faults) => {
            let all: Vec<_> = faults.iter().map(ToString::to_string).collect();
            let invalid = format!("invalid: {}", all.join("; "));
            return [row.shown.clone(), invalid, String::new(), String::new()];
        }
    };
    let ports = intent.spec.ports.published();
    let ports: Vec<_> = ports
        .iter()
        .map(|(inside, host)| format!("{host}->{inside}"))
        .collect();
    [
        intent.spec.id.to_string(),
        intent.presence.to_string(),
        ports.join(" "),
        intent
            .spec
            .subnet
            .map_or_else(String::new, |subnet| subnet.to_string()),
    ]
}

fn adopt(session: &Session, names: &[Selector], rows: bool) -> Result<Exit, CliError> {
    let store = session.open_write()?;
    let world = session.world()?;
    Session::block_on(async {
        let mut question = Question {
            policy: session.policy(&world, Mode::default()),
            ask: crate::observe::Ask::default(),
            probe: false,
            accept_engine: false,
            respect_others: true,
        };
        let now = look(&world, &store, &question).await?;
        for name in names {
            question.policy.adopt.insert(to_adopt(&now, name)?);
        }
        if rows {
            let foreign = now.snapshot.desired.intents().filter_map(|(_, intent)| {
                let view = now
                    .observed
                    .cluster(&intent.spec.id)
                    .filter(|view| view.has_nodes())?;
                let ours = matches!(now.snapshot.ledger.ownership(view), Ownership::Ours(_));
                (!ours && view.id.name != session.settings.management).then(|| view.id.clone())
            });
            question.policy.adopt.extend(foreign);
        }
        // Only what is adopted is this command's business.
        question.policy.scope = Scope {
            only: question
                .policy
                .adopt
                .iter()
                .cloned()
                .map(Selector::Id)
                .collect(),
            exclude: Vec::new(),
        };
        if question.policy.adopt.is_empty() && now.observed.engine.known().is_some() {
            return nothing_to_adopt(session, &now);
        }
        let list: Vec<String> = question
            .policy
            .adopt
            .iter()
            .map(ToString::to_string)
            .collect();
        let words = vec!["cluster".to_owned(), "adopt".to_owned(), list.join(" ")];
        let running = Running {
            retries: 0,
            ..Running::default()
        };
        let order = Order {
            tuning: Vec::new(),
            yes: true,
            ..Order::new(question, words, &running, Deadline::after(None))
        };
        acting::act(session, &world, store, order).await
    })
}

fn nothing_to_adopt(session: &Session, now: &Look) -> Result<Exit, CliError> {
    let verdict = "no row names a foreign live cluster: there is nothing to adopt".to_owned();
    session.say(&verdict);
    let nothing = Plan::default();
    let exit = Exit::default();
    let subject = session.subject(now);
    let doc = run_doc(None, subject, &[], &nothing, verdict, true, 0, exit);
    session.answer_result(&doc, &run_sheet(&doc), |_| String::new())?;
    Ok(doc.exit)
}

fn restore(session: &Session, name: &ClusterName) -> Result<Exit, CliError> {
    let store = session.open_write()?;
    let restored = store.restore(name.as_str(), session.world()?.clock.now())?;
    session.say(&session.command(&format!(
        "row {} is back; to make it true: rollcall reconcile",
        restored.name
    )));
    let doc = RowDoc::new(RowEdit::Restored, restored.name);
    session.answer(&doc, |_| String::new())?;
    Ok(doc.exit)
}
