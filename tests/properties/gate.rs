//! A gate before every port of a world: it counts how often the outside is asked, and at one count something happens.
//! The process dies, or a hand meddles, in the middle of whatever a tool is doing.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use async_trait::async_trait;
use rollcall::model::{
    ClusterId, ClusterView, EngineDescription, EngineIdentity, EngineView, Fingerprint, PortMap,
    ProviderId, ProviderTraits, RegistrarId, RegistrarView, Seen, ToolView,
};
use rollcall::ports::World;
use rollcall::provider::{
    Access, Containers, CreateOrder, Engine, Parts, Prober, Provider, ProviderError,
    SharedProvider, StepLog,
};
use rollcall::registrar::{RegisterOrder, Registrar, RegistrarError, SharedRegistrar};
use tokio::sync::Notify;

/// What happens at the gate.
pub(crate) enum Happening {
    /// The process dies: no call ever comes back.
    Death,
    /// Somebody does something.
    Deed(Box<dyn FnOnce() + Send>),
}

/// The gate. Clones are the same one.
#[derive(Clone)]
pub(crate) struct Gate(Arc<Inner>);

struct Inner {
    passed: AtomicU64,
    at: u64,
    happening: Mutex<Option<Happening>>,
    dead: AtomicBool,
    died: Notify,
}

impl Gate {
    /// A gate at which this happens when the outside is polled for the `at`-th time.
    pub(crate) fn new(at: u64, happening: Happening) -> Self {
        Self(Arc::new(Inner {
            passed: AtomicU64::new(0),
            at,
            happening: Mutex::new(Some(happening)),
            dead: AtomicBool::new(false),
            died: Notify::new(),
        }))
    }

    /// Comes back when the process died.
    pub(crate) async fn death(&self) {
        self.0.died.notified().await;
    }

    /// The world behind the gate.
    pub(crate) fn before(&self, world: &World) -> World {
        let providers = world.providers.iter().map(|(id, inner)| {
            let gated: SharedProvider = Arc::new(Gated(self.clone(), Arc::clone(inner)));
            (id.clone(), gated)
        });
        let registrars = world.registrars.iter().map(|(id, inner)| {
            let gated: SharedRegistrar = Arc::new(Gated(self.clone(), Arc::clone(inner)));
            (id.clone(), gated)
        });
        World {
            kind: world.kind,
            engine: Arc::new(Gated(self.clone(), Arc::clone(&world.engine))),
            providers: providers.collect(),
            registrars: registrars.collect(),
            prober: Arc::new(Gated(self.clone(), Arc::clone(&world.prober))),
            clock: Arc::clone(&world.clock),
            owner: world.owner.clone(),
        }
    }

    async fn pass<T>(&self, inner: impl Future<Output = T>) -> T {
        let mut inner = pin!(inner);
        poll_fn(|cx| {
            if self.tick() {
                return Poll::Pending;
            }
            inner.as_mut().poll(cx)
        })
        .await
    }

    /// Counts; says whether the process is dead.
    fn tick(&self) -> bool {
        if self.0.passed.fetch_add(1, Ordering::SeqCst) == self.0.at {
            match self.0.happening.lock().unwrap().take() {
                Some(Happening::Death) => {
                    self.0.dead.store(true, Ordering::SeqCst);
                    self.0.died.notify_one();
                }
                Some(Happening::Deed(deed)) => deed(),
                None => {}
            }
        }
        self.0.dead.load(Ordering::SeqCst)
    }
}

/// A port behind the gate.
struct Gated<T: ?Sized>(Gate, Arc<T>);

impl Containers for Gated<dyn Engine> {}

#[async_trait]
impl Engine for Gated<dyn Engine> {
    async fn look(&self, deadline: Duration) -> Seen<EngineView> {
        self.0.pass(self.1.look(deadline)).await
    }

    async fn identify(&self, deadline: Duration) -> Seen<EngineIdentity> {
        self.0.pass(self.1.identify(deadline)).await
    }

    async fn describe(&self, deadline: Duration) -> Seen<EngineDescription> {
        self.0.pass(self.1.describe(deadline)).await
    }

    async fn start(&self, view: &ClusterView, log: &dyn StepLog) -> Result<(), ProviderError> {
        self.0.pass(self.1.start(view, log)).await
    }

    async fn stop(&self, view: &ClusterView, log: &dyn StepLog) -> Result<(), ProviderError> {
        self.0.pass(self.1.stop(view, log)).await
    }

    async fn remove(&self, parts: &Parts, log: &dyn StepLog) -> Result<(), ProviderError> {
        self.0.pass(self.1.remove(parts, log)).await
    }

    async fn join(&self, network: &str, container: &str) -> Result<(), ProviderError> {
        self.0.pass(self.1.join(network, container)).await
    }

    async fn leave(&self, network: &str, container: &str) -> Result<(), ProviderError> {
        self.0.pass(self.1.leave(network, container)).await
    }
}

#[async_trait]
impl Provider for Gated<dyn Provider> {
    fn id(&self) -> ProviderId {
        self.1.id()
    }

    fn traits(&self) -> ProviderTraits {
        self.1.traits()
    }

    fn tool(&self) -> ToolView {
        self.1.tool()
    }

    async fn version(&self, deadline: Duration) -> Result<String, ProviderError> {
        self.0.pass(self.1.version(deadline)).await
    }

    async fn preflight(&self, order: &CreateOrder) -> Result<(), ProviderError> {
        self.0.pass(self.1.preflight(order)).await
    }

    async fn create(&self, order: &CreateOrder, log: &dyn StepLog) -> Result<(), ProviderError> {
        self.0.pass(self.1.create(order, log)).await
    }

    async fn start(
        &self,
        view: &ClusterView,
        deadline: Duration,
        log: &dyn StepLog,
    ) -> Result<(), ProviderError> {
        self.0.pass(self.1.start(view, deadline, log)).await
    }

    async fn prepare(
        &self,
        view: &ClusterView,
        deadline: Duration,
        log: &dyn StepLog,
    ) -> Result<(), ProviderError> {
        self.0.pass(self.1.prepare(view, deadline, log)).await
    }

    async fn add_ports(
        &self,
        view: &ClusterView,
        ports: &PortMap,
        deadline: Duration,
        log: &dyn StepLog,
    ) -> Result<(), ProviderError> {
        self.0
            .pass(self.1.add_ports(view, ports, deadline, log))
            .await
    }

    async fn access(&self, view: &ClusterView) -> Result<Access, ProviderError> {
        self.0.pass(self.1.access(view)).await
    }
}

#[async_trait]
impl Registrar for Gated<dyn Registrar> {
    fn id(&self) -> RegistrarId {
        self.1.id()
    }

    async fn observe(&self, deadline: Duration) -> Seen<RegistrarView> {
        self.0.pass(self.1.observe(deadline)).await
    }

    async fn register(
        &self,
        order: &RegisterOrder,
        expected: Option<&Fingerprint>,
    ) -> Result<Fingerprint, RegistrarError> {
        // Twice: before the entry is written, and after it, before anybody hears of it.
        let written = self.0.pass(self.1.register(order, expected)).await;
        self.0.pass(std::future::ready(())).await;
        written
    }

    async fn deregister(
        &self,
        id: &ClusterId,
        expected: &Fingerprint,
    ) -> Result<(), RegistrarError> {
        let done = self.0.pass(self.1.deregister(id, expected)).await;
        self.0.pass(std::future::ready(())).await;
        done
    }

    async fn access(&self, id: &ClusterId) -> Option<Access> {
        self.1.access(id).await
    }
}

#[async_trait]
impl Prober for Gated<dyn Prober> {
    async fn ready(&self, id: &ClusterId, access: &Access) -> Result<(), String> {
        self.0.pass(self.1.ready(id, access)).await
    }
}
