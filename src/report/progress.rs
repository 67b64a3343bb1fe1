//! Progress while a run acts: one live row per running step on a terminal, one line per change elsewhere.

use std::io::Write;
use std::sync::{Mutex, PoisonError};

use super::flags::Flags;
use super::live::{LiveRows, Surface};
use super::paint::{Paint, Tone};
use crate::execute::{Event, EventBody, Sink, StepResult};
use crate::model::printable_lines;

/// One line for each change.
pub struct PlainProgress<W: Write + Send> {
    out: Mutex<W>,
    paint: Paint,
    flags: Flags,
}

impl<W: Write + Send> PlainProgress<W> {
    /// Writes to this writer.
    pub fn new(out: W, paint: Paint, flags: Flags) -> Self {
        Self {
            out: Mutex::new(out),
            paint,
            flags,
        }
    }

    /// A sign of life between two changes.
    pub fn heartbeat(&self, text: &str) {
        self.write(text);
    }

    fn write(&self, line: &str) {
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        let line = printable_lines(line, self.paint.color);
        let _ = writeln!(out, "{line}");
        let _ = out.flush();
    }
}

impl<W: Write + Send> Sink for PlainProgress<W> {
    fn take(&self, event: &Event) {
        for line in lines_of(event, self.paint, &self.flags) {
            self.write(&line);
        }
    }
}

/// The lines that an event is worth outside a terminal.
fn lines_of(event: &Event, paint: Paint, flags: &Flags) -> Vec<String> {
    match &event.body {
        EventBody::StepStarted { .. } => vec![paint.tone(Tone::Dim, &event.message)],
        EventBody::StepRetrying { .. } => vec![paint.tone(Tone::Held, &event.message)],
        EventBody::StepFinished {
            result,
            hint,
            log_tail,
            log,
            ..
        } => {
            let tone = match result {
                StepResult::Succeeded => Tone::Good,
                StepResult::Failed => Tone::Bad,
                StepResult::Skipped | StepResult::Cancelled | StepResult::Held => Tone::Held,
            };
            let mut lines = vec![paint.tone(tone, &event.message)];
            lines.extend(
                log_tail
                    .iter()
                    .map(|line| paint.tone(Tone::Dim, format!("    | {line}"))),
            );
            lines.extend(
                hint.iter()
                    .map(|hint| format!("    -> {}", flags.apply(hint))),
            );
            if *result == StepResult::Failed {
                lines.extend(log.iter().map(|log| format!("    log: {log}")));
            }
            lines
        }
        _ => Vec::new(),
    }
}

/// Live rows on a terminal.
pub struct TtyProgress {
    rows: LiveRows,
    paint: Paint,
    flags: Flags,
}

impl TtyProgress {
    /// Draws on this terminal until it is dropped.
    pub fn new(surface: impl Surface + 'static, paint: Paint, flags: Flags) -> Self {
        Self {
            rows: LiveRows::new(Box::new(surface)),
            paint,
            flags,
        }
    }
}

impl Sink for TtyProgress {
    fn take(&self, event: &Event) {
        match &event.body {
            EventBody::StepStarted {
                step,
                action,
                address,
                ..
            } => self.rows.start(*step, format!("{action} {address}")),
            EventBody::StepProgress { step, line, .. } => self.rows.say(*step, line),
            EventBody::StepRetrying { step, error, .. } => {
                self.rows.say(*step, &format!("will try again: {error}"));
            }
            EventBody::StepFinished { step, .. } => {
                let mut lines = lines_of(event, self.paint, &self.flags);
                for line in &mut lines {
                    *line = printable_lines(line, self.paint.color).into_owned();
                }
                self.rows.end(*step, &lines);
            }
            _ => {}
        }
    }
}
