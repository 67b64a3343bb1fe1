//! The prober port: two requests to a cluster's API over TLS, with its own CA and client certificate.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use kube::Client;
use kube::config::{
    AuthInfo, Cluster, Config, Context, KubeConfigOptions, Kubeconfig, NamedAuthInfo, NamedCluster,
    NamedContext,
};
use kube::core::Request;
use kube::core::params::{GetParams, ListParams};
use secrecy::ExposeSecret as _;
use secrecy::SecretString;

use super::{Access, Prober};
use crate::model::{ClusterId, one_line};

/// How long a connection may take; the whole probe has its caller's deadline.
const CONNECT: Duration = Duration::from_secs(3);

/// Asks real API servers.
pub(super) struct ApiProber;

#[async_trait]
impl Prober for ApiProber {
    async fn ready(&self, _id: &ClusterId, access: &Access) -> Result<(), String> {
        let client = client(access).await?;
        let readyz = Request::new("").get("readyz", &GetParams::default());
        let readyz = readyz.map_err(|error| words("/readyz", &error))?;
        let text = client.request_text(readyz).await;
        text.map_err(|error| words("/readyz", &error))?;
        // k3s answers /readyz to nobody without credentials, kubeadm to everybody: only a read proves that they are good.
        let one = ListParams::default().limit(1);
        let read = Request::new("/api/v1/namespaces").list(&one);
        let read = read.map_err(|error| words("namespaces", &error))?;
        let text = client.request_text(read).await;
        text.map_err(|error| words("namespaces", &error)).map(drop)
    }
}

/// A client for this one probe: connections are not kept, an answer of a minute ago says nothing.
async fn client(access: &Access) -> Result<Client, String> {
    let name = "probe".to_owned();
    let kubeconfig = Kubeconfig {
        clusters: vec![NamedCluster {
            name: name.clone(),
            cluster: Some(Cluster {
                server: Some(access.server.clone()),
                certificate_authority_data: Some(access.ca_data.clone()),
                ..Cluster::default()
            }),
            other: BTreeMap::new(),
        }],
        auth_infos: vec![NamedAuthInfo {
            name: name.clone(),
            auth_info: Some(AuthInfo {
                client_certificate_data: Some(
                    access.client_certificate_data.expose_secret().to_owned(),
                ),
                client_key_data: Some(SecretString::from(
                    access.client_key_data.expose_secret().to_owned(),
                )),
                ..AuthInfo::default()
            }),
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
    let mut config = config.map_err(|error| words("its credentials", &error))?;
    config.connect_timeout = Some(CONNECT);
    config.default_retry = false;
    config.proxy_url = None;
    Client::try_from(config).map_err(|error| words("its credentials", &error))
}

/// An error on one line: the last cause is the one that says something.
fn words(what: &str, error: &(dyn std::error::Error + 'static)) -> String {
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
