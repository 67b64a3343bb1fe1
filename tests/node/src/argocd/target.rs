//! A registered cluster, and requests to it with the credentials of its Secret.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, USER_AGENT};
use hyper::{Method, Uri};
use rustls::pki_types::ServerName;
use serde_json::{Value, json};

use super::registry::{Cluster, OWN_SERVER};
use crate::apiserver::create::{self, Writer};
use crate::apiserver::delete::{self, Options};
use crate::apiserver::kind::{CONFIG_MAP, NAMESPACE};
use crate::apiserver::object::Key;
use crate::apiserver::requests::ARGO_CD;
use crate::apiserver::store::Shared;
use crate::apiserver::update::{self, Place};
use crate::error::words;
use crate::http::{client, trust};

/// How long one request may take; the real one waits for half a minute and more.
const PATIENCE: Duration = Duration::from_secs(4);

/// The field manager of what is synchronised (argo-cd common.go:127).
const MANAGER: &str = "argocd-controller";

/// Where a workload goes.
pub(super) struct Target<'a> {
    cluster: &'a Cluster,
    own: &'a Shared,
}

impl<'a> Target<'a> {
    /// The cluster, or, if it is the one that Argo CD runs in, its own store.
    pub(super) fn new(cluster: &'a Cluster, own: &'a Shared) -> Self {
        Self { cluster, own }
    }

    /// Writes the workload of an Application, and its namespace if need be.
    pub(super) async fn write(&self, namespace: &str, app: &str) -> Result<(), String> {
        let workload = json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                "name": workload_name(app),
                "labels": {"argocd.argoproj.io/instance": app},
            },
            "data": {"application": app},
        });
        if self.is_own() {
            return self.write_own(namespace, app, workload);
        }
        let path = format!(
            "/api/v1/namespaces/{namespace}/configmaps/{}?fieldManager={MANAGER}&force=true",
            workload_name(app)
        );
        let apply = "application/apply-patch+yaml";
        let request = self.request(Method::PATCH, &path, apply, &workload);
        let (status, answer) = request.await?;
        if status != 404 {
            return good(status, &answer);
        }
        let made = json!({"metadata": {"name": namespace}});
        let json = "application/json";
        let request = self.request(Method::POST, "/api/v1/namespaces", json, &made);
        let (status, answer) = request.await?;
        good(status, &answer)?;
        let request = self.request(Method::PATCH, &path, apply, &workload);
        let (status, answer) = request.await?;
        good(status, &answer)
    }

    /// Removes the workload of an Application; one that is not there is removed.
    pub(super) async fn remove(&self, namespace: &str, app: &str) -> Result<(), String> {
        if self.is_own() {
            let key = Key::new(&CONFIG_MAP, namespace, &workload_name(app));
            let mut store = self.own.lock();
            return match delete::delete(&mut store, &CONFIG_MAP, &key, &Options::default()) {
                Err(failure) if failure.status != 404 => Err(failure.message),
                _ => Ok(()),
            };
        }
        let path = format!(
            "/api/v1/namespaces/{namespace}/configmaps/{}",
            workload_name(app)
        );
        let request = self.request(Method::DELETE, &path, "application/json", &Value::Null);
        match request.await? {
            (404, _) => Ok(()),
            (status, answer) => good(status, &answer),
        }
    }

    fn is_own(&self) -> bool {
        self.cluster.server == OWN_SERVER
    }

    fn write_own(&self, namespace: &str, app: &str, workload: Value) -> Result<(), String> {
        let mut store = self.own.lock();
        let writer = Writer::named(MANAGER);
        if store.get(&Key::new(&NAMESPACE, "", namespace)).is_none() {
            let made = json!({"metadata": {"name": namespace}});
            let made = create::create(&mut store, writer, &NAMESPACE, "", made);
            made.map_err(|failure| failure.message)?;
        }
        let place = Place::new(&CONFIG_MAP, namespace, &workload_name(app));
        update::apply(&mut store, writer, &place, workload, true)
            .map(drop)
            .map_err(|failure| failure.message)
    }

    async fn request(
        &self,
        method: Method,
        path: &str,
        content_type: &str,
        body: &Value,
    ) -> Result<(u16, Value), String> {
        let exchange = self.exchange(method, path, content_type, body);
        match tokio::time::timeout(PATIENCE, exchange).await {
            Ok(answer) => answer,
            Err(_) => Err(format!(
                "Get \"{}{path}\": i/o timeout",
                self.cluster.server
            )),
        }
    }

    async fn exchange(
        &self,
        method: Method,
        path: &str,
        content_type: &str,
        body: &Value,
    ) -> Result<(u16, Value), String> {
        let config = self.cluster.config.as_ref().map_err(Clone::clone)?;
        let uri: Uri = self.cluster.server.parse().map_err(words)?;
        let host = uri.host().unwrap_or_default();
        let port = uri.port_u16().unwrap_or(443);
        let stream = client::connect(host, port).await?;
        let (tls, name) = secured(config, host)?;
        let stream = client::secure(stream, tls, name).await?;
        let mut request = hyper::Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, format!("{host}:{port}"))
            .header(USER_AGENT, ARGO_CD)
            .header(CONTENT_TYPE, content_type);
        if let Some(token) = config["bearerToken"].as_str() {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        let body = match body {
            Value::Null => Bytes::new(),
            body => Bytes::from(body.to_string()),
        };
        let request = request.body(Full::new(body)).map_err(words)?;
        let answer = client::exchange(stream, request).await?;
        let document = serde_json::from_slice(answer.body()).unwrap_or_default();
        Ok((answer.status().as_u16(), document))
    }
}

fn workload_name(app: &str) -> String {
    format!("workload-{app}")
}

fn good(status: u16, answer: &Value) -> Result<(), String> {
    if (200..300).contains(&status) {
        return Ok(());
    }
    let message = answer["message"].as_str().unwrap_or("no message");
    Err(format!("{message} ({status})"))
}

/// TLS as the Secret's `tlsClientConfig` wants it, and the name the server must have.
fn secured(
    config: &Value,
    host: &str,
) -> Result<(rustls::ClientConfig, ServerName<'static>), String> {
    let tls = &config["tlsClientConfig"];
    let decoded = |field: &str| {
        let data = tls[field].as_str().filter(|data| !data.is_empty());
        data.map(|data| STANDARD.decode(data).map_err(words))
            .transpose()
    };
    let (authority, certificate, key) = (
        decoded("caData")?,
        decoded("certData")?,
        decoded("keyData")?,
    );
    let trusted = match (tls["insecure"] == true, authority) {
        (true, Some(_)) => {
            let refused =
                "specifying a root certificates file with the insecure flag is not allowed";
            return Err(refused.to_owned());
        }
        (true, None) => trust::Server::Any,
        (false, None) => trust::Server::SignedBy(Vec::new()),
        (false, Some(pem)) => trust::Server::SignedBy(pem),
    };
    let own = certificate.zip(key);
    let name = tls["serverName"].as_str().filter(|name| !name.is_empty());
    let name = ServerName::try_from(name.unwrap_or(host).to_owned()).map_err(words)?;
    Ok((trust::client(&trusted, own)?, name))
}
