//! Running a tool: the only place that starts a process.
//!
//! In: a program with its arguments (a vector, never a shell), the whole environment, a deadline. Out: how it ended, its
//! last lines, and every line as it comes. A tool gets a process group of its own; at its deadline, or when the future
//! is dropped, the whole group gets TERM, and KILL after a grace: no child of a child outlives it, none stays a zombie.
//! What a killed rollcall could not end is found by its environment, and ended by the next one ([`end_strays`]).
//! Must not: read this process's environment, keep all of a tool's output, or redact (who shows a line does that).

use std::collections::{BTreeMap, VecDeque};
use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Child;
use tokio::sync::{mpsc, oneshot};

mod strays;

pub use strays::{OWNER, end_strays};

/// How many of the last lines are kept.
const TAIL: usize = 40;
/// The longest line, in bytes; the rest of it is dropped.
const LINE: usize = 4096;
/// How many lines may wait for their reader before the tool has to.
const BACKLOG: usize = 256;
/// How long the group may take to end after TERM.
const GRACE: Duration = Duration::from_secs(5);
/// How long somebody may hold the pipes open after the tool itself has ended.
const DRAIN: Duration = Duration::from_secs(1);
/// How often a group that was told to end is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// A program to run.
#[derive(Debug, Clone)]
pub struct Command {
    /// The program's file.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// Its whole environment.
    pub env: BTreeMap<String, String>,
    /// How long it may take.
    pub deadline: Duration,
    /// How long its process group may take to end after TERM, before it gets KILL.
    pub grace: Duration,
}

/// How a program ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// By itself or not.
    pub how: How,
    /// Its last lines, at most 40, of standard output and standard error as they came.
    pub tail: Vec<String>,
}

/// What ended a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// It did, or a signal that was not ours.
    Exit(ExitStatus),
    /// Its deadline.
    Deadline,
}

/// Why a program could not be run.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// There is no such program.
    #[error("there is no program {}", .0.display())]
    Missing(PathBuf),
    /// The system refused.
    #[error("{} cannot be started", .program.display())]
    Spawn {
        /// The program's file.
        program: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The runtime is going down.
    #[error("the call was torn down")]
    TornDown,
}

impl Command {
    /// A program without arguments and with an empty environment.
    pub fn new(program: impl Into<PathBuf>, deadline: Duration) -> Self {
        Self {
            program: program.into(),
            args: Vec::new(),
            env: BTreeMap::new(),
            deadline,
            grace: GRACE,
        }
    }

    /// The same with these arguments at the end.
    #[must_use]
    pub fn args(mut self, args: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// The same with this environment.
    #[must_use]
    pub fn env(mut self, env: BTreeMap<String, String>) -> Self {
        self.env = env;
        self
    }

    /// Runs it, and hands on every line as it comes. Dropping the future ends the program and all that it started.
    pub async fn run(&self, line: &(dyn Fn(&str) + Send + Sync)) -> Result<Ended, CommandError> {
        let (child, group) = self.spawn()?;
        let (keep, dropped) = oneshot::channel();
        let (lines, mut incoming) = mpsc::channel(BACKLOG);
        // The keeper outlives a dropped future: ending a group takes time, and dropping must not wait.
        let keeper = tokio::spawn(keep_watch(
            child,
            group,
            lines,
            dropped,
            self.deadline,
            self.grace,
        ));
        let mut tail = VecDeque::new();
        while let Some(text) = incoming.recv().await {
            line(&text);
            if tail.len() == TAIL {
                tail.pop_front();
            }
            tail.push_back(text);
        }
        let ended = keeper.await.map_err(|_| CommandError::TornDown)?;
        drop(keep);
        let how = ended.map_err(|source| self.refused(source))?;
        tracing::debug!(program = %self.program.display(), ?how, "the tool ended");
        Ok(Ended {
            how,
            tail: tail.into(),
        })
    }

    fn spawn(&self) -> Result<(Child, Group), CommandError> {
        #[expect(
            clippy::disallowed_methods,
            reason = "this is the place where processes are started"
        )]
        let mut command = tokio::process::Command::new(&self.program);
        let child = command
            .args(&self.args)
            .env_clear()
            .envs(&self.env)
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|source| self.refused(source))?;
        let group = Group::of(&child);
        let program = self.program.display();
        tracing::debug!(%program, args = ?self.args, pid = child.id(), "started a tool");
        Ok((child, group))
    }

    fn refused(&self, source: io::Error) -> CommandError {
        if source.kind() == io::ErrorKind::NotFound {
            return CommandError::Missing(self.program.clone());
        }
        CommandError::Spawn {
            program: self.program.clone(),
            source,
        }
    }
}

/// Waits for the child, reads what it says, and ends it when its time is up or nobody wants it any more.
async fn keep_watch(
    mut child: Child,
    mut group: Group,
    lines: mpsc::Sender<String>,
    mut dropped: oneshot::Receiver<()>,
    deadline: Duration,
    grace: Duration,
) -> io::Result<How> {
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let mut reading = tokio::spawn(async move {
        tokio::join!(read_lines(out, &lines), read_lines(err, &lines));
    });
    let ended = tokio::select! {
        status = child.wait() => Some(status),
        () = tokio::time::sleep(deadline) => None,
        _ = &mut dropped => None,
    };
    if ended.is_none() {
        group.end(&mut child, grace).await;
    }
    // Who still holds the pipes is a child that the tool left behind.
    if tokio::time::timeout(DRAIN, &mut reading).await.is_err() {
        group.kill();
        reading.abort();
    }
    group.over();
    ended.map_or(Ok(How::Deadline), |status| status.map(How::Exit))
}

/// Hands on the lines of one pipe until it is closed.
async fn read_lines(pipe: Option<impl AsyncRead + Unpin>, lines: &mpsc::Sender<String>) {
    let Some(mut pipe) = pipe else { return };
    let mut splitter = Splitter::default();
    let mut chunk = [0; 8192];
    while let Ok(count @ 1..) = pipe.read(&mut chunk).await {
        for line in splitter.take(&chunk[..count]) {
            // Nobody listens any more; the pipe is emptied all the same, or the tool would hang in a write.
            let _ = lines.send(line).await;
        }
    }
    if let Some(line) = splitter.rest() {
        let _ = lines.send(line).await;
    }
}

/// Cuts bytes into lines of bounded length.
#[derive(Debug, Default)]
struct Splitter {
    line: Vec<u8>,
    cut: bool,
}

impl Splitter {
    fn take(&mut self, bytes: &[u8]) -> Vec<String> {
        let mut lines = Vec::new();
        let mut parts = bytes.split(|byte| *byte == b'\n').peekable();
        while let Some(part) = parts.next() {
            let room = LINE - self.line.len();
            self.cut |= part.len() > room;
            self.line.extend_from_slice(&part[..part.len().min(room)]);
            if parts.peek().is_some() {
                lines.push(self.finish());
            }
        }
        lines
    }

    fn rest(&mut self) -> Option<String> {
        (!self.line.is_empty()).then(|| self.finish())
    }

    fn finish(&mut self) -> String {
        let bytes = std::mem::take(&mut self.line);
        let mut text = String::from_utf8_lossy(&bytes).trim_end().to_owned();
        if std::mem::take(&mut self.cut) {
            text.push('…');
        }
        text
    }
}

/// A process group that is ended when it is dropped, unless it is over.
#[derive(Debug)]
struct Group(Option<Pid>);

impl Group {
    /// The group that a child leads.
    fn of(child: &Child) -> Self {
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        Self(id.and_then(Pid::from_raw))
    }

    /// TERM to everybody, KILL to who is left after the grace; the child is waited for.
    async fn end(&mut self, child: &mut Child, grace: Duration) {
        self.signal(Signal::TERM);
        let gone = async {
            let _ = child.wait().await;
            while self.is_there() {
                tokio::time::sleep(LOOK).await;
            }
        };
        let _ = tokio::time::timeout(grace, gone).await;
        self.kill();
        let _ = child.wait().await;
    }

    fn kill(&self) {
        self.signal(Signal::KILL);
    }

    fn signal(&self, signal: Signal) {
        if let Some(group) = self.0 {
            // It may be gone already.
            let _ = kill_process_group(group, signal);
        }
    }

    fn is_there(&self) -> bool {
        self.0
            .is_some_and(|group| test_kill_process_group(group).is_ok())
    }

    /// The group's number may be somebody else's from now on.
    fn over(&mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

#[cfg(test)]
mod tests;
