//! What a provider is asked to do, and what it hands back.

use std::time::Duration;

use secrecy::SecretString;

use crate::model::{ClusterId, ClusterSpec, ContainerId, Incarnation, NetworkId, Nonce, VolumeId};

/// An order to make one cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateOrder {
    /// What to make.
    pub spec: ClusterSpec,
    /// The mark that everything made for it carries.
    pub nonce: Nonce,
    /// How long the tool may take.
    pub deadline: Duration,
}

/// Things on the engine, by identity.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parts {
    /// Whose they are, for messages.
    pub of: Option<ClusterId>,
    /// Containers; their anonymous volumes go with them.
    pub containers: Vec<ContainerId>,
    /// Networks.
    pub networks: Vec<NetworkId>,
    /// Volumes.
    pub volumes: Vec<VolumeId>,
    /// Containers that stay and may be taken off these networks, by name.
    pub guests: Vec<String>,
}

/// How to reach one cluster's API, from one of its lives. The credentials are secret: a `Debug` shows none.
#[derive(Debug, Clone)]
pub struct Access {
    /// Which cluster.
    pub id: ClusterId,
    /// Which life.
    pub incarnation: Incarnation,
    /// `https://127.0.0.1:PORT`.
    pub server: String,
    /// The CA's certificate, PEM in base64, as a kubeconfig carries it.
    pub ca_data: String,
    /// The client certificate, PEM in base64.
    pub client_certificate_data: SecretString,
    /// The client key, PEM in base64.
    pub client_key_data: SecretString,
}

/// Where an operation says what it is doing, line by line, as its tool says it. Lines are not redacted yet.
pub trait StepLog: Send + Sync {
    /// One line without its end.
    fn line(&self, line: &str);
}
