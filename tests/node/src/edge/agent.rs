//! One agent at work: it asks for the status of its environment, which tells the server that it lives.

use std::time::Duration;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{ETAG, HOST, IF_NONE_MATCH};
use hyper::{Request, Response, StatusCode, Uri};
use rustls::pki_types::ServerName;

use super::key::EdgeKey;
use super::pod::Started;
use crate::error::words;
use crate::http::{client, trust};
use crate::say;

/// How often it asks. The real one does so as often as it is answered, every 5 s by default.
pub(super) const POLL: Duration = Duration::from_millis(500);

/// How long one request may take.
const PATIENCE: Duration = Duration::from_secs(4);

/// Kubernetes (portainer/agent `agent.go`).
const PLATFORM: &str = "2";

/// An agent.
pub(super) struct Agent {
    started: Started,
    /// The tag of the last answer.
    answered: Option<String>,
    /// What was wrong when it asked last: said once, not twice a second.
    trouble: Option<String>,
}

impl Agent {
    /// One that has not asked yet.
    pub(super) fn new(started: Started) -> Self {
        Self {
            started,
            answered: None,
            trouble: None,
        }
    }

    /// Asks until it is ended.
    pub(super) async fn run(mut self) {
        let Some(key) = EdgeKey::parse(&self.started.edge_key) else {
            say::complain("edge agent: the edge key cannot be read");
            return;
        };
        loop {
            let polled = tokio::time::timeout(PATIENCE, self.poll(&key)).await;
            let polled = polled.unwrap_or_else(|_| Err("no answer".to_owned()));
            self.note(&key, polled.err());
            tokio::time::sleep(POLL).await;
        }
    }

    fn note(&mut self, key: &EdgeKey, trouble: Option<String>) {
        if let Some(trouble) = &trouble
            && self.trouble.as_ref() != Some(trouble)
        {
            let number = key.environment;
            say::complain(&format!("edge agent of environment {number}: {trouble}"));
        }
        self.trouble = trouble;
    }

    async fn poll(&mut self, key: &EdgeKey) -> Result<(), String> {
        let answer = self.ask(key).await?;
        match answer.status() {
            StatusCode::NOT_MODIFIED => Ok(()),
            StatusCode::OK => {
                let tag = answer.headers().get(ETAG);
                self.answered = tag.and_then(|tag| tag.to_str().ok().map(str::to_owned));
                Ok(())
            }
            status => Err(format!("it is answered {status}")),
        }
    }

    async fn ask(&self, key: &EdgeKey) -> Result<Response<Bytes>, String> {
        let url = format!("{}/api/endpoints/{}/edge/status", key.url, key.environment);
        let uri: Uri = url.parse().map_err(words)?;
        let host = uri.host().unwrap_or_default();
        let secure = uri.scheme_str() == Some("https");
        let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
        let request = self.request(&uri)?;
        let stream = client::connect(host, port).await?;
        if !secure {
            return client::exchange(stream, request).await;
        }
        let config = trust::client(&self.trusted(), None)?;
        let name = ServerName::try_from(host.to_owned()).map_err(words)?;
        let stream = client::secure(stream, config, name).await?;
        client::exchange(stream, request).await
    }

    fn request(&self, uri: &Uri) -> Result<Request<Full<Bytes>>, String> {
        let authority = uri.authority().map_or("", |authority| authority.as_str());
        let mut request = Request::get(uri.path())
            .header(HOST, authority)
            .header("X-PortainerAgent-EdgeID", &self.started.edge_id)
            .header("Portainer-Agent", &self.started.version)
            .header("Portainer-Agent-Platform", PLATFORM);
        if let Some(tag) = &self.answered {
            request = request.header(IF_NONE_MATCH, tag);
        }
        request.body(Full::default()).map_err(words)
    }

    /// No authority is known in an image without any: what is not insecure has to be plain.
    fn trusted(&self) -> trust::Server {
        if self.started.insecure {
            trust::Server::Any
        } else {
            trust::Server::SignedBy(Vec::new())
        }
    }
}
