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
    ClusterId, ClusterView, EngineId, EngineView, Observed, Phase, Port, RegistrarId,
    RegistrarView, Seen, Unseen, UnseenKind, WorldKind,
};
use crate::ports::World;
use crate::provider::Access;

/// How many API servers are asked at once.
const PROBES_AT_ONCE: usize = 32;

/// What to ask, and for how long to wait.
#[derive(Debug, Clone)]
pub struct Ask {
    /// How long each source may take.
    pub deadline: Duration,
    /// How long each API server may take.
    pub probe_deadline: Duration,
    /// The clusters whose API servers are asked; nobody else's credentials are touched.
    pub probe: BTreeSet<ClusterId>,
    /// The engine that the ledger is bound to: another one's answer is not an answer.
    pub bound: Option<EngineId>,
}

impl Default for Ask {
    fn default() -> Self {
        Self {
            deadline: Duration::from_secs(5),
            probe_deadline: Duration::from_secs(3),
            probe: BTreeSet::new(),
            bound: None,
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
    let (engine, registrars) = tokio::join!(
        world.engine.look(ask.deadline),
        registrars(world, ask.deadline)
    );
    let mut engine = bound_to(engine, ask.bound.as_ref(), world.kind);
    if let Seen::Known(view) = &mut engine {
        probe(world, ask, view).await;
    }
    let tools = world
        .providers
        .iter()
        .map(|(id, provider)| (id.clone(), provider.tool()))
        .collect();
    Observed {
        engine,
        registrars,
        tools,
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

/// Another engine than the ledger's proves nothing about what the ledger lists.
fn bound_to(
    engine: Seen<EngineView>,
    bound: Option<&EngineId>,
    kind: WorldKind,
) -> Seen<EngineView> {
    let (Seen::Known(view), Some(bound)) = (&engine, bound) else {
        return engine;
    };
    match &view.facts.id {
        Some(id) if id == bound => engine,
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
            "point DOCKER_HOST or the Docker context back; or, if the old engine is gone for good, add --accept-engine"
        }
        WorldKind::Sandbox => {
            "name the sandbox that this database was used with (--sandbox=DIR); or, if it is gone for good, add --accept-engine"
        }
    }
}

/// Asks the API servers of running clusters, and raises those that answer to `ready`.
async fn probe(world: &World, ask: &Ask, view: &mut EngineView) {
    let running: Vec<ClusterView> = view
        .clusters
        .values()
        .flat_map(BTreeMap::values)
        .filter(|cluster| cluster.phase == Phase::Running && ask.probe.contains(&cluster.id))
        .cloned()
        .collect();
    let answers: Vec<(ClusterId, Result<(), String>)> = stream::iter(running)
        .map(|cluster| async move {
            let answer = is_ready(world, &cluster, ask.probe_deadline).await;
            (cluster.id, answer)
        })
        .buffer_unordered(PROBES_AT_ONCE)
        .collect()
        .await;
    for (id, answer) in answers {
        let Some(cluster) = view
            .clusters
            .get_mut(&id.provider)
            .and_then(|map| map.get_mut(&id.name))
        else {
            continue;
        };
        cluster.probed = true;
        match answer {
            Ok(()) => cluster.phase = Phase::Ready,
            Err(why) => cluster.detail = Some(why),
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
