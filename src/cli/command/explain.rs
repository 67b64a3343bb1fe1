//! `rollcall explain`: want, have, owned, decision, each with where it comes from.

use std::fmt::Write as _;

use crate::cli::args::ExplainArgs;
use crate::cli::error::CliError;
use crate::cli::session::Session;
use crate::model::{ClusterId, Ownership, Selector};
use crate::reconcile::{Look, look};
use crate::report::{Exit, Explained, ExplanationDoc, Paint, Tone, cluster_status, plan_doc};

pub(crate) fn run(session: &Session, args: &ExplainArgs) -> Result<Exit, CliError> {
    let store = session.open_read()?;
    let world = session.world()?;
    let question = session.repair_question(&world, true);
    let look = Session::block_on(async { Ok(look(&world, &store, &question).await?) })?;
    let ids = named(&look, &args.name);
    let invalid: Vec<_> = look
        .snapshot
        .desired
        .rows
        .iter()
        .filter(|r| r.intent.is_err() && r.claim.name() == Some(args.name.name()))
        .collect();
    if ids.is_empty() && invalid.is_empty() {
        return Err(CliError::usage(format!(
            "there is no row and no cluster named {}",
            args.name
        ))
        .hint("rollcall status"));
    }
    let clusters: Vec<Explained> = ids.iter().map(|id| explained(session, &look, id)).collect();
    let reasons = clusters
        .iter()
        .flat_map(|c| &c.decision.exit.reasons)
        .cloned();
    let mut found: Vec<_> = reasons
        .filter_map(|r| code(r.code).map(|code| (code, r.message)))
        .collect();
    found.extend(invalid.iter().map(|row| {
        (
            crate::report::ExitCode::Drift,
            format!("row {} cannot be right", row.shown),
        )
    }));
    let exit = Exit::of(found);
    let doc = ExplanationDoc {
        schema: "rollcall.explanation/v1".to_owned(),
        clusters,
        exit: exit.clone(),
    };
    session.answer(&doc, |paint| {
        let mut out = String::new();
        for row in &invalid {
            let faults = row.intent.as_ref().err().cloned().unwrap_or_default();
            let _ = writeln!(out, "row {}: held, because it cannot be right:", row.shown);
            faults.iter().for_each(|fault| {
                let _ = writeln!(out, "  {fault}");
            });
        }
        for cluster in &doc.clusters {
            out.push_str(&text(cluster, paint));
        }
        out
    })?;
    Ok(exit)
}

fn code(number: u8) -> Option<crate::report::ExitCode> {
    crate::report::ExitCode::BY_PRECEDENCE
        .into_iter()
        .find(|code| code.number() == number)
}

fn named(look: &Look, name: &Selector) -> Vec<ClusterId> {
    let rows = look
        .snapshot
        .desired
        .intents()
        .map(|(_, intent)| &intent.spec.id);
    let live = look.observed.clusters().map(|view| &view.id);
    let ledger = look.snapshot.ledger.entries.iter().map(|entry| &entry.id);
    let mut ids: Vec<_> = rows
        .chain(live)
        .chain(ledger)
        .filter(|id| name.matches(id))
        .cloned()
        .collect();
    ids.sort();
    ids.dedup();
    ids
}

fn explained(session: &Session, look: &Look, id: &ClusterId) -> Explained {
    let mut plan = look.plan.clone();
    plan.steps
        .retain(|step| step.action.cluster().as_ref() == Some(id));
    plan.held.retain(|held| {
        held.address.cluster() == Some(id)
            || matches!(held.address, crate::model::Address::Source(_))
    });
    plan.refusals.clear();
    let exit = Exit::of(Exit::of_plan(&plan, true));
    Explained {
        status: cluster_status(&look.input(), &look.plan, id, &session.flags()),
        want: want(look, id),
        have: have(look, id),
        owned: owned(look, id)
            .iter()
            .map(|line| session.command(line))
            .collect(),
        decision: plan_doc(
            &plan,
            session.subject(look),
            look.snapshot.desired.rows.len(),
            exit,
        ),
    }
}

/// What the row asks for.
fn want(look: &Look, id: &ClusterId) -> Vec<String> {
    let Some((row, intent)) = look
        .snapshot
        .desired
        .intents()
        .find(|(_, intent)| intent.spec.id == *id)
    else {
        return vec!["nothing: no row names it".to_owned()];
    };
    let mut lines = vec![format!(
        "{} (row {}, rowid {})",
        intent.presence, row.shown, row.rowid
    )];
    let ports = &intent.spec.ports;
    lines.extend(
        ports
            .published()
            .iter()
            .map(|(inside, host)| format!("{} {host} -> {inside}", ports.column(*inside))),
    );
    lines.extend(intent.spec.subnet.map(|subnet| format!("subnet {subnet}")));
    lines.extend(
        row.stop
            .as_ref()
            .map(|stop| format!("stopped, by {}", stop.source)),
    );
    lines
}

/// What is there.
fn have(look: &Look, id: &ClusterId) -> Vec<String> {
    if let Some(unseen) = look.observed.engine.unknown() {
        return vec![format!("unknown: {}", unseen.error)];
    }
    let Some(view) = look.observed.cluster(id) else {
        return vec!["absent (proven by Docker)".to_owned()];
    };
    let mut lines = vec![match &view.detail {
        Some(detail) => format!("{}: {detail} (seen by Docker)", view.phase),
        None => format!("{} (seen by Docker)", view.phase),
    }];
    lines.extend(
        view.nodes
            .iter()
            .map(|n| format!("{} {:?} {:?}", n.name, n.role, n.state).to_lowercase()),
    );
    lines.extend(
        view.ports
            .iter()
            .map(|(inside, host)| format!("port {host} -> {inside}")),
    );
    lines.extend(
        view.networks
            .iter()
            .map(|network| format!("network {}", network.name)),
    );
    lines.extend(view.subnet.map(|subnet| format!("subnet {subnet}")));
    lines.extend(
        look.observed
            .registrars
            .iter()
            .map(|(registrar, seen)| match seen.known() {
                None => format!("{registrar}: unknown"),
                Some(there) => match there.entries.get(id) {
                    Some(entry) => format!("{registrar}: {}", entry.endpoint),
                    None => format!("{registrar}: not registered"),
                },
            }),
    );
    lines
}

/// Whose it is.
fn owned(look: &Look, id: &ClusterId) -> Vec<String> {
    let view = look.observed.cluster(id).filter(|view| view.has_nodes());
    if look.observed.engine.known().is_none() {
        return vec!["not known: what is alive could not be observed".to_owned()];
    }
    let mut lines = match view.map(|view| look.snapshot.ledger.ownership(view)) {
        None => vec!["nothing alive to own".to_owned()],
        Some(Ownership::Ours(entry)) => {
            let origin = match entry.origin {
                crate::model::Origin::Made => "made by rollcall",
                crate::model::Origin::Adopted => "adopted",
            };
            vec![format!(
                "ours: {origin} {} (ledger entry {})",
                entry.since, entry.key.0
            )]
        }
        Some(Ownership::Foreign(_)) => {
            vec![format!(
                "not ours: every change is refused; to take it over: rollcall cluster adopt {id}"
            )]
        }
    };
    let registrations = look
        .snapshot
        .ledger
        .registrations
        .iter()
        .filter(|entry| entry.cluster == *id);
    lines.extend(registrations.map(|entry| format!("registration in {} is ours", entry.registrar)));
    lines
}

fn text(cluster: &Explained, paint: Paint) -> String {
    let mut out = format!("{}\n", paint.tone(Tone::Strong, &cluster.status.address));
    for (title, lines) in [
        ("want", &cluster.want),
        ("have", &cluster.have),
        ("owned", &cluster.owned),
    ] {
        for (place, line) in lines.iter().enumerate() {
            let title = if place == 0 { title } else { "" };
            let _ = writeln!(out, "  {title:<9} {line}");
        }
    }
    let nothing = cluster.decision.steps.is_empty() && cluster.decision.held.is_empty();
    if nothing {
        let _ = writeln!(out, "  decision  nothing: it is as the row says");
        return out;
    }
    let decision = crate::report::plan_text(&cluster.decision, paint, None);
    for (place, line) in decision.lines().skip(1).enumerate() {
        let title = if place == 0 { "decision" } else { "" };
        let _ = writeln!(out, "  {title:<9}{line}");
    }
    out
}
