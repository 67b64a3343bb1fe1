//! A sandbox with what a test needs at hand.

use std::sync::Mutex;
use std::time::Duration;

use crate::model::{
    ClusterId, ClusterSpec, ClusterView, EngineIdentity, EngineView, Nonce, Phase, Port, PortMap,
    Ports, RegistrarId, RegistrarView, Seen, Subnet,
};
use crate::ports::World;
use crate::provider::{Access, CreateOrder, Parts, ProviderError, SharedProvider, StepLog};
use crate::registrar::{RegisterOrder, SharedRegistrar};
use crate::sandbox::Sandbox;

pub(super) const LONG: Duration = Duration::from_secs(300);

#[derive(Default)]
pub(super) struct Lines(Mutex<Vec<String>>);

impl Lines {
    pub(super) fn all(&self) -> String {
        self.0.lock().unwrap().join("\n")
    }
}

impl StepLog for Lines {
    fn line(&self, line: &str) {
        self.0.lock().unwrap().push(line.to_owned());
    }
}

pub(super) struct Scene {
    pub(super) sandbox: Sandbox,
    pub(super) world: World,
    pub(super) log: Lines,
}

impl Scene {
    pub(super) fn new() -> Self {
        Self::over(Sandbox::in_memory(7))
    }

    pub(super) fn over(sandbox: Sandbox) -> Self {
        let world = sandbox.world();
        let log = Lines::default();
        Self {
            sandbox,
            world,
            log,
        }
    }

    pub(super) fn provider(&self, id: &ClusterId) -> &SharedProvider {
        &self.world.providers[&id.provider]
    }

    pub(super) fn kubeconfig(&self) -> &SharedRegistrar {
        &self.world.registrars[&kubeconfig()]
    }

    pub(super) async fn create(&self, spec: &ClusterSpec) -> Result<(), ProviderError> {
        self.create_within(spec, LONG).await
    }

    pub(super) async fn create_within(
        &self,
        spec: &ClusterSpec,
        deadline: Duration,
    ) -> Result<(), ProviderError> {
        let order = CreateOrder {
            spec: spec.clone(),
            nonce: nonce(),
            deadline,
        };
        self.provider(&spec.id).create(&order, &self.log).await
    }

    pub(super) async fn made(&self, spec: &ClusterSpec) -> ClusterView {
        self.create(spec).await.unwrap();
        self.view(&spec.id).await.unwrap()
    }

    pub(super) async fn engine(&self) -> EngineView {
        match self.world.engine.look(LONG).await {
            Seen::Known(view) => view,
            Seen::Unknown(unseen) => panic!("{unseen:?}"),
        }
    }

    /// An order with these credentials, for what is there under their name now.
    pub(super) async fn order(&self, access: &Access) -> RegisterOrder {
        let state = self.view(&access.id).await;
        RegisterOrder {
            access: access.clone(),
            cluster: state.unwrap(),
        }
    }

    pub(super) async fn identity(&self) -> EngineIdentity {
        match self.world.engine.identify(LONG).await {
            Seen::Known(identity) => identity,
            Seen::Unknown(unseen) => panic!("{unseen:?}"),
        }
    }

    pub(super) async fn view(&self, id: &ClusterId) -> Option<ClusterView> {
        self.engine().await.clusters[&id.provider]
            .get(&id.name)
            .cloned()
    }

    pub(super) async fn phase(&self, id: &ClusterId) -> Phase {
        self.view(id).await.map_or(Phase::Absent, |view| view.phase)
    }

    pub(super) async fn start(&self, id: &ClusterId) -> Result<(), ProviderError> {
        let view = self.view(id).await.unwrap();
        self.provider(id).start(&view, LONG, &self.log).await
    }

    pub(super) async fn remove(&self, view: &ClusterView) -> Result<(), ProviderError> {
        let parts = Parts {
            of: Some(view.id.clone()),
            containers: view.nodes.iter().map(|n| n.id.clone()).collect(),
            networks: view.networks.iter().map(|n| n.id.clone()).collect(),
            volumes: view.volumes.iter().map(|v| v.id.clone()).collect(),
            ..Parts::default()
        };
        self.world.engine.remove(&parts, &self.log).await
    }

    pub(super) async fn access(&self, id: &ClusterId) -> Result<Access, ProviderError> {
        let view = self.view(id).await.unwrap();
        self.provider(id).access(&view).await
    }

    pub(super) async fn ready(&self, access: &Access) -> Result<(), String> {
        self.world.prober.ready(&access.id, access).await
    }

    pub(super) async fn entries(&self) -> RegistrarView {
        match self.kubeconfig().observe(LONG).await {
            Seen::Known(view) => view,
            Seen::Unknown(unseen) => panic!("{unseen:?}"),
        }
    }
}

pub(super) fn nonce() -> Nonce {
    Nonce::from_random([7; 16])
}

pub(super) fn kubeconfig() -> RegistrarId {
    RegistrarId::new("kubeconfig")
}

pub(super) fn id(text: &str) -> ClusterId {
    text.parse().unwrap()
}

pub(super) fn port(number: i64) -> Port {
    Port::parse(number).unwrap()
}

pub(super) fn ports(pairs: &[(i64, i64)]) -> PortMap {
    pairs
        .iter()
        .map(|(inside, host)| (port(*inside), port(*host)))
        .collect()
}

pub(super) fn subnet(text: &str) -> Subnet {
    Subnet::parse(text).unwrap()
}

/// A cluster without wishes.
pub(super) fn plain(text: &str) -> ClusterSpec {
    ClusterSpec {
        id: id(text),
        subnet: None,
        ports: Ports::default(),
    }
}

/// A cluster with a subnet and an HTTP port.
pub(super) fn full(text: &str, net: &str, http: i64) -> ClusterSpec {
    ClusterSpec {
        id: id(text),
        subnet: Some(subnet(net)),
        ports: Ports {
            http: Some(port(http)),
            ..Ports::default()
        },
    }
}
