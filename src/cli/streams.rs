//! What a command reads from and writes to: the process's own, or a test's.

use std::collections::BTreeMap;
use std::io::{self, BufRead, IsTerminal, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::queue::Queue;
use crate::report::{ERASE_BELOW, Surface};

/// How long what is said beside an answer waits for a reader that takes none of it.
const PATIENCE: Duration = Duration::from_secs(10);

/// A writer that several parts of a command share.
#[derive(Clone)]
pub struct SharedWriter(Arc<Mutex<Shared>>);

struct Shared {
    writer: Place,
    /// Whether the cursor stands in front of live rows, which any other text erases first.
    rows: bool,
}

enum Place {
    /// Whoever writes waits until it is written.
    Direct(Box<dyn Write + Send>),
    /// Nobody waits before the end.
    Queued(Queue),
}

impl Place {
    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Direct(writer) => writer.write_all(bytes).and_then(|()| writer.flush()),
            Self::Queued(queue) => queue.push(bytes),
        }
    }
}

impl SharedWriter {
    /// Shares a writer.
    pub fn new(writer: impl Write + Send + 'static) -> Self {
        Self::with(Place::Direct(Box::new(writer)))
    }

    /// Shares a writer whose reader may take as long as it likes. What it is given last has to be waited for: see
    /// [`Self::told`].
    pub(super) fn queued<W: Write + Send + 'static>(open: impl Fn() -> W) -> Self {
        let place = Queue::new(Box::new(open())).map(Place::Queued);
        Self::with(place.unwrap_or_else(|| Place::Direct(Box::new(open()))))
    }

    fn with(writer: Place) -> Self {
        Self(Arc::new(Mutex::new(Shared {
            writer,
            rows: false,
        })))
    }

    /// Waits until everything is written that was given so far: an answer is waited for as long as its reader likes.
    pub(super) fn answered(&self) -> io::Result<()> {
        self.drained(Duration::MAX)
    }

    /// The same, but nobody waits for ever for what is said beside the answer.
    pub(super) fn told(&self) -> io::Result<()> {
        self.drained(PATIENCE)
    }

    fn drained(&self, patience: Duration) -> io::Result<()> {
        match &self.lock().writer {
            Place::Direct(_) => Ok(()),
            Place::Queued(queue) => queue.drained(patience),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Write for SharedWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut shared = self.lock();
        if std::mem::take(&mut shared.rows) {
            shared.writer.put(ERASE_BELOW.as_bytes())?;
        }
        shared.writer.put(bytes)?;
        Ok(bytes.len())
    }

    /// Everything is on its way already.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The terminal behind standard error.
pub(super) struct ErrTerminal(pub(super) SharedWriter);

impl Surface for ErrTerminal {
    fn size(&self) -> (usize, usize) {
        match rustix::termios::tcgetwinsize(rustix::stdio::stderr()) {
            Ok(size) if size.ws_col > 0 && size.ws_row > 0 => {
                (usize::from(size.ws_col), usize::from(size.ws_row))
            }
            _ => (80, 24),
        }
    }

    fn draw(&mut self, frame: &str, rows: bool) -> io::Result<()> {
        let mut shared = self.0.lock();
        shared.rows = rows;
        shared.writer.put(frame.as_bytes())
    }
}

/// A reader that a thread of its own may wait for.
#[derive(Clone)]
pub struct SharedReader(Arc<Mutex<Box<dyn BufRead + Send>>>);

impl SharedReader {
    /// Shares a reader.
    pub fn new(reader: impl BufRead + Send + 'static) -> Self {
        Self(Arc::new(Mutex::new(Box::new(reader))))
    }

    /// Waits for a line.
    pub fn line(&self) -> io::Result<String> {
        let mut line = String::new();
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .read_line(&mut line)?;
        Ok(line)
    }
}

/// The streams and the environment of one call.
#[derive(Clone)]
pub struct Streams {
    /// Gives answers to prompts.
    pub input: SharedReader,
    /// Gets the asked-for document and nothing else.
    pub out: SharedWriter,
    /// Gets progress, logs, prompts and errors.
    pub err: SharedWriter,
    /// The environment.
    pub env: BTreeMap<String, String>,
    /// Whether a person can answer.
    pub in_tty: bool,
    /// Whether a person reads the output.
    pub out_tty: bool,
    /// Whether a person reads the messages.
    pub err_tty: bool,
}

impl Streams {
    /// The process's own.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the environment"
    )]
    pub fn of_process() -> Self {
        Self {
            input: SharedReader::new(io::BufReader::new(io::stdin())),
            out: SharedWriter::queued(io::stdout),
            err: SharedWriter::queued(io::stderr),
            env: std::env::vars_os()
                .filter_map(|(key, value)| {
                    Some((key.into_string().ok()?, value.into_string().ok()?))
                })
                .collect(),
            in_tty: io::stdin().is_terminal(),
            out_tty: io::stdout().is_terminal(),
            err_tty: io::stderr().is_terminal(),
        }
    }

    /// A variable that is set to something.
    pub fn var(&self, name: &str) -> Option<&str> {
        self.env
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }
}
