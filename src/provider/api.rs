//! Connections to Kubernetes APIs, and what their errors mean.

use std::collections::BTreeMap;
use std::time::Duration;

use kube::Client;
use kube::config::{
    AuthInfo, Cluster, Config, Context, KubeConfigOptions, Kubeconfig, NamedAuthInfo, NamedCluster,
    NamedContext,
};
use secrecy::ExposeSecret as _;
use secrecy::SecretString;

use super::Access;
use crate::model::one_line;

/// How long a connection may take; a whole request has its caller's deadline.
const CONNECT: Duration = Duration::from_secs(3);

/// Where a Kubernetes API is, and who asks it. The credentials are secret: a `Debug` shows none.
#[derive(Debug, Clone)]
pub struct ApiAddress {
    /// `https://HOST:PORT`.
    pub server: String,
    /// The name that its certificate must be for, if that is not the host.
    pub server_name: Option<String>,
    /// The CA's certificate, PEM in base64.
    pub ca_data: String,
    /// Who asks.
    pub credentials: Credentials,
}

/// Who asks a Kubernetes API.
#[derive(Debug, Clone)]
pub enum Credentials {
    /// A client certificate.
    Certificate {
        /// The certificate, PEM in base64.
        certificate_data: SecretString,
        /// Its key, PEM in base64.
        key_data: SecretString,
    },
    /// A bearer token.
    Token(SecretString),
}

impl From<&Access> for ApiAddress {
    fn from(access: &Access) -> Self {
        Self {
            server: access.server.clone(),
            server_name: None,
            ca_data: access.ca_data.clone(),
            credentials: Credentials::Certificate {
                certificate_data: access.client_certificate_data.clone(),
                key_data: access.client_key_data.clone(),
            },
        }
    }
}

/// What a client does when the API says that it is busy (429, 503, 504).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Busy {
    /// Says so.
    Fail,
    /// Asks again, when the API says so or later and later.
    Retry,
}

/// A client of its own: connections are not kept, an answer of a minute ago says nothing.
pub async fn client(address: &ApiAddress, busy: Busy) -> Result<Client, String> {
    let name = "rollcall".to_owned();
    let kubeconfig = Kubeconfig {
        clusters: vec![NamedCluster {
            name: name.clone(),
            cluster: Some(Cluster {
                server: Some(address.server.clone()),
                certificate_authority_data: Some(address.ca_data.clone()),
                tls_server_name: address.server_name.clone(),
                ..Cluster::default()
            }),
            other: BTreeMap::new(),
        }],
        auth_infos: vec![NamedAuthInfo {
            name: name.clone(),
            auth_info: Some(auth(&address.credentials)),
            other: BTreeMap::new(),
        }],
        contexts: vec![NamedContext {
            name: name.clone(),
            context: Some(Context {
                cluster: name.clone(),
                user: Some(name.clone()),
                ..Context::default()
            }),
            other: BTreeMap::new(),
        }],
        current_context: Some(name),
        ..Kubeconfig::default()
    };
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await;
    let config = config.map_err(|error| words("its credentials", &error))?;
    client_of(config, busy)
}

/// A client of somebody's own kubeconfig.
pub async fn client_of_context(kubeconfig: Kubeconfig, context: &str) -> Result<Client, String> {
    let options = KubeConfigOptions {
        context: Some(context.to_owned()),
        ..KubeConfigOptions::default()
    };
    let config = Config::from_custom_kubeconfig(kubeconfig, &options).await;
    let config = config.map_err(|error| words("its credentials", &error))?;
    client_of(config, Busy::Retry)
}

fn client_of(mut config: Config, busy: Busy) -> Result<Client, String> {
    config.connect_timeout = Some(CONNECT);
    config.default_retry = busy == Busy::Retry;
    config.proxy_url = None;
    Client::try_from(config).map_err(|error| words("its credentials", &error))
}

fn auth(credentials: &Credentials) -> AuthInfo {
    match credentials {
        Credentials::Certificate {
            certificate_data,
            key_data,
        } => AuthInfo {
            client_certificate_data: Some(certificate_data.expose_secret().to_owned()),
            client_key_data: Some(key_data.clone()),
            ..AuthInfo::default()
        },
        Credentials::Token(token) => AuthInfo {
            token: Some(token.clone()),
            ..AuthInfo::default()
        },
    }
}

/// An error on one line: the last cause is the one that says something.
pub fn words(what: &str, error: &(dyn std::error::Error + 'static)) -> String {
    if let Some(kube::Error::Api(status)) = error.downcast_ref() {
        // Its Display would add what kube thinks of the answer.
        return format!("{what}: {} {}", status.code, one_line(&status.message, 200));
    }
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text = inner.to_string();
        source = inner.source();
    }
    format!("{what}: {}", one_line(&text, 200))
}
