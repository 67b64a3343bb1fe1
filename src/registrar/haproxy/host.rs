//! HAProxy on this host: its program checks, its master's socket is asked and told.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;

use super::check::complaints;
use super::files::{self, File};
use super::mounts::real;
use super::seat::{Loaded, ReloadError, Seat, Trial};
use super::wire::Style;
use super::{HaproxyOnHost, master};
use crate::command::{Command, CommandError, How};
use crate::model::{ClusterView, Port, PortMap, RegistrarId, one_line};
use crate::registrar::{Fault, RegistrarError};

/// How long a check may take.
const DEADLINE: Duration = Duration::from_secs(20);

/// HAProxy on this host.
pub(super) struct Host {
    pub(super) settings: HaproxyOnHost,
    /// The folder of the generated file.
    pub(super) dir: PathBuf,
    pub(super) files: Vec<PathBuf>,
    pub(super) inside: Port,
}

#[async_trait]
impl Seat for Host {
    fn style(&self) -> Style {
        Style::Host
    }

    fn needs(&self) -> Option<Port> {
        Some(self.inside)
    }

    fn after(&self) -> Vec<RegistrarId> {
        Vec::new()
    }

    fn target(&self, cluster: &ClusterView) -> Result<String, RegistrarError> {
        let (id, inside) = (&cluster.id, self.inside);
        let port = cluster.ports.get(&inside).ok_or_else(|| {
            permanent(format!(
                "{id} publishes no port of this host that leads to {inside}"
            ))
        })?;
        Ok(format!("{}:{port}", self.settings.address))
    }

    fn leads_to(&self, target: &str) -> PortMap {
        let port = target.rsplit_once(':').and_then(|(host, port)| {
            let port = Port::parse(port.parse().ok()?).ok()?;
            (host == self.settings.address).then_some(port)
        });
        port.map(|port| (self.inside, port)).into_iter().collect()
    }

    async fn loaded(&self) -> Result<Option<Loaded>, RegistrarError> {
        let socket = &self.settings.socket;
        let backends = master::backends(socket).await;
        let backends = backends.map_err(|error| master::silent(socket, &error))?;
        // What cannot be read, the check will say.
        let files = self.in_order().unwrap_or_default();
        Ok(Some(Loaded::of(backends, files, None)))
    }

    async fn accepts(&self, trial: &Trial<'_>) -> Result<Result<(), String>, RegistrarError> {
        let files = self.in_order().map_err(|error| {
            permanent(format!(
                "the configuration of HAProxy cannot be read: {error}"
            ))
            .hint("set haproxy.files to the files that HAProxy is started with")
        })?;
        let files = files
            .into_iter()
            .filter_map(|file| match (file, trial.instead) {
                (File::Ours, _) => trial.ours.map(Path::to_owned),
                (File::Theirs(file), Some((own, staged))) if real(&file) == real(own) => {
                    Some(staged.to_owned())
                }
                (File::Theirs(file), _) => Some(file),
            });
        let args = files.flat_map(|file| ["-f".into(), file.into_os_string()]);
        let command = Command::new(&self.settings.program, DEADLINE)
            .args(["-c".into()].into_iter().chain(args))
            .env(self.settings.env.clone());
        let ended = command.run(&|_| {}).await.map_err(uncallable)?;
        Ok(match ended.how {
            How::Exit(status) if status.success() => Ok(()),
            How::Exit(_) => Err(complaints(&ended.tail)),
            How::Deadline => Err(format!("its check took longer than {DEADLINE:?}")),
        })
    }

    async fn version(&self, deadline: Duration) -> Result<String, RegistrarError> {
        let command = Command::new(&self.settings.program, deadline)
            .args(["-v"])
            .env(self.settings.env.clone());
        let ended = command.run(&|_| {}).await.map_err(uncallable)?;
        version_in(&ended.tail)
    }

    async fn reload(&self, revision: &str) -> Result<(), ReloadError> {
        master::reload(&self.settings.socket, revision).await
    }

    fn absent(&self) -> RegistrarError {
        permanent("there is no HAProxy")
    }

    async fn shown_files(&self) -> String {
        shown(&self.files)
    }
}

impl Host {
    fn in_order(&self) -> io::Result<Vec<File>> {
        files::in_order(&self.files, &self.dir, |place| Some(place.to_owned()))
    }
}

/// What `haproxy -v` says first (`HAProxy version 2.6.12-1+deb12u2 2025/04/16 - https://haproxy.org/`).
pub(super) fn version_in(said: &[String]) -> Result<String, RegistrarError> {
    let version = said.iter().find(|line| line.contains("version"));
    let version = version.ok_or_else(|| permanent("haproxy -v names no version"))?;
    let end = version.find(" - ").unwrap_or(version.len());
    Ok(one_line(&version[..end], 100))
}

fn uncallable(error: CommandError) -> RegistrarError {
    match error {
        CommandError::Missing(program) => {
            permanent(format!("there is no program {}", program.display()))
                .hint("install haproxy, or set haproxy.program")
        }
        other => permanent(format!("HAProxy's program cannot be run: {other}")),
    }
}

/// Files, for people.
pub(super) fn shown(files: &[PathBuf]) -> String {
    let files: Vec<String> = files
        .iter()
        .map(|file| file.display().to_string())
        .collect();
    files.join(", ")
}

fn permanent(message: impl Into<String>) -> RegistrarError {
    RegistrarError::new(Fault::Permanent, message)
}
