//! Argo CD's namespace in a Kubernetes API, and another API that is the cluster's own.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use rollcall::model::RegistrationView;
use rollcall::registrar::{ArgoCd, ArgoCdSettings, Reach, RegisterOrder, Registrar};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::cluster::{FRONT, KEY, order, providers};
use crate::node_api::{CONTEXT, Node, SECRET};
use crate::place::{Broken, Place};
use crate::traffic::{Gate, Traffic, Upstream};

/// The Kubernetes API with Argo CD.
const MANAGEMENT: &str = "management";
/// The cluster's own.
const DEV: &str = "dev";
/// The Secret of the cluster.
const OWN: &str = "cluster-dev";

/// Argo CD, and `k3d/dev` beside it.
pub(crate) struct InArgoCd {
    gate: Gate,
    registrar: Arc<ArgoCd>,
    life: &'static str,
    /// The management cluster and the lives of `k3d/dev`, where they are played and not recorded.
    live: Option<(Node, Vec<Node>)>,
    _dir: TempDir,
}

impl InArgoCd {
    pub(crate) async fn open(traffic: Traffic) -> Self {
        let live = traffic.live.then(|| {
            let management = Node::start(&["--argocd"]);
            (management, vec![Node::start(&["--san", FRONT])])
        });
        let mut upstreams = Vec::new();
        if let Some((management, lives)) = &live {
            upstreams.push((MANAGEMENT, upstream(management)));
            upstreams.push((DEV, upstream(&lives[0])));
        }
        let gate = Gate::open(traffic, upstreams).await;
        let dir = tempfile::tempdir().unwrap();
        let settings = ArgoCdSettings {
            kubeconfig: kubeconfig(&dir, &gate.url(MANAGEMENT)),
            context: CONTEXT.to_owned(),
            host: None,
            namespace: "argocd".to_owned(),
            reach: Reach::Network,
            after: Vec::new(),
        };
        Self {
            gate,
            registrar: Arc::new(ArgoCd::new(settings, providers())),
            life: "one",
            live,
            _dir: dir,
        }
    }
}

/// A Kubernetes API that is played.
pub(crate) fn upstream(node: &Node) -> Upstream {
    Upstream::kubernetes(node.url(), &node.credentials())
}

/// A kubeconfig that leads to this server, without any credentials.
pub(crate) fn kubeconfig(dir: &TempDir, server: &str) -> std::path::PathBuf {
    let named = |sort: &str, value: Value| json!([{"name": CONTEXT, sort: value}]);
    let kubeconfig = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": named("cluster", json!({"server": server})),
        "contexts": named("context", json!({"cluster": CONTEXT, "user": CONTEXT})),
        "users": named("user", json!({})),
    });
    let file = dir.path().join("config");
    std::fs::write(&file, kubeconfig.to_string()).unwrap();
    file
}

/// Asks through the gate, as a person who looks.
pub(super) async fn ask(gate: &Gate, path: &str) -> Value {
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([]);
    let client = client.build().unwrap();
    let answer = client.get(gate.url(path)).send().await.unwrap();
    serde_json::from_str(&answer.text().await.unwrap()).unwrap()
}

/// The objects of a list, each by its name.
pub(super) fn items(list: &Value) -> BTreeMap<String, Value> {
    let items = list["items"].as_array().unwrap().iter();
    let named = items.map(|item| {
        let name = item["metadata"]["name"].as_str().unwrap();
        (name.to_owned(), item.clone())
    });
    named.collect()
}

#[async_trait]
impl Place for InArgoCd {
    fn registrar(&self) -> Arc<dyn Registrar> {
        self.registrar.clone()
    }

    async fn order(&self) -> RegisterOrder {
        let mut order = order(self.life);
        order.access.server = self.gate.url(DEV);
        order
    }

    fn leads_there(&self, entry: &RegistrationView, _order: &RegisterOrder) -> bool {
        entry.endpoint == format!("https://{FRONT}:6443")
    }

    async fn others_come(&mut self) {
        let Some((management, _)) = &self.live else {
            return;
        };
        let secret = json!({
            "metadata": {
                "name": "cluster-ops",
                "labels": {"argocd.argoproj.io/secret-type": "cluster"},
            },
            "stringData": {"name": "ops", "server": "https://ops.example:6443", "config": "{}"},
        });
        management.make(SECRET, "argocd", secret).await;
    }

    async fn holds(&self) -> BTreeMap<String, String> {
        let path = format!("{MANAGEMENT}/api/v1/namespaces/argocd/secrets");
        let all = items(&ask(&self.gate, &path).await).into_iter();
        // With their versions: a Secret that was written as it was is another one for whoever watches it.
        all.map(|(name, secret)| (name, secret.to_string()))
            .collect()
    }

    async fn identity(&self) -> Option<String> {
        let path = format!("{MANAGEMENT}/api/v1/namespaces/argocd/secrets/{OWN}");
        let own = ask(&self.gate, &path).await;
        Some(own["metadata"]["uid"].as_str().unwrap().to_owned())
    }

    async fn tamper(&mut self) {
        let Some((management, _)) = &self.live else {
            return;
        };
        let change = json!({"stringData": {"server": "https://elsewhere.example:6443"}});
        management.edit(SECRET, "argocd", OWN, &change).await;
    }

    async fn is_born_again(&mut self) {
        self.life = "two";
        if let Some((_, lives)) = &mut self.live {
            let next = Node::start(&["--san", FRONT]);
            self.gate.point(DEV, upstream(&next));
            lives.push(next);
        }
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
        vec![KEY.to_owned(), "token-1".to_owned(), "token-2".to_owned()]
    }

    async fn end(&mut self) {
        self.gate.end();
    }
}
