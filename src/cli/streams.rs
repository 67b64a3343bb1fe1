//! What a command reads from and writes to: the process's own, or a test's.

use std::collections::BTreeMap;
use std::io::{self, BufRead, IsTerminal, Write};
use std::sync::{Arc, Mutex, PoisonError};

/// A writer that several parts of a command share.
#[derive(Clone)]
pub struct SharedWriter(Arc<Mutex<Box<dyn Write + Send>>>);

impl SharedWriter {
    /// Shares a writer.
    pub fn new(writer: impl Write + Send + 'static) -> Self {
        Self(Arc::new(Mutex::new(Box::new(writer))))
    }
}

impl Write for SharedWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .flush()
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
            out: SharedWriter::new(io::stdout()),
            err: SharedWriter::new(io::stderr()),
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
