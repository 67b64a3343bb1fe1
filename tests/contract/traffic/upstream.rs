//! Who really answers: the request is passed on with the credentials that only this side knows.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Certificate, Client, Identity, Method};
use serde_json::Value;

use super::redact::Redact;
use super::wire::{Request, json};

/// Headers that belong to one connection, or say who asks.
const KEPT_BACK: [&str; 6] = [
    "host",
    "connection",
    "content-length",
    "accept-encoding",
    "authorization",
    "x-api-key",
];

/// Lets clients speak TLS; whoever was first to say how is as good.
pub(super) fn speak_tls() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// A server that plays an API.
pub(crate) struct Upstream {
    base: String,
    /// As the administrator, where a client certificate says who asks.
    administrator: Client,
    /// As nobody.
    anybody: Client,
    /// The API key that takes the place of whatever is shown instead of one.
    key: Option<String>,
}

impl Upstream {
    /// A Kubernetes API: its address, and its authority, certificate and key, PEM in base64.
    pub(crate) fn kubernetes(url: String, credentials: &[String; 3]) -> Self {
        speak_tls();
        let pem = |text: &String| STANDARD.decode(text).unwrap();
        let [authority, certificate, key] = credentials;
        let authority = Certificate::from_pem(&pem(authority)).unwrap();
        let identity = Identity::from_pem(&[pem(key), pem(certificate)].concat()).unwrap();
        let builder = || {
            Client::builder()
                .no_proxy()
                .pool_max_idle_per_host(0)
                .tls_certs_only([authority.clone()])
        };
        Self {
            base: url,
            administrator: builder().identity(identity).build().unwrap(),
            anybody: builder().build().unwrap(),
            key: None,
        }
    }

    /// A Portainer: its address, and its administrator's key.
    pub(crate) fn portainer(url: String, key: String) -> Self {
        speak_tls();
        let client = Client::builder().no_proxy().tls_certs_only([]);
        let client = client.pool_max_idle_per_host(0).build().unwrap();
        Self {
            base: url,
            administrator: client.clone(),
            anybody: client,
            key: Some(key),
        }
    }

    /// Passes a request on to this path; the answer gives no secret away.
    pub(super) async fn ask(&self, request: &Request, path: &str, redact: &Redact) -> (u16, Value) {
        let method = Method::from_bytes(request.method.as_bytes()).unwrap();
        let token = request.header("authorization").strip_prefix("Bearer ");
        let client = match token {
            Some(_) => &self.anybody,
            None => &self.administrator,
        };
        let mut asked = client.request(method, format!("{}{path}", self.base));
        asked = asked.headers(passed_on(&request.headers));
        if let Some(token) = token {
            asked = asked.bearer_auth(redact.real(token));
        }
        if !request.header("x-api-key").is_empty() {
            asked = asked.header("x-api-key", self.key.as_deref().unwrap_or_default());
        }
        let answer = asked.body(request.body.clone()).send().await.unwrap();
        let status = answer.status().as_u16();
        let mut said = json(&answer.bytes().await.unwrap());
        redact.answer(&mut said);
        (status, said)
    }
}

fn passed_on(headers: &BTreeMap<String, String>) -> HeaderMap {
    let headers = headers.iter();
    let headers = headers.filter(|(name, _)| !KEPT_BACK.contains(&name.as_str()));
    let headers = headers.map(|(name, value)| {
        let name: HeaderName = name.parse().unwrap();
        (name, HeaderValue::from_str(value).unwrap())
    });
    headers.collect()
}
