//! `rollcall cluster add`: one row more, judged as it would be read.

use crate::cli::args::AddArgs;
use crate::cli::error::CliError;
use crate::cli::session::Session;
use crate::model::{ClusterSpec, Desired, Ports, Presence};
use crate::report::{Exit, RowDoc, RowEdit};
use crate::store::row_faults;

pub(super) fn run(session: &Session, args: &AddArgs) -> Result<Exit, CliError> {
    let world = session.world()?;
    let providers = world.providers.keys().cloned().collect();
    let id = &args.cluster;
    if !world.providers.contains_key(&id.provider) {
        let known: Vec<_> = world.providers.keys().map(ToString::to_string).collect();
        return Err(
            CliError::usage(format!("there is no provider {}", id.provider))
                .hint(format!("one of: {}", known.join(", "))),
        );
    }
    let spec = ClusterSpec {
        id: id.clone(),
        subnet: args.subnet,
        ports: Ports {
            http: args.http_port,
            https: args.https_port,
            forward: args.pf_port,
            node: Some(args.node_port),
        },
    };
    let faults = row_faults(&spec, &providers);
    if !faults.is_empty() {
        let faults: Vec<_> = faults.iter().map(ToString::to_string).collect();
        return Err(CliError::usage(format!(
            "a row {} like this cannot be right: {}",
            id.name,
            faults.join("; ")
        )));
    }
    let store = session.open_write()?;
    let desired = store.desired(&providers, world.clock.now())?;
    store.add_row(&spec)?;
    let mut doc = RowDoc::new(RowEdit::Added, id.name.as_str());
    doc.warnings = rivals(&desired, &spec);
    session.say(&format!("added row {}, which wants {id}", id.name));
    for warning in &doc.warnings {
        session.say(&format!("warning: {warning}"));
    }
    doc.spec = Some(spec);
    session.answer(&doc, |_| String::new())?;
    Ok(doc.exit)
}

/// What other present rows want too: only one of them can have it.
fn rivals(desired: &Desired, spec: &ClusterSpec) -> Vec<String> {
    let mut found = Vec::new();
    let present = desired
        .intents()
        .filter(|(_, intent)| intent.presence == Presence::Present);
    for (row, intent) in present {
        let theirs = &intent.spec;
        let published = theirs.ports.published();
        for (inside, port) in spec.ports.published() {
            let same = published.iter().find(|(_, other)| **other == port);
            found.extend(same.map(|(other, _)| {
                format!(
                    "{} {port} is also {} of row {}: only one of them can have it",
                    spec.ports.column(inside),
                    theirs.ports.column(*other),
                    row.shown
                )
            }));
        }
        let overlapping = spec.subnet.zip(theirs.subnet);
        let overlapping = overlapping.filter(|(ours, theirs)| ours.overlaps(*theirs));
        found.extend(overlapping.map(|(ours, theirs)| {
            format!(
                "subnet {ours} overlaps {theirs} of row {}: only one of them can have it",
                row.shown
            )
        }));
    }
    found
}
