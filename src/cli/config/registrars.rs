//! The sections of registrars.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

use crate::model::{Port, Ports, Selector};
use crate::registrar::{DEFAULT_KEY, Reach, Way};

/// `[kubeconfig]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Kubeconfig {
    /// Whether clusters are registered there.
    pub(crate) enabled: bool,
    /// The file, if it is not the one of kubectl.
    pub(crate) path: Option<PathBuf>,
    /// Clusters that are not registered there.
    pub(crate) except: Vec<Selector>,
}

impl Default for Kubeconfig {
    fn default() -> Self {
        Self {
            enabled: true,
            path: None,
            except: Vec::new(),
        }
    }
}

/// `[haproxy]`: off without a folder.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct HaproxyConfig {
    /// The folder of the generated file and the map.
    pub(crate) dir: Option<PathBuf>,
    /// The user's own files, in HAProxy's order.
    pub(crate) files: Vec<PathBuf>,
    /// The container that HAProxy runs in.
    pub(crate) container: Option<String>,
    /// The port of the container's own 127.0.0.1 on which HAProxy says what it has loaded.
    pub(crate) proof_port: Port,
    /// The master's socket.
    pub(crate) socket: Option<PathBuf>,
    /// The program, if it is not the one on the PATH.
    pub(crate) program: Option<PathBuf>,
    /// Where the published ports are reached from HAProxy.
    pub(crate) address: String,
    /// The port inside a cluster that requests go to.
    pub(crate) port: Port,
    /// Clusters to which nothing is routed.
    pub(crate) except: Vec<Selector>,
}

impl Default for HaproxyConfig {
    fn default() -> Self {
        Self {
            dir: None,
            files: Vec::new(),
            container: None,
            proof_port: Port::PROOF,
            socket: None,
            program: None,
            address: Self::HERE.to_owned(),
            port: Ports::HTTP,
            except: Vec::new(),
        }
    }
}

impl HaproxyConfig {
    /// What `address` says by default.
    const HERE: &str = "127.0.0.1";

    /// The paths of this host's files: with a container, all but the folder are the container's.
    pub(super) fn paths(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        let here = self.container.is_none();
        let rest = self.files.iter_mut();
        let rest = rest.chain(&mut self.socket).chain(&mut self.program);
        self.dir.iter_mut().chain(rest.filter(move |_| here))
    }

    /// What is missing, or cannot be right.
    pub(super) fn problem(&self) -> Option<String> {
        let Some(container) = &self.container else {
            self.dir.as_ref()?;
            return self.problem_on_host();
        };
        let word = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
        if container.is_empty() || !container.chars().all(word) {
            return Some(format!(
                "haproxy.container {container:?} is no container's name"
            ));
        }
        if self.dir.is_none() {
            return Some(
                "haproxy.dir is missing: the folder of this host that is mounted into haproxy.container"
                    .to_owned(),
            );
        }
        (self.address != Self::HERE).then(|| {
            "haproxy.address is for a HAProxy on the host: in haproxy.container it reaches nodes by name".to_owned()
        })
    }

    fn problem_on_host(&self) -> Option<String> {
        let host = |c: char| c.is_ascii_alphanumeric() || ".:-[]".contains(c);
        if self.files.is_empty() {
            return Some(
                "haproxy.files is missing: the files that HAProxy is started with".to_owned(),
            );
        }
        if self.socket.is_none() {
            return Some(
                "haproxy.socket is missing: the SOCKET of haproxy -W -S SOCKET".to_owned(),
            );
        }
        if self.address.is_empty() || !self.address.chars().all(host) {
            return Some(format!("haproxy.address {:?} is no host", self.address));
        }
        None
    }
}

/// `[argocd]`: off without a context.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ArgoCdConfig {
    /// The management cluster's context.
    pub(crate) context: Option<String>,
    /// The file that has it, if it is not the user's kubeconfig.
    pub(crate) kubeconfig: Option<PathBuf>,
    /// The namespace of Argo CD.
    pub(crate) namespace: String,
    /// `network`, or the name of this host in the management cluster.
    pub(crate) reach: String,
    /// Clusters that are not registered there.
    pub(crate) except: Vec<Selector>,
}

impl Default for ArgoCdConfig {
    fn default() -> Self {
        Self {
            context: None,
            kubeconfig: None,
            namespace: "argocd".to_owned(),
            reach: ArgoCdConfig::NETWORK.to_owned(),
            except: Vec::new(),
        }
    }
}

impl ArgoCdConfig {
    /// What `reach` says by default.
    const NETWORK: &str = "network";

    /// How Argo CD reaches clusters.
    pub(crate) fn reach(&self) -> Reach {
        match self.reach.as_str() {
            Self::NETWORK => Reach::Network,
            host => Reach::Host(host.to_owned()),
        }
    }

    /// What cannot be right.
    pub(super) fn problem(&self) -> Option<String> {
        let word = |text: &str, more: &str| {
            let fits = |c: char| c.is_ascii_alphanumeric() || more.contains(c);
            !text.is_empty() && text.chars().all(fits)
        };
        if !word(&self.namespace, "-") {
            return Some(format!(
                "argocd.namespace {:?} is no namespace",
                self.namespace
            ));
        }
        (!word(&self.reach, ".:-[]")).then(|| format!("argocd.reach {:?} is no host", self.reach))
    }
}

/// `[applicationset]`: off without a name, or without Argo CD.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ApplicationSetConfig {
    /// The set.
    pub(crate) name: Option<String>,
    /// `labels` or `elements`.
    pub(crate) way: WayConfig,
    /// The key by which an element names its cluster.
    pub(crate) key: String,
    /// What an element says besides.
    pub(crate) element: BTreeMap<String, String>,
    /// Clusters that are not in it.
    pub(crate) except: Vec<Selector>,
}

impl ApplicationSetConfig {
    /// What cannot be right.
    pub(super) fn problem(&self) -> Option<String> {
        let nobody = self.way == WayConfig::Labels && !self.except.is_empty();
        nobody.then(|| {
            "applicationset.except leaves nobody out where the set selects Secrets (way = \"labels\"): name them in \
             argocd.except, or have the set's selector not match them"
                .to_owned()
        })
    }
}

/// How a cluster gets into a set.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum WayConfig {
    /// The set selects cluster Secrets.
    #[default]
    Labels,
    /// The set lists clusters.
    Elements,
}

impl WayConfig {
    /// For people.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Labels => "labels",
            Self::Elements => "elements",
        }
    }
}

impl Default for ApplicationSetConfig {
    fn default() -> Self {
        Self {
            name: None,
            way: WayConfig::default(),
            key: DEFAULT_KEY.to_owned(),
            element: BTreeMap::new(),
            except: Vec::new(),
        }
    }
}

impl ApplicationSetConfig {
    /// How clusters get into it.
    pub(crate) fn way(&self) -> Way {
        match self.way {
            WayConfig::Labels => Way::Labels,
            WayConfig::Elements => Way::Elements {
                key: self.key.clone(),
                element: self.element.clone(),
            },
        }
    }
}

/// `[network]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct NetworkConfig {
    /// Containers besides the management cluster's nodes.
    pub(crate) containers: Vec<String>,
}

/// `[portainer]`: off without a URL.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct PortainerConfig {
    /// Where rollcall reaches it.
    pub(crate) url: Option<String>,
    /// Where agents in clusters reach it.
    pub(crate) agent_url: Option<String>,
    /// `HOST:PORT` of the tunnel that agents must be told.
    pub(crate) tunnel: Option<String>,
    /// The file with an administrator's API key.
    pub(crate) api_key_file: Option<PathBuf>,
    /// An administrator's name, where there is no API key.
    pub(crate) username: Option<String>,
    /// The file with the password.
    pub(crate) password_file: Option<PathBuf>,
    /// Whose signature under its certificate is good.
    pub(crate) ca_file: Option<PathBuf>,
    /// Takes every certificate.
    pub(crate) insecure_skip_verify: bool,
    /// The group of the environments, by name or number.
    pub(crate) group: Option<String>,
    /// The tag of the environments that are ours.
    pub(crate) tag: String,
    /// The agent's image.
    pub(crate) agent_image: Option<String>,
    /// The agent's namespace.
    pub(crate) namespace: String,
    /// Seconds between two check-ins of an agent.
    pub(crate) checkin: Option<u32>,
    /// Clusters that are not registered there.
    pub(crate) except: Vec<Selector>,
}

impl Default for PortainerConfig {
    fn default() -> Self {
        Self {
            url: None,
            agent_url: None,
            tunnel: None,
            api_key_file: None,
            username: None,
            password_file: None,
            ca_file: None,
            insecure_skip_verify: false,
            group: None,
            tag: "rollcall".to_owned(),
            agent_image: None,
            namespace: "portainer-edge".to_owned(),
            checkin: None,
            except: Vec::new(),
        }
    }
}

impl PortainerConfig {
    /// The paths of files.
    pub(super) fn paths(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        let keys = self.api_key_file.iter_mut().chain(&mut self.password_file);
        keys.chain(&mut self.ca_file)
    }

    /// What is missing, or cannot be right.
    pub(super) fn problem(&self) -> Option<String> {
        let url = self.url.as_deref()?;
        let is_url = |url: &str| url.starts_with("http://") || url.starts_with("https://");
        let Some(agent) = self.agent_url.as_deref() else {
            return Some(
                "portainer.agent_url is missing: where agents in clusters reach it".to_owned(),
            );
        };
        let mut urls = [("url", url), ("agent_url", agent)].into_iter();
        if let Some((key, value)) = urls.find(|(_, value)| !is_url(value)) {
            return Some(format!(
                "portainer.{key} {value:?} is no http:// or https:// address"
            ));
        }
        // It would be shown, and sent to everybody who asks for the settings.
        let mut urls = [("url", url), ("agent_url", agent)].into_iter();
        if let Some((key, _)) = urls.find(|(_, value)| value.contains('@')) {
            return Some(format!(
                "portainer.{key} has a user in it: say who asks by its own keys"
            ));
        }
        // Portainer refuses it: in a cluster it is the cluster itself.
        let local = agent
            .split_once("://")
            .map(|(_, host)| host.starts_with("localhost"));
        (local == Some(true))
            .then(|| format!("portainer.agent_url {agent:?} is not reached from clusters"))
    }
}
