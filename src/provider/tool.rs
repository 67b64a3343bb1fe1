//! Calling a provider's tool: finding it, giving it an environment, and reading what it died of.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use std::{fs, io};

use serde::Serialize;
use tempfile::TempDir;

use super::{Fault, ProviderError, StepLog};
use crate::command::{Command, CommandError, How, OWNER};
use crate::model::{ToolView, one_line};

/// A tool that makes clusters.
#[derive(Debug, Clone)]
pub(super) struct Tool {
    /// What the program is called.
    pub(super) name: &'static str,
    /// Where it is, if the configuration says so.
    pub(super) program: Option<PathBuf>,
    /// Where to get it.
    pub(super) hint: &'static str,
    /// The user's environment.
    pub(super) env: BTreeMap<String, String>,
    /// Whose tool it is.
    pub(super) owner: String,
}

/// Keeps the first line that says something.
#[derive(Default)]
struct FirstLine(Mutex<Option<String>>);

impl FirstLine {
    fn line(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl StepLog for FirstLine {
    fn line(&self, line: &str) {
        let mut first = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if first.is_none() && !line.trim().is_empty() {
            *first = Some(one_line(line, 100));
        }
    }
}

impl Tool {
    /// Where a program of this environment is. Starts nothing.
    pub(super) fn which(&self, program: &str) -> Option<PathBuf> {
        // A PATH entry that is no absolute path means nothing here: the working directory is not the user's word.
        which::which_in(program, self.env.get("PATH"), "/").ok()
    }

    /// Whether it can be called.
    pub(super) fn view(&self) -> ToolView {
        match self.find() {
            Some(path) => ToolView::Found(path.display().to_string()),
            None => ToolView::Missing {
                program: self.shown(),
                hint: self.hint.to_owned(),
            },
        }
    }

    fn find(&self) -> Option<PathBuf> {
        match &self.program {
            Some(path) => which::which_in(path, None::<&str>, "/").ok(),
            None => self.which(self.name),
        }
    }

    fn shown(&self) -> String {
        let configured = self.program.as_ref();
        configured.map_or_else(|| self.name.to_owned(), |path| path.display().to_string())
    }

    fn missing(&self) -> ProviderError {
        let message = format!("there is no program {}", self.shown());
        ProviderError::new(Fault::ToolMissing, message).hint(self.hint)
    }

    /// The environment of a call: the user's, without what is rollcall's own (it may hold keys of registrars).
    pub(super) fn environment(&self) -> BTreeMap<String, String> {
        let own = |name: &str| name.starts_with("ROLLCALL_");
        let theirs = self.env.iter().filter(|(name, _)| !own(name));
        let mark = (OWNER.to_owned(), self.owner.clone());
        theirs
            .map(|(k, v)| (k.clone(), v.clone()))
            .chain([mark])
            .collect()
    }

    /// What it says that it is: the first line of `version`.
    pub(super) async fn version(&self, deadline: Duration) -> Result<String, ProviderError> {
        let said = FirstLine::default();
        self.call(["version"], self.environment(), deadline, &said)
            .await?;
        said.line().ok_or_else(|| {
            let message = format!(
                "{} says nothing when it is asked for its version",
                self.name
            );
            ProviderError::new(Fault::Permanent, message)
        })
    }

    /// Calls it and waits. What it says goes into the log.
    pub(super) async fn call(
        &self,
        args: impl IntoIterator<Item = impl Into<OsString>>,
        env: BTreeMap<String, String>,
        deadline: Duration,
        log: &dyn StepLog,
    ) -> Result<(), ProviderError> {
        let program = self.find().ok_or_else(|| self.missing())?;
        let command = Command::new(program, deadline).args(args).env(env);
        let ended = command
            .run(&|line| log.line(&without_colours(line)))
            .await
            .map_err(|error| match error {
                CommandError::Missing(_) => self.missing(),
                CommandError::Spawn { source, .. } => {
                    let message = format!("{} cannot be started: {source}", self.name);
                    ProviderError::new(Fault::Permanent, message)
                }
                CommandError::TornDown => {
                    ProviderError::new(Fault::Cancelled, format!("{} was ended", self.name))
                }
            })?;
        let tail: Vec<String> = ended
            .tail
            .iter()
            .map(|line| without_colours(line))
            .collect();
        match ended.how {
            How::Exit(status) if status.success() => Ok(()),
            How::Exit(status) => {
                let end = match status.code() {
                    Some(code) => format!("{} exited with {code}", self.name),
                    None => format!("{} was killed: {status}", self.name),
                };
                Err(diagnose(&end, status.code().is_none(), &tail))
            }
            How::Deadline => {
                let message = format!("{} did not end within {} s", self.name, deadline.as_secs());
                Err(ProviderError::new(Fault::Deadline, message))
            }
        }
    }
}

/// The longest that a tool's line may be in a message, in characters.
const LONGEST: usize = 300;

/// What a failure looks like in the tools' own words, what kind it is, and the way out. The first that fits counts.
const SYMPTOMS: [(&str, Fault, Option<&str>); 22] = [
    (
        "is already in use by container",
        Fault::NotOurs,
        Some("docker ps -a shows who has the name"),
    ),
    (
        "with that name already exists",
        Fault::NotOurs,
        Some("run rollcall again"),
    ),
    (
        "already exist for a cluster",
        Fault::NotOurs,
        Some("run rollcall again"),
    ),
    (
        "port is already allocated",
        Fault::Permanent,
        Some("free the port, or change it in the row"),
    ),
    (
        "address already in use",
        Fault::Permanent,
        Some("free the port, or change it in the row"),
    ),
    (
        "Pool overlaps",
        Fault::Permanent,
        Some("choose another subnet"),
    ),
    (
        "non-overlapping",
        Fault::Permanent,
        Some("docker network prune"),
    ),
    (
        "pull access denied",
        Fault::Permanent,
        Some("docker pull the image, or set another one"),
    ),
    (
        "manifest unknown",
        Fault::Permanent,
        Some("set an image that exists"),
    ),
    (
        "failed to pull image",
        Fault::Permanent,
        Some("docker pull the image, or set another one"),
    ),
    (
        "No such image",
        Fault::Permanent,
        Some("docker pull the image, or set another one"),
    ),
    (
        "no space left on device",
        Fault::Permanent,
        Some("docker system df shows what takes the space"),
    ),
    (
        "could not find a log line that matches",
        Fault::Transient,
        Some(
            "often inotify's limits: sysctl -w fs.inotify.max_user_instances=512 fs.inotify.max_user_watches=524288",
        ),
    ),
    ("context deadline exceeded", Fault::Transient, None),
    ("stopped returning log lines", Fault::Transient, None),
    (
        "Cannot connect to the Docker daemon",
        Fault::Transient,
        None,
    ),
    ("connection refused", Fault::Transient, None),
    ("i/o timeout", Fault::Transient, None),
    // A stream that broke: k3d loads images through one.
    ("use of closed network connection", Fault::Transient, None),
    ("closed pipe", Fault::Transient, None),
    ("broken pipe", Fault::Transient, None),
    ("connection reset by peer", Fault::Transient, None),
];

/// Reads a tool's last lines.
fn diagnose(end: &str, killed: bool, tail: &[String]) -> ProviderError {
    let symptom = SYMPTOMS.iter().find_map(|(words, fault, hint)| {
        let line = tail.iter().rev().find(|line| line.contains(words))?;
        Some((line, *fault, *hint))
    });
    let (line, fault, hint) = match symptom {
        // What passes is said in many words on the way; the complaint at the end sums it up.
        Some((_, Fault::Transient, hint)) => (complaint(tail), Fault::Transient, hint),
        Some((line, fault, hint)) => (Some(line), fault, hint),
        None if killed => (complaint(tail), Fault::Transient, None),
        None => (complaint(tail), Fault::Permanent, None),
    };
    let message = match line {
        Some(line) => format!("{end}: {}", essence(line)),
        None => end.to_owned(),
    };
    let error = ProviderError::new(fault, message);
    match hint {
        Some(hint) => error.hint(hint),
        None => error,
    }
}

/// The line that says what went wrong: the last one that the tool calls an error, but for k3d's general farewell; else
/// its last line.
fn complaint(tail: &[String]) -> Option<&String> {
    let farewell = |line: &&String| line.contains("Cluster creation FAILED");
    let wrong = |line: &&String| {
        ["ERRO", "FATA", "ERROR:", "panic:"]
            .iter()
            .any(|word| line.trim_start().starts_with(word))
    };
    let said = || tail.iter().rev().filter(|line| !line.trim().is_empty());
    said()
        .filter(wrong)
        .find(|line| !farewell(line))
        .or_else(|| said().next())
}

/// A line without its level; of a long one the end, for both tools put the cause last.
fn essence(line: &str) -> String {
    let text = ["ERRO[", "FATA["]
        .iter()
        .find_map(|level| line.trim_start().strip_prefix(level)?.split_once("] "))
        .map_or(line, |(_, text)| text);
    let text = [
        "ERROR: ",
        "Command Output: ",
        "docker: Error response from daemon: ",
    ]
    .iter()
    .fold(text.trim(), |text, prefix| text.trim_start_matches(prefix));
    let text = one_line(text, 4096);
    match text.char_indices().rev().nth(LONGEST) {
        Some((at, _)) => format!("…{}", text.get(at..).unwrap_or_default()),
        None => text,
    }
}

/// A line without its terminal colours (`ESC [ ... m`).
fn without_colours(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    let mut pieces = line.split("\u{1b}[");
    text.extend(pieces.next());
    for piece in pieces {
        let rest = piece.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';');
        text.push_str(rest.strip_prefix('m').unwrap_or(rest));
    }
    text
}

/// A configuration file's text. Every string is quoted: a cluster may be called `no` or `1e3`.
pub(super) fn yaml(value: &impl Serialize) -> Result<String, ProviderError> {
    let options = serde_saphyr::ser_options! { quote_all: true };
    let mut text = String::new();
    serde_saphyr::to_fmt_writer_with_options(&mut text, value, options).map_err(|error| {
        let message = format!("the tool's configuration cannot be written: {error}");
        ProviderError::new(Fault::Permanent, message)
    })?;
    Ok(text)
}

/// A folder that nobody else can look into, with one file in it. It goes when the value is dropped.
pub(super) fn private_folder(file: &str, text: &str) -> Result<TempDir, ProviderError> {
    let make = || {
        let folder = tempfile::Builder::new().prefix("rollcall-").tempdir()?;
        fs::write(folder.path().join(file), text)?;
        Ok(folder)
    };
    make().map_err(|error: io::Error| {
        let message = format!("cannot make a temporary folder: {error}");
        ProviderError::new(Fault::Permanent, message)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the real tools print, k3d 5.9 and kind 0.33.
    #[test]
    fn failures_are_told_by_what_the_tools_say() {
        let cases = [
            (
                "ERRO[0002] Failed Cluster Start: Failed to add one or more agents: Bind for 127.0.0.1:16444 failed: port is already allocated\n\
                 FATA[0002] Cluster creation FAILED, rollback deactivated.",
                Fault::Permanent,
                "Failed Cluster Start: Failed to add one or more agents: Bind for 127.0.0.1:16444 failed: port is already allocated",
            ),
            (
                "ERROR: failed to create cluster: command \"docker run --name a-control-plane\" failed with error: exit status 125\n\
                 Command Output: f00\n\
                 docker: Error response from daemon: driver failed: Bind for 127.0.0.1:28666 failed: port is already allocated.",
                Fault::Permanent,
                "driver failed: Bind for 127.0.0.1:28666 failed: port is already allocated.",
            ),
            (
                "ERROR: failed to create cluster: could not find a log line that matches \"Reached target .*Multi-User System.*|detected cgroup v1\"",
                Fault::Transient,
                "failed to create cluster: could not find a log line that matches \"Reached target .*Multi-User System.*|detected cgroup v1\"",
            ),
            (
                "ERRO[0000] Conflict. The container name \"/k3d-a-server-0\" is already in use by container \"f00\".",
                Fault::NotOurs,
                "Conflict. The container name \"/k3d-a-server-0\" is already in use by container \"f00\".",
            ),
            (
                "ERROR: failed to create cluster: failed to init node with kubeadm: command \"docker exec\" failed with error: exit status 1\n\
                 Command Output: node: kubeadm init fails on purpose",
                Fault::Permanent,
                "failed to create cluster: failed to init node with kubeadm: command \"docker exec\" failed with error: exit status 1",
            ),
            (
                "panic: runtime error\ngoroutine 1 [running]:",
                Fault::Permanent,
                "panic: runtime error",
            ),
            (
                "ERRO[0000] Failed to copy read stream. write unix @->/run/docker.sock: use of closed network connection\n\
                 ERRO[0000] Failed to import image(s) into cluster 'a': could not load image to cluster from stream [b:1]: \
                 error loading image to cluster, first error: failed to copy read stream. io: read/write on closed pipe",
                Fault::Transient,
                "Failed to import image(s) into cluster 'a': could not load image to cluster from stream [b:1]: \
                 error loading image to cluster, first error: failed to copy read stream. io: read/write on closed pipe",
            ),
            ("just a line\n", Fault::Permanent, "just a line"),
        ];
        for (said, fault, message) in cases {
            let tail: Vec<String> = said.lines().map(|line| line.trim().to_owned()).collect();
            let error = diagnose("k3d exited with 1", false, &tail);
            assert_eq!(error.fault, fault, "{said}");
            assert_eq!(error.message, format!("k3d exited with 1: {message}"));
        }
        assert_eq!(
            diagnose("k3d was killed", true, &[]).fault,
            Fault::Transient
        );
    }

    #[test]
    fn of_a_long_complaint_the_end_is_shown() {
        let tail = [format!("ERRO[0001] {} the cause", "x".repeat(1000))];
        let error = diagnose("k3d exited with 1", false, &tail);
        assert!(
            error.message.starts_with("k3d exited with 1: …x")
                && error.message.ends_with(" the cause")
        );
        assert!(error.message.len() < 400);
    }

    #[test]
    fn colours_are_taken_off() {
        let line = "\u{1b}[36mINFO\u{1b}[0m[0001] Creating node 'k3d-a-server-0' \u{1b}[1;31m";
        assert_eq!(
            without_colours(line),
            "INFO[0001] Creating node 'k3d-a-server-0' "
        );
    }

    #[test]
    fn a_secret_in_a_complaint_is_taken_out() {
        let tail = ["ERRO[0000] env K3S_TOKEN=abcdef refused".to_owned()];
        let error = diagnose("k3d exited with 1", false, &tail);
        assert!(!error.message.contains("abcdef"), "{error}");
    }

    #[test]
    fn rollcalls_own_variables_are_not_handed_on() {
        let env = [("ROLLCALL_KEY", "x"), ("HOME", "/h")];
        let env = env.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        let tool = Tool {
            name: "k3d",
            program: None,
            hint: "get it",
            env: env.collect(),
            owner: "me".to_owned(),
        };
        assert_eq!(
            tool.environment().keys().collect::<Vec<_>>(),
            ["HOME", OWNER]
        );
        assert!(matches!(tool.view(), ToolView::Missing { .. }));
    }
}
