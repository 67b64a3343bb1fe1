//! A Portainer, with agents that are played.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use reqwest::Method;
use rollcall::model::RegistrationView;
use rollcall::registrar::{
    Portainer, PortainerCredentials, PortainerSettings, RegisterOrder, Registrar,
};
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::agents::Agents;
use crate::cluster::{KEY, order, providers};
use crate::place::{Broken, Place};
use crate::server::{PASSWORD, Server, VERSION};
use crate::traffic::{Gate, Traffic, Upstream};

/// Where it is behind the gate.
const PORTAINER: &str = "portainer";
/// What is shown instead of the administrator's key.
const SHOWN: &str = "the-administrators-key";
/// What passes: the clock, and what depends on it.
const PASSING: [&str; 3] = ["LastCheckInDate", "QueryDate", "Heartbeat"];

/// A Portainer without environments.
pub(crate) struct InPortainer {
    gate: Gate,
    registrar: Arc<Portainer>,
    agents: Arc<Agents>,
    live: Option<Server>,
}

impl InPortainer {
    pub(crate) async fn open(traffic: Traffic) -> Self {
        let live = if traffic.live {
            Some(Server::start(VERSION).await)
        } else {
            None
        };
        let upstreams = live.iter().map(|server| {
            (
                PORTAINER,
                Upstream::portainer(server.url(), server.key.clone()),
            )
        });
        let gate = Gate::open(traffic, upstreams.collect()).await;
        let credentials = PortainerCredentials::ApiKey(SecretString::from(SHOWN));
        let url = gate.url(PORTAINER);
        let settings = PortainerSettings::new(&url, "https://portainer.test:9443", credentials);
        let client = reqwest::Client::builder().no_proxy().tls_certs_only([]);
        let agents = Arc::new(Agents::new(url, client.build().unwrap()));
        let registrar = Portainer::with_agents(settings, providers(), agents.clone());
        Self {
            gate,
            registrar: Arc::new(registrar),
            agents,
            live,
        }
    }

    /// All environments, as a person sees them.
    async fn environments(&self) -> Vec<Value> {
        let client = reqwest::Client::builder().no_proxy().tls_certs_only([]);
        let asked = client.build().unwrap();
        let asked = asked.get(
            self.gate
                .url("portainer/api/endpoints?excludeSnapshots=true"),
        );
        let answer = asked.header("x-api-key", SHOWN).send().await.unwrap();
        let all: Option<Vec<Value>> = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        all.unwrap_or_default()
    }
}

#[async_trait]
impl Place for InPortainer {
    fn registrar(&self) -> Arc<dyn Registrar> {
        self.registrar.clone()
    }

    async fn order(&self) -> RegisterOrder {
        order("one")
    }

    fn leads_there(&self, entry: &RegistrationView, _order: &RegisterOrder) -> bool {
        entry.endpoint.starts_with("environment ")
    }

    async fn others_come(&mut self) {
        if let Some(server) = &self.live {
            let tag = json!({"Name": "mine"});
            let tag = server.ask(Method::POST, "/api/tags", Some(tag)).await;
            let fields = json!({"Type": 7, "UserTrusted": true, "TagIds": [tag["ID"]]});
            let mut ops = json!({"Name": "ops", "URL": "portainer.test"});
            ops.as_object_mut()
                .unwrap()
                .extend(fields.as_object().unwrap().clone());
            let made = server.set(ops).await;
            assert_eq!(made["Name"], "ops", "{made}");
        }
    }

    async fn holds(&self) -> BTreeMap<String, String> {
        let all = self.environments().await.into_iter().map(|mut one| {
            let fields = one.as_object_mut().unwrap();
            PASSING.iter().for_each(|name| drop(fields.remove(*name)));
            (fields["Name"].to_string(), one.to_string())
        });
        all.collect()
    }

    async fn identity(&self) -> Option<String> {
        let all = self.environments().await;
        let own = all.iter().find(|one| one["Name"] == "dev").unwrap();
        Some(own["Id"].to_string())
    }

    async fn tamper(&mut self) {
        if let Some(server) = &self.live {
            let number = server.only("dev").await["Id"].clone();
            let elsewhere = json!({"Id": number, "URL": "elsewhere.example"});
            server.set(elsewhere).await;
        }
    }

    fn tells_lives(&self) -> bool {
        false
    }

    async fn is_born_again(&mut self) {
        self.agents.lose("k3d/dev");
    }

    async fn breaks(&mut self, how: Broken) -> bool {
        match how {
            Broken::Unreachable => self.gate.close().await,
            Broken::Silent => self.gate.fall_silent(),
            Broken::Nonsense(sort) => return self.gate.talk(sort),
        }
        true
    }

    fn secrets(&self) -> Vec<String> {
        let own = [KEY, SHOWN, PASSWORD].map(str::to_owned).into_iter();
        own.chain(self.live.iter().map(|server| server.key.clone()))
            .collect()
    }

    async fn end(&mut self) {
        self.gate.end();
    }
}
