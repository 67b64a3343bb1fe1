//! `haproxy -c`: whether HAProxy would take a staged file beside the user's own.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Haproxy;
use crate::command::{Command, CommandError, How};
use crate::model::one_line;
use crate::registrar::{Fault, RegistrarError};

const DEADLINE: Duration = Duration::from_secs(20);
/// How many of HAProxy's complaints are passed on.
const COMPLAINTS: usize = 3;

impl Haproxy {
    /// Fails if HAProxy would refuse this file beside the user's own.
    pub(super) async fn check(&self, staged: &Path) -> Result<(), RegistrarError> {
        let Err(complaint) = self.accepts(Some(staged)).await? else {
            return Ok(());
        };
        // Whose fault it is: without ours, is theirs accepted?
        match self.accepts(None).await? {
            Ok(()) => Err(permanent(format!(
                "HAProxy refuses the routes: {complaint}"
            ))),
            Err(complaint) => Err(permanent(format!(
                "HAProxy refuses its own configuration, whatever the routes: {complaint}"
            ))
            .hint(format!(
                "mend {}; until then HAProxy goes on with what it loaded last",
                self.shown_files()
            ))),
        }
    }

    /// Whether HAProxy takes these files; if not, what it says.
    async fn accepts(&self, staged: Option<&Path>) -> Result<Result<(), String>, RegistrarError> {
        let mut files = self.own_files().map_err(|error| {
            permanent(format!(
                "the configuration of HAProxy cannot be read: {error}"
            ))
            .hint("set haproxy.files to the files that HAProxy is started with")
        })?;
        files.extend(staged.map(Path::to_owned));
        let args = files
            .iter()
            .flat_map(|file| ["-f".into(), file.clone().into_os_string()]);
        let command = Command::new(&self.settings.program, DEADLINE)
            .args(["-c".into()].into_iter().chain(args))
            .env(self.settings.env.clone());
        let ended = command.run(&|_| {}).await.map_err(|error| match error {
            CommandError::Missing(program) => {
                permanent(format!("there is no program {}", program.display()))
                    .hint("install haproxy, or set haproxy.program")
            }
            other => permanent(format!("HAProxy's check cannot be run: {other}")),
        })?;
        Ok(match ended.how {
            How::Exit(status) if status.success() => Ok(()),
            How::Exit(_) => Err(complaints(&ended.tail)),
            How::Deadline => Err(format!("its check took longer than {DEADLINE:?}")),
        })
    }

    /// The user's own files, a folder spelt out as HAProxy reads it: its `*.cfg` in the order of their names. What is
    /// ours is not among them.
    fn own_files(&self) -> io::Result<Vec<PathBuf>> {
        let mut all = Vec::new();
        for file in &self.settings.files {
            if !file.is_dir() {
                all.push(file.clone());
                continue;
            }
            let mut inside: Vec<PathBuf> = fs::read_dir(file)?
                .map(|entry| entry.map(|entry| entry.path()))
                .collect::<io::Result<_>>()?;
            inside.retain(|path| path.extension().is_some_and(|end| end == "cfg"));
            inside.sort();
            all.extend(inside);
        }
        all.retain(|path| *path != self.config());
        Ok(all)
    }

    fn shown_files(&self) -> String {
        let files = self.settings.files.iter();
        let files: Vec<String> = files.map(|file| file.display().to_string()).collect();
        files.join(", ")
    }
}

/// The lines that say what is wrong.
fn complaints(tail: &[String]) -> String {
    let alerts = tail.iter().filter(|line| line.contains("[ALERT]"));
    let mut lines: Vec<String> = alerts
        .take(COMPLAINTS)
        .map(|line| one_line(line, 200))
        .collect();
    if lines.is_empty() {
        lines.extend(tail.last().map(|line| one_line(line, 200)));
    }
    lines.join("; ")
}

fn permanent(message: impl Into<String>) -> RegistrarError {
    RegistrarError::new(Fault::Permanent, message)
}
