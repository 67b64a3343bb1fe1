//! Agents that are played: what a cluster has, and one check-in whenever an agent is put into it.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use reqwest::Client;
use rollcall::model::{ClusterId, ClusterView, Incarnation, Phase, PortMap};
use rollcall::provider::Access;
use rollcall::registrar::{AgentHost, EdgeAgent, RegisterOrder, RegistrarError};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;

use crate::server::id;

/// The agents of all clusters.
pub(crate) struct Agents {
    base: String,
    client: Client,
    there: Mutex<BTreeMap<ClusterId, EdgeAgent>>,
    deployed: AtomicUsize,
    silent: AtomicBool,
    intruder: Mutex<Option<String>>,
}

impl Agents {
    /// No agents yet, of this server.
    pub(crate) fn new(base: String, client: Client) -> Self {
        Self {
            base,
            client,
            there: Mutex::default(),
            deployed: AtomicUsize::new(0),
            silent: AtomicBool::new(false),
            intruder: Mutex::default(),
        }
    }

    /// Whether agents that are put somewhere check in.
    pub(crate) fn speak(&self, speak: bool) {
        self.silent.store(!speak, Ordering::SeqCst);
    }

    /// Who polls with the key of whatever is deployed, before its own agent does.
    pub(crate) fn intrude(&self, edge_id: Option<&str>) {
        *self.intruder.lock().unwrap() = edge_id.map(str::to_owned);
    }

    /// How often an agent was put into a cluster.
    pub(crate) fn deployed(&self) -> usize {
        self.deployed.load(Ordering::SeqCst)
    }

    /// The agent of a cluster.
    pub(crate) fn of(&self, cluster: &str) -> EdgeAgent {
        self.there.lock().unwrap()[&id(cluster)].clone()
    }

    /// The cluster is made anew: its agent is gone.
    pub(crate) fn lose(&self, cluster: &str) {
        self.there.lock().unwrap().remove(&id(cluster));
    }

    /// An agent with this name polls for an environment; whether it is let in.
    pub(crate) async fn poll(&self, environment: u64, edge_id: &str) -> bool {
        // A later second than whatever was looked at before.
        let clock = self.client.post(format!("{}/__clock", self.base));
        clock
            .json(&json!({"advance_seconds": 1}))
            .send()
            .await
            .unwrap();
        let url = format!("{}/api/endpoints/{environment}/edge/status", self.base);
        let polled = self
            .client
            .get(url)
            .header("x-portaineragent-edgeid", edge_id)
            .header("portainer-agent", "2.33.2")
            .header("portainer-agent-platform", "2");
        polled.send().await.unwrap().status().is_success()
    }

    /// The agent of a cluster polls; whether it is let in.
    pub(crate) async fn check_in(&self, cluster: &str) -> bool {
        let agent = self.of(cluster);
        let edge_id = agent.edge_id.expose_secret().to_owned();
        self.poll(environment_of(&agent), &edge_id).await
    }
}

/// The environment whose key an agent has.
pub(crate) fn environment_of(agent: &EdgeAgent) -> u64 {
    let key = STANDARD_NO_PAD
        .decode(agent.edge_key.expose_secret())
        .unwrap();
    let key = String::from_utf8(key).unwrap();
    key.rsplit('|').next().unwrap().parse().unwrap()
}

#[async_trait]
impl AgentHost for Agents {
    async fn edge_id(
        &self,
        access: &Access,
        _namespace: &str,
    ) -> Result<Option<String>, RegistrarError> {
        let there = self.there.lock().unwrap();
        let agent = there.get(&access.id);
        Ok(agent.map(|agent| agent.edge_id.expose_secret().to_owned()))
    }

    async fn deploy(&self, access: &Access, agent: &EdgeAgent) -> Result<(), RegistrarError> {
        let (environment, edge_id) = (environment_of(agent), agent.edge_id.clone());
        self.there
            .lock()
            .unwrap()
            .insert(access.id.clone(), agent.clone());
        self.deployed.fetch_add(1, Ordering::SeqCst);
        let intruder = self.intruder.lock().unwrap().clone();
        if let Some(intruder) = intruder {
            assert!(self.poll(environment, &intruder).await);
        }
        if !self.silent.load(Ordering::SeqCst) {
            self.poll(environment, edge_id.expose_secret()).await;
        }
        Ok(())
    }

    async fn remove(&self, access: &Access, _namespace: &str) -> Result<(), RegistrarError> {
        self.there.lock().unwrap().remove(&access.id);
        Ok(())
    }
}

/// An order to register a cluster. No API is behind it.
pub(crate) fn order(cluster: &str) -> RegisterOrder {
    let id = id(cluster);
    let secret = || SecretString::from("c2VjcmV0");
    RegisterOrder {
        access: Access {
            id: id.clone(),
            incarnation: Incarnation::new("one"),
            server: "https://127.0.0.1:1".to_owned(),
            ca_data: "Y2E=".to_owned(),
            client_certificate_data: secret(),
            client_key_data: secret(),
        },
        cluster: ClusterView {
            id,
            phase: Phase::Ready,
            detail: None,
            incarnation: Some(Incarnation::new("one")),
            nodes: Vec::new(),
            networks: Vec::new(),
            volumes: Vec::new(),
            ports: PortMap::new(),
            api_port: None,
            subnet: None,
            server_ip: None,
            accepts_ports: false,
            probed: true,
        },
    }
}
