//! Text for people: line 1 is the verdict, then what would be done and why, then what is left alone, then the way on.

use std::fmt::Write;

use super::documents::{HeldDoc, PlanDoc, RefusalDoc, RunDoc, StepDoc};
use super::paint::{Paint, Tone};
use crate::execute::StepResult;
use crate::plan::{ActionKind, Class, Disruption, Field};

/// A plan.
pub fn plan_text(doc: &PlanDoc, paint: Paint, apply: Option<&str>) -> String {
    let mut out = head(&doc.verdict, doc.subject.sandbox, paint);
    for step in doc.steps.iter().filter(|step| !is_second_half(step)) {
        step_lines(&mut out, step, paint);
    }
    held_lines(&mut out, &doc.held, paint);
    refusal_lines(&mut out, &doc.refusals, "a guard refuses this plan", paint);
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

/// A replacement is one line, though a deletion and a creation do it.
pub(super) fn is_second_half(step: &StepDoc) -> bool {
    step.action == ActionKind::Create && step.disruption == Disruption::Replace
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
    if !doc.left.is_empty() {
        let _ = writeln!(out, "left to do, and not begun:");
    }
    for step in &doc.left {
        step_lines(&mut out, step, paint);
    }
    held_lines(&mut out, &doc.held, paint);
    let what = if doc.steps.is_empty() {
        "refused, nothing was changed"
    } else {
        "the rest is refused"
    };
    refusal_lines(&mut out, &doc.refusals, what, paint);
    out
}

pub(super) fn head(verdict: &str, sandbox: bool, paint: Paint) -> String {
    let sandbox = if sandbox {
        format!("{} ", paint.tone(Tone::Dim, "sandbox:"))
    } else {
        String::new()
    };
    format!("{sandbox}{}\n", paint.tone(Tone::Strong, verdict))
}

/// The mark and the word of a step.
pub(super) fn mark(
    action: ActionKind,
    disruption: Disruption,
) -> (&'static str, &'static str, Tone) {
    match action {
        ActionKind::Delete | ActionKind::Create if disruption == Disruption::Replace => {
            let word = if action == ActionKind::Delete {
                "replace"
            } else {
                "create"
            };
            ("-/+", word, Tone::Bad)
        }
        ActionKind::Create => ("+", "create", Tone::Good),
        ActionKind::Start => (">", "start", Tone::Good),
        ActionKind::Stop => ("<", "stop", Tone::Change),
        ActionKind::Await => (">", "wait", Tone::Good),
        ActionKind::Prepare => ("~", "prepare", Tone::Change),
        ActionKind::AddPorts => ("~", "update", Tone::Change),
        ActionKind::Adopt => ("@", "adopt", Tone::Change),
        ActionKind::Register => ("@", "register", Tone::Change),
        ActionKind::Deregister => ("-", "deregister", Tone::Change),
        ActionKind::Sweep => ("-", "sweep", Tone::Bad),
        ActionKind::Delete => ("-", "delete", Tone::Bad),
        ActionKind::PruneRow => ("x", "prune row", Tone::Bad),
    }
}

fn step_lines(out: &mut String, step: &StepDoc, paint: Paint) {
    let (sign, word, tone) = mark(step.action, step.disruption);
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

/// Every difference that is left alone but those that a source's silence explains: the source is said once, first, with
/// how many wait for it.
pub(super) fn with_their_sources(held: Vec<&HeldDoc>) -> impl Iterator<Item = HeldDoc> {
    let is_source = |held: &&HeldDoc| held.address.starts_with("source/");
    let (sources, rest): (Vec<_>, Vec<_>) = held.into_iter().partition(is_source);
    let explained = |held: &HeldDoc, source: &HeldDoc| {
        held.message == source.message && held.hint == source.hint
    };
    let said: Vec<HeldDoc> = sources
        .iter()
        .map(|source| {
            let behind = rest.iter().filter(|held| explained(held, source)).count();
            let waits = match behind {
                0 => String::new(),
                1 => "; 1 cluster waits for it".to_owned(),
                more => format!("; {more} clusters wait for it"),
            };
            HeldDoc {
                message: format!("{}{waits}", source.message),
                ..(*source).clone()
            }
        })
        .collect();
    let rest: Vec<HeldDoc> = rest
        .into_iter()
        .filter(|held| !sources.iter().any(|source| explained(held, source)))
        .cloned()
        .collect();
    said.into_iter().chain(rest)
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
    for held in with_their_sources(held) {
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

fn refusal_lines(out: &mut String, refusals: &[RefusalDoc], what: &str, paint: Paint) {
    for refusal in refusals {
        let mark = paint.tone(Tone::Bad, "!");
        let _ = writeln!(out, "{mark} {what}: {}", refusal.message);
        let hint = paint.tone(Tone::Dim, format!("-> {}", refusal.refusal.hint));
        let _ = writeln!(out, "    {hint}");
    }
}

pub(super) fn hint_line(out: &mut String, hint: Option<&str>, paint: Paint) {
    if let Some(hint) = hint {
        let _ = writeln!(out, "      {}", paint.tone(Tone::Dim, format!("-> {hint}")));
    }
}
