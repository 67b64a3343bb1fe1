//! Sinks that keep or stream events.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};

use crate::execute::{Event, EventBody, Sink};

/// One JSON object per line, flushed after each, so that a reader sees what happens when it happens.
pub struct NdjsonSink<W: Write + Send> {
    out: Mutex<Out<W>>,
}

struct Out<W> {
    writer: W,
    broken: Option<io::Error>,
}

impl<W: Write + Send> NdjsonSink<W> {
    /// Streams to this writer. A reader that goes away ends the stream, not the run.
    pub fn new(writer: W) -> Self {
        Self {
            out: Mutex::new(Out {
                writer,
                broken: None,
            }),
        }
    }

    /// Why the stream ended before the run did, unless its reader went away.
    pub fn failure(&self) -> Option<String> {
        let out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        let broken = out.broken.as_ref();
        broken
            .filter(|error| error.kind() != io::ErrorKind::BrokenPipe)
            .map(ToString::to_string)
    }
}

impl<W: Write + Send> Sink for NdjsonSink<W> {
    fn take(&self, event: &Event) {
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        if out.broken.is_some() {
            return;
        }
        let Ok(line) = serde_json::to_string(event) else {
            return;
        };
        let written = writeln!(out.writer, "{line}").and_then(|()| out.writer.flush());
        out.broken = written.err();
    }
}

/// Keeps every event, for the store.
#[derive(Debug, Default)]
pub struct Collector {
    events: Mutex<Vec<Event>>,
}

impl Collector {
    /// Takes what was collected since the last time.
    pub fn drain(&self) -> Vec<Event> {
        std::mem::take(&mut *self.events.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes back what could not be stored, before everything that came since.
    pub fn put_back(&self, mut events: Vec<Event>) {
        let mut kept = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        events.append(&mut kept);
        *kept = events;
    }
}

impl Sink for Collector {
    fn take(&self, event: &Event) {
        self.events
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(event.clone());
    }
}

/// Knows which steps run.
#[derive(Debug, Default)]
pub struct Running {
    steps: Mutex<BTreeSet<usize>>,
}

impl Running {
    /// How many.
    pub fn count(&self) -> usize {
        self.steps
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .len()
    }
}

impl Sink for Running {
    fn take(&self, event: &Event) {
        let mut steps = self.steps.lock().unwrap_or_else(PoisonError::into_inner);
        match event.body {
            EventBody::StepStarted { step, .. } => {
                steps.insert(step);
            }
            EventBody::StepFinished { step, .. } => {
                steps.remove(&step);
            }
            _ => {}
        }
    }
}
