//! Requests to Portainer: no cookies, no redirects, no proxy, exactly one header that says who asks.
//!
//! A login lasts as long as the server's process. It is made when it is needed, once again after a 401, and never again
//! after it was refused: more than ten a second from one address are a ban for an hour.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::HeaderValue;
use reqwest::{Certificate, Client, Method, Response, StatusCode, Url, redirect};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::{PortainerCredentials, PortainerSettings};
use crate::model::one_line;
use crate::provider;
use crate::registrar::{Fault, RegistrarError};

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(3);
/// How long one request may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// An answer of this size is none.
const LARGEST: usize = 64 * 1024 * 1024;

/// One request. It may hold a secret: no `Debug`.
pub(super) struct Call {
    method: Method,
    /// The path below `/api/`, with its query.
    path: String,
    body: Body,
    /// What is asked, for messages.
    what: String,
}

enum Body {
    None,
    Json(Value),
    Form(Vec<(&'static str, String)>),
}

impl Call {
    /// Asks for something.
    pub(super) fn get(path: &str, what: &str) -> Self {
        Self::new(Method::GET, path, what, Body::None)
    }

    /// Makes something, of JSON.
    pub(super) fn post(path: &str, body: Value, what: &str) -> Self {
        Self::new(Method::POST, path, what, Body::Json(body))
    }

    /// Makes something, of a form.
    pub(super) fn form(path: &str, fields: Vec<(&'static str, String)>, what: &str) -> Self {
        Self::new(Method::POST, path, what, Body::Form(fields))
    }

    /// Changes something.
    pub(super) fn put(path: &str, body: Value, what: &str) -> Self {
        Self::new(Method::PUT, path, what, Body::Json(body))
    }

    /// Takes something away.
    pub(super) fn delete(path: &str, what: &str) -> Self {
        Self::new(Method::DELETE, path, what, Body::None)
    }

    fn new(method: Method, path: &str, what: &str, body: Body) -> Self {
        Self {
            method,
            path: path.to_owned(),
            body,
            what: what.to_owned(),
        }
    }
}

/// What Portainer answered.
pub(super) struct Answer {
    /// The status.
    pub(super) status: StatusCode,
    /// Why it is a 303, if it is one of Portainer's own.
    reason: Option<String>,
    body: Vec<u8>,
    what: String,
}

/// Who asks, and which login that was.
struct Pass {
    login: u64,
    header: &'static str,
    value: HeaderValue,
}

/// What Portainer says when it refuses something; its details are of no use.
#[derive(Deserialize)]
struct Words {
    message: String,
}

/// What a login is answered.
#[derive(Deserialize)]
struct Login {
    jwt: String,
}

/// What is known of the login.
enum Session {
    /// There was none.
    New,
    /// This is the last one.
    Open(Arc<Pass>),
    /// It was refused, and is not tried again.
    Refused(RegistrarError),
}

/// A Portainer server.
pub(super) struct Http {
    client: Client,
    /// `https://HOST:PORT`
    base: String,
    credentials: PortainerCredentials,
    session: Mutex<Session>,
}

impl Http {
    /// The server of these settings. Nothing is connected to yet.
    pub(super) fn new(settings: &PortainerSettings) -> Result<Self, RegistrarError> {
        let wrong = |what: &str| {
            permanent(format!("portainer.url {what}"))
                .hint("set portainer.url to http(s)://HOST:PORT")
        };
        let url = Url::parse(&settings.url).map_err(|_| wrong("is no URL"))?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(wrong("is no address of a web server"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(wrong("must not contain credentials"));
        }
        // The one that `kube` uses; whoever was first is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = Client::builder()
            .connect_timeout(CONNECT)
            .timeout(PATIENCE)
            .redirect(redirect::Policy::none())
            .referer(false)
            // A kept connection would break off in the first request after a restart of the server.
            .pool_max_idle_per_host(0)
            .no_proxy()
            .tls_danger_accept_invalid_certs(settings.insecure_skip_verify);
        match &settings.ca_file {
            Some(path) => builder = builder.tls_certs_only(certificates(path)?),
            // A machine without certificates of its own is no reason to fail where none is looked at.
            None if url.scheme() == "http" => builder = builder.tls_certs_only([]),
            None => {}
        }
        let client = builder.build().map_err(|error| {
            permanent(provider::words("portainer", &error))
                .hint("set portainer.ca_file to whose signature Portainer's certificate bears")
        })?;
        Ok(Self {
            client,
            base: settings.url.trim_end_matches('/').to_owned(),
            credentials: settings.credentials.clone(),
            session: Mutex::new(Session::New),
        })
    }

    /// Asks what everybody may ask.
    pub(super) async fn ask_openly(&self, call: &Call) -> Result<Answer, RegistrarError> {
        self.send(call, None).await
    }

    /// Asks as who we are.
    pub(super) async fn ask(&self, call: &Call) -> Result<Answer, RegistrarError> {
        let pass = self.pass(None).await?;
        let answer = self.send(call, Some(&pass)).await?;
        if answer.status != StatusCode::UNAUTHORIZED {
            return Ok(answer);
        }
        if let PortainerCredentials::ApiKey(_) = self.credentials {
            return Err(permanent(format!(
                "{}: {}: the API key is not accepted",
                self.base, call.what
            ))
            .hint("make an API key in Portainer (My account) and give it to rollcall"));
        }
        let pass = self.pass(Some(pass.login)).await?;
        let answer = self.send(call, Some(&pass)).await?;
        if answer.status == StatusCode::UNAUTHORIZED {
            let refused = permanent(format!(
                "{}: {}: a login of a moment ago is not accepted",
                self.base, call.what
            ))
            .hint("use an API key");
            *self.session.lock().await = Session::Refused(refused.clone());
            return Err(refused);
        }
        Ok(answer)
    }

    /// Who asks. `stale` is a login that is not accepted any more.
    async fn pass(&self, stale: Option<u64>) -> Result<Arc<Pass>, RegistrarError> {
        let (username, password) = match &self.credentials {
            PortainerCredentials::ApiKey(key) => {
                return pass(0, "X-API-Key", key.expose_secret()).map(Arc::new);
            }
            PortainerCredentials::Login { username, password } => (username, password),
        };
        let mut session = self.session.lock().await;
        let login = match &*session {
            Session::Refused(error) => return Err(error.clone()),
            Session::Open(pass) if Some(pass.login) != stale => return Ok(Arc::clone(pass)),
            Session::Open(pass) => pass.login + 1,
            Session::New => 1,
        };
        let answer = self.log_in(username, password).await?;
        let hint = match answer.status {
            StatusCode::FORBIDDEN => {
                "too many logins came from this address: Portainer refuses them for an hour, or until it is restarted; \
                 use an API key"
            }
            StatusCode::UNPROCESSABLE_ENTITY => {
                "set Portainer's username and password, or better an API key"
            }
            _ => {
                let token = answer.json::<Login>()?.jwt;
                let pass = Arc::new(pass(login, "Authorization", &format!("Bearer {token}"))?);
                *session = Session::Open(Arc::clone(&pass));
                return Ok(pass);
            }
        };
        let refused = answer.failed().hint(hint);
        *session = Session::Refused(refused.clone());
        Err(refused)
    }

    async fn log_in(
        &self,
        username: &str,
        password: &SecretString,
    ) -> Result<Answer, RegistrarError> {
        let body = json!({"username": username, "password": password.expose_secret()});
        let call = Call::post("auth", body, "log in");
        self.send(&call, None).await
    }

    async fn send(&self, call: &Call, pass: Option<&Pass>) -> Result<Answer, RegistrarError> {
        let url = format!("{}/api/{}", self.base, call.path);
        let mut request = self.client.request(call.method.clone(), url);
        if let Some(pass) = pass {
            request = request.header(pass.header, pass.value.clone());
        }
        request = match &call.body {
            Body::None => request,
            Body::Json(value) => request.json(value),
            Body::Form(fields) => request.form(fields),
        };
        let what = format!("{}: {}", self.base, call.what);
        let silent = |error: reqwest::Error| silent(&what, error);
        let response = request.send().await.map_err(silent)?;
        let (status, reason) = (response.status(), redirect_reason(&response));
        let body = whole(response).await.map_err(silent)?.ok_or_else(|| {
            RegistrarError::new(Fault::Transient, format!("{what}: an endless answer"))
        })?;
        Ok(Answer {
            status,
            reason,
            body,
            what,
        })
    }
}

impl Answer {
    /// What a good answer says.
    pub(super) fn json<T: DeserializeOwned>(self) -> Result<T, RegistrarError> {
        if !self.status.is_success() {
            return Err(self.failed());
        }
        // An error of the parser would quote the answer.
        serde_json::from_slice(&self.body).map_err(|_| {
            permanent(format!("{}: the answer is not Portainer's", self.what))
                .hint("look whether portainer.url leads to Portainer")
        })
    }

    /// Whether it is Portainer that says so, and nobody in between.
    pub(super) fn is_portainers(&self) -> bool {
        self.words().is_some()
    }

    fn words(&self) -> Option<Words> {
        serde_json::from_slice(&self.body).ok()
    }

    /// What a bad answer means for a step.
    pub(super) fn failed(&self) -> RegistrarError {
        let words = self.words();
        let (what, code) = (&self.what, self.status.as_u16());
        let said = words.as_ref().map_or_else(
            || format!("{what}: {code} without a word of Portainer's"),
            |words| format!("{what}: {code} {}", one_line(&words.message, 200)),
        );
        if self.reason.as_deref() == Some("AdminInitTimeout") {
            return permanent(format!(
                "{what}: Portainer has locked itself, because nobody became its administrator in time"
            ))
            .hint("restart Portainer and make its administrator within five minutes");
        }
        match code {
            300..=399 => permanent(format!("{what}: {code}, a redirect"))
                .hint("set portainer.url to where Portainer itself is"),
            401 => permanent(said).hint("look at Portainer's credentials"),
            403 if words.is_none() => permanent(said).hint("a proxy or a check of origins refuses it"),
            403 => permanent(said).hint(
                "use an administrator's API key; after too many logins it is refused for an hour, or until a restart",
            ),
            404 if words.is_none() => {
                permanent(said).hint("look whether portainer.url leads to Portainer")
            }
            408 | 429 => RegistrarError::new(Fault::Transient, said).hint("run rollcall again"),
            500.. if words.is_none() => RegistrarError::new(Fault::Transient, said)
                .hint("a proxy answers in place of Portainer: look whether Portainer runs"),
            500.. => RegistrarError::new(Fault::Transient, said).hint("look at Portainer's log"),
            _ => permanent(said),
        }
    }
}

/// Whose signatures are good.
fn certificates(path: &Path) -> Result<Vec<Certificate>, RegistrarError> {
    let unreadable = |why: String| {
        permanent(format!("{}: {why}", path.display()))
            .hint("set portainer.ca_file to a file of PEM certificates")
    };
    let pem = fs::read(path).map_err(|error| unreadable(error.to_string()))?;
    let all = Certificate::from_pem_bundle(&pem).unwrap_or_default();
    if all.is_empty() {
        return Err(unreadable("no certificate".to_owned()));
    }
    Ok(all)
}

fn pass(login: u64, header: &'static str, value: &str) -> Result<Pass, RegistrarError> {
    let mut value = HeaderValue::from_str(value).map_err(|_| {
        permanent("Portainer's credentials contain characters that no header can carry")
    })?;
    value.set_sensitive(true);
    Ok(Pass {
        login,
        header,
        value,
    })
}

fn redirect_reason(response: &Response) -> Option<String> {
    let reason = response.headers().get("redirect-reason")?;
    reason.to_str().ok().map(str::to_owned)
}

async fn whole(mut response: Response) -> Result<Option<Vec<u8>>, reqwest::Error> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > LARGEST {
            return Ok(None);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Some(body))
}

fn silent(what: &str, error: reqwest::Error) -> RegistrarError {
    if error.is_timeout() && !error.is_connect() {
        let message = format!("{what}: no answer within {} s", PATIENCE.as_secs());
        return RegistrarError::new(Fault::Transient, message).hint("look whether Portainer hangs");
    }
    let message = provider::words(what, &error.without_url());
    RegistrarError::new(Fault::Transient, message)
        .hint("look whether Portainer runs, and at portainer.url, portainer.ca_file")
}

fn permanent(message: impl Into<String>) -> RegistrarError {
    RegistrarError::new(Fault::Permanent, message)
}
