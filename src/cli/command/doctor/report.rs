//! Everything that was looked at, in one answer.

use std::fmt::Write as _;

use super::finding::Finding;
use super::{contention, database, filesystem, host, reading, settings, world};
use crate::cli::error::CliError;
use crate::cli::session::Session;
use crate::ports::WorldKind;
use crate::report::{DoctorDoc, Exit, FindingDoc, Level, Paint, SettingDoc, Tone, doctor_sheet};

pub(in crate::cli::command) fn run(session: &Session) -> Result<Exit, CliError> {
    let (seen, of_world) = world::look(session)?;
    let mut findings = database::look(session, seen.as_ref());
    findings.push(filesystem::look(&session.settings.db));
    let snapshot = seen.as_ref().and_then(|seen| {
        // What is wrong with the database was said above.
        database::snapshot(session, seen).ok()
    });
    if let (Some(seen), Some(snapshot)) = (&seen, &snapshot) {
        findings.extend(contention::look(session, seen, snapshot));
    }
    findings.push(settings::configuration(session));
    findings.extend(of_world);
    // A sandbox has no machine.
    let real = seen.filter(|seen| seen.world.kind == WorldKind::Real);
    if let Some(seen) = real {
        let facts = reading::facts(&seen, snapshot.as_ref());
        findings.extend(host::findings(&facts));
    }
    let exit = Exit::of(findings.iter().filter_map(Finding::reason));
    let doc = DoctorDoc {
        schema: "rollcall.doctor/v1".to_owned(),
        items: findings.iter().map(|found| found.doc(session)).collect(),
        settings: settings::effective(session),
        exit,
    };
    session.answer_result(&doc, &doctor_sheet(&doc), |paint| text(&doc, paint))?;
    Ok(doc.exit)
}

fn text(doc: &DoctorDoc, paint: Paint) -> String {
    let mut out = String::new();
    doc.items
        .iter()
        .for_each(|finding| finding_text(&mut out, finding, paint));
    out.push_str("settings:\n");
    doc.settings
        .iter()
        .for_each(|setting| setting_text(&mut out, setting));
    out
}

fn finding_text(out: &mut String, finding: &FindingDoc, paint: Paint) {
    let mark = match finding.level {
        Level::Good => paint.tone(Tone::Good, "ok     "),
        Level::Note => paint.tone(Tone::Held, "note   "),
        Level::Unknown => paint.tone(Tone::Held, "unknown"),
        Level::Bad => paint.tone(Tone::Bad, "wrong  "),
    };
    let _ = writeln!(out, "{mark} {:<14} {}", finding.what, finding.message);
    if let Some(remedy) = &finding.remedy {
        let remedy = paint.tone(Tone::Dim, format!("-> {remedy}"));
        let _ = writeln!(out, "        {remedy}");
    }
}

fn setting_text(out: &mut String, setting: &SettingDoc) {
    let value = setting.value.as_deref().unwrap_or("-");
    let _ = writeln!(out, "  {:<24} {value} ({})", setting.name, setting.origin);
}
