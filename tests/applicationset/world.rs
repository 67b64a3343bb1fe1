//! A cluster with Argo CD and a set `whoami`, and the clusters that it deploys to.

use std::path::PathBuf;
use std::time::Duration;

use rollcall::model::{
    ClusterId, ClusterView, Fingerprint, Incarnation, Phase, PortMap, ProviderId, RegistrarView,
    RegistrationView, Seen, Unseen,
};
use rollcall::provider::Access;
use rollcall::registrar::{
    ApplicationSet, ApplicationSetSettings, DEFAULT_KEY, Fault, RegisterOrder, Registrar,
    RegistrarError, Way,
};
use serde_json::{Value, json};

use crate::node_api::{
    APPLICATION, APPLICATION_SET, CONFIG_MAP, CONTEXT, NAMESPACE, Node, SECRET, until,
};

/// How long a look may take.
const LOOK: Duration = Duration::from_secs(10);
/// How long Argo CD may take over what works.
const PATIENCE: Duration = Duration::from_secs(20);
/// A namespace where nothing acts.
pub(crate) const QUIET: &str = "quiet";
/// How long is waited for what does not work.
pub(crate) const SHORT: Duration = Duration::from_secs(3);

/// Argo CD, and two clusters of other people's making: `dev` and `ops`.
pub(crate) struct World {
    pub(crate) argo: Node,
    pub(crate) dev: Node,
    pub(crate) ops: Node,
}

impl World {
    /// Both clusters are registered; `ops` has an element in the set, `dev` has none.
    pub(crate) async fn start() -> Self {
        let world = Self {
            argo: Node::start(&["--argocd"]),
            dev: Node::start(&[]),
            ops: Node::start(&[]),
        };
        world.argo.register("dev", &world.dev, &json!({})).await;
        world.argo.register("ops", &world.ops, &json!({})).await;
        world.make_set(&elements(&[&foreign()])).await;
        until("the workload of ops", || runs(&world.ops, "whoami-ops")).await;
        world
    }

    /// Makes the set, with these generators.
    pub(crate) async fn make_set(&self, generators: &Value) {
        let set = json!({"metadata": {"name": "whoami"}, "spec": spec(generators)});
        self.argo.make(APPLICATION_SET, "argocd", set).await;
    }

    /// `dev` is in the set, by rollcall's doing, and its workload runs.
    pub(crate) async fn registered() -> (Self, Fingerprint) {
        let world = Self::start().await;
        let written = register(&world.registrar(), "k3d/dev", None).await.unwrap();
        until("the workload of dev", || runs(&world.dev, "whoami-dev")).await;
        (world, written)
    }

    /// The set as it is.
    pub(crate) async fn set(&self) -> Value {
        let set = self.argo.find(APPLICATION_SET, "argocd", "whoami").await;
        set.unwrap()
    }

    /// The elements of its first generator.
    pub(crate) async fn elements(&self) -> Vec<Value> {
        let elements = self.set().await["spec"]["generators"][0]["list"]["elements"].clone();
        elements.as_array().unwrap().clone()
    }

    /// Makes these its generators, as somebody else.
    pub(crate) async fn relist(&self, generators: &Value) {
        let change = json!({"spec": {"generators": generators}});
        self.argo
            .edit(APPLICATION_SET, "argocd", "whoami", &change)
            .await;
    }

    /// An Application, if it is there.
    pub(crate) async fn app(&self, name: &str) -> Option<Value> {
        self.argo.find(APPLICATION, "argocd", name).await
    }

    /// Its identity.
    pub(crate) async fn uid(&self, app: &str) -> Value {
        self.app(app).await.unwrap()["metadata"]["uid"].clone()
    }

    /// Takes a cluster Secret away.
    pub(crate) async fn unregister(&self, name: &str) {
        let secret = format!("cluster-{name}");
        self.argo.remove(SECRET, "argocd", &secret).await;
    }

    /// A registrar of the set that lists its elements.
    pub(crate) fn registrar(&self) -> ApplicationSet {
        registrar(settings(self.argo.kubeconfig()))
    }
}

/// The registrar of these settings.
pub(crate) fn registrar(settings: ApplicationSetSettings) -> ApplicationSet {
    let providers = ["k3d", "kind"].map(ProviderId::new).to_vec();
    ApplicationSet::new(settings, providers).patience(PATIENCE)
}

/// The settings for elements as the predecessor wrote them.
pub(crate) fn settings(kubeconfig: PathBuf) -> ApplicationSetSettings {
    let pairs = [
        ("env", "{name}"),
        ("hostEnv", "{name}"),
        ("branch", "{name}"),
        ("ingressClass", "traefik"),
    ];
    let pairs = pairs.map(|(key, text)| (key.to_owned(), text.to_owned()));
    ApplicationSetSettings {
        host: None,
        kubeconfig,
        context: CONTEXT.to_owned(),
        namespace: "argocd".to_owned(),
        name: "whoami".to_owned(),
        way: Way::Elements {
            key: DEFAULT_KEY.to_owned(),
            element: pairs.into(),
        },
    }
}

/// The predecessor's set, with these generators.
pub(crate) fn spec(generators: &Value) -> Value {
    json!({
        "goTemplate": true,
        "goTemplateOptions": ["missingkey=error"],
        "generators": generators,
        "template": {
            "metadata": {"name": "whoami-{{.env}}", "labels": {"env": "{{.env}}"}},
            "spec": {
                "project": "default",
                "destination": {"name": "{{.clusterName}}", "namespace": "work"},
                "source": {
                    "repoURL": "https://example.org/whoami.git",
                    "path": "deploy",
                    "targetRevision": "{{.branch}}",
                },
            },
        },
    })
}

/// One list generator with these elements.
pub(crate) fn elements(all: &[&Value]) -> Value {
    json!([{"list": {"elements": all}}])
}

/// The template that the set's controller gives a generator without one.
pub(crate) fn empty_template() -> Value {
    json!({"metadata": {}, "spec": {"destination": {}, "project": ""}})
}

/// Somebody's element, with what ours do not have.
pub(crate) fn foreign() -> Value {
    json!({"weight": 1.5, "env": "ops", "clusterName": "ops", "branch": "main", "more": [null, {"a": 1}]})
}

/// The element of ours.
pub(crate) fn ours(name: &str) -> Value {
    json!({"branch": name, "clusterName": name, "env": name, "hostEnv": name, "ingressClass": "traefik"})
}

/// Makes a set with these elements where nothing acts, so that its Applications stay as they are written; the result is
/// what they name as their owner.
pub(crate) async fn quiet_set(argo: &Node, all: &[&Value]) -> Value {
    let namespace = json!({"metadata": {"name": QUIET}});
    argo.make(NAMESPACE, "", namespace).await;
    let set = json!({"metadata": {"name": "whoami"}, "spec": spec(&elements(all))});
    let set = argo.make(APPLICATION_SET, QUIET, set).await;
    json!([{
        "apiVersion": set["apiVersion"],
        "kind": set["kind"],
        "name": "whoami",
        "uid": set["metadata"]["uid"],
        "controller": true,
    }])
}

/// The registrar of that set.
pub(crate) fn quiet_registrar(argo: &Node) -> ApplicationSet {
    registrar(ApplicationSetSettings {
        namespace: QUIET.to_owned(),
        ..settings(argo.kubeconfig())
    })
}

/// Whether the workload of this Application is there.
pub(crate) async fn runs(target: &Node, app: &str) -> bool {
    let name = format!("workload-{app}");
    target.find(NAMESPACE, "", "work").await.is_some()
        && target.find(CONFIG_MAP, "work", &name).await.is_some()
}

/// Registers a cluster.
pub(crate) async fn register(
    registrar: &ApplicationSet,
    id: &str,
    expected: Option<&Fingerprint>,
) -> Result<Fingerprint, RegistrarError> {
    registrar.register(&order(id), expected).await
}

/// Deregisters a cluster.
pub(crate) async fn deregister(
    registrar: &ApplicationSet,
    id: &str,
    expected: &Fingerprint,
) -> Result<(), RegistrarError> {
    registrar.deregister(&id.parse().unwrap(), expected).await
}

/// What is seen, which must be known.
pub(crate) async fn known(registrar: &ApplicationSet) -> RegistrarView {
    match registrar.observe(LOOK).await {
        Seen::Known(view) => view,
        Seen::Unknown(unseen) => panic!("{unseen:?}"),
    }
}

/// Why nothing is known.
pub(crate) async fn unknown(registrar: &ApplicationSet) -> Unseen {
    match registrar.observe(LOOK).await {
        Seen::Known(view) => panic!("{view:?}"),
        Seen::Unknown(unseen) => unseen,
    }
}

/// The entry of a cluster.
pub(crate) async fn entry(registrar: &ApplicationSet, id: &str) -> Option<RegistrationView> {
    let id: ClusterId = id.parse().unwrap();
    known(registrar).await.entries.remove(&id)
}

/// What is wrong with the entry of a cluster.
pub(crate) async fn trouble(registrar: &ApplicationSet, id: &str) -> Option<String> {
    entry(registrar, id).await.unwrap().trouble
}

/// Fails unless it failed like this, and said that.
#[track_caller]
pub(crate) fn failed<T: std::fmt::Debug>(
    told: Result<T, RegistrarError>,
    fault: Fault,
    words: &str,
) {
    let error = told.unwrap_err();
    assert_eq!(error.fault, fault, "{error}");
    assert!(error.message.contains(words), "{error}");
    assert!(error.hint.is_some(), "{error}");
}

fn order(id: &str) -> RegisterOrder {
    let id: ClusterId = id.parse().unwrap();
    let life = Incarnation::new("one");
    RegisterOrder {
        access: Access {
            id: id.clone(),
            incarnation: life.clone(),
            server: "https://127.0.0.1:1".to_owned(),
            ca_data: String::new(),
            client_certificate_data: "".into(),
            client_key_data: "".into(),
        },
        cluster: ClusterView {
            id,
            phase: Phase::Ready,
            detail: None,
            incarnation: Some(life),
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
