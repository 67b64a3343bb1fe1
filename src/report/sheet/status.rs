//! Desired beside observed.

use super::cases::{Case, CaseEnd, Suite};
use super::layout::{Cell, Ending, Sheet, Table, code, text, word};
use super::left::held_table;
use super::plan::about;
use crate::plan::{ActionKind, Class};
use crate::report::documents::HeldDoc;
use crate::report::paint::Tone;
use crate::report::status::{
    ClusterStatus, Health, RegistrationState, RegistrationStatus, StatusDoc, Sync,
};
use crate::report::tables::status_row;

/// The status of all clusters.
pub fn status_sheet(doc: &StatusDoc) -> Sheet {
    let sheet = Sheet::new("status", &doc.verdict, Ending::of(&doc.exit));
    let mut sheet = about(sheet, &doc.subject);
    // A status has no mode of its own.
    sheet.facts.retain(|fact| fact.name != "Mode");
    if let Some(running) = &doc.running {
        sheet = sheet.fact("Running now", running);
    }
    let suites = doc.clusters.iter().map(cluster_cases).chain([sources(doc)]);
    let suites: Vec<Suite> = suites.collect();
    sheet
        .with_tables([clusters(doc), held_table(&held(doc))])
        .with_suites(suites)
}

fn clusters(doc: &StatusDoc) -> Table {
    let columns = [
        "Cluster",
        "Desired",
        "Live",
        "Sync",
        "Health",
        "Owner",
        "Ports",
        "Registered",
        "A repair would",
    ];
    Table::new("Clusters", &columns).rows(doc.clusters.iter().map(cluster))
}

fn cluster(cluster: &ClusterStatus) -> Vec<Cell> {
    let [name, desired, live, sync, health, owner, ports, _] = status_row(cluster);
    let sync_tone = match cluster.sync {
        Sync::Synced => Tone::Good,
        Sync::OutOfSync | Sync::Orphan | Sync::Unknown => Tone::Held,
        Sync::Unmanaged => Tone::Dim,
    };
    let health_tone = match cluster.health {
        Health::Healthy => Tone::Good,
        Health::Running | Health::Missing | Health::Stopped => Tone::Dim,
        Health::Unprepared | Health::Unknown => Tone::Held,
        Health::Silent | Health::Degraded => Tone::Bad,
    };
    // A table of text has signs where a word would be too wide.
    let spelled = |said: String, other: &str| match said.as_str() {
        "?" => "unknown".to_owned(),
        "-" => other.to_owned(),
        _ => said,
    };
    let cell = |said: &str| text(said).into_iter().collect::<Cell>();
    vec![
        vec![code(&name)],
        cell(&desired),
        cell(&spelled(live, "")),
        vec![word(sync_tone, &spelled(sync, "unmanaged"))],
        vec![word(health_tone, &spelled(health, ""))],
        cell(&spelled(owner, "nobody")),
        ports
            .replace("->", "→")
            .split(' ')
            .filter_map(text)
            .collect(),
        registered(cluster),
        cell(&counted(&cluster.would)),
    ]
}

/// A line for each state, with who is in it.
fn registered(cluster: &ClusterStatus) -> Cell {
    let mut states: Vec<(RegistrationState, Vec<&str>)> = Vec::new();
    for registration in &cluster.registrations {
        let names = states
            .iter_mut()
            .find(|(state, _)| *state == registration.state);
        match names {
            Some((_, names)) => names.push(&registration.registrar),
            None => states.push((registration.state, vec![&registration.registrar])),
        }
    }
    let line = |(state, names): (RegistrationState, Vec<&str>)| {
        text(&format!("{}: {}", state.text(), names.join(", ")))
    };
    states.into_iter().filter_map(line).collect()
}

/// `create, 4 register`.
fn counted(words: &[String]) -> String {
    let mut counted: Vec<(&String, usize)> = Vec::new();
    for word in words {
        match counted.iter_mut().find(|(known, _)| *known == word) {
            Some((_, count)) => *count += 1,
            None => counted.push((word, 1)),
        }
    }
    let said = counted.into_iter().map(|(word, count)| match count {
        1 => word.replace('_', " "),
        _ => format!("{count} {}", word.replace('_', " ")),
    });
    said.collect::<Vec<_>>().join(", ")
}

/// What is to be said of single clusters and of sources; what a silent source explains is said once.
fn held(doc: &StatusDoc) -> Vec<HeldDoc> {
    let of_clusters = doc.clusters.iter().flat_map(|cluster| &cluster.held);
    let counts = of_clusters.filter(|held| held.class != Class::Information);
    doc.unknown.iter().chain(counts).cloned().collect()
}

/// One suite for each cluster: the cluster, and its registrations.
fn cluster_cases(cluster: &ClusterStatus) -> Suite {
    let itself = Case::new(&cluster.address, of_cluster(cluster));
    let registrations = cluster.registrations.iter().map(|registration| {
        let place = address(cluster, registration);
        Case::new(&place, of_registration(cluster, registration, &place))
    });
    Suite::new(
        name(cluster).as_str(),
        [itself].into_iter().chain(registrations),
    )
}

fn name(cluster: &ClusterStatus) -> String {
    match &cluster.provider {
        Some(provider) => format!("{provider}/{}", cluster.name),
        None => cluster.name.clone(),
    }
}

fn address(cluster: &ClusterStatus, registration: &RegistrationStatus) -> String {
    format!("{}/{}", registration.registrar, name(cluster))
}

fn of_cluster(cluster: &ClusterStatus) -> CaseEnd {
    let registered = |held: &&HeldDoc| {
        let mut places = cluster.registrations.iter();
        places.any(|registration| held.address == address(cluster, registration))
    };
    let own = cluster.held.iter().filter(|held| !registered(held));
    let worst = own.max_by_key(|held| held.class);
    let of_registrations = [ActionKind::Register.code(), ActionKind::Deregister.code()];
    let would = cluster.would.iter();
    let would = would.filter(|word| !of_registrations.contains(&word.as_str()));
    let would: Vec<String> = would.cloned().collect();
    match worst {
        Some(held) if held.class >= Class::Blocks => CaseEnd::of_held(held, true),
        _ if !would.is_empty() => {
            let message = format!("a repair would {}", counted(&would));
            CaseEnd::drift(&message, Vec::new())
        }
        Some(held) => CaseEnd::of_held(held, true),
        None if cluster.sync == Sync::Unknown => {
            CaseEnd::unknown(Class::Unknown, "it could not be observed", Vec::new())
        }
        None if cluster.sync == Sync::Unmanaged => {
            CaseEnd::skipped("not ours, and no row names it")
        }
        None => CaseEnd::Passed,
    }
}

fn of_registration(
    cluster: &ClusterStatus,
    registration: &RegistrationStatus,
    address: &str,
) -> CaseEnd {
    let held = cluster.held.iter().filter(|held| held.address == address);
    let state = registration.state;
    let would = |kind: ActionKind| cluster.would.iter().any(|word| word == kind.code());
    let lacks = matches!(state, RegistrationState::Missing | RegistrationState::Stale);
    match held.max_by_key(|held| held.class) {
        Some(held) => CaseEnd::of_held(held, true),
        None if lacks && would(ActionKind::Register) => CaseEnd::drift(state.text(), Vec::new()),
        None if state == RegistrationState::Stale && would(ActionKind::Deregister) => {
            CaseEnd::drift("of a cluster that is gone", Vec::new())
        }
        None if state == RegistrationState::Registered => CaseEnd::Passed,
        None if state == RegistrationState::Unknown => {
            CaseEnd::skipped("unknown: its source says why")
        }
        None => CaseEnd::skipped(state.text()),
    }
}

/// One suite for what could not be observed.
fn sources(doc: &StatusDoc) -> Suite {
    let case = |held: &HeldDoc| Case::new(&held.address, CaseEnd::of_held(held, true));
    Suite::new("sources", doc.unknown.iter().map(case))
}
