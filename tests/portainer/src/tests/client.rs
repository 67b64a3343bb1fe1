//! A server in this process, and what to ask it with.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Uri};
use serde_json::{Value, json};

use crate::clock::Clock;
use crate::double::Double;
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::options::Options;
use crate::version::Version;

/// The administrator's password.
pub(super) const PASSWORD: &str = "correct horse battery";

static SERVERS: AtomicU32 = AtomicU32::new(0);

/// A server with a folder of its own, and the administrator's API key.
pub(super) struct Server {
    pub(super) double: Double,
    pub(super) key: String,
}

/// A question.
pub(super) struct Ask(Request);

/// An answer.
#[derive(Debug)]
pub(super) struct Got {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) text: String,
}

/// A folder for one server.
pub(super) fn folder() -> PathBuf {
    let number = SERVERS.fetch_add(1, Ordering::Relaxed);
    let name = format!("rollcall-portainer-{}-{number}", std::process::id());
    std::env::temp_dir().join(name)
}

impl Server {
    /// A server without an administrator.
    pub(super) fn blank(change: impl FnOnce(&mut Options)) -> Self {
        let mut options = Options {
            version: Version::V2_23,
            data: folder(),
            ..Options::default()
        };
        change(&mut options);
        Self {
            double: Double::open(options, Clock::stopped()).unwrap(),
            key: String::new(),
        }
    }

    /// A server whose administrator has an API key.
    pub(super) async fn of(version: Version) -> Self {
        Self::with(|options| options.version = version).await
    }

    /// The same, otherwise set up.
    pub(super) async fn with(change: impl FnOnce(&mut Options)) -> Self {
        let mut server = Self::blank(change);
        let user = json!({"Username": "admin", "Password": PASSWORD});
        let made = server
            .ask(Ask::post("/api/users/admin/init").json(&user))
            .await;
        assert_eq!(made.status, 200, "{}", made.text);
        let token = server.login().await;
        let wish = json!({"password": PASSWORD, "description": "test"});
        let ask = Ask::post("/api/users/1/tokens").bearer(&token).json(&wish);
        let key = server.ask(ask).await;
        server.key = key.json()["rawAPIKey"].as_str().unwrap().to_owned();
        server
    }

    /// The same folder in a new process.
    pub(super) fn restarted(&self) -> Self {
        Self {
            double: Double::open(self.double.options().clone(), Clock::stopped()).unwrap(),
            key: self.key.clone(),
        }
    }

    pub(super) async fn login(&self) -> String {
        let got = self.log_in(PASSWORD).await;
        got.json()["jwt"].as_str().unwrap().to_owned()
    }

    pub(super) async fn log_in(&self, password: &str) -> Got {
        let body = json!({"username": "admin", "password": password});
        self.ask(Ask::post("/api/auth").json(&body)).await
    }

    /// Asks as nobody.
    pub(super) async fn ask(&self, ask: Ask) -> Got {
        Got::from(self.double.answer(&ask.0).await)
    }

    /// Asks with the API key.
    pub(super) async fn admin(&self, ask: Ask) -> Got {
        self.ask(ask.header("x-api-key", &self.key)).await
    }

    pub(super) async fn get(&self, path: &str) -> Got {
        self.admin(Ask::get(path)).await
    }

    /// The names in a list of environments.
    pub(super) async fn names(&self, query: &str) -> Vec<String> {
        let got = self.get(&format!("/api/endpoints?{query}")).await;
        assert_eq!(got.status, 200, "{}", got.text);
        let list = got.json();
        let list = list.as_array().unwrap().iter();
        list.map(|one| one["Name"].as_str().unwrap().to_owned())
            .collect()
    }

    /// The environment with this number, as the list shows it.
    pub(super) async fn endpoint(&self, id: u64) -> Value {
        let got = self
            .get(&format!("/api/endpoints?endpointIds[]={id}"))
            .await;
        got.json()[0].clone()
    }

    /// A new edge environment, asked for as the predecessor does.
    pub(super) async fn edge(&self, name: &str) -> Value {
        let form = [
            ("Name", name),
            ("EndpointCreationType", "4"),
            ("URL", "http://portainer:9000"),
        ];
        let got = self.admin(Ask::post("/api/endpoints").form(&form)).await;
        assert_eq!(got.status, 200, "{}", got.text);
        got.json()
    }

    /// Lays fields over an environment, or makes one of them.
    pub(super) async fn set(&self, fields: &Value) -> u64 {
        let got = self.ask(Ask::post("/__endpoints").json(fields)).await;
        got.json()["Id"].as_u64().unwrap()
    }

    /// An agent's poll.
    pub(super) async fn poll(&self, id: u64, edge_id: &str, platform: &str) -> Got {
        let ask = Ask::get(&format!("/api/endpoints/{id}/edge/status"))
            .header("X-PortainerAgent-EdgeID", edge_id)
            .header("Portainer-Agent", "2.23.0")
            .header("Portainer-Agent-Platform", platform);
        self.ask(ask).await
    }

    pub(super) async fn advance(&self, seconds: u32) {
        let body = json!({"advance_seconds": seconds});
        let got = self.ask(Ask::post("/__clock").json(&body)).await;
        assert_eq!(got.status, 200, "{}", got.text);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A restarted server has removed it already.
        let _gone = std::fs::remove_dir_all(&self.double.options().data);
    }
}

impl Ask {
    pub(super) fn new(method: Method, path: &str) -> Self {
        Self(Request {
            method,
            uri: path.parse::<Uri>().unwrap(),
            headers: HeaderMap::new(),
            body: Vec::new(),
            peer: [192, 0, 2, 1].into(),
            secure: false,
        })
        .header("host", "portainer:9000")
    }

    pub(super) fn get(path: &str) -> Self {
        Self::new(Method::GET, path)
    }

    pub(super) fn post(path: &str) -> Self {
        Self::new(Method::POST, path)
    }

    pub(super) fn put(path: &str) -> Self {
        Self::new(Method::PUT, path)
    }

    pub(super) fn delete(path: &str) -> Self {
        Self::new(Method::DELETE, path)
    }

    pub(super) fn header(mut self, name: &str, value: &str) -> Self {
        let name: HeaderName = name.to_lowercase().parse().unwrap();
        self.0
            .headers
            .append(name, HeaderValue::from_str(value).unwrap());
        self
    }

    pub(super) fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    pub(super) fn cookie(self, name: &str, value: &str) -> Self {
        self.header("cookie", &format!("{name}={value}"))
    }

    pub(super) fn from(mut self, peer: [u8; 4]) -> Self {
        self.0.peer = peer.into();
        self
    }

    pub(super) fn secure(mut self) -> Self {
        self.0.secure = true;
        self
    }

    pub(super) fn json(mut self, body: &Value) -> Self {
        self.0.body = body.to_string().into_bytes();
        self.header("content-type", "application/json")
    }

    pub(super) fn form(mut self, pairs: &[(&str, &str)]) -> Self {
        let mut form = form_urlencoded::Serializer::new(String::new());
        self.0.body = form.extend_pairs(pairs).finish().into_bytes();
        self.header("content-type", "application/x-www-form-urlencoded")
    }

    pub(super) fn multipart(mut self, pairs: &[(&str, &str)], files: &[(&str, &str)]) -> Self {
        let values = pairs.iter().map(|(name, value)| {
            format!("--xx\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
        });
        let uploads = files.iter().map(|(name, value)| {
            format!(
                "--xx\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"f.pem\"\r\n\
                 Content-Type: application/octet-stream\r\n\r\n{value}\r\n"
            )
        });
        let parts: String = values.chain(uploads).collect();
        self.0.body = format!("{parts}--xx--\r\n").into_bytes();
        self.header("content-type", "multipart/form-data; boundary=xx")
    }
}

impl From<Reply> for Got {
    fn from(reply: Reply) -> Self {
        Self {
            status: reply.status.as_u16(),
            headers: reply.headers,
            text: String::from_utf8(reply.body).unwrap(),
        }
    }
}

impl Got {
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    pub(super) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().unwrap())
    }

    /// The status and the message of a refusal.
    pub(super) fn refusal(&self) -> (u16, String) {
        let message = self.json()["message"].as_str().unwrap().to_owned();
        (self.status, message)
    }

    pub(super) fn details(&self) -> String {
        self.json()["details"].as_str().unwrap().to_owned()
    }

    /// The value of a cookie that the answer sets.
    pub(super) fn set_cookie(&self, name: &str) -> Option<String> {
        let lines = self.headers.get_all("set-cookie").iter();
        lines
            .filter_map(|line| line.to_str().unwrap().split(';').next()?.split_once('='))
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value.to_owned())
    }
}

/// A refusal to compare with.
pub(super) fn no(status: u16, message: &str) -> (u16, String) {
    (status, message.to_owned())
}
