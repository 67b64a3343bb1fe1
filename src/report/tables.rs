//! Tables for people: the status of all clusters, the rows.

use std::fmt::Write;

use comfy_table::{ContentArrangement, Table, presets};

use super::human::{head, hint_line};
use super::paint::{Paint, Tone};
use super::status::{ClusterStatus, Health, Owner, RegistrationState, StatusDoc, Sync};
use crate::model::Presence;
use crate::plan::Class;

/// Columns under a header, as wide as they must be, or at most `width` together.
pub fn table<const N: usize>(
    header: [&str; N],
    rows: impl Iterator<Item = [String; N]>,
    width: Option<u16>,
) -> String {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic);
    if let Some(width) = width {
        table.set_width(width);
    }
    table.set_header(header);
    for row in rows {
        table.add_row(row);
    }
    table
        .to_string()
        .lines()
        .fold(String::new(), |out, line| out + line.trim_end() + "\n")
}

/// The status of all clusters.
pub fn status_text(doc: &StatusDoc, paint: Paint, width: Option<u16>) -> String {
    let mut out = head(&doc.verdict, doc.subject.sandbox, paint);
    if let Some(running) = &doc.running {
        let _ = writeln!(
            out,
            "{}",
            paint.tone(Tone::Held, format!("running now: {running}"))
        );
    }
    for unknown in &doc.unknown {
        let _ = writeln!(out, "{} {}", paint.tone(Tone::Held, "?"), unknown.message);
        hint_line(&mut out, unknown.hint.as_deref(), paint);
    }
    if doc.clusters.is_empty() {
        return out;
    }
    let header = [
        "CLUSTER",
        "DESIRED",
        "LIVE",
        "SYNC",
        "HEALTH",
        "OWNER",
        "PORTS",
        "REGISTERED",
    ];
    out.push_str(&table(header, doc.clusters.iter().map(status_row), width));
    for held in doc
        .clusters
        .iter()
        .flat_map(|c| &c.held)
        .filter(|h| h.class != Class::Information)
        .filter(|h| doc.unknown.iter().all(|source| source.message != h.message))
    {
        let mark = if matches!(held.class, Class::Unknown | Class::NotReady) {
            "?"
        } else {
            "="
        };
        let _ = writeln!(
            out,
            "{} {}: {}",
            paint.tone(Tone::Held, mark),
            held.address,
            held.message
        );
        hint_line(&mut out, held.hint.as_deref(), paint);
    }
    out
}

pub(super) fn status_row(cluster: &ClusterStatus) -> [String; 8] {
    let desired = match (cluster.has_row, cluster.desired) {
        (_, Some(Presence::Present)) => "present",
        (_, Some(Presence::Absent)) => "absent",
        (true, None) => "invalid row",
        (false, None) => "no row",
    };
    let ports: Vec<_> = cluster
        .ports
        .iter()
        .map(|(inside, host)| format!("{host}->{inside}"))
        .collect();
    let registrations: Vec<_> = cluster
        .registrations
        .iter()
        .map(|r| {
            if r.state == RegistrationState::Registered {
                r.registrar.clone()
            } else {
                format!("{} {}", r.registrar, r.state.text())
            }
        })
        .collect();
    let name = match &cluster.provider {
        Some(provider) => format!("{provider}/{}", cluster.name),
        None => cluster.name.clone(),
    };
    [
        name,
        desired.to_owned(),
        cluster
            .phase
            .map_or_else(|| "?".to_owned(), |phase| phase.to_string()),
        match cluster.sync {
            Sync::Synced => "synced",
            Sync::OutOfSync => "out of sync",
            Sync::Orphan => "orphan",
            Sync::Unmanaged => "-",
            Sync::Unknown => "?",
        }
        .to_owned(),
        match cluster.health {
            Health::Healthy => "healthy",
            Health::Unprepared => "not prepared",
            Health::Running => "running",
            Health::Silent => "API silent",
            Health::Stopped => "stopped",
            Health::Degraded => "degraded",
            Health::Missing => "missing",
            Health::Unknown => "?",
        }
        .to_owned(),
        match cluster.owner {
            Owner::Ours => "ours",
            Owner::Foreign => "foreign",
            Owner::Nobody => "-",
        }
        .to_owned(),
        ports.join(" "),
        registrations.join(", "),
    ]
}
