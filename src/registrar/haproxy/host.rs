//! HAProxy on this host: its program checks, its master's socket is asked and told.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;

use super::check::complaints;
use super::mounts::real;
use super::seat::{Loaded, ReloadError, Seat, Trial};
use super::wire::Style;
use super::{CONFIG, HaproxyOnHost, master};
use crate::command::{Command, CommandError, How};
use crate::model::{ClusterView, Port, PortMap, RegistrarId};
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
        Ok(Some(Loaded {
            names: backends,
            // What cannot be read, the check will say.
            files: self.own_files().unwrap_or_default(),
        }))
    }

    async fn accepts(&self, trial: &Trial<'_>) -> Result<Result<(), String>, RegistrarError> {
        let mut files = self.own_files().map_err(|error| {
            permanent(format!(
                "the configuration of HAProxy cannot be read: {error}"
            ))
            .hint("set haproxy.files to the files that HAProxy is started with")
        })?;
        if let Some((own, staged)) = trial.instead {
            let own = real(own);
            let it = files.iter_mut().filter(|file| real(file) == own);
            it.for_each(|file| staged.clone_into(file));
        }
        files.extend(trial.ours.map(Path::to_owned));
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

    async fn reload(&self, revision: &str) -> Result<(), ReloadError> {
        master::reload(&self.settings.socket, revision).await
    }

    async fn shown_files(&self) -> String {
        shown(&self.files)
    }
}

impl Host {
    /// The user's own files, a folder spelt out as HAProxy reads it: its `*.cfg` in the order of their names. What is
    /// ours is not among them.
    fn own_files(&self) -> io::Result<Vec<PathBuf>> {
        let mut all = Vec::new();
        for file in &self.files {
            if file.is_dir() {
                all.extend(configurations(file)?);
            } else {
                all.push(file.clone());
            }
        }
        all.retain(|path| *path != self.dir.join(CONFIG));
        Ok(all)
    }
}

/// What HAProxy reads of a folder.
pub(super) fn configurations(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let inside = fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path()));
    let mut inside: Vec<PathBuf> = inside.collect::<io::Result<_>>()?;
    inside.retain(|path| path.extension().is_some_and(|end| end == "cfg"));
    inside.sort();
    Ok(inside)
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
