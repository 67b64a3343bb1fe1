//! A past run, from its events.

use super::changes::{Change, done, done_cases, failures, word_of};
use super::layout::{Ending, Sheet};
use super::left::{held_cases, held_table};
use super::shown::{moment, shown, took};
use crate::execute::{Event, EventBody, StepResult};
use crate::plan::Class;
use crate::report::documents::HeldDoc;
use crate::report::enums::class_of;
use crate::report::exit::{Exit, ExitCode};
use crate::report::flags::Flags;
use crate::report::paint::Tone;

/// A past run, as its record has it.
#[derive(Debug, Clone, PartialEq)]
pub struct PastRun<'r> {
    /// Its number.
    pub run_id: String,
    /// When it began, RFC 3339 UTC.
    pub started_at: String,
    /// What became of it.
    pub end: PastEnd,
    /// Its verdict.
    pub verdict: Option<&'r str>,
    /// What happened.
    pub events: &'r [Event],
}

/// What became of a past run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PastEnd {
    /// It ended with this exit code.
    Ended(i32),
    /// It is at work.
    Running,
    /// It did not come to its end, and this is why.
    Died(&'static str),
}

/// There is no past run.
pub fn nothing_past_sheet(verdict: &str) -> Sheet {
    let ending = Ending::of(&Exit::default());
    Sheet::new("run", verdict, ending).with_suites([])
}

/// What a past run did, and what it held.
pub fn past_sheet(run: &PastRun<'_>, flags: &Flags) -> Sheet {
    let replayed = Replayed::of(run.events, flags);
    let (word, code, verdict) = match run.end {
        PastEnd::Ended(code) => (word(code), u8::try_from(code).ok(), "it said no verdict"),
        PastEnd::Running => ("running".to_owned(), None, "it still runs"),
        PastEnd::Died(why) => ("died".to_owned(), None, why),
    };
    let verdict = run.verdict.unwrap_or(verdict);
    let ending = Ending {
        code,
        tone: match (&run.end, code) {
            (PastEnd::Running, _) => Tone::Dim,
            (_, Some(code)) => Ending::tone(code),
            (_, None) => Tone::Bad,
        },
        word,
        reasons: replayed.reasons,
    };
    let good = ending.tone == Tone::Good;
    let mut sheet = Sheet::new("run", verdict, ending).fact("Run", &run.run_id);
    for (name, value) in replayed.facts {
        sheet = sheet.fact(name, &value);
    }
    sheet = sheet.fact("Began", &moment(&run.started_at));
    if let Some(duration) = replayed.duration_ms {
        sheet = sheet.fact("Took", &took(duration));
        sheet.duration_ms = duration;
    }
    sheet.sandbox = replayed.sandbox;
    sheet.at = Some(moment(&run.started_at));
    sheet.failures = failures(&replayed.changes);
    sheet
        .with_tables([done(&replayed.changes), held_table(&replayed.held)])
        .with_suites([
            done_cases(&replayed.changes, good),
            held_cases(&counting(replayed.held, good), false),
        ])
}

fn word(code: i32) -> String {
    let name = ExitCode::BY_PRECEDENCE
        .into_iter()
        .find(|known| i32::from(known.number()) == code);
    name.map_or_else(
        || format!("exit {code}"),
        |code| code.name().replace('_', " "),
    )
}

/// What was held while a run was planned may have been lifted by the run: after a good one nothing of it counts.
fn counting(held: Vec<HeldDoc>, good: bool) -> Vec<HeldDoc> {
    let past = |held: HeldDoc| HeldDoc {
        class: if good { Class::Information } else { held.class },
        ..held
    };
    held.into_iter().map(past).collect()
}

/// What the events say together.
#[derive(Default)]
struct Replayed {
    sandbox: bool,
    facts: Vec<(&'static str, String)>,
    changes: Vec<Change>,
    /// The steps of the round that is played, by the plan's numbers.
    round: Vec<(usize, usize)>,
    acting: bool,
    held: Vec<HeldDoc>,
    reasons: Vec<String>,
    duration_ms: Option<u64>,
}

impl Replayed {
    fn of(events: &[Event], flags: &Flags) -> Self {
        let mut all = Self::default();
        events.iter().for_each(|event| all.take(event, flags));
        all
    }

    fn take(&mut self, event: &Event, flags: &Flags) {
        match &event.body {
            EventBody::RunStarted {
                mode,
                sandbox,
                database,
            } => {
                self.sandbox = *sandbox;
                self.facts.push(("Database", database.clone()));
                self.facts.push(("Command", mode.clone()));
            }
            EventBody::StepPlanned {
                step,
                action,
                address,
                reason,
                fields,
            } => {
                self.plans_anew();
                let (word, tone) = word_of(action);
                self.round.push((*step, self.changes.len()));
                self.changes.push(Change {
                    address: address.clone(),
                    word,
                    tone,
                    why: reason.clone(),
                    fields: fields.clone(),
                    result: None,
                    error: None,
                    hint: None,
                    duration_ms: None,
                    tail: Vec::new(),
                    log: None,
                });
            }
            EventBody::DriftFound { address, reason } => {
                self.plans_anew();
                self.held.push(held(event, address, reason));
            }
            EventBody::StepStarted { .. } => self.acting = true,
            EventBody::StepFinished { .. } => self.finish(&event.body, flags),
            EventBody::RunFinished {
                reasons,
                duration_ms,
                ..
            } => {
                self.reasons = reasons.iter().map(|reason| shown(reason)).collect();
                self.duration_ms = Some(*duration_ms);
            }
            _ => {}
        }
    }

    /// A plan after the first step is another round's: its numbers are its own, and what it holds is what counts.
    fn plans_anew(&mut self) {
        if std::mem::take(&mut self.acting) {
            self.round.clear();
            self.held.clear();
        }
    }

    fn finish(&mut self, body: &EventBody, flags: &Flags) {
        let EventBody::StepFinished {
            step,
            result,
            attempts,
            duration_ms,
            error,
            hint,
            log_tail,
            log,
            ..
        } = body
        else {
            return;
        };
        self.acting = true;
        let place = self.round.iter().find(|(number, _)| number == step);
        let Some(change) = place.and_then(|(_, place)| self.changes.get_mut(*place)) else {
            return;
        };
        change.result = Some(*result);
        change.duration_ms = (*attempts > 0).then_some(*duration_ms);
        if *result != StepResult::Succeeded {
            change.error.clone_from(error);
            change.hint = hint.as_deref().map(|hint| flags.apply(hint));
        }
        change.tail.clone_from(log_tail);
        change.log.clone_from(log);
    }
}

/// A difference as it was announced.
fn held(event: &Event, address: &str, code: &str) -> HeldDoc {
    let said = event.message.strip_prefix(address);
    let said = said.and_then(|rest| rest.strip_prefix(": held: "));
    HeldDoc {
        address: address.to_owned(),
        code: code.to_owned(),
        class: class_of(code).unwrap_or(Class::Information),
        message: said.unwrap_or(&event.message).to_owned(),
        fields: Vec::new(),
        hint: None,
        reason: serde_json::Value::Null,
    }
}
