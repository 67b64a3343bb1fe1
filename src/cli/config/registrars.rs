//! The sections of registrars.

use std::path::PathBuf;

use serde::Deserialize;

use crate::model::{Port, Ports, Selector};
use crate::registrar::Reach;

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
            socket: None,
            program: None,
            address: "127.0.0.1".to_owned(),
            port: Ports::HTTP,
            except: Vec::new(),
        }
    }
}

impl HaproxyConfig {
    /// What is missing, or cannot be right.
    pub(super) fn problem(&self) -> Option<String> {
        self.dir.as_ref()?;
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

/// `[network]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct NetworkConfig {
    /// Containers besides the management cluster's nodes.
    pub(crate) containers: Vec<String>,
}
