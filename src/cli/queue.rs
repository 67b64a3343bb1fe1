//! Writing without waiting: a thread writes what is handed to it, however long its reader takes.
//!
//! A terminal that is paused and a pipe that nobody reads stop whoever writes to them. A run that stood still there would
//! lose its lease and hear no Ctrl-C.

use std::io::{self, ErrorKind, Write};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What waits to be written.
pub(super) struct Queue {
    sender: Sender<Vec<u8>>,
    progress: Arc<Progress>,
}

#[derive(Default)]
struct Progress {
    state: Mutex<State>,
    moved: Condvar,
}

#[derive(Default)]
struct State {
    waiting: usize,
    broken: Option<Broken>,
}

/// An error that can be told more than once.
#[derive(Clone, Copy)]
struct Broken {
    kind: ErrorKind,
    number: Option<i32>,
}

impl Broken {
    fn of(error: &io::Error) -> Self {
        Self {
            kind: error.kind(),
            number: error.raw_os_error(),
        }
    }

    fn error(self) -> io::Error {
        let from_kind = || self.kind.into();
        self.number
            .map_or_else(from_kind, io::Error::from_raw_os_error)
    }
}

impl Queue {
    /// A queue in front of this writer; `None`: the system gives no thread.
    pub(super) fn new(mut writer: Box<dyn Write + Send>) -> Option<Self> {
        let (sender, chunks) = mpsc::channel::<Vec<u8>>();
        let progress = Arc::new(Progress::default());
        let own = Arc::clone(&progress);
        let write = move || {
            for chunk in chunks {
                let written = writer.write_all(&chunk).and_then(|()| writer.flush());
                let mut state = own.lock();
                state.waiting = state.waiting.saturating_sub(1);
                if let Err(error) = written {
                    state.broken.get_or_insert(Broken::of(&error));
                }
                own.moved.notify_all();
            }
        };
        std::thread::Builder::new().spawn(write).ok()?;
        Some(Self { sender, progress })
    }

    /// Hands it over. An error is one of an earlier time.
    pub(super) fn push(&self, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.progress.lock();
        if let Some(broken) = state.broken {
            return Err(broken.error());
        }
        state.waiting += 1;
        drop(state);
        let sent = self.sender.send(bytes.to_vec());
        sent.map_err(|_| ErrorKind::BrokenPipe.into())
    }

    /// Waits until everything is written, for as long as `patience` after anything was taken of it.
    pub(super) fn drained(&self, patience: Duration) -> io::Result<()> {
        let mut state = self.progress.lock();
        while state.waiting > 0 && state.broken.is_none() {
            let before = state.waiting;
            let waited = self.progress.moved.wait_timeout(state, patience);
            let (now, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
            if timeout.timed_out() && now.waiting == before {
                return Err(io::Error::new(ErrorKind::TimedOut, "nobody reads it"));
            }
            state = now;
        }
        state.broken.map_or(Ok(()), |broken| Err(broken.error()))
    }
}

impl Progress {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_writes_does_not_wait_for_the_reader() {
        let (mut reader, writer) = io::pipe().unwrap();
        let queue = Queue::new(Box::new(writer)).unwrap();
        let much = vec![b'x'; 1 << 20];
        queue.push(&much).unwrap();
        queue.push(b"end").unwrap();
        let reading = std::thread::spawn(move || {
            let mut all = Vec::new();
            io::Read::read_to_end(&mut reader, &mut all).unwrap();
            all
        });
        queue.drained(Duration::MAX).unwrap();
        drop(queue);
        let read = reading.join().unwrap();
        assert_eq!(read.len(), much.len() + 3);
        assert!(read.ends_with(b"end"));
    }

    #[test]
    fn a_reader_that_left_is_told_afterwards() {
        let (reader, writer) = io::pipe().unwrap();
        drop(reader);
        let queue = Queue::new(Box::new(writer)).unwrap();
        queue.push(b"x").unwrap();
        assert_eq!(
            queue.drained(Duration::MAX).unwrap_err().kind(),
            ErrorKind::BrokenPipe
        );
        assert!(queue.push(b"y").is_err());
    }
}
