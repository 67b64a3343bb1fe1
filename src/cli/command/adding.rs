//! `rollcall cluster add`, `set` and `remove`: rows, judged as they would be read.

use std::collections::BTreeSet;

use super::free::{add_row, place, vacancy};
use super::selecting::near;
use crate::cli::args::{AddArgs, Places, SetArgs};
use crate::cli::error::CliError;
use crate::cli::session::Session;
use crate::model::{
    ClusterId, ClusterName, ClusterSpec, Desired, Ports, Presence, ProviderId, Vacancy,
};
use crate::ports::World;
use crate::reconcile::{Question, look};
use crate::report::{Exit, RowDoc, RowEdit};
use crate::store::{RowChange, Store, row_faults};

pub(super) fn add(session: &Session, args: &AddArgs) -> Result<Exit, CliError> {
    let world = session.world()?;
    let id = &args.cluster;
    known_provider(&world, &id.provider)?;
    let store = session.open_write()?;
    let mut spec = ClusterSpec {
        id: id.clone(),
        subnet: None,
        ports: Ports {
            http: None,
            https: None,
            forward: None,
            node: Some(args.node_port),
        },
    };
    let desired = desired(&store, &world)?;
    if args.places.any_free() {
        let chosen = add_row(session, &world, &store, &spec, &args.places);
        spec = Session::block_on(chosen)?;
    } else {
        place(&mut spec, &args.places, None)?;
        right(&world, &spec)?;
        store.add_row(&spec)?;
    }
    session.say(&format!(
        "added row {}, which wants {}",
        id.name,
        wants(&spec)
    ));
    told(session, RowEdit::Added, &desired, spec)
}

pub(super) fn set(session: &Session, args: &SetArgs) -> Result<Exit, CliError> {
    let world = session.world()?;
    if let Some(provider) = &args.provider {
        known_provider(&world, provider)?;
    }
    if args.name == session.settings.management && (args.absent || args.provider.is_some()) {
        return Err(management(&args.name));
    }
    let store = session.open_write()?;
    let before = desired(&store, &world)?;
    is_there(&before, &args.name)?;
    let mut found = before.intents().map(|(_, intent)| intent);
    let asked = found.find(|intent| intent.spec.id.name == args.name);
    let mut spec = asked.map_or_else(|| blank(&args.name), |intent| intent.spec.clone());
    let mut free = vacant(session, &world, &args.places)?;
    place(&mut spec, &args.places, free.as_mut())?;
    if let Some(provider) = &args.provider {
        spec.id.provider = provider.clone();
    }
    if args.node_port.is_some() {
        spec.ports.node = args.node_port;
    }
    // What cannot be right as it stands may become so column by column.
    if asked.is_some() {
        right(&world, &spec)?;
    }
    let changes = changes(args, &spec);
    if changes.is_empty() {
        return Err(CliError::usage("nothing is to be set")
            .hint("rollcall cluster set --help   (shows what can be)"));
    }
    store.set_row(&args.name, &changes, world.clock.now())?;
    let after = desired(&store, &world)?;
    let row = after
        .rows
        .iter()
        .find(|row| row.name.as_ref() == Some(&args.name));
    match row.map(|row| &row.intent) {
        Some(Ok(intent)) => {
            let wants = match intent.presence {
                Presence::Present => format!("wants {}", wants(&intent.spec)),
                Presence::Absent => format!("wants {} absent", intent.spec.id),
            };
            session.say(&format!("row {} now {wants}", args.name));
            told(session, RowEdit::Changed, &after, intent.spec.clone())
        }
        Some(Err(faults)) => {
            let mut doc = RowDoc::new(RowEdit::Changed, args.name.as_str());
            let faults = faults
                .iter()
                .map(|fault| format!("it still cannot be right: {fault}"));
            doc.warnings = faults.collect();
            answered(session, &doc)
        }
        None => answered(session, &RowDoc::new(RowEdit::Changed, args.name.as_str())),
    }
}

pub(super) fn remove(session: &Session, name: &ClusterName) -> Result<Exit, CliError> {
    let world = session.world()?;
    if *name == session.settings.management {
        return Err(management(name));
    }
    let store = session.open_write()?;
    is_there(&desired(&store, &world)?, name)?;
    store.set_row(
        name,
        &[RowChange::Presence(Presence::Absent)],
        world.clock.now(),
    )?;
    let delete = session.command(&format!("rollcall reconcile --repair --only {name}"));
    session.say(&format!(
        "row {name} now says absent; to delete its cluster: {delete}"
    ));
    answered(session, &RowDoc::new(RowEdit::Changed, name.as_str()))
}

fn management(name: &ClusterName) -> CliError {
    CliError::usage(format!(
        "{name} is the management cluster: a row does not move or end it"
    ))
    .hint("rollcall clean --all   (deletes it after all others, if it is ours)")
}

/// Refuses a name that no row has, with what may have been meant.
fn is_there(desired: &Desired, name: &ClusterName) -> Result<(), CliError> {
    let names = || desired.rows.iter().filter_map(|row| row.claim.name());
    if names().any(|there| there == name) {
        return Ok(());
    }
    let error = CliError::usage(format!("there is no row named {name}"));
    let near: Vec<&str> = names()
        .map(ClusterName::as_str)
        .filter(|known| near(known, name.as_str()))
        .collect();
    let error = match near.as_slice() {
        [] => error,
        near => error.hint(format!("did you mean {}?", near.join(" or "))),
    };
    Err(error.hint("rollcall cluster list   (shows all rows)"))
}

/// What a row that cannot be read would ask for if it asked for nothing.
fn blank(name: &ClusterName) -> ClusterSpec {
    ClusterSpec {
        id: ClusterId::new(ProviderId::new(""), name.clone()),
        subnet: None,
        ports: Ports::default(),
    }
}

fn changes(args: &SetArgs, spec: &ClusterSpec) -> Vec<RowChange> {
    let places = &args.places;
    let presence = match (args.present, args.absent) {
        (true, _) => Some(Presence::Present),
        (_, true) => Some(Presence::Absent),
        _ => None,
    };
    [
        args.provider.clone().map(RowChange::Provider),
        places.subnet.map(|_| RowChange::Subnet(spec.subnet)),
        args.node_port.map(|port| RowChange::NodePort(Some(port))),
        places
            .pf_port
            .map(|_| RowChange::ForwardPort(spec.ports.forward)),
        places
            .http_port
            .map(|_| RowChange::HttpPort(spec.ports.http)),
        places
            .https_port
            .map(|_| RowChange::HttpsPort(spec.ports.https)),
        presence.map(RowChange::Presence),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn desired(store: &Store, world: &World) -> Result<Desired, CliError> {
    let providers: BTreeSet<ProviderId> = world.providers.keys().cloned().collect();
    Ok(store.desired(&providers, world.clock.now())?)
}

pub(super) fn known_provider(world: &World, provider: &ProviderId) -> Result<(), CliError> {
    if world.providers.contains_key(provider) {
        return Ok(());
    }
    let known: Vec<_> = world.providers.keys().map(ToString::to_string).collect();
    Err(CliError::usage(format!("there is no provider {provider}"))
        .hint(format!("one of: {}", known.join(", "))))
}

/// Refuses a row that cannot be right.
fn right(world: &World, spec: &ClusterSpec) -> Result<(), CliError> {
    let providers = world.providers.keys().cloned().collect();
    let faults = row_faults(spec, &providers);
    if faults.is_empty() {
        return Ok(());
    }
    let faults: Vec<_> = faults.iter().map(ToString::to_string).collect();
    Err(CliError::usage(format!(
        "a row {} like this cannot be right: {}",
        spec.id.name,
        faults.join("; ")
    )))
}

/// What is free, if anything free is asked for.
fn vacant(session: &Session, world: &World, places: &Places) -> Result<Option<Vacancy>, CliError> {
    if !places.any_free() {
        return Ok(None);
    }
    let question: Question = session.repair_question(world, false);
    let store = session.open_read()?;
    let now = Session::block_on(async { Ok(look(world, &store, &question).await?) })?;
    vacancy(session, &now).map(Some)
}

/// `k3d/dev with http_port 18080`.
fn wants(spec: &ClusterSpec) -> String {
    let ports = spec.ports.published().into_iter();
    let ports = ports.map(|(inside, host)| format!("{} {host}", spec.ports.column(inside)));
    let asked: Vec<_> = ports
        .chain(spec.subnet.map(|subnet| format!("subnet {subnet}")))
        .collect();
    if asked.is_empty() {
        return spec.id.to_string();
    }
    format!("{} with {}", spec.id, asked.join(", "))
}

fn told(
    session: &Session,
    change: RowEdit,
    desired: &Desired,
    spec: ClusterSpec,
) -> Result<Exit, CliError> {
    let mut doc = RowDoc::new(change, spec.id.name.as_str());
    doc.warnings = rivals(desired, &spec);
    doc.spec = Some(spec);
    answered(session, &doc)
}

fn answered(session: &Session, doc: &RowDoc) -> Result<Exit, CliError> {
    for warning in &doc.warnings {
        session.say(&format!("warning: {warning}"));
    }
    session.answer(doc, |_| String::new())?;
    Ok(doc.exit.clone())
}

/// What other present rows want too: only one of them can have it.
fn rivals(desired: &Desired, spec: &ClusterSpec) -> Vec<String> {
    let mut found = Vec::new();
    let present = desired
        .intents()
        .filter(|(_, intent)| intent.presence == Presence::Present)
        .filter(|(_, intent)| intent.spec.id.name != spec.id.name);
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
