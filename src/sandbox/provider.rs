//! The provider port, once for both tools: they differ in [`Tool`].

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::create::Blueprint;
use super::credentials;
use super::docker::{each_once, no_such_container};
use super::engine::{START_TAKES, complete};
use super::instruction::{Health, Operation};
use super::operation::{Errand, Run};
use super::state::State;
use super::things::{ApiState, Container, Label};
use super::tool::Tool;
use super::vault::Vault;
use crate::model::{
    ClusterView, ContainerId, Incarnation, NodeRole, NodeState, PortMap, ProviderId,
    ProviderTraits, ToolView,
};
use crate::provider::{Access, CreateOrder, Fault, Manifests, Provider, ProviderError, StepLog};

const PORTS_TAKE: Duration = Duration::from_secs(5);
const PREPARING_TAKES: Duration = Duration::from_secs(8);

/// One of the sandbox's providers.
pub(super) struct SandboxProvider {
    pub(super) vault: Arc<Vault>,
    pub(super) tool: Tool,
    /// The manifests that follow its creations, if anything does.
    pub(super) prepares: Option<Vec<PathBuf>>,
}

#[async_trait]
impl Provider for SandboxProvider {
    fn id(&self) -> ProviderId {
        self.tool.id()
    }

    fn traits(&self) -> ProviderTraits {
        ProviderTraits {
            prepares: self.prepares.is_some(),
            ..self.tool.traits()
        }
    }

    fn tool(&self) -> ToolView {
        let program = self.tool.name();
        match self.vault.read(|state| state.health(program)) {
            Ok(Health::Up) => ToolView::Found(format!("sandbox:{program}")),
            Ok(_) => ToolView::Missing {
                program: program.to_owned(),
                hint: format!("rollcall sandbox say {program} is up"),
            },
            Err(error) => ToolView::Missing {
                program: program.to_owned(),
                hint: ProviderError::from(error).message,
            },
        }
    }

    async fn version(&self, _deadline: Duration) -> Result<String, ProviderError> {
        self.callable()?;
        Ok(format!("{} version sandbox", self.tool.name()))
    }

    async fn preflight(&self, order: &CreateOrder) -> Result<(), ProviderError> {
        let errand = Errand::new(Operation::Preflight, Some(&order.spec.id), Duration::ZERO);
        let image = self.tool.image();
        Manifests::read(self.prepares.as_deref().unwrap_or_default())?;
        let run = Run::begin(&self.vault, errand).await?;
        run.simple(|state| {
            if state.images.contains(image) {
                return Ok(());
            }
            let error = ProviderError::new(
                Fault::Permanent,
                format!("image {image} is not on the engine"),
            );
            Err(error.hint(format!("docker pull {image}")))
        })
        .await
    }

    async fn create(&self, order: &CreateOrder, log: &dyn StepLog) -> Result<(), ProviderError> {
        self.callable()?;
        let id = &order.spec.id;
        let errand = Errand::new(Operation::Create, Some(id), self.tool.create_takes());
        let mut run = Run::begin(&self.vault, errand.within(order.deadline)).await?;
        if run.does_nothing() {
            run.spend_part(1).await?;
            return run.end();
        }
        let blueprint = Blueprint::new(self.tool, &order.spec, Some(order.nonce.clone()));
        run.change(|state| blueprint.check(state))?;
        let (script, name) = (self.tool.script(), id.name.as_str());
        if self.tool == Tool::Kind {
            log.line(&format!("Creating cluster {name:?} ..."));
        }
        for (at, (line, stages)) in script.iter().enumerate() {
            if at == self.tool.half_way() {
                run.half_way().await?;
            }
            log.line(&Tool::say(line, name, run.spent()));
            for stage in *stages {
                run.change(|state| blueprint.apply(state, *stage))?;
            }
            run.spend_part(script.len()).await?;
        }
        self.farewell(&blueprint.of, name, run.spent(), log)?;
        run.end()
    }

    async fn start(
        &self,
        view: &ClusterView,
        deadline: Duration,
        log: &dyn StepLog,
    ) -> Result<(), ProviderError> {
        let rests = |state| !matches!(state, NodeState::Running | NodeState::Paused);
        if self.tool == Tool::K3d && view.nodes.iter().any(|node| rests(node.state)) {
            self.callable()?;
        }
        let errand = Errand::new(Operation::Start, Some(&view.id), START_TAKES);
        let mut run = Run::begin(&self.vault, errand.within(deadline)).await?;
        complete(view)?;
        run.half_way().await?;
        for node in servers_first(view) {
            run.spend_part(view.nodes.len()).await?;
            if run.does_nothing() {
                continue;
            }
            log.line(&Tool::say(
                &format!("INFO[@] Starting node '{}'", node.1),
                view.id.name.as_str(),
                run.spent(),
            ));
            run.change(|state| start_stopped(state, node.0))?;
        }
        run.end()
    }

    async fn add_ports(
        &self,
        view: &ClusterView,
        ports: &PortMap,
        deadline: Duration,
        log: &dyn StepLog,
    ) -> Result<(), ProviderError> {
        if self.tool == Tool::Kind {
            let never = "kind cannot add a published port to a cluster";
            return Err(ProviderError::new(Fault::Permanent, never));
        }
        self.callable()?;
        let errand = Errand::new(Operation::Ports, Some(&view.id), PORTS_TAKE);
        let run = Run::begin(&self.vault, errand.within(deadline)).await?;
        let name = format!("k3d-{}-serverlb", view.id.name);
        log.line(&format!("INFO[0000] Replacing node '{name}'"));
        let of = Label::from(&view.id);
        run.simple(|state| rebuild_balancer(state, &of, ports))
            .await
    }

    async fn prepare(
        &self,
        view: &ClusterView,
        deadline: Duration,
        log: &dyn StepLog,
    ) -> Result<(), ProviderError> {
        self.callable()?;
        let errand = Errand::new(Operation::Prepare, Some(&view.id), PREPARING_TAKES);
        let run = Run::begin(&self.vault, errand.within(deadline)).await?;
        log.line("loading images, applying manifests");
        let of = Label::from(&view.id);
        run.simple(|state| prepared(state, &of)).await
    }

    async fn access(&self, view: &ClusterView) -> Result<Access, ProviderError> {
        let gone = || {
            let what = format!("could not locate any server node of {}", view.id);
            ProviderError::new(Fault::Permanent, what)
        };
        let errand = Errand::new(Operation::Access, Some(&view.id), Duration::ZERO);
        let mut run = Run::begin(&self.vault, errand).await?;
        run.pass().await?;
        let incarnation = view.incarnation.as_ref().ok_or_else(gone)?;
        let node = ContainerId::new(incarnation.as_str());
        let port = run.change(|state| {
            let server = state
                .container(&node)
                .ok_or_else(|| no_such_container(&node))?;
            server
                .api
                .filter(|api| has_credentials(server, api.state))
                .map(|api| api.port)
                .ok_or_else(|| {
                    let what = format!("the kubeconfig is not in container {} yet", server.name);
                    ProviderError::new(Fault::Transient, what)
                })
        })?;
        Ok(credentials::access(
            &view.id,
            incarnation,
            credentials::server(port),
        ))
    }
}

impl SandboxProvider {
    fn callable(&self) -> Result<(), ProviderError> {
        match self.tool() {
            ToolView::Found(_) => Ok(()),
            ToolView::Missing { program, hint } => {
                let error =
                    ProviderError::new(Fault::ToolMissing, format!("{program} is not installed"));
                Err(error.hint(hint))
            }
        }
    }

    /// What the tool says at the end. k3d, asked to say much, says its join token: whoever keeps these lines must
    /// take it out, and a rehearsal without it would prove nothing.
    fn farewell(
        &self,
        of: &Label,
        name: &str,
        after: Duration,
        log: &dyn StepLog,
    ) -> Result<(), ProviderError> {
        let say = |line: &str| log.line(&Tool::say(line, name, after));
        match self.tool {
            Tool::Kind => say("Set kubectl context to \"kind-NAME\""),
            Tool::K3d => {
                let server = self.vault.read(|state| {
                    let server = state.first_server(of)?;
                    Some(Incarnation::new(server.id.as_str()))
                })?;
                if let Some(incarnation) = server {
                    let token = credentials::join_token(&incarnation);
                    log.line(&format!("DEBU[0000] node env: [K3S_TOKEN={token}]"));
                }
                say("INFO[@] Cluster 'NAME' created successfully!");
            }
        }
        Ok(())
    }
}

/// Images go into nodes that run, manifests into an API that answers.
fn prepared(state: &mut State, of: &Label) -> Result<(), ProviderError> {
    let first = state.first_server(of).map(|server| server.id.clone());
    let first = first.and_then(|id| state.container_mut(&id));
    let is_up = |server: &&mut Container| {
        let api = server.api.is_some_and(|api| api.state == ApiState::Serving);
        api && server.state == NodeState::Running
    };
    let Some(server) = first.filter(is_up) else {
        let what = format!("no API of {}/{} answers", of.provider, of.name);
        return Err(ProviderError::new(Fault::Transient, what));
    };
    server.prepared = true;
    Ok(())
}

/// A k3s writes its kubeconfig when it starts, kubeadm when it is done.
fn has_credentials(server: &Container, api: ApiState) -> bool {
    server.state != NodeState::Created && api != ApiState::Unborn
}

/// The nodes in the order in which the tools start them, without helpers.
fn servers_first(view: &ClusterView) -> Vec<(&ContainerId, &str)> {
    let mut nodes: Vec<_> = view
        .nodes
        .iter()
        .filter(|node| node.role != NodeRole::Helper)
        .collect();
    nodes.sort_by_key(|node| node.role);
    nodes
        .iter()
        .map(|node| (&node.id, node.name.as_str()))
        .collect()
}

/// Unpauses and starts, as the real provider does: for `k3d cluster start` alone a paused node would count as running.
fn start_stopped(state: &mut State, id: &ContainerId) -> Result<(), ProviderError> {
    state.unpause_container(id)?;
    state.start_container(id)
}

/// What `k3d cluster edit --port-add` does: the load balancer is made again, with its ports and without its labels.
/// If the new one could not have its ports the old one stays.
fn rebuild_balancer(state: &mut State, of: &Label, ports: &PortMap) -> Result<(), ProviderError> {
    let refused = |message: String| ProviderError::new(Fault::Permanent, message);
    let Some(old) = state.balancer(of).cloned() else {
        return Err(refused(
            "k3d exited with 2: panic: runtime error: invalid memory address or nil pointer dereference".to_owned(),
        ));
    };
    if old.state != NodeState::Running {
        return Err(refused(format!(
            "the load balancer {} does not run",
            old.name
        )));
    }
    if let Some(inside) = ports.keys().find(|inside| old.ports.contains_key(inside)) {
        return Err(refused(format!(
            "port {inside} of the load balancer is published already"
        )));
    }
    each_once(old.ports.values().chain(ports.values()))?;
    for port in ports.values() {
        state.port_is_free(*port, &old.id)?;
    }
    let mut new = old.clone();
    new.state = NodeState::Created;
    new.nonce = None;
    new.ports.extend(ports);
    state.remove_container(&old.id);
    let id = state.make_container(new)?;
    // A load balancer of ours that the tool makes again is ours, one of a stranger's cluster the stranger's.
    if let Some(new) = state.container_mut(&id) {
        new.made_by = old.made_by;
    }
    state.start_container(&id)
}
