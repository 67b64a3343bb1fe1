//! Text for people: line 1 is the verdict, then what would be done and why, then what is left alone, then the way on.

use std::fmt::Write;

use comfy_table::{ContentArrangement, Table, presets};

use super::documents::{HeldDoc, PlanDoc, RunDoc, StepDoc};
use super::paint::{Paint, Tone};
use super::status::{ClusterStatus, Health, Owner, StatusDoc, Sync};
use crate::execute::StepResult;
use crate::model::Presence;
use crate::plan::{ActionKind, Class, Field};

/// A plan.
pub fn plan_text(doc: &PlanDoc, paint: Paint, apply: Option<&str>) -> String {
    let mut out = head(&doc.verdict, doc.subject.sandbox, paint);
    for step in &doc.steps {
        step_lines(&mut out, step, paint);
    }
    held_lines(&mut out, &doc.held, paint);
    for refusal in &doc.refusals {
        let _ = writeln!(
            out,
            "{} a guard refuses this plan: {}",
            paint.tone(Tone::Bad, "!"),
            refusal.message
        );
        let _ = writeln!(
            out,
            "    {}",
            paint.tone(Tone::Dim, format!("-> {}", refusal.refusal.hint))
        );
    }
    if let (Some(command), false) = (apply, doc.steps.is_empty()) {
        let way = if doc.refusals.is_empty() {
            "to apply this"
        } else {
            "to apply this all the same"
        };
        let _ = writeln!(
            out,
            "\nnothing was changed; {way}: {}",
            paint.tone(Tone::Strong, command)
        );
    }
    out
}

/// A run.
pub fn run_text(doc: &RunDoc, paint: Paint) -> String {
    let mut out = head(&doc.verdict, doc.subject.sandbox, paint);
    for step in doc
        .steps
        .iter()
        .filter(|step| step.result != Some(StepResult::Succeeded))
    {
        step_lines(&mut out, step, paint);
    }
    held_lines(&mut out, &doc.held, paint);
    for refusal in &doc.refusals {
        let _ = writeln!(
            out,
            "{} refused, nothing was changed: {}",
            paint.tone(Tone::Bad, "!"),
            refusal.message
        );
        let _ = writeln!(
            out,
            "    {}",
            paint.tone(Tone::Dim, format!("-> {}", refusal.refusal.hint))
        );
    }
    out
}

/// The status of all clusters.
pub fn status_text(doc: &StatusDoc, paint: Paint, width: Option<u16>) -> String {
    let mut out = String::new();
    if doc.subject.sandbox {
        let _ = writeln!(out, "{}", paint.tone(Tone::Dim, "sandbox"));
    }
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
        let _ = writeln!(out, "no rows and no clusters");
        return out;
    }
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic);
    if let Some(width) = width {
        table.set_width(width);
    }
    table.set_header([
        "CLUSTER",
        "DESIRED",
        "LIVE",
        "SYNC",
        "HEALTH",
        "OWNER",
        "PORTS",
        "REGISTERED",
    ]);
    for cluster in &doc.clusters {
        table.add_row(status_row(cluster));
    }
    for line in table.to_string().lines() {
        let _ = writeln!(out, "{}", line.trim_end());
    }
    for held in doc
        .clusters
        .iter()
        .flat_map(|c| &c.held)
        .filter(|h| h.class != Class::Information)
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

fn status_row(cluster: &ClusterStatus) -> [String; 8] {
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
            if r.state == "registered" {
                r.registrar.clone()
            } else {
                format!("{} {}", r.registrar, r.state)
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
            Sync::Unmanaged => "-",
            Sync::Unknown => "?",
        }
        .to_owned(),
        match cluster.health {
            Health::Healthy => "healthy",
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

fn head(verdict: &str, sandbox: bool, paint: Paint) -> String {
    let sandbox = if sandbox {
        format!("{} ", paint.tone(Tone::Dim, "sandbox:"))
    } else {
        String::new()
    };
    format!("{sandbox}{}\n", paint.tone(Tone::Strong, verdict))
}

/// The mark and the word of a step.
fn mark(step: &StepDoc) -> (&'static str, &'static str, Tone) {
    match step.action {
        ActionKind::Delete | ActionKind::Create
            if step.disruption == crate::plan::Disruption::Replace =>
        {
            let word = if step.action == ActionKind::Delete {
                "replace"
            } else {
                "create"
            };
            ("-/+", word, Tone::Bad)
        }
        ActionKind::Create => ("+", "create", Tone::Good),
        ActionKind::Start => (">", "start", Tone::Good),
        ActionKind::Await => (">", "wait", Tone::Good),
        ActionKind::AddPorts => ("~", "update", Tone::Change),
        ActionKind::Adopt => ("@", "adopt", Tone::Change),
        ActionKind::Register => ("@", "register", Tone::Change),
        ActionKind::Deregister => ("-", "unregister", Tone::Change),
        ActionKind::Sweep => ("-", "sweep", Tone::Bad),
        ActionKind::Delete => ("-", "delete", Tone::Bad),
        ActionKind::PruneRow => ("x", "prune row", Tone::Bad),
    }
}

fn step_lines(out: &mut String, step: &StepDoc, paint: Paint) {
    let (sign, word, tone) = mark(step);
    let reasons: Vec<_> = step
        .reasons
        .iter()
        .map(|reason| reason.message.clone())
        .collect();
    let ended = match step.result {
        None | Some(StepResult::Succeeded) => String::new(),
        Some(result) => format!("  {}", paint.tone(Tone::Bad, result.text())),
    };
    let label = paint.tone(tone, format!("{sign:>3} {word:<10}"));
    let _ = writeln!(
        out,
        "{label} {:<28} {}{ended}",
        step.address,
        reasons.join("; ")
    );
    let fields = step.reasons.iter().flat_map(|reason| &reason.reason.fields);
    field_lines(out, fields, paint);
    if let Some(error) = &step.error {
        let _ = writeln!(out, "      {}", paint.tone(Tone::Bad, error));
    }
    hint_line(out, step.hint.as_deref(), paint);
}

/// What differs. What a new cluster asks for is no difference worth a line each.
fn field_lines<'f>(out: &mut String, fields: impl Iterator<Item = &'f Field>, paint: Paint) {
    let (new, changed): (Vec<_>, Vec<_>) =
        fields.partition(|field| field.live.is_none() && field.row.is_some());
    let asks: Vec<_> = new
        .iter()
        .map(|f| format!("{} {}", f.field, f.row.clone().unwrap_or_default()))
        .collect();
    if !asks.is_empty() {
        let _ = writeln!(out, "      {}", paint.tone(Tone::Dim, asks.join(", ")));
    }
    for field in changed {
        let _ = writeln!(out, "      {}", paint.tone(Tone::Dim, field));
    }
}

fn held_lines(out: &mut String, held: &[HeldDoc], paint: Paint) {
    let (out_of_scope, held): (Vec<_>, Vec<_>) =
        held.iter().partition(|held| held.code == "excluded");
    for held in held {
        let unknown = matches!(held.class, Class::Unknown | Class::NotReady);
        let (sign, word) = if unknown {
            ("?", "unknown")
        } else {
            ("=", "held")
        };
        let tone = if held.class == Class::Information {
            Tone::Dim
        } else {
            Tone::Held
        };
        let label = paint.tone(tone, format!("{sign:>3} {word:<10}"));
        let _ = writeln!(out, "{label} {:<28} {}", held.address, held.message);
        field_lines(out, held.fields.iter(), paint);
        hint_line(out, held.hint.as_deref(), paint);
    }
    if !out_of_scope.is_empty() {
        let label = paint.tone(Tone::Dim, format!("{:>3} {:<10}", "=", "held"));
        let count = out_of_scope.len();
        let _ = writeln!(out, "{label} {count} left out by --only or --exclude");
    }
}

fn hint_line(out: &mut String, hint: Option<&str>, paint: Paint) {
    if let Some(hint) = hint {
        let _ = writeln!(out, "      {}", paint.tone(Tone::Dim, format!("-> {hint}")));
    }
}
