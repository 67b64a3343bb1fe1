//! A kubeconfig in a folder of its own.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use rollcall::model::{Port, RegistrationView};
use rollcall::registrar::{Kubeconfig, RegisterOrder, Registrar};
use tempfile::TempDir;

use crate::cluster::{KEY, order, providers};
use crate::place::{Broken, Place};

const OTHERS: &str = "\
apiVersion: v1
kind: Config
current-context: mine
clusters:
- name: mine
  cluster: {server: 'https://mine.example:6443'}
contexts:
- name: mine
  context: {cluster: mine, user: me}
users:
- name: me
  user: {token: a-token-of-mine}
";

/// What is no kubeconfig.
const NONSENSE: [&str; 4] = [
    "clusters:\n- name: [torn",
    "<html>welcome</html>",
    "- a\n- list\n",
    "clusters: {k3d-dev: {}}\n",
];

/// A file that may not be there yet.
pub(crate) struct InKubeconfig {
    dir: TempDir,
    registrar: Arc<Kubeconfig>,
    life: &'static str,
}

impl InKubeconfig {
    pub(crate) fn open() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let registrar = Kubeconfig::new(dir.path().join("config"), providers());
        Self {
            dir,
            registrar: Arc::new(registrar),
            life: "one",
        }
    }

    fn file(&self) -> PathBuf {
        self.dir.path().join("config")
    }
}

#[async_trait]
impl Place for InKubeconfig {
    fn registrar(&self) -> Arc<dyn Registrar> {
        self.registrar.clone()
    }

    async fn order(&self) -> RegisterOrder {
        let mut order = order(self.life);
        if self.life == "two" {
            "https://127.0.0.1:6551".clone_into(&mut order.access.server);
            order.cluster.api_port = Some(Port::parse(6551).unwrap());
        }
        order
    }

    fn leads_there(&self, entry: &RegistrationView, order: &RegisterOrder) -> bool {
        entry.endpoint == order.access.server
            && entry.leads_to.get(&Port::API) == order.cluster.api_port.as_ref()
    }

    async fn others_come(&mut self) {
        fs::write(self.file(), OTHERS).unwrap();
    }

    async fn holds(&self) -> BTreeMap<String, String> {
        let text = fs::read_to_string(self.file()).unwrap_or_default();
        let kubeconfig = kube::config::Kubeconfig::from_yaml(&text).unwrap();
        let clusters = kubeconfig.clusters.into_iter();
        let clusters = clusters.map(|one| (format!("cluster {}", one.name), format!("{one:?}")));
        let users = kubeconfig.auth_infos.into_iter();
        let users = users.map(|one| (format!("user {}", one.name), format!("{one:?}")));
        let contexts = kubeconfig.contexts.into_iter();
        let contexts = contexts.map(|one| (format!("context {}", one.name), format!("{one:?}")));
        let current = (
            "current".to_owned(),
            format!("{:?}", kubeconfig.current_context),
        );
        clusters
            .chain(users)
            .chain(contexts)
            .chain([current])
            .collect()
    }

    async fn tamper(&mut self) {
        let text = fs::read_to_string(self.file()).unwrap();
        assert!(text.contains("127.0.0.1:6550"), "{text}");
        let changed = text.replace("127.0.0.1:6550", "127.0.0.1:7777");
        fs::write(self.file(), changed).unwrap();
    }

    async fn is_born_again(&mut self) {
        self.life = "two";
    }

    async fn breaks(&mut self, how: Broken) -> bool {
        let file = self.file();
        match how {
            Broken::Unreachable => std::os::unix::fs::symlink("nowhere/config", &file).unwrap(),
            // Whoever reads it waits for a writer.
            Broken::Silent => {
                let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
                let fifo = rustix::fs::FileType::Fifo;
                rustix::fs::mknodat(rustix::fs::CWD, &file, fifo, mode, 0).unwrap();
            }
            Broken::Nonsense(sort) => match NONSENSE.get(sort) {
                Some(nonsense) => fs::write(&file, nonsense).unwrap(),
                None => return false,
            },
        }
        true
    }

    fn secrets(&self) -> Vec<String> {
        vec![KEY.to_owned(), "a-token-of-mine".to_owned()]
    }
}
