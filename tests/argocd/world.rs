//! A cluster with Argo CD's namespace, and clusters to register there.

use std::time::Duration;

use k8s_openapi::ByteString;
use rollcall::model::{
    ClusterId, ClusterView, ContainerId, Fingerprint, Incarnation, NodeRole, NodeState, NodeView,
    Phase, Port, PortMap, ProviderId, RegistrarView, Seen, Unseen,
};
use rollcall::provider::Access;
use rollcall::registrar::{
    ArgoCd, ArgoCdSettings, Reach, RegisterOrder, Registrar, RegistrarError,
};
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::node_api::{CONTEXT, Node, SECRET};

/// How long a look may take.
const LOOK: Duration = Duration::from_secs(10);

/// A management cluster, and the program that registers others there.
pub(crate) struct World {
    pub(crate) management: Node,
    pub(crate) argocd: ArgoCd,
}

impl World {
    pub(crate) fn start() -> Self {
        let management = Node::start(&["--argocd"]);
        let argocd = ArgoCd::new(settings(&management), providers());
        Self { management, argocd }
    }

    /// What is registered.
    pub(crate) async fn seen(&self) -> RegistrarView {
        match self.argocd.observe(LOOK).await {
            Seen::Known(view) => view,
            Seen::Unknown(unseen) => panic!("{}", unseen.error),
        }
    }

    /// Why nobody can say what is registered.
    pub(crate) async fn unseen(&self, within: Duration) -> Unseen {
        match self.argocd.observe(within).await {
            Seen::Known(view) => panic!("{view:?}"),
            Seen::Unknown(unseen) => unseen,
        }
    }

    /// Registers a cluster, seeing first what is there.
    pub(crate) async fn register(&self, cluster: &Cluster) -> Result<Fingerprint, RegistrarError> {
        let there = self.seen().await.entries.remove(&cluster.id);
        let expected = there.map(|entry| entry.fingerprint);
        let order = cluster.order();
        self.argocd.register(&order, expected.as_ref()).await
    }

    /// A key of a cluster's Secret.
    pub(crate) async fn said(&self, name: &str, key: &str) -> String {
        let secret = self.secret(name).await;
        let bytes: ByteString = serde_json::from_value(secret["data"][key].clone()).unwrap();
        String::from_utf8(bytes.0).unwrap()
    }

    pub(crate) async fn secret(&self, name: &str) -> Value {
        let name = format!("cluster-{name}");
        let found = self.management.find(SECRET, "argocd", &name).await;
        found.unwrap()
    }

    pub(crate) async fn edit(&self, name: &str, change: &Value) {
        let name = format!("cluster-{name}");
        self.management.edit(SECRET, "argocd", &name, change).await;
    }
}

pub(crate) fn settings(management: &Node) -> ArgoCdSettings {
    ArgoCdSettings {
        kubeconfig: management.kubeconfig(),
        context: CONTEXT.to_owned(),
        host: None,
        namespace: "argocd".to_owned(),
        reach: Reach::Network,
        after: Vec::new(),
    }
}

pub(crate) fn providers() -> Vec<ProviderId> {
    ["k3d", "kind"].map(ProviderId::new).to_vec()
}

/// A cluster that runs.
pub(crate) struct Cluster {
    pub(crate) id: ClusterId,
    pub(crate) node: Node,
}

impl Cluster {
    pub(crate) fn start(id: &str) -> Self {
        let id: ClusterId = id.parse().unwrap();
        let front = front(&id);
        Self {
            node: Node::start(&["--san", &front]),
            id,
        }
    }

    /// What an observer sees of it.
    pub(crate) fn view(&self) -> ClusterView {
        let port = self.node.url().rsplit_once(':').unwrap().1.parse().unwrap();
        let balancer = NodeView {
            id: ContainerId::new("1"),
            name: front(&self.id),
            role: NodeRole::Balancer,
            state: NodeState::Running,
            image: "image".into(),
            nonce: None,
        };
        ClusterView {
            id: self.id.clone(),
            phase: Phase::Running,
            detail: None,
            incarnation: Some(Incarnation::new("one")),
            nodes: vec![balancer],
            networks: Vec::new(),
            volumes: Vec::new(),
            ports: PortMap::new(),
            api_port: Some(Port::parse(port).unwrap()),
            subnet: None,
            server_ip: None,
            accepts_ports: false,
            probed: false,
        }
    }

    pub(crate) fn order(&self) -> RegisterOrder {
        let [ca_data, certificate, key] = self.node.credentials();
        RegisterOrder {
            access: Access {
                id: self.id.clone(),
                incarnation: Incarnation::new("one"),
                server: self.node.url(),
                ca_data,
                client_certificate_data: SecretString::from(certificate),
                client_key_data: SecretString::from(key),
            },
            cluster: self.view(),
        }
    }
}

fn front(id: &ClusterId) -> String {
    format!("k3d-{}-serverlb", id.name)
}

/// A value of a Secret.
pub(crate) fn encode(text: &str) -> Value {
    json!(ByteString(text.as_bytes().to_vec()))
}
