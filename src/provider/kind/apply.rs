//! The provider port.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::observe::{network_name, provider};
use super::wire;
use crate::model::{ClusterView, PortMap, ProviderId, ProviderTraits, ToolView};
use crate::provider::access::access;
use crate::provider::docker::{DockerEngine, NetworkPlan};
use crate::provider::preparing::{self, Preparing};
use crate::provider::settings::{AfterCreate, DockerSettings, ProviderSettings};
use crate::provider::tool::{Tool, private_folder};
use crate::provider::{Access, CreateOrder, Engine as _, Fault, Provider, ProviderError, StepLog};

/// Where a control-plane node keeps its kubeconfig.
const KUBECONFIG: &str = "/etc/kubernetes/admin.conf";
/// The variable that makes kind use another network than its shared one (unsupported, kind#2657; there is no other way).
const NETWORK: &str = "KIND_EXPERIMENTAL_DOCKER_NETWORK";
/// What would make kind make something else than it was told to.
const MISLEADING: [&str; 3] = [NETWORK, "KIND_EXPERIMENTAL_PROVIDER", "KIND_CLUSTER_NAME"];

/// kind.
pub(in crate::provider) struct Kind {
    tool: Tool,
    image: Option<String>,
    after_create: Vec<AfterCreate>,
    /// The empty folder that is mounted as the mark.
    mark: PathBuf,
    engine: Arc<DockerEngine>,
}

impl Kind {
    /// kind on this engine.
    pub(in crate::provider) fn new(settings: &DockerSettings, engine: Arc<DockerEngine>) -> Self {
        let ProviderSettings {
            image,
            program,
            after_create,
        } = settings.kind.clone();
        Self {
            tool: Tool {
                name: "kind",
                program,
                hint: "https://kind.sigs.k8s.io/docs/user/quick-start/#installation says how to get kind; or set provider.kind.program",
                env: settings.env.clone(),
                owner: settings.owner.clone(),
            },
            image,
            after_create,
            mark: settings.state_dir.join("mark"),
            engine,
        }
    }

    /// The environment of every call of kind.
    fn surroundings(&self) -> Result<BTreeMap<String, String>, ProviderError> {
        let mut env = self.tool.environment();
        env.retain(|name, _| !MISLEADING.contains(&name.as_str()));
        self.engine.apply(&mut env)?;
        Ok(env)
    }

    fn environment(&self, order: &CreateOrder) -> Result<BTreeMap<String, String>, ProviderError> {
        let mut env = self.surroundings()?;
        if order.spec.subnet.is_some() {
            let network = network_name(order.spec.id.name.as_str());
            env.insert(NETWORK.to_owned(), network);
        }
        Ok(env)
    }

    async fn names_free(&self, order: &CreateOrder) -> Result<(), ProviderError> {
        let first = format!("{}-control-plane", order.spec.id.name);
        let containers = self.engine.containers().await?;
        if containers.iter().any(|container| container.name == first) {
            let message = format!("a container named {first} is there already: nothing was made");
            let hint = format!("docker inspect {first}");
            return Err(ProviderError::new(Fault::NotOurs, message).hint(hint));
        }
        Ok(())
    }

    fn make_mark(&self) -> Result<&Path, ProviderError> {
        let made = fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.mark);
        made.map_err(|error| {
            let message = format!("cannot make {}: {error}", self.mark.display());
            ProviderError::new(Fault::Permanent, message)
        })?;
        Ok(&self.mark)
    }
}

#[async_trait]
impl Provider for Kind {
    fn id(&self) -> ProviderId {
        provider()
    }

    fn traits(&self) -> ProviderTraits {
        ProviderTraits {
            adds_ports: false,
            start_needs_tool: false,
            prepares: !self.after_create.is_empty(),
        }
    }

    /// kind itself calls `docker`, so both must be there.
    fn tool(&self) -> ToolView {
        match self.tool.view() {
            ToolView::Found(path) if self.tool.which("docker").is_some() => ToolView::Found(path),
            ToolView::Found(_) => ToolView::Missing {
                program: "docker".to_owned(),
                hint: "kind calls the docker command: install Docker's client".to_owned(),
            },
            missing @ ToolView::Missing { .. } => missing,
        }
    }

    async fn version(&self, deadline: Duration) -> Result<String, ProviderError> {
        self.tool.version(deadline).await
    }

    async fn preflight(&self, _order: &CreateOrder) -> Result<(), ProviderError> {
        if let Some(image) = &self.image {
            self.engine.has_image(image).await?;
        }
        preparing::preflight(&self.engine, &self.after_create).await
    }

    async fn create(&self, order: &CreateOrder, log: &dyn StepLog) -> Result<(), ProviderError> {
        let config = wire::file(order, self.image.as_deref(), self.make_mark()?)?;
        let env = self.environment(order)?;
        self.names_free(order).await?;
        let folder = private_folder("config.yaml", &config)?;
        let name = order.spec.id.name.as_str();
        if order.spec.subnet.is_some() {
            let network = NetworkPlan {
                name: network_name(name),
                of: &order.spec.id,
                nonce: &order.nonce,
                subnet: order.spec.subnet,
                labels: BTreeMap::new(),
            };
            self.engine.make_network(&network).await?;
        }
        let file = |name: &str| folder.path().join(name).display().to_string();
        let args = [
            "create".to_owned(),
            "cluster".to_owned(),
            "--name".to_owned(),
            name.to_owned(),
            "--config".to_owned(),
            file("config.yaml"),
            "--kubeconfig".to_owned(),
            file("kubeconfig"),
            "--retain".to_owned(),
        ];
        self.tool.call(args, env, order.deadline, log).await
    }

    async fn start(
        &self,
        view: &ClusterView,
        deadline: Duration,
        log: &dyn StepLog,
    ) -> Result<(), ProviderError> {
        let started = tokio::time::timeout(deadline, self.engine.start(view, log)).await;
        started.unwrap_or_else(|_| {
            let message = format!("it did not start within {} s", deadline.as_secs());
            Err(ProviderError::new(Fault::Deadline, message))
        })
    }

    async fn add_ports(
        &self,
        _view: &ClusterView,
        _ports: &PortMap,
        _deadline: Duration,
        _log: &dyn StepLog,
    ) -> Result<(), ProviderError> {
        let never = "kind cannot add a published port to a cluster";
        Err(ProviderError::new(Fault::Permanent, never))
    }

    async fn prepare(
        &self,
        view: &ClusterView,
        deadline: Duration,
        log: &dyn StepLog,
    ) -> Result<(), ProviderError> {
        preparing::prepare(self, &self.engine, &self.after_create, view, deadline, log).await
    }

    async fn access(&self, view: &ClusterView) -> Result<Access, ProviderError> {
        access(&self.engine, view, &[KUBECONFIG]).await
    }
}

impl Preparing for Kind {
    async fn load(
        &self,
        view: &ClusterView,
        images: &[String],
        deadline: Duration,
        log: &dyn StepLog,
    ) -> Result<(), ProviderError> {
        let name = view.id.name.as_str();
        let args = ["load", "docker-image", "--name", name];
        let args = args.into_iter().chain(images.iter().map(String::as_str));
        let env = self.surroundings()?;
        self.tool.call(args, env, deadline, log).await
    }

    async fn api(&self, view: &ClusterView) -> Result<Access, ProviderError> {
        self.access(view).await
    }
}
