//! Sinks that keep or stream events.

use std::io::Write;
use std::sync::{Mutex, PoisonError};

use crate::execute::{Event, Sink};

/// One JSON object per line, flushed after each, so that a reader sees what happens when it happens.
pub struct NdjsonSink<W: Write + Send> {
    out: Mutex<Out<W>>,
}

struct Out<W> {
    writer: W,
    broken: bool,
}

impl<W: Write + Send> NdjsonSink<W> {
    /// Streams to this writer. A reader that goes away ends the stream, not the run.
    pub fn new(writer: W) -> Self {
        Self {
            out: Mutex::new(Out {
                writer,
                broken: false,
            }),
        }
    }
}

impl<W: Write + Send> Sink for NdjsonSink<W> {
    fn take(&self, event: &Event) {
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        if out.broken {
            return;
        }
        let Ok(line) = serde_json::to_string(event) else {
            return;
        };
        let written = writeln!(out.writer, "{line}").and_then(|()| out.writer.flush());
        out.broken = written.is_err();
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
}

impl Sink for Collector {
    fn take(&self, event: &Event) {
        self.events
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(event.clone());
    }
}
