//! Portainer in a container of the engine, switched on in the configuration, and its API as a witness.

use std::fs;
use std::net::Ipv4Addr;

use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};

use crate::bench::{Bench, docker};
use crate::process::until;

const PORT: u16 = 19000;
/// Where this host is reached from itself.
const HERE: &str = "127.0.0.1";
/// Where it serves with a certificate that nobody vouches for.
const TLS_PORT: u16 = 19443;
const PASSWORD: &str = "correct horse battery";

/// What changes by itself while agents poll.
const TIMES: [&str; 3] = ["LastCheckInDate", "QueryDate", "Heartbeat"];

/// A Portainer with an administrator. The bench sweeps it away.
pub(crate) struct Server {
    runtime: tokio::runtime::Runtime,
    client: Client,
    container: String,
    host: String,
    key: String,
}

impl Server {
    /// Starts it, and switches it on for this bench.
    #[track_caller]
    pub(crate) fn start(bench: &Bench) -> Self {
        let image = std::env::var("ROLLCALL_TEST_PORTAINER_IMAGE").unwrap();
        // Nodes reach it by the address that the engine's host has in its networks.
        let [plain, secure] = [format!("{PORT}:9000"), format!("{TLS_PORT}:9443")];
        let container = docker(&[
            "run",
            "-d",
            "--name",
            "portainer",
            "-p",
            &plain,
            "-p",
            &secure,
            &image,
        ]);
        let container = container.trim().to_owned();
        let gateway = "{{.NetworkSettings.Gateway}}";
        let gateway = docker(&["inspect", "-f", gateway, &container]);
        let gateway: Ipv4Addr = gateway.trim().parse().unwrap();
        let _ = rustls::crypto::ring::default_provider().install_default();
        // A connection that Portainer's restart broke is not tried again.
        let client = Client::builder().no_proxy().pool_max_idle_per_host(0);
        let client = client.tls_certs_only([]).build();
        let mut server = Self {
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap(),
            client: client.unwrap(),
            container,
            host: gateway.to_string(),
            key: String::new(),
        };
        server.until_up();
        server.key = server.new_key();
        let file = bench.path("portainer.key");
        fs::write(&file, &server.key).unwrap();
        let config = bench.path("rollcall.toml");
        let section = format!(
            "[portainer]\nurl = 'http://{HERE}:{PORT}'\nagent_url = '{}'\napi_key_file = '{}'\n",
            server.agent_url(),
            file.display()
        );
        let before = fs::read_to_string(&config).unwrap();
        fs::write(config, before + &section).unwrap();
        server
    }

    /// From now on rollcall and the agents are to come by TLS, and to take its certificate.
    pub(crate) fn behind_tls(&self, bench: &Bench) {
        let config = bench.path("rollcall.toml");
        let text = fs::read_to_string(&config).unwrap();
        let secure = |host: &str| format!("https://{host}:{TLS_PORT}");
        let text = text
            .replace(&self.agent_url(), &secure(&self.host))
            .replace(&format!("http://{HERE}:{PORT}"), &secure(HERE));
        fs::write(config, text + "insecure_skip_verify = true\n").unwrap();
    }

    fn until_up(&self) {
        let url = format!("http://{HERE}:{PORT}/api/system/status");
        until("Portainer's API", || {
            let asked = self.client.get(&url).send();
            self.runtime.block_on(asked).is_ok()
        });
    }

    /// The first administrator and his key.
    fn new_key(&self) -> String {
        let admin = json!({"Username": "admin", "Password": PASSWORD});
        self.post("/api/users/admin/init", &admin);
        let jwt = self.post("/api/auth", &admin)["jwt"].clone();
        let wish = json!({"password": PASSWORD, "description": "test"});
        let made = self
            .request(Method::POST, "/api/users/1/tokens")
            .bearer_auth(jwt.as_str().unwrap())
            .json(&wish);
        self.answer(made)["rawAPIKey"].as_str().unwrap().to_owned()
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("http://{HERE}:{PORT}{path}");
        let request = self.client.request(method, url);
        if self.key.is_empty() {
            return request;
        }
        request.header("x-api-key", &self.key)
    }

    /// The document that is answered, if there is one. A refusal ends the test.
    #[track_caller]
    fn answer(&self, request: RequestBuilder) -> Value {
        let text = self.runtime.block_on(async {
            let answer = request.send().await.unwrap();
            let (status, text) = (answer.status(), answer.text().await.unwrap());
            assert!(status.is_success(), "{status}: {text}");
            text
        });
        serde_json::from_str(&text).unwrap_or_default()
    }

    #[track_caller]
    fn get(&self, path: &str) -> Value {
        self.answer(self.request(Method::GET, path))
    }

    #[track_caller]
    fn post(&self, path: &str, body: &Value) -> Value {
        self.answer(self.request(Method::POST, path).json(body))
    }

    /// The administrator's API key.
    pub(crate) fn key(&self) -> String {
        self.key.clone()
    }

    /// The host by which agents reach it.
    pub(crate) fn agent_host(&self) -> &str {
        &self.host
    }

    /// Where agents reach it.
    pub(crate) fn agent_url(&self) -> String {
        format!("http://{}:{PORT}", self.host)
    }

    /// All environments by their numbers, without what changes by itself.
    pub(crate) fn all(&self) -> Vec<Value> {
        let mut all = self.get("/__state")["endpoints"]
            .as_array()
            .unwrap()
            .clone();
        for one in &mut all {
            let fields = one.as_object_mut().unwrap();
            fields.retain(|name, _| !TIMES.contains(&name.as_str()));
        }
        all
    }

    /// The names of all environments.
    pub(crate) fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self
            .all()
            .iter()
            .map(|one| one["Name"].as_str().unwrap().to_owned())
            .collect();
        names.sort();
        names
    }

    /// The only environment of this name.
    #[track_caller]
    pub(crate) fn only(&self, name: &str) -> Value {
        let mut all = self.all();
        all.retain(|one| one["Name"] == name);
        assert_eq!(all.len(), 1, "{name}: {all:?}");
        all.remove(0)
    }

    /// The number of the only environment of this name.
    #[track_caller]
    pub(crate) fn id(&self, name: &str) -> Value {
        self.only(name)["Id"].clone()
    }

    /// Whether the agent of this environment was heard of lately.
    #[track_caller]
    pub(crate) fn beats(&self, name: &str) -> bool {
        let all = self.get("/api/endpoints?excludeSnapshots=true");
        let mut all = all.as_array().unwrap().iter();
        all.any(|one| one["Name"] == name && one["Heartbeat"] == true)
    }

    /// Makes an environment by hand.
    pub(crate) fn make(&self, name: &str) {
        let form = [
            ("Name", name.to_owned()),
            ("EndpointCreationType", "4".to_owned()),
            ("URL", self.agent_url()),
        ];
        let request = self.request(Method::POST, "/api/endpoints");
        self.answer(request.form(&form));
    }

    /// Changes an environment by hand.
    #[track_caller]
    pub(crate) fn change(&self, name: &str, change: &Value) {
        let path = format!("/api/endpoints/{}", self.id(name));
        self.answer(self.request(Method::PUT, &path).json(change));
    }

    /// Deletes an environment by hand.
    #[track_caller]
    pub(crate) fn delete(&self, name: &str) {
        let path = format!("/api/endpoints/{}", self.id(name));
        self.answer(self.request(Method::DELETE, &path));
    }

    /// Lays fields over an environment, whatever Portainer would say to that.
    #[track_caller]
    pub(crate) fn set(&self, name: &str, mut fields: Value) {
        fields["Id"] = self.id(name);
        self.post("/__endpoints", &fields);
    }

    /// Lets time pass for it.
    pub(crate) fn pass(&self, seconds: u32) {
        self.post("/__clock", &json!({"advance_seconds": seconds}));
    }

    /// It answers everybody like this.
    pub(crate) fn fault(&self, canned: &str) {
        let fault = json!({"path_prefix": "/api", "canned": canned});
        self.post("/__faults", &fault);
    }

    /// It answers as ever.
    pub(crate) fn mend(&self) {
        self.answer(self.request(Method::DELETE, "/__faults"));
    }

    /// Ends it; what it knows stays.
    pub(crate) fn stop(&self) {
        docker(&["stop", &self.container]);
    }

    /// Starts it again.
    pub(crate) fn start_again(&self) {
        docker(&["start", &self.container]);
        self.until_up();
    }
}
