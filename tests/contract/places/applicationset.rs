//! An ApplicationSet that Argo CD acts on, with a list of elements or with a selector.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rollcall::model::RegistrationView;
use rollcall::registrar::{
    ApplicationSet, ApplicationSetSettings, DEFAULT_KEY, RegisterOrder, Registrar, Way,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::argocd::{ask, items, kubeconfig, upstream};
use crate::cluster::{KEY, order, providers};
use crate::node_api::{APPLICATION_SET, CONTEXT, Node, SECRET};
use crate::place::{Broken, Place};
use crate::traffic::{Gate, Traffic};

/// The Kubernetes API with Argo CD.
const MANAGEMENT: &str = "management";
/// Where Argo CD's objects are.
const ARGO: &str = "management/apis/argoproj.io/v1alpha1/namespaces/argocd";
/// Argo CD's own cluster.
const OWN: &str = "https://kubernetes.default.svc";
/// How long Argo CD may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// A set `whoami`, whose Applications all go to Argo CD's own cluster.
pub(crate) struct InSet {
    gate: Gate,
    registrar: Arc<ApplicationSet>,
    live: Option<Node>,
    _dir: TempDir,
}

impl InSet {
    /// A set that lists its clusters.
    pub(crate) async fn listing(traffic: Traffic) -> Self {
        let pairs = [("env", "{name}"), ("branch", "{name}")];
        let pairs = pairs.map(|(key, text)| (key.to_owned(), text.to_owned()));
        let way = Way::Elements {
            key: DEFAULT_KEY.to_owned(),
            element: pairs.into(),
        };
        let none = json!([{"list": {"elements": []}}]);
        let place = Self::open(traffic, way).await;
        let own = json!({"server": OWN, "namespace": "{{.env}}"});
        place.make("{{.env}}", &own, &none).await;
        place
    }

    /// A set that selects its clusters.
    pub(crate) async fn selecting(traffic: Traffic) -> Self {
        let selector = json!({"matchLabels": {"type": "business"}});
        let selecting = json!([{"clusters": {"selector": selector}}]);
        let place = Self::open(traffic, Way::Labels).await;
        let named = json!({"name": "{{.name}}", "namespace": "{{.name}}"});
        place.make("{{.name}}", &named, &selecting).await;
        place
    }

    async fn open(traffic: Traffic, way: Way) -> Self {
        let live = traffic.live.then(|| Node::start(&["--argocd"]));
        let upstreams = live.iter().map(|node| (MANAGEMENT, upstream(node)));
        let gate = Gate::open(traffic, upstreams.collect()).await;
        let dir = tempfile::tempdir().unwrap();
        let settings = ApplicationSetSettings {
            kubeconfig: kubeconfig(&dir, &gate.url(MANAGEMENT)),
            context: CONTEXT.to_owned(),
            host: None,
            namespace: "argocd".to_owned(),
            name: "whoami".to_owned(),
            way,
        };
        Self {
            gate,
            registrar: Arc::new(ApplicationSet::new(settings, providers()).patience(PATIENCE)),
            live,
            _dir: dir,
        }
    }

    async fn make(&self, name: &str, destination: &Value, generators: &Value) {
        if let Some(node) = &self.live {
            let spec = set(name, destination, generators);
            let set = json!({"metadata": {"name": "whoami"}, "spec": spec});
            node.make(APPLICATION_SET, "argocd", set).await;
        }
    }

    /// Argo CD is told of a cluster.
    async fn secret(&self, name: &str) {
        let Some(node) = &self.live else {
            return;
        };
        let labels = json!({
            "argocd.argoproj.io/secret-type": "cluster",
            "type": "business",
            "provider": if name == "dev" { "k3d" } else { "kind" },
        });
        // What is selected deploys to Argo CD's own cluster by another name.
        let server = if name == "dev" {
            OWN.to_owned()
        } else {
            format!("https://{name}.example:6443")
        };
        let secret = json!({
            "metadata": {"name": format!("cluster-{name}"), "labels": labels},
            "stringData": {"name": name, "server": server, "config": "{}"},
        });
        node.make(SECRET, "argocd", secret).await;
    }
}

fn set(name: &str, destination: &Value, generators: &Value) -> Value {
    json!({
        "goTemplate": true,
        "goTemplateOptions": ["missingkey=error"],
        "generators": generators,
        "template": {
            "metadata": {"name": format!("whoami-{name}")},
            "spec": {
                "project": "default",
                "destination": destination,
                "source": {
                    "repoURL": "https://example.org/whoami.git",
                    "path": "deploy",
                    "targetRevision": "main",
                },
            },
        },
    })
}

#[async_trait]
impl Place for InSet {
    fn registrar(&self) -> Arc<dyn Registrar> {
        self.registrar.clone()
    }

    async fn order(&self) -> RegisterOrder {
        order("one")
    }

    fn leads_there(&self, entry: &RegistrationView, _order: &RegisterOrder) -> bool {
        entry.endpoint == "argocd/whoami-dev"
    }

    async fn others_come(&mut self) {
        self.secret("ops").await;
        if let Some(node) = &self.live {
            let mut set = node
                .find(APPLICATION_SET, "argocd", "whoami")
                .await
                .unwrap();
            let generators = &mut set["spec"]["generators"];
            if let Some(elements) = generators.pointer_mut("/0/list/elements") {
                *elements =
                    json!([{"clusterName": "ops", "env": "ops", "weight": 1.5, "more": [null]}]);
            }
            let change = json!({"spec": {"generators": generators}});
            node.edit(APPLICATION_SET, "argocd", "whoami", &change)
                .await;
        }
    }

    async fn holds(&self) -> BTreeMap<String, String> {
        let set = ask(&self.gate, &format!("{ARGO}/applicationsets/whoami")).await;
        let mut spec = set["spec"].clone();
        let mut all = BTreeMap::new();
        if let Some(elements) = spec.pointer_mut("/generators/0/list/elements") {
            let elements = elements.take();
            all.extend(elements.as_array().unwrap().iter().map(|element| {
                let name = element[DEFAULT_KEY].as_str().unwrap();
                (format!("element {name}"), element.to_string())
            }));
        }
        // Its controller writes generators back with an empty template of their own.
        for generator in spec["generators"].as_array_mut().into_iter().flatten() {
            let sorts = generator.as_object_mut().into_iter().flatten();
            for (_, sort) in sorts {
                sort.as_object_mut().map(|sort| sort.remove("template"));
            }
        }
        all.insert("set".to_owned(), spec.to_string());
        let apps = items(&ask(&self.gate, &format!("{ARGO}/applications")).await);
        let apps = apps.into_iter().filter(|(name, _)| name != "whoami-ops");
        all.extend(
            apps.map(|(name, app)| (format!("app {name}"), app["metadata"]["uid"].to_string())),
        );
        all
    }

    async fn identity(&self) -> Option<String> {
        let app = ask(&self.gate, &format!("{ARGO}/applications/whoami-dev")).await;
        Some(app["metadata"]["uid"].as_str().unwrap().to_owned())
    }

    async fn tamper(&mut self) {
        let Some(node) = &self.live else {
            return;
        };
        let mut set = node
            .find(APPLICATION_SET, "argocd", "whoami")
            .await
            .unwrap();
        let generators = &mut set["spec"]["generators"];
        let elements = generators.pointer_mut("/0/list/elements").unwrap();
        let mut elements = elements.as_array_mut().unwrap().iter_mut();
        let own = elements
            .find(|element| element[DEFAULT_KEY] == "dev")
            .unwrap();
        own["branch"] = json!("another");
        let change = json!({"spec": {"generators": generators}});
        node.edit(APPLICATION_SET, "argocd", "whoami", &change)
            .await;
    }

    fn tells_lives(&self) -> bool {
        false
    }

    async fn is_born_again(&mut self) {}

    async fn comes_first(&mut self) {
        self.secret("dev").await;
    }

    async fn goes_first(&mut self) {
        if let Some(node) = &self.live {
            node.remove(SECRET, "argocd", "cluster-dev").await;
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
        vec![KEY.to_owned()]
    }

    async fn end(&mut self) {
        self.gate.end();
    }
}
