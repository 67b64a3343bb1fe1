//! Observing: one look at every source at once, each with its deadline.
//!
//! In: the ports, and what to ask. Out: [`Observed`], per source known or unknown.
//! Must not: start a process, write anything, or take silence for absence.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::future::join_all;
use futures_util::stream::{self, StreamExt};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{
    ClusterId, ClusterView, ContainerId, EngineId, EngineView, Ledger, Observed, Phase, Port,
    RegistrarId, RegistrarView, Seen, Unseen, UnseenKind, WorldKind,
};
use crate::ports::World;
use crate::provider::Access;

/// How many API servers are asked at once.
const PROBES_AT_ONCE: usize = 32;

/// How many times as long as one API server all of them together may take.
const PROBING: u32 = 4;

/// What to ask, and for how long to wait.
#[derive(Debug, Clone)]
pub struct Ask {
    /// How long each source may take.
    pub deadline: Duration,
    /// How long each API server may take.
    pub probe_deadline: Duration,
    /// The clusters whose API servers are asked; nobody else's credentials are touched.
    pub probe: BTreeSet<ClusterId>,
    /// What the ledger knows of its engine: another one's answer is not an answer.
    pub bound: Option<Acquaintance>,
    /// Whether the engine is asked who it is even where its containers tell: a bug report wants its version.
    pub introduce: bool,
}

/// An engine that a ledger is bound to, and how to know it again.
#[derive(Debug, Clone)]
pub struct Acquaintance {
    /// Its identity.
    pub engine: EngineId,
    /// Containers that the ledger saw on it. Their IDs are drawn at random, 256 bits each: the engine that lists one of
    /// them is that engine, and need not be asked who it is.
    pub containers: BTreeSet<ContainerId>,
}

impl Default for Ask {
    fn default() -> Self {
        Self {
            deadline: Duration::from_secs(5),
            probe_deadline: Duration::from_secs(3),
            probe: BTreeSet::new(),
            bound: None,
            introduce: false,
        }
    }
}

/// An observation with its time, as it is saved for a bug report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Observation {
    /// Always `rollcall.observation/v1`.
    pub schema: String,
    /// When it was made, UTC.
    #[schemars(with = "String")]
    pub observed_at: Timestamp,
    /// What was seen.
    #[serde(flatten)]
    pub observed: Observed,
}

impl Observation {
    /// The schema's name.
    pub const SCHEMA: &'static str = "rollcall.observation/v1";

    /// An observation made now.
    pub fn new(observed: Observed, observed_at: Timestamp) -> Self {
        Self {
            schema: Self::SCHEMA.to_owned(),
            observed_at,
            observed,
        }
    }
}

/// Looks at everything.
pub async fn observe(world: &World, ask: &Ask) -> Observed {
    let (mut engine, mut registrars) = tokio::join!(
        engine(world, ask.deadline, ask.bound.as_ref()),
        registrars(world, ask.deadline)
    );
    if let Seen::Known(view) = &engine {
        told_by_engine(world, view, &mut registrars);
    }
    if let Seen::Known(view) = &mut engine {
        let running = running(ask, view);
        let until = tokio::time::Instant::now() + ask.probe_deadline.saturating_mul(PROBING);
        let proofs = prove(world, ask, until, &running, &registrars);
        let (answers, proofs) = tokio::join!(probe(world, ask, until, running.clone()), proofs);
        mark_ready(view, answers);
        mark_refused(&mut registrars, proofs);
    }
    let tools = world
        .providers
        .iter()
        .map(|(id, provider)| (id.clone(), provider.tool()))
        .collect();
    if let (true, Seen::Known(view)) = (ask.introduce, &mut engine)
        && let Seen::Known(told) = world.engine.identify(ask.deadline).await
    {
        view.facts.version = Some(told.version);
    }
    let observed = Observed {
        engine,
        registrars,
        tools,
    };
    log(&observed);
    observed
}

fn log(observed: &Observed) {
    match &observed.engine {
        Seen::Known(view) => tracing::debug!(
            clusters = view.clusters.values().map(BTreeMap::len).sum::<usize>(),
            networks = view.facts.networks.len(),
            "observed the engine"
        ),
        Seen::Unknown(unseen) => tracing::debug!(error = %unseen.error, "the engine is unknown"),
    }
    for (registrar, seen) in &observed.registrars {
        match seen {
            Seen::Known(view) => tracing::debug!(
                %registrar,
                registrations = view.entries.len(),
                "observed a registrar"
            ),
            Seen::Unknown(unseen) => {
                tracing::debug!(%registrar, error = %unseen.error, "a registrar is unknown");
            }
        }
    }
}

async fn registrars(
    world: &World,
    deadline: Duration,
) -> BTreeMap<RegistrarId, Seen<RegistrarView>> {
    let looks = world
        .registrars
        .iter()
        .map(|(id, registrar)| async move { (id.clone(), registrar.observe(deadline).await) });
    join_all(looks).await.into_iter().collect()
}

/// Looks at the engine, and makes sure that it is the ledger's: another one proves nothing about what the ledger lists.
pub async fn engine(
    world: &World,
    deadline: Duration,
    bound: Option<&Acquaintance>,
) -> Seen<EngineView> {
    let known = bound.filter(|bound| !bound.containers.is_empty());
    let (seen, told) = tokio::join!(world.engine.look(deadline), async {
        match known {
            Some(_) => None,
            None => Some(world.engine.identify(deadline).await),
        }
    });
    let mut view = match seen {
        Seen::Known(view) => view,
        unknown @ Seen::Unknown(_) => return unknown,
    };
    if let Some(known) = known.filter(|known| known.is_met_in(&view)) {
        view.facts.id = Some(known.engine.clone());
        return Seen::Known(view);
    }
    let told = match told {
        Some(told) => told,
        None => world.engine.identify(deadline).await,
    };
    match told {
        Seen::Known(told) => {
            view.facts.id = told.id;
            view.facts.version = Some(told.version);
            bound_to(view, bound, world.kind)
        }
        Seen::Unknown(unseen) => Seen::Unknown(unseen),
    }
}

impl Acquaintance {
    /// What a ledger knows; `None`: it is bound to no engine yet.
    pub fn of(ledger: &Ledger) -> Option<Self> {
        let containers = ledger.entries.iter().flat_map(|entry| &entry.containers);
        Some(Self {
            engine: ledger.engine.clone()?,
            containers: containers.cloned().collect(),
        })
    }

    /// Whether one of the containers is there.
    fn is_met_in(&self, view: &EngineView) -> bool {
        let clusters = view.clusters.values().flat_map(BTreeMap::values);
        clusters
            .flat_map(|cluster| &cluster.nodes)
            .any(|node| self.containers.contains(&node.id))
    }
}

fn bound_to(view: EngineView, bound: Option<&Acquaintance>, kind: WorldKind) -> Seen<EngineView> {
    let Some(bound) = bound.map(|bound| &bound.engine) else {
        return Seen::Known(view);
    };
    match &view.facts.id {
        Some(id) if id == bound => Seen::Known(view),
        other => Seen::Unknown(Unseen {
            source: "docker".to_owned(),
            kind: UnseenKind::OtherEngine,
            error: format!(
                "another engine answers ({}) than the one this database's ledger belongs to ({bound})",
                other.as_ref().map_or("it gives no ID", EngineId::as_str)
            ),
            hint: Some(other_engine_hint(kind).to_owned()),
        }),
    }
}

/// What to do where another engine answers than the ledger's.
pub fn other_engine_hint(kind: WorldKind) -> &'static str {
    match kind {
        WorldKind::Real => {
            "point DOCKER_HOST or the Docker context back; or, if the old engine is gone for good, rollcall reconcile --repair --accept-engine"
        }
        WorldKind::Sandbox => {
            "name the sandbox that this database was used with (--sandbox=DIR); or, if it is gone for good, rollcall reconcile --repair --accept-engine"
        }
    }
}

/// What the engine tells of registrars: all there is to see of some, and that the cluster of others is gone.
fn told_by_engine(
    world: &World,
    engine: &EngineView,
    registrars: &mut BTreeMap<RegistrarId, Seen<RegistrarView>>,
) {
    for (id, registrar) in &world.registrars {
        if let Some(view) = registrar.derive(engine) {
            registrars.insert(id.clone(), Seen::Known(view));
        }
        let Some(host) = registrar.host() else {
            continue;
        };
        // Only where its provider was looked for is a cluster proven gone.
        let clusters = engine.clusters.get(&host.provider);
        let is_gone = clusters.is_some_and(|clusters| {
            clusters
                .get(&host.name)
                .is_none_or(|view| !view.has_nodes())
        });
        if let (true, Some(seen @ Seen::Unknown(_))) = (is_gone, registrars.get_mut(id)) {
            *seen = Seen::Known(RegistrarView::default());
        }
    }
}

/// The running clusters whose API servers are to be asked.
fn running(ask: &Ask, view: &EngineView) -> Vec<ClusterView> {
    let clusters = view.clusters.values().flat_map(BTreeMap::values);
    clusters
        .filter(|cluster| cluster.phase == Phase::Running && ask.probe.contains(&cluster.id))
        .cloned()
        .collect()
}

/// Asks the API servers of running clusters. Two hundred that say nothing take no longer than a few that do.
async fn probe(
    world: &World,
    ask: &Ask,
    until: tokio::time::Instant,
    running: Vec<ClusterView>,
) -> Vec<(ClusterId, Result<(), String>)> {
    let all = ask.probe_deadline.saturating_mul(PROBING);
    stream::iter(running)
        .map(|cluster| async move {
            let asked = is_ready(world, &cluster, ask.probe_deadline);
            let answer = tokio::time::timeout_at(until, asked).await;
            let silent = |_| Err(format!("not asked: all APIs together have {all:?}"));
            (cluster.id, answer.unwrap_or_else(silent))
        })
        .buffer_unordered(PROBES_AT_ONCE)
        .collect()
        .await
}

/// Tries what registrars hold for running clusters. What could not be tried in time is taken for good.
async fn prove(
    world: &World,
    ask: &Ask,
    until: tokio::time::Instant,
    running: &[ClusterView],
    registrars: &BTreeMap<RegistrarId, Seen<RegistrarView>>,
) -> Vec<(RegistrarId, ClusterId, String)> {
    let mut held = Vec::new();
    for (id, seen) in registrars {
        let (Some(registrar), Some(view)) = (world.registrars.get(id), seen.known()) else {
            continue;
        };
        let entered = |cluster: &&ClusterView| view.entries.contains_key(&cluster.id);
        held.extend(
            running
                .iter()
                .filter(entered)
                .map(|cluster| (id, registrar, cluster)),
        );
    }
    let proofs: Vec<Option<(RegistrarId, ClusterId, String)>> = stream::iter(held)
        .map(|(id, registrar, cluster)| async move {
            let until = until.min(tokio::time::Instant::now() + ask.probe_deadline);
            let proof = tokio::time::timeout_at(until, registrar.prove(cluster)).await;
            let refused = proof.ok().flatten()?.err()?;
            Some((id.clone(), cluster.id.clone(), refused))
        })
        .buffer_unordered(PROBES_AT_ONCE)
        .collect()
        .await;
    proofs.into_iter().flatten().collect()
}

/// Raises those that answer to `ready`.
fn mark_ready(view: &mut EngineView, answers: Vec<(ClusterId, Result<(), String>)>) {
    for (id, answer) in answers {
        let clusters = view.clusters.get_mut(&id.provider);
        let Some(cluster) = clusters.and_then(|map| map.get_mut(&id.name)) else {
            continue;
        };
        cluster.probed = true;
        match answer {
            Ok(()) => cluster.phase = Phase::Ready,
            Err(why) => cluster.detail = Some(why),
        }
    }
}

/// An entry whose credentials its cluster refuses is not sound.
fn mark_refused(
    registrars: &mut BTreeMap<RegistrarId, Seen<RegistrarView>>,
    proofs: Vec<(RegistrarId, ClusterId, String)>,
) {
    for (registrar, id, why) in proofs {
        if let Some(Seen::Known(view)) = registrars.get_mut(&registrar)
            && let Some(entry) = view.entries.get_mut(&id)
        {
            entry.trouble.get_or_insert(why);
        }
    }
}

/// Whether an entry points to where the provider's own credentials point. Any other spelling may be another host, which
/// must get no credentials and cannot vouch for this cluster.
fn leads_here(server: &str, port: Port) -> bool {
    ["127.0.0.1", "localhost"]
        .iter()
        .any(|host| server == format!("https://{host}:{port}"))
}

/// Whether a running cluster's API answers: with the credentials of its registration if they are of this life, else
/// with those of its own node.
pub async fn is_ready(
    world: &World,
    cluster: &ClusterView,
    deadline: Duration,
) -> Result<(), String> {
    let limited = |access: Access| async move {
        let asked = world.prober.ready(&cluster.id, &access);
        tokio::time::timeout(deadline, asked)
            .await
            .unwrap_or_else(|_| Err(format!("no answer within {deadline:?}")))
    };
    for registrar in world.registrars.values() {
        let Some(access) = registrar.access(&cluster.id).await else {
            continue;
        };
        let here = cluster
            .api_port
            .is_some_and(|port| leads_here(&access.server, port));
        if here && limited(access).await.is_ok() {
            return Ok(());
        }
    }
    let access = tokio::time::timeout(
        deadline,
        world
            .providers
            .get(&cluster.id.provider)
            .ok_or("no such provider")?
            .access(cluster),
    );
    match access.await {
        Ok(Ok(access)) => limited(access).await,
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("its node gave no kubeconfig within {deadline:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::model::{ClusterName, ClusterSpec, Ports, ProviderId};
    use crate::sandbox::{Outage, Sandbox};

    const LONG: Duration = Duration::from_secs(5);

    /// What a ledger knows that saw every container of this world.
    async fn acquaintance(world: &World) -> Acquaintance {
        let Seen::Known(view) = engine(world, LONG, None).await else {
            panic!("the sandbox answers")
        };
        let clusters = view.clusters.values().flat_map(BTreeMap::values);
        Acquaintance {
            engine: view.facts.id.unwrap(),
            containers: clusters
                .flat_map(|c| &c.nodes)
                .map(|node| node.id.clone())
                .collect(),
        }
    }

    #[tokio::test]
    async fn an_engine_is_known_by_its_containers_or_by_what_it_says() {
        let sandbox = Sandbox::in_memory(1);
        let world = sandbox.world();
        let name = ClusterName::parse("dev").unwrap();
        let spec = ClusterSpec {
            id: ClusterId::new(ProviderId::new("k3d"), name),
            subnet: None,
            ports: Ports::default(),
        };
        sandbox.make_foreign(&spec).unwrap();
        let known = acquaintance(&world).await;

        let Seen::Known(met) = engine(&world, LONG, Some(&known)).await else {
            panic!("it is the engine that it was")
        };
        assert_eq!(met.facts.id.as_ref(), Some(&known.engine));
        assert_eq!(met.facts.version, None, "it was not asked who it is");

        let empty = Acquaintance {
            containers: BTreeSet::new(),
            ..known.clone()
        };
        let Seen::Known(told) = engine(&world, LONG, Some(&empty)).await else {
            panic!("it says that it is the engine that it was")
        };
        assert!(told.facts.version.is_some());

        sandbox.replace_engine().unwrap();
        let Seen::Unknown(other) = engine(&world, LONG, Some(&known)).await else {
            panic!("no container vouches for it")
        };
        assert_eq!(other.kind, UnseenKind::OtherEngine);
        sandbox.engine_down(Outage::NotReady).unwrap();
        let Seen::Unknown(gone) = engine(&world, LONG, Some(&known)).await else {
            panic!("nobody answers")
        };
        assert_eq!(gone.kind, UnseenKind::NotReady);
    }

    #[test]
    fn an_entry_of_another_host_is_not_asked() {
        let port = Port::parse(6550).unwrap();
        for here in ["https://127.0.0.1:6550", "https://localhost:6550"] {
            assert!(leads_here(here, port), "{here}");
        }
        for elsewhere in [
            "https://evil.example:6550",
            "https://127.0.0.1:16550",
            "https://127.0.0.1:6550.evil.example",
            "https://evil.example/127.0.0.1:6550",
            "https://127.0.0.1:6550@evil.example:6550",
            "https://x@127.0.0.1:6550",
            "https://[::1]:6550",
            "http://127.0.0.1:6550",
            "127.0.0.1:6550",
            "",
        ] {
            assert!(!leads_here(elsewhere, port), "{elsewhere}");
        }
    }
}
