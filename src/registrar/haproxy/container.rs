//! HAProxy in a container: its program checks by Docker's exec, with the paths that it sees; a signal has it load anew,
//! and it says itself what it has loaded.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;

use super::check::complaints;
use super::files::{self, File};
use super::host::{shown, version_in};
use super::seat::{Loaded, ReloadError, Seat, Trial};
use super::wire::Style;
use super::{CONFIG, HaproxyInContainer, MAP, master, mounts, proof, started};
use crate::model::{
    ClusterView, ContainerId, NodeRole, NodeState, Port, PortMap, RegistrarId, shell_word,
};
use crate::provider::{ContainerRecord, MountRecord, NetworkOf};
use crate::registrar::{Fault, RegistrarError};

/// How long a check may take: names that nobody answers for take a while each.
const CHECK: Duration = Duration::from_secs(60);
/// How long one question may take.
const QUESTION: Duration = Duration::from_secs(10);
/// How long a reload may take, and how often it is looked at.
const PATIENCE: Duration = Duration::from_secs(20);
const LOOK: Duration = Duration::from_millis(50);
/// How often in a row the new worker has to answer: for a moment the old one does too.
const ANSWERS: u32 = 2;
/// How many lines of its log are read.
const LINES: usize = 100;
/// How its master says that it could not load its files (2.6 to 3.0; from 3.1 on).
const FAILURES: [&str; 2] = ["Loading failure", "Failed to load worker"];

/// HAProxy in a container.
pub(super) struct Boxed {
    pub(super) settings: HaproxyInContainer,
    /// The folder of the generated file, on this host.
    pub(super) dir: PathBuf,
    /// The user's own files in the container; none: those that HAProxy is started with.
    pub(super) files: Vec<PathBuf>,
    pub(super) inside: Port,
}

/// The container as it is now.
#[derive(Debug)]
struct Found {
    id: ContainerId,
    /// The folder of the generated file, in the container.
    dir: PathBuf,
    /// The user's own files, in the container.
    files: Vec<PathBuf>,
    /// The master's socket, on this host.
    socket: Option<PathBuf>,
    mounts: Vec<MountRecord>,
}

impl Found {
    /// Where this host has a file of the container.
    fn outside(&self, file: &Path) -> Option<PathBuf> {
        mounts::outside(&self.mounts, file).map(|file| mounts::real(&file))
    }
}

#[async_trait]
impl Seat for Boxed {
    fn style(&self) -> Style {
        Style::Names {
            proof: match self.settings.socket {
                Some(_) => None,
                None => Some(self.settings.proof),
            },
        }
    }

    fn needs(&self) -> Option<Port> {
        None
    }

    fn after(&self) -> Vec<RegistrarId> {
        self.settings.after.clone()
    }

    /// The node that takes requests from outside: the load balancer where that carries this port, else the first server.
    fn target(&self, cluster: &ClusterView) -> Result<String, RegistrarError> {
        let carried = cluster.accepts_ports && cluster.ports.contains_key(&self.inside);
        let wanted = if carried {
            NodeRole::Balancer
        } else {
            NodeRole::Server
        };
        let node = cluster.nodes.iter().find(|node| node.role == wanted);
        let node = node
            .ok_or_else(|| permanent(format!("{} has no node that takes requests", cluster.id)))?;
        Ok(format!("{}:{}", node.name, self.inside))
    }

    fn leads_to(&self, _target: &str) -> PortMap {
        PortMap::new()
    }

    async fn loaded(&self) -> Result<Option<Loaded>, RegistrarError> {
        let Some(found) = self.find().await? else {
            return Ok(None);
        };
        self.loaded_by(&found).await.map(Some)
    }

    async fn accepts(&self, trial: &Trial<'_>) -> Result<Result<(), String>, RegistrarError> {
        let found = self.found().await?;
        let mut command = vec![self.settings.program.clone(), "-c".to_owned()];
        for file in self.on_trial(&found, trial)? {
            command.extend(["-f".to_owned(), file.display().to_string()]);
        }
        let ended = self.settings.containers.exec(&found.id, &command, CHECK);
        let ended = ended.await?;
        match ended.code {
            0 => Ok(Ok(())),
            126 | 127 => Err(permanent(format!(
                "container {} has no program {}",
                self.settings.name, self.settings.program
            ))
            .hint("set haproxy.program to its path in the container")),
            _ => Ok(Err(complaints(&ended.tail))),
        }
    }

    async fn version(&self, deadline: Duration) -> Result<String, RegistrarError> {
        let found = self.found().await?;
        let command = [self.settings.program.clone(), "-v".to_owned()];
        let asked = self.settings.containers.exec(&found.id, &command, deadline);
        version_in(&asked.await?.tail)
    }

    async fn reload(&self, revision: &str) -> Result<(), ReloadError> {
        let found = self.found().await.map_err(ReloadError::Silent)?;
        if let Some(socket) = &found.socket {
            return master::reload(socket, revision).await;
        }
        let before = self.said_last(&found).await;
        let told = self.settings.containers.signal(&found.id, "USR2").await;
        told.map_err(ReloadError::Silent)?;
        let waited = tokio::time::timeout(PATIENCE, async {
            let mut answers = 0;
            loop {
                let loaded = self.loaded_by(&found).await;
                let new = loaded.map_err(ReloadError::Silent)?.has(revision);
                answers = if new { answers + 1 } else { 0 };
                if answers == ANSWERS {
                    return Ok(());
                }
                if !new && let Some(why) = self.failure(&found, before.as_deref()).await {
                    return Err(ReloadError::Refused(Some(why)));
                }
                tokio::time::sleep(LOOK).await;
            }
        });
        match waited.await {
            Ok(ended) => ended,
            // A master says in its log that it heard.
            Err(_) if self.said_last(&found).await == before => Err(ReloadError::Deaf),
            Err(_) => Err(ReloadError::Late),
        }
    }

    fn absent(&self) -> RegistrarError {
        permanent(format!("there is no container {}", self.settings.name))
            .hint("make it, or set haproxy.container to the name of HAProxy's container: docker ps")
    }

    async fn shown_files(&self) -> String {
        let (name, found) = (&self.settings.name, self.found().await);
        let files = found.map(|found| shown(&found.files));
        format!(
            "{} of container {name}",
            files.unwrap_or_else(|_| "the files".to_owned())
        )
    }
}

impl Boxed {
    /// The container. `None`: it is proven that there is none.
    async fn find(&self) -> Result<Option<Found>, RegistrarError> {
        let record = self.settings.containers.inspect(&self.settings.name);
        let Some(record) = record.await? else {
            return Ok(None);
        };
        self.runs(&record)?;
        let dir = self.folder(&record)?;
        let files = self.started_with(&record, &dir)?;
        Ok(Some(Found {
            socket: self.socket(&record)?,
            id: record.id,
            dir,
            files,
            mounts: record.mounts,
        }))
    }

    async fn found(&self) -> Result<Found, RegistrarError> {
        let found = self.find().await?;
        found.ok_or_else(|| {
            let message = format!("there is no container {} any more", self.settings.name);
            RegistrarError::new(Fault::Transient, message)
        })
    }

    fn runs(&self, record: &ContainerRecord) -> Result<(), RegistrarError> {
        let name = &self.settings.name;
        let (what, way) = match record.state {
            NodeState::Running => return self.can_join(record),
            NodeState::Paused => ("is paused", "unpause"),
            NodeState::Restarting => ("restarts again and again", "logs --tail 20"),
            _ => ("does not run", "start"),
        };
        let mut hint = format!("docker {way} {name}");
        if !self.dir.join(MAP).exists() {
            let map = self.dir.join(MAP);
            hint = format!(
                "{hint}; HAProxy does not start without a map that its files name: touch {}",
                shell_word(&map.to_string_lossy())
            );
        }
        let message = format!("container {name} {what}");
        Err(RegistrarError::new(Fault::Transient, message).hint(hint))
    }

    /// Fails where it can be put on no cluster's network.
    fn can_join(&self, record: &ContainerRecord) -> Result<(), RegistrarError> {
        let (name, way) = (
            &self.settings.name,
            "give it a network of its own and publish its ports",
        );
        let (what, way) = match &record.network {
            NetworkOf::Its => return Ok(()),
            NetworkOf::Host => {
                let other = "or start HAProxy on the host, and leave haproxy.container out";
                ("its host's network".to_owned(), format!("{way}; {other}"))
            }
            NetworkOf::Container(other) => (
                format!("the network of container {other:.12}"),
                way.to_owned(),
            ),
            NetworkOf::Nobody => ("no network".to_owned(), way.to_owned()),
        };
        let message = format!("container {name} has {what}, and can be put on no cluster's");
        Err(permanent(message).hint(way))
    }

    /// The folder of the generated file, in the container.
    fn folder(&self, record: &ContainerRecord) -> Result<PathBuf, RegistrarError> {
        let (name, dir) = (&self.settings.name, mounts::real(&self.dir));
        mounts::inside(&record.mounts, &dir).ok_or_else(|| {
            permanent(format!(
                "{} is no folder that is mounted into container {name}",
                dir.display()
            ))
            .hint(format!(
                "mount the folder itself, not single files: docker run -v {0}:{0}:ro ... -f {0}; or set haproxy.dir \
                 to the folder that is mounted",
                shell_word(&dir.to_string_lossy())
            ))
        })
    }

    /// The user's own files: those that are configured, or those of the container's command, among which our folder has
    /// to be.
    fn started_with(
        &self,
        record: &ContainerRecord,
        dir: &Path,
    ) -> Result<Vec<PathBuf>, RegistrarError> {
        let (name, started) = (
            &self.settings.name,
            started::files(&record.command, &record.working_dir),
        );
        let reads = |file: &PathBuf| *file == dir || *file == dir.join(CONFIG);
        if !started.is_empty() && !started.iter().any(reads) {
            return Err(permanent(format!(
                "the HAProxy of container {name} is not started with the folder {}",
                dir.display()
            ))
            .hint(format!(
                "add -f {} to its command, and make the container again",
                shell_word(&dir.to_string_lossy())
            )));
        }
        match (self.files.is_empty(), started.is_empty()) {
            (false, _) => Ok(self.files.clone()),
            (true, false) => Ok(started),
            (true, true) => Err(permanent(format!(
                "the command of container {name} does not tell with which files HAProxy is started"
            ))
            .hint("set haproxy.files to their paths in the container")),
        }
    }

    /// The master's socket, on this host.
    fn socket(&self, record: &ContainerRecord) -> Result<Option<PathBuf>, RegistrarError> {
        let Some(socket) = &self.settings.socket else {
            return Ok(None);
        };
        let here = mounts::outside(&record.mounts, socket);
        here.map(Some).ok_or_else(|| {
            permanent(format!(
                "{} of container {} is in no folder that is mounted from this host",
                socket.display(),
                self.settings.name
            ))
            .hint("mount one for it; or leave haproxy.socket out: HAProxy is then told by a signal")
        })
    }

    /// What HAProxy reads, in its order.
    fn in_order(&self, found: &Found) -> io::Result<Vec<File>> {
        files::in_order(&found.files, &self.dir, |place| found.outside(place))
    }

    /// The same with what is staged in its place.
    fn on_trial(&self, found: &Found, trial: &Trial<'_>) -> Result<Vec<PathBuf>, RegistrarError> {
        let files = self.in_order(found).map_err(|error| {
            let name = &self.settings.name;
            permanent(format!(
                "a folder that container {name} reads cannot be read: {error}"
            ))
        })?;
        let ours = trial.ours.and_then(Path::file_name);
        let instead = trial.instead.map(|(own, staged)| {
            let there = mounts::there(&found.mounts, staged).ok_or_else(|| {
                permanent(format!(
                    "{} is mounted into container {} as a single file: what takes its place is not seen there",
                    own.display(),
                    self.settings.name
                ))
                .hint("mount its folder, and make the container again")
            })?;
            Ok::<_, RegistrarError>((mounts::real(own), there))
        });
        let instead = instead.transpose()?;
        let files = files.into_iter().filter_map(|file| match (file, &instead) {
            (File::Ours, _) => ours.map(|name| found.dir.join(name)),
            (File::Theirs(file), Some((own, there)))
                if found.outside(&file).as_deref() == Some(own) =>
            {
                Some(there.clone())
            }
            (File::Theirs(file), _) => Some(file),
        });
        Ok(files.collect())
    }

    async fn loaded_by(&self, found: &Found) -> Result<Loaded, RegistrarError> {
        // What cannot be read, the check will say.
        let files = self.in_order(found).unwrap_or_default();
        let mounts = Some(found.mounts.clone());
        if let Some(socket) = &found.socket {
            let backends = master::backends(socket).await;
            let names = backends.map_err(|error| master::silent(socket, &error))?;
            return Ok(Loaded::of(names, files, mounts));
        }
        let question = proof::question(self.settings.proof);
        let ended = self
            .settings
            .containers
            .exec(&found.id, &question, QUESTION)
            .await?;
        let said = proof::answer(&ended, &self.settings.name)?;
        Ok(Loaded::of(said.into_iter().collect(), files, mounts))
    }

    /// When its last line was said, where its log can be read.
    async fn said_last(&self, found: &Found) -> Option<String> {
        let lines = self.settings.containers.last_lines(&found.id, 1).await;
        lines.ok()?.pop()
    }

    /// Why its master says, after this line, that it could not load its files. A log proves nothing, but spares the wait.
    async fn failure(&self, found: &Found, after: Option<&str>) -> Option<String> {
        let lines = self.settings.containers.last_lines(&found.id, LINES).await;
        let time = |line: &str| line.split(' ').next().unwrap_or_default().to_owned();
        let after = after.map(time).unwrap_or_default();
        let new: Vec<String> = lines
            .ok()?
            .into_iter()
            .filter(|line| time(line) > after)
            .filter_map(|line| Some(line.split_once(' ')?.1.to_owned()))
            .collect();
        let failed = |line: &String| FAILURES.iter().any(|words| line.contains(words));
        new.iter().any(failed).then(|| complaints(&new))
    }
}

fn permanent(message: impl Into<String>) -> RegistrarError {
    RegistrarError::new(Fault::Permanent, message)
}
