//! Progress while a run acts: one live row per running step on a terminal, one line per change elsewhere.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::flags::Flags;
use super::paint::{Paint, Tone};
use crate::execute::{Event, EventBody, Sink, StepResult};

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
    rows: MultiProgress,
    style: ProgressStyle,
    bars: Mutex<BTreeMap<usize, ProgressBar>>,
    paint: Paint,
    flags: Flags,
}

impl TtyProgress {
    /// Draws on standard error.
    pub fn new(paint: Paint, flags: Flags) -> Self {
        let style = ProgressStyle::with_template("{spinner} {prefix} {elapsed} {wide_msg}")
            .unwrap_or_else(|_| ProgressStyle::default_spinner());
        Self {
            rows: MultiProgress::with_draw_target(ProgressDrawTarget::stderr()),
            style,
            bars: Mutex::new(BTreeMap::new()),
            paint,
            flags,
        }
    }

    fn start(&self, step: usize, title: String) {
        let bar = self.rows.add(
            ProgressBar::new_spinner()
                .with_style(self.style.clone())
                .with_prefix(title),
        );
        bar.enable_steady_tick(Duration::from_millis(120));
        self.bars
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(step, bar);
    }

    fn say(&self, step: usize, line: &str) {
        if let Some(bar) = self
            .bars
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&step)
        {
            bar.set_message(line.to_owned());
        }
    }

    fn end(&self, step: usize) {
        if let Some(bar) = self
            .bars
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&step)
        {
            bar.finish_and_clear();
            self.rows.remove(&bar);
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
            } => self.start(*step, format!("{action} {address}")),
            EventBody::StepProgress { step, line, .. } => self.say(*step, line),
            EventBody::StepRetrying { step, error, .. } => {
                self.say(*step, &format!("will try again: {error}"));
            }
            EventBody::StepFinished { step, .. } => {
                self.end(*step);
                for line in lines_of(event, self.paint, &self.flags) {
                    // A terminal that went away takes its lines with it; the run goes on.
                    let _ = self.rows.println(line);
                }
            }
            _ => {}
        }
    }
}
