//! The provider port.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::balancer;
use super::observe::{
    balancer_name, in_the_way, network_labels, network_name, provider, volume_labels, volume_name,
};
use super::wire::{self, HOST};
use crate::model::{
    ClusterView, NodeRole, NodeState, PortMap, ProviderId, ProviderTraits, ToolView,
};
use crate::provider::access::access;
use crate::provider::docker::{DockerEngine, NetworkPlan, startable};
use crate::provider::preparing::{self, Preparing};
use crate::provider::settings::{AfterCreate, DockerSettings, ProviderSettings};
use crate::provider::tool::{Tool, private_folder};
use crate::provider::{
    Access, CreateOrder, Engine as _, Fault, Parts, Provider, ProviderError, StepLog,
};

/// Where a server keeps its kubeconfig: where k3d tells it to, and where k3s does by itself.
const KUBECONFIGS: [&str; 2] = ["/output/kubeconfig.yaml", "/etc/rancher/k3s/k3s.yaml"];
/// The variables that name the images of k3d's helpers.
const HELPERS: [&str; 2] = ["K3D_IMAGE_TOOLS", "K3D_IMAGE_LOADBALANCER"];

/// k3d.
pub(in crate::provider) struct K3d {
    tool: Tool,
    image: Option<String>,
    after_create: Vec<AfterCreate>,
    engine: Arc<DockerEngine>,
}

impl K3d {
    /// k3d on this engine.
    pub(in crate::provider) fn new(settings: &DockerSettings, engine: Arc<DockerEngine>) -> Self {
        let ProviderSettings {
            image,
            program,
            after_create,
        } = settings.k3d.clone();
        Self {
            tool: Tool {
                name: "k3d",
                program,
                hint: "https://k3d.io/stable/#installation says how to get k3d; or set provider.k3d.program",
                env: settings.env.clone(),
                owner: settings.owner.clone(),
            },
            image,
            after_create,
            engine,
        }
    }

    /// A call of k3d. Its kubeconfig is a file in `folder`, whatever it may think of doing to it.
    async fn call(
        &self,
        args: Vec<String>,
        folder: &Path,
        deadline: Duration,
        log: &dyn StepLog,
    ) -> Result<(), ProviderError> {
        let env = self.environment(folder)?;
        self.tool.call(args, env, deadline, log).await
    }

    fn environment(&self, folder: &Path) -> Result<BTreeMap<String, String>, ProviderError> {
        let mut env = self.tool.environment();
        self.engine.apply(&mut env)?;
        let mut set = |name: &str, value: String| env.insert(name.to_owned(), value);
        set(
            "KUBECONFIG",
            folder.join("kubeconfig").display().to_string(),
        );
        // With colours, which come off again, its lines are the short ones that people know; at a lower level it prints
        // the join token.
        set("LOG_COLORS", "true".to_owned());
        set("LOG_LEVEL", "info".to_owned());
        // k3d mounts the engine's socket into its tools container. On other systems than Linux the engine lives in a
        // machine of its own, where the socket is where k3d looks for it by default.
        if let Some(socket) = self.engine.socket().filter(|_| cfg!(target_os = "linux")) {
            env.entry("DOCKER_SOCK".to_owned())
                .or_insert_with(|| socket.display().to_string());
        }
        Ok(env)
    }

    /// k3d takes whatever bears its names for its own: it re-uses a network, and deletes a container on its way back.
    async fn names_free(&self, order: &CreateOrder) -> Result<(), ProviderError> {
        let name = &order.spec.id.name;
        let containers = self.engine.containers().await?;
        let taken = in_the_way(&containers, name);
        if let Some(first) = taken.first() {
            let message = format!("a container named {first} is there already: nothing was made");
            let hint = format!("docker inspect {first}");
            return Err(ProviderError::new(Fault::NotOurs, message).hint(hint));
        }
        let volume = volume_name(name.as_str());
        if self.engine.volume(&volume).await?.is_some() {
            let message = format!("a volume named {volume} is there already: nothing was made");
            let hint = format!("docker volume inspect {volume}");
            return Err(ProviderError::new(Fault::NotOurs, message).hint(hint));
        }
        Ok(())
    }

    /// Takes away the helper that a k3d left which was ended, or whose engine was: k3d would start it again, and gives up
    /// where Docker cannot. One that runs is somebody's at work.
    async fn clear_helper(
        &self,
        view: &ClusterView,
        log: &dyn StepLog,
    ) -> Result<(), ProviderError> {
        let name = format!("k3d-{}-tools", view.id.name);
        let left = view
            .nodes
            .iter()
            .filter(|node| node.role == NodeRole::Helper && node.name == name && rests(node.state));
        let parts = Parts {
            of: Some(view.id.clone()),
            containers: left.map(|node| node.id.clone()).collect(),
            ..Parts::default()
        };
        if parts.containers.is_empty() {
            return Ok(());
        }
        log.line(&format!("remove {name}, which was left over"));
        self.engine.remove(&parts, log).await
    }

    /// The network and the volume that k3d would make without our mark.
    async fn make_ground(&self, order: &CreateOrder) -> Result<(), ProviderError> {
        let name = order.spec.id.name.as_str();
        let network = NetworkPlan {
            name: network_name(name),
            of: &order.spec.id,
            nonce: &order.nonce,
            subnet: order.spec.subnet,
            labels: network_labels().into(),
        };
        self.engine.make_network(&network).await?;
        let volume = NetworkPlan {
            name: volume_name(name),
            labels: volume_labels(name).into(),
            ..network
        };
        self.engine.make_volume(&volume).await
    }
}

#[async_trait]
impl Provider for K3d {
    fn id(&self) -> ProviderId {
        provider()
    }

    fn traits(&self) -> ProviderTraits {
        ProviderTraits {
            adds_ports: true,
            start_needs_tool: true,
            prepares: !self.after_create.is_empty(),
        }
    }

    fn tool(&self) -> ToolView {
        self.tool.view()
    }

    async fn version(&self, deadline: Duration) -> Result<String, ProviderError> {
        self.tool.version(deadline).await
    }

    async fn preflight(&self, _order: &CreateOrder) -> Result<(), ProviderError> {
        if let Some(image) = &self.image {
            self.engine.has_image(wire::plain(image)?).await?;
        }
        for name in HELPERS {
            if let Some(image) = self.tool.env.get(name).filter(|image| !image.is_empty()) {
                self.engine.has_image(image).await?;
            }
        }
        preparing::preflight(&self.engine, &self.after_create).await
    }

    async fn create(&self, order: &CreateOrder, log: &dyn StepLog) -> Result<(), ProviderError> {
        let config = wire::file(order, self.image.as_deref())?;
        self.names_free(order).await?;
        let folder = private_folder("config.yaml", &config)?;
        self.make_ground(order).await?;
        let args = vec![
            "cluster".to_owned(),
            "create".to_owned(),
            "--config".to_owned(),
            folder.path().join("config.yaml").display().to_string(),
            "--no-rollback".to_owned(),
            "--timeout".to_owned(),
            own_timeout(order.deadline),
        ];
        self.call(args, folder.path(), order.deadline, log).await
    }

    async fn start(
        &self,
        view: &ClusterView,
        deadline: Duration,
        log: &dyn StepLog,
    ) -> Result<(), ProviderError> {
        startable(view)?;
        balancer::settle(&self.engine, view, log).await?;
        // For k3d a paused node runs.
        self.engine.unpause(view, log).await?;
        let down = view
            .nodes
            .iter()
            .any(|node| node.role != NodeRole::Helper && rests(node.state));
        if !down {
            return Ok(());
        }
        self.clear_helper(view, log).await?;
        let folder = private_folder("kubeconfig", "")?;
        let args = vec![
            "cluster".to_owned(),
            "start".to_owned(),
            view.id.name.to_string(),
            "--timeout".to_owned(),
            own_timeout(deadline),
        ];
        self.call(args, folder.path(), deadline, log).await
    }

    async fn add_ports(
        &self,
        view: &ClusterView,
        ports: &PortMap,
        deadline: Duration,
        log: &dyn StepLog,
    ) -> Result<(), ProviderError> {
        let name = view.id.name.as_str();
        let balancer = view
            .nodes
            .iter()
            .find(|node| node.role == NodeRole::Balancer);
        if balancer.is_none_or(|node| node.state != NodeState::Running) {
            // k3d would panic without one, and would make a new one beside one that does not run.
            let message = format!("the load balancer {} does not run", balancer_name(name));
            return Err(ProviderError::new(Fault::Permanent, message));
        }
        let folder = private_folder("kubeconfig", "")?;
        let mut args = vec!["cluster".to_owned(), "edit".to_owned(), name.to_owned()];
        for (inside, host) in ports {
            args.push("--port-add".to_owned());
            args.push(format!("{HOST}:{host}:{inside}@loadbalancer"));
        }
        balancer::settle(&self.engine, view, log).await?;
        self.clear_helper(view, log).await?;
        let edited = self.call(args, folder.path(), deadline, log).await;
        if edited.is_err()
            && let Err(error) = balancer::revive(&self.engine, view, log).await
        {
            log.line(&format!(
                "the load balancer does not come up again: {error}"
            ));
        }
        edited
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
        access(&self.engine, view, &KUBECONFIGS).await
    }
}

impl Preparing for K3d {
    /// Straight into the nodes: the other way starts a helper, whose image may be missing.
    async fn load(
        &self,
        view: &ClusterView,
        images: &[String],
        deadline: Duration,
        log: &dyn StepLog,
    ) -> Result<(), ProviderError> {
        let folder = private_folder("kubeconfig", "")?;
        let name = view.id.name.to_string();
        let args = ["image", "import", "--mode", "direct", "--cluster", &name];
        let args = args.into_iter().map(str::to_owned);
        let args = args.chain(images.iter().cloned()).collect();
        self.call(args, folder.path(), deadline, log).await
    }

    async fn api(&self, view: &ClusterView) -> Result<Access, ProviderError> {
        self.access(view).await
    }
}

/// Whether a container neither runs nor is paused.
fn rests(state: NodeState) -> bool {
    !matches!(state, NodeState::Running | NodeState::Paused)
}

/// k3d's own deadline for its longest phase, before ours, so that it can still say what it waited for.
fn own_timeout(deadline: Duration) -> String {
    let margin = (deadline / 10).max(Duration::from_secs(5).min(deadline / 2));
    format!("{}ms", deadline.saturating_sub(margin).as_millis())
}
