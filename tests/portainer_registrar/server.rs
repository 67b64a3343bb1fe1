//! One double on two free ports, and what to ask it.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use reqwest::{Client, Method};
use rollcall::model::{ClusterId, ProviderId, RegistrarView, RegistrationView, Seen, Unseen};
use rollcall::registrar::{Portainer, PortainerCredentials, PortainerSettings, Registrar as _};
use secrecy::SecretString;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::agents::Agents;

/// Every version that the double plays and that behaves differently.
pub(crate) const VERSIONS: [&str; 5] = ["2.19.5", "2.23.0", "2.33.2", "2.39.0", "2.41.1"];
/// The one of tests in which it does not matter.
pub(crate) const VERSION: &str = "2.33.2";
/// The administrator's password.
pub(crate) const PASSWORD: &str = "correct horse battery";
/// How long a look may take.
const DEADLINE: Duration = Duration::from_secs(20);

/// A running double. It is ended with the test.
pub(crate) struct Server {
    version: &'static str,
    data: TempDir,
    ports: [u16; 2],
    process: Child,
    client: Client,
    /// The administrator's API key.
    pub(crate) key: String,
    /// The agents of the clusters.
    pub(crate) agents: Arc<Agents>,
}

impl Server {
    /// A double with an administrator and his key.
    pub(crate) async fn start(version: &'static str) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let data = tempfile::tempdir().unwrap();
        std::fs::write(data.path().join("password"), PASSWORD).unwrap();
        let listeners = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        let ports = listeners.map(|one| one.local_addr().unwrap().port());
        let client = Client::builder()
            .no_proxy()
            .tls_certs_only([])
            .build()
            .unwrap();
        let base = format!("http://127.0.0.1:{}", ports[0]);
        let mut server = Self {
            version,
            process: run(version, &data, ports),
            data,
            ports,
            key: String::new(),
            agents: Arc::new(Agents::new(base, client.clone())),
            client,
        };
        let login = json!({"username": "admin", "password": PASSWORD});
        let login = server.ask(Method::POST, "/api/auth", Some(login)).await;
        let wish = json!({"password": PASSWORD, "description": "test"});
        let made = server
            .client
            .post(server.url() + "/api/users/1/tokens")
            .bearer_auth(login["jwt"].as_str().unwrap())
            .json(&wish);
        let made: Value = made.send().await.unwrap().json().await.unwrap();
        made["rawAPIKey"]
            .as_str()
            .unwrap()
            .clone_into(&mut server.key);
        server.forget().await;
        server
    }

    /// Ends the double, and starts it with the same data.
    pub(crate) fn restart(&mut self) {
        self.stop();
        self.process = run(self.version, &self.data, self.ports);
    }

    /// Ends the double.
    pub(crate) fn stop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Where it is without TLS.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports[0])
    }

    /// Where it is with TLS.
    pub(crate) fn secure_url(&self) -> String {
        // Its certificate is for that name.
        format!("https://localhost:{}", self.ports[1])
    }

    /// Its certificate.
    pub(crate) fn certificate(&self) -> PathBuf {
        self.data.path().join("cert.pem")
    }

    /// Settings with the API key, for agents that check in at once.
    pub(crate) fn settings(&self) -> PortainerSettings {
        let key = PortainerCredentials::ApiKey(SecretString::from(self.key.as_str()));
        PortainerSettings::new(self.url(), self.url(), key)
    }

    /// The registrar of these settings.
    pub(crate) fn with(&self, settings: PortainerSettings) -> Portainer {
        let providers = ["k3d", "kind"].map(ProviderId::new).to_vec();
        Portainer::with_agents(settings, providers, self.agents.clone())
    }

    /// The registrar of the usual settings.
    pub(crate) fn registrar(&self) -> Portainer {
        self.with(self.settings())
    }

    /// The registrar that logs in.
    pub(crate) fn logging_in(&self, password: &str) -> Portainer {
        self.with(PortainerSettings {
            credentials: PortainerCredentials::Login {
                username: "admin".to_owned(),
                password: SecretString::from(password),
            },
            ..self.settings()
        })
    }

    /// Asks the double as its administrator.
    pub(crate) async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        let mut request = self.client.request(method, self.url() + path);
        if !self.key.is_empty() {
            request = request.header("x-api-key", &self.key);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let text = request.send().await.unwrap().text().await.unwrap();
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }

    /// Breaks something.
    pub(crate) async fn fault(&self, fault: Value) {
        let faults = self.ask(Method::POST, "/__faults", Some(fault)).await;
        assert!(!faults.as_array().unwrap().is_empty(), "{faults}");
    }

    /// Mends everything.
    pub(crate) async fn mend(&self) {
        self.ask(Method::DELETE, "/__faults", None).await;
    }

    /// How often what was asked for since the last [`Server::forget`].
    pub(crate) async fn requests(&self) -> Vec<(String, u64)> {
        let all = self.ask(Method::GET, "/__requests", None).await;
        let all = all.as_object().unwrap().iter();
        all.map(|(what, count)| (what.clone(), count.as_u64().unwrap()))
            .collect()
    }

    /// The requests that change something, an agent's polls apart.
    pub(crate) async fn writes(&self) -> Vec<String> {
        let all = self.requests().await.into_iter();
        all.map(|(what, _)| what)
            .filter(|what| !what.starts_with("GET "))
            .collect()
    }

    /// How many logins there were.
    pub(crate) async fn logins(&self) -> u64 {
        let all = self.requests().await;
        let logins = all.iter().find(|(what, _)| what == "POST /api/auth");
        logins.map_or(0, |(_, count)| *count)
    }

    /// Counts requests anew.
    pub(crate) async fn forget(&self) {
        self.ask(Method::DELETE, "/__requests", None).await;
    }

    /// Everything that it holds below one name.
    pub(crate) async fn state(&self, name: &str) -> Vec<Value> {
        let state = self.ask(Method::GET, "/__state", None).await;
        state[name].as_array().unwrap().clone()
    }

    /// The environments of this name.
    pub(crate) async fn named(&self, name: &str) -> Vec<Value> {
        let all = self.state("endpoints").await.into_iter();
        all.filter(|one| one["Name"] == name).collect()
    }

    /// The only environment of this name.
    pub(crate) async fn only(&self, name: &str) -> Value {
        let mut all = self.named(name).await;
        assert_eq!(all.len(), 1, "{all:?}");
        all.remove(0)
    }

    /// Lays fields over an environment, whatever Portainer would say to that.
    pub(crate) async fn set(&self, fields: Value) -> Value {
        self.ask(Method::POST, "/__endpoints", Some(fields)).await
    }

    /// Lets time pass for the double.
    pub(crate) async fn pass(&self, seconds: u32) {
        let body = json!({"advance_seconds": seconds});
        self.ask(Method::POST, "/__clock", Some(body)).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn run(version: &str, data: &TempDir, ports: [u16; 2]) -> Child {
    let program = std::env::var("ROLLCALL_TEST_PORTAINER");
    let program = program.unwrap_or_else(|_| panic!("ROLLCALL_TEST_PORTAINER names no double"));
    let mut process = Command::new(program)
        .args(["--version", version])
        .arg("--data")
        .arg(data.path())
        .arg("--admin-password-file")
        .arg(data.path().join("password"))
        .args(["--listen", &format!("127.0.0.1:{}", ports[0])])
        .args(["--listen-tls", &format!("127.0.0.1:{}", ports[1])])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut said = BufReader::new(process.stdout.take().unwrap());
    said.read_line(&mut line).unwrap();
    assert!(line.starts_with(&format!("portainer {version}")), "{line}");
    process
}

/// What a registrar sees.
pub(crate) async fn seen(registrar: &Portainer) -> RegistrarView {
    match registrar.observe(DEADLINE).await {
        Seen::Known(view) => view,
        Seen::Unknown(unseen) => panic!("{unseen:?}"),
    }
}

/// Why it sees nothing.
pub(crate) async fn unseen(registrar: &Portainer, deadline: Duration) -> Unseen {
    match registrar.observe(deadline).await {
        Seen::Known(view) => panic!("{view:?}"),
        Seen::Unknown(unseen) => unseen,
    }
}

/// What it sees of one cluster.
pub(crate) async fn entry(registrar: &Portainer, id: &ClusterId) -> Option<RegistrationView> {
    seen(registrar).await.entries.remove(id)
}

pub(crate) fn id(text: &str) -> ClusterId {
    text.parse().unwrap()
}
