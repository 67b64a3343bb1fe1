//! An engine with one container: the HAProxy of a test, which sees its folder under another name.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use rollcall::model::{ContainerId, NodeState};
use rollcall::provider::{
    ContainerRecord, Containers, ExecEnded, Fault, MountRecord, NetworkOf, ProviderError,
};

/// What the engine says of the container.
#[derive(Debug, Clone)]
pub(crate) struct Boxed {
    /// The folder here.
    pub(crate) dir: PathBuf,
    /// The same folder in there: a link.
    pub(crate) inside: PathBuf,
    /// The command, without its first word.
    pub(crate) command: Vec<String>,
}

/// The engine.
pub(crate) struct Engine {
    boxed: Boxed,
    /// What is changed of the record, if it is there at all.
    pub(crate) record: Mutex<Option<ContainerRecord>>,
    /// When whoever asks is killed: it never gets an answer.
    pub(crate) kills: Mutex<Option<Kills>>,
}

/// Whether whoever asks now is killed.
pub(crate) type Kills = Box<dyn Fn() -> bool + Send>;

impl Engine {
    pub(crate) fn new(boxed: Boxed) -> Self {
        let words = ["docker-entrypoint.sh", "haproxy"].map(str::to_owned);
        let record = ContainerRecord {
            id: ContainerId::new("c0ffee"),
            state: NodeState::Running,
            command: words.into_iter().chain(boxed.command.clone()).collect(),
            working_dir: "/".into(),
            network: NetworkOf::Its,
            mounts: vec![MountRecord {
                source: Some(boxed.dir.clone()),
                destination: boxed.inside.clone(),
            }],
        };
        Self {
            record: Mutex::new(Some(record)),
            kills: Mutex::default(),
            boxed,
        }
    }

    /// Changes what is seen of the container.
    pub(crate) fn change(&self, change: impl FnOnce(&mut ContainerRecord)) {
        change(self.record.lock().unwrap().as_mut().unwrap());
    }

    async fn live(&self) {
        let killed = self.kills.lock().unwrap().as_ref().is_some_and(|now| now());
        if killed {
            std::future::pending::<()>().await;
        }
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.boxed.dir.join("log")).unwrap()
    }

    fn pid(&self) -> String {
        std::fs::read_to_string(self.boxed.dir.join("pid")).unwrap()
    }
}

/// What exec and kill say of a container that is not there.
fn gone() -> ProviderError {
    ProviderError::new(Fault::Permanent, "no such container")
}

#[async_trait]
impl Containers for Engine {
    async fn inspect(&self, name: &str) -> Result<Option<ContainerRecord>, ProviderError> {
        assert_eq!(name, "haproxy-gw");
        Ok(self.record.lock().unwrap().clone())
    }

    async fn exec(
        &self,
        _container: &ContainerId,
        command: &[String],
        _deadline: Duration,
    ) -> Result<ExecEnded, ProviderError> {
        self.live().await;
        if self.record.lock().unwrap().is_none() {
            return Err(gone());
        }
        // What it sees of this host is what is mounted.
        let hidden = |word: &String| Path::new(word).starts_with(&self.boxed.dir);
        assert!(!command.iter().any(hidden), "{command:?}");
        let (program, args) = command.split_first().unwrap();
        let program = match program.as_str() {
            "haproxy" => "/usr/sbin/haproxy",
            other => other,
        };
        let Ok(output) = Command::new(program).args(args).output() else {
            let tail = vec![format!("exec: {program:?}: not found")];
            return Ok(ExecEnded { code: 127, tail });
        };
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        Ok(ExecEnded {
            code: i64::from(output.status.code().unwrap_or(137)),
            tail: said.lines().map(str::to_owned).collect(),
        })
    }

    async fn signal(&self, _container: &ContainerId, name: &str) -> Result<(), ProviderError> {
        self.live().await;
        let sent = Command::new("kill")
            .args(["-s", name, &self.pid()])
            .status();
        assert!(sent.unwrap().success());
        Ok(())
    }

    async fn last_lines(
        &self,
        _container: &ContainerId,
        count: usize,
    ) -> Result<Vec<String>, ProviderError> {
        let log = self.log();
        let lines = log.lines().enumerate();
        let lines: Vec<String> = lines.map(|(n, line)| format!("{n:09} {line}")).collect();
        Ok(lines[lines.len().saturating_sub(count)..].to_vec())
    }
}
