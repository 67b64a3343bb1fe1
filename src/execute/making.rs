//! Making clusters: create, start, wait, publish ports. A tool's exit code is advice; what is seen afterwards decides.

use std::time::Duration;

use jiff::Timestamp;

use super::context::{Context, cluster_in, new_nonce};
use super::parts::{doomed, own_parts};
use super::step_log::Log;
use crate::model::{
    ClusterId, ClusterSpec, ClusterView, EngineView, Entry, EntryKey, EntryState, Incarnation,
    NodeRole, NodeState, Ownership, Phase, PortMap, Preparation,
};
use crate::plan::ActionKind;
use crate::provider::{CreateOrder, Fault, Parts, ProviderError, SharedProvider};
use crate::store::EntryParts;

/// How often a cluster that should come up is looked at.
const LOOK_AGAIN: Duration = Duration::from_millis(300);
/// How long a cluster whose tool failed, or took all the time, may take to prove that it is there all the same.
const GRACE: Duration = Duration::from_secs(5);

/// Makes a cluster: intent first, then the tool, then a look, then the wait until it is ready.
pub(super) async fn create(
    cx: &Context<'_>,
    spec: &ClusterSpec,
    until: Timestamp,
    log: &Log<'_>,
) -> Result<(), ProviderError> {
    let id = &spec.id;
    let provider = provider_of(cx, id)?;
    if let Some(entry) = begun(cx, id).await? {
        // An earlier attempt made it and could not see it through.
        return settle_creation(cx, id, entry, Ok(()), until, log).await;
    }
    nothing_there(cx, id).await?;
    let order = CreateOrder {
        spec: spec.clone(),
        nonce: new_nonce()?,
        deadline: cx.left(until),
    };
    provider.preflight(&order).await?;
    let entry = begin(cx, &order).await?;
    cx.point(ActionKind::Create, "intended");
    let made = provider.create(&order, log).await;
    cx.point(ActionKind::Create, "made");
    if let Err(error) = &made {
        log.note(&format!("the tool failed: {error}"));
    }
    settle_creation(cx, id, entry, made, until, log).await
}

/// Proves that a cluster can be made before another one is deleted for it.
pub(super) async fn prove(
    cx: &Context<'_>,
    spec: &ClusterSpec,
    instead_of: &ClusterId,
    until: Timestamp,
) -> Result<(), ProviderError> {
    let order = CreateOrder {
        spec: spec.clone(),
        nonce: new_nonce()?,
        deadline: cx.left(until),
    };
    if spec.id != *instead_of {
        nothing_there(cx, &spec.id).await?;
    }
    provider_of(cx, &spec.id)?.preflight(&order).await
}

/// Looks once more: a plan is a few seconds old, and create must not run into somebody's new cluster.
async fn nothing_there(cx: &Context<'_>, id: &ClusterId) -> Result<(), ProviderError> {
    let engine = cx.look().await?;
    match cluster_in(&engine, id) {
        None => Ok(()),
        Some(view) => Err(ProviderError::new(
            Fault::NotOurs,
            format!(
                "{id} is there since it was observed ({}): nothing was made",
                view.phase
            ),
        )
        .hint("run rollcall again")),
    }
}

/// The entry under which this cluster was made, if it is there and its creation was never brought to its end: since the
/// plan was made, only an attempt of the same step can have done that.
async fn begun(cx: &Context<'_>, id: &ClusterId) -> Result<Option<EntryKey>, ProviderError> {
    let (engine, ledger) = (cx.look().await?, cx.ledger().await?);
    let ownership = cluster_in(&engine, id)
        .filter(|view| view.has_nodes())
        .map(|view| ledger.ownership(view));
    Ok(match ownership {
        Some(Ownership::Ours(entry)) if entry.state == EntryState::Creating => Some(entry.key),
        _ => None,
    })
}

/// Writes the intent. Earlier entries of this cluster, whose lives are proven gone, are closed with it.
async fn begin(cx: &Context<'_>, order: &CreateOrder) -> Result<EntryKey, ProviderError> {
    let ledger = cx.ledger().await?;
    let earlier: Vec<EntryKey> = ledger
        .entries_of(&order.spec.id)
        .map(|entry| entry.key)
        .collect();
    let (id, nonce, now) = (
        order.spec.id.clone(),
        order.nonce.clone(),
        cx.world.clock.now(),
    );
    let preparation = if provider_of(cx, &id)?.traits().prepares {
        Preparation::Due
    } else {
        Preparation::None
    };
    cx.db(move |store| store.begin_create(&id, &nonce, &earlier, preparation, now))
        .await
}

/// After the tool: records what was made; waits for it if it came up; takes away what is ours of it if it did not.
async fn settle_creation(
    cx: &Context<'_>,
    id: &ClusterId,
    key: EntryKey,
    made: Result<(), ProviderError>,
    until: Timestamp,
    log: &Log<'_>,
) -> Result<(), ProviderError> {
    let wait = patience(cx, made.is_ok(), until);
    let waited = wait_ready(cx, id, None, wait, log).await;
    let engine = look_in_spite(cx, until).await?;
    let entry = entry(cx, key).await?;
    let Some(view) = cluster_in(&engine, id).filter(|view| view.has_nodes()) else {
        clean_up(cx, id, &entry, log).await?;
        let nothing = ProviderError::new(
            Fault::Permanent,
            "the tool said it was done and made nothing",
        );
        return Err(made.err().unwrap_or(nothing));
    };
    let came_up = waited.is_ok() || (made.is_ok() && view.phase == Phase::Running);
    let whole = view.proving_nodes().next().is_some()
        && view
            .proving_nodes()
            .all(|node| entry.covers(&node.id, node.nonce.as_ref()));
    if let (true, true, Some(life)) = (came_up, whole, &view.incarnation) {
        record(cx, &entry, view, life).await?;
        return waited;
    }
    clean_up(cx, id, &entry, log).await?;
    Err(made.err().or(waited.err()).unwrap_or_else(|| {
        ProviderError::new(
            Fault::NotOurs,
            format!("{id} came up with nodes that this creation did not make"),
        )
    }))
}

/// Looks until the engine answers or the step's time is up: one silence must not lose sight of what was just made.
async fn look_in_spite(cx: &Context<'_>, until: Timestamp) -> Result<EngineView, ProviderError> {
    loop {
        match cx.look().await {
            Err(error) if error.fault == Fault::Transient && !cx.left(until).is_zero() => {
                cx.world.clock.sleep(LOOK_AGAIN).await;
            }
            other => return other,
        }
    }
}

async fn record(
    cx: &Context<'_>,
    entry: &Entry,
    view: &ClusterView,
    life: &Incarnation,
) -> Result<(), ProviderError> {
    let (key, life, parts) = (entry.key, life.clone(), own_parts(entry, view));
    cx.db(move |store| store.record_live(key, &life, &parts))
        .await
}

/// Takes away what a failed creation left: only what carries its mark or was recorded for it. Its rest, if any, keeps
/// the entry open, so that the next run sees it.
async fn clean_up(
    cx: &Context<'_>,
    id: &ClusterId,
    entry: &Entry,
    log: &Log<'_>,
) -> Result<(), ProviderError> {
    let engine = cx.look().await?;
    let marked = |view: &ClusterView| doomed(entry, view).containers;
    let parts = Parts {
        of: Some(id.clone()),
        containers: cluster_in(&engine, id).map(marked).unwrap_or_default(),
        networks: engine
            .facts
            .networks
            .iter()
            .filter(|n| entry.covers_network(n))
            .map(|n| n.id.clone())
            .collect(),
        volumes: engine
            .facts
            .volumes
            .iter()
            .filter(|v| entry.covers_volume(v))
            .map(|v| v.id.clone())
            .collect(),
        ..Parts::default()
    };
    log.note("taking away what was made");
    cx.still_mine().await?;
    cx.world.engine.remove(&parts, log).await?;
    let engine = cx.look().await?;
    let (networks, volumes) = cx.ledger().await?.leftovers(id, &engine.facts);
    let left = cluster_in(&engine, id).is_some_and(|view| {
        view.nodes
            .iter()
            .any(|n| entry.covers(&n.id, n.nonce.as_ref()))
    });
    if !left && networks.is_empty() && volumes.is_empty() {
        let (key, now) = (entry.key, cx.world.clock.now());
        cx.db(move |store| store.close(key, "creation failed", now))
            .await?;
    }
    Ok(())
}

async fn entry(cx: &Context<'_>, key: EntryKey) -> Result<Entry, ProviderError> {
    let ledger = cx.ledger().await?;
    let entry = ledger.entries.into_iter().find(|entry| entry.key == key);
    entry.ok_or_else(|| {
        ProviderError::new(
            Fault::Permanent,
            "its ledger entry is gone: somebody else edited the ledger",
        )
    })
}

/// Starts a cluster of ours and waits until it is ready.
pub(super) async fn start(
    cx: &Context<'_>,
    id: &ClusterId,
    life: &Incarnation,
    until: Timestamp,
    log: &Log<'_>,
) -> Result<(), ProviderError> {
    let view = cx.ours(id, life).await?;
    let started = provider_of(cx, id)?.start(&view, cx.left(until), log).await;
    if let Err(error) = &started {
        log.note(&format!("the start failed: {error}"));
    }
    let wait = patience(cx, started.is_ok(), until);
    let waited = wait_ready(cx, id, Some(life), wait, log).await;
    waited.map_err(|error| started.err().unwrap_or(error))
}

/// Waits until a running cluster of ours is ready.
pub(super) async fn wait(
    cx: &Context<'_>,
    id: &ClusterId,
    life: &Incarnation,
    until: Timestamp,
    log: &Log<'_>,
) -> Result<(), ProviderError> {
    cx.ours(id, life).await?;
    wait_ready(cx, id, Some(life), cx.left(until), log).await
}

/// Does what follows the creation of a cluster of ours, once in its life.
pub(super) async fn prepare(
    cx: &Context<'_>,
    id: &ClusterId,
    life: Option<&Incarnation>,
    until: Timestamp,
    log: &Log<'_>,
) -> Result<(), ProviderError> {
    let engine = cx.look().await?;
    let seen = cluster_in(&engine, id).and_then(|view| view.incarnation.clone());
    let life = life.cloned().or(seen).ok_or_else(|| {
        let gone = format!("{id} is gone since it was made");
        ProviderError::new(Fault::Permanent, gone)
    })?;
    let view = cx.ours(id, &life).await?;
    let ledger = cx.ledger().await?;
    let key = match ledger.ownership(&view) {
        Ownership::Ours(entry) if entry.preparation == Preparation::Due => entry.key,
        // An earlier attempt got to its end and could not say so.
        _ => return Ok(()),
    };
    let provider = provider_of(cx, id)?;
    provider.prepare(&view, cx.left(until), log).await?;
    cx.point(ActionKind::Prepare, "made");
    cx.still_mine().await?;
    cx.db(move |store| store.record_prepared(key)).await
}

/// Publishes more ports of a running cluster of ours, and sees them published.
pub(super) async fn add_ports(
    cx: &Context<'_>,
    id: &ClusterId,
    life: &Incarnation,
    ports: &PortMap,
    until: Timestamp,
    log: &Log<'_>,
) -> Result<(), ProviderError> {
    let view = cx.ours(id, life).await?;
    let added = provider_of(cx, id)?
        .add_ports(&view, ports, cx.left(until), log)
        .await;
    let view = cx.ours(id, life).await?;
    if ports
        .iter()
        .all(|(inside, host)| view.ports.get(inside) == Some(host))
    {
        record_new_balancer(cx, &view).await?;
        let wait = patience(cx, true, until);
        return wait_ready(cx, id, Some(life), wait, log).await;
    }
    Err(added.err().unwrap_or_else(|| {
        ProviderError::new(
            Fault::Permanent,
            "the tool said it was done and the ports are not published",
        )
    }))
}

/// Adding ports makes the load balancer anew; it is listed, or nobody knew whose it is once its servers are gone.
async fn record_new_balancer(cx: &Context<'_>, view: &ClusterView) -> Result<(), ProviderError> {
    let ledger = cx.ledger().await?;
    let Ownership::Ours(entry) = ledger.ownership(view) else {
        return Ok(());
    };
    let key = entry.key;
    let balancers = view.nodes.iter().filter(|n| n.role == NodeRole::Balancer);
    let parts = EntryParts {
        containers: balancers.map(|node| node.id.clone()).collect(),
        ..EntryParts::default()
    };
    cx.db(move |store| store.record_parts(key, &parts)).await
}

/// How long to wait after a tool: what is left of the step's time, but never less than a moment.
fn patience(cx: &Context<'_>, tool_succeeded: bool, until: Timestamp) -> Duration {
    if tool_succeeded {
        cx.left(until).max(GRACE)
    } else {
        GRACE
    }
}

/// Looks again and again until the cluster is ready, has no chance to be, or the time is up. The clock is the world's,
/// so that a sandbox's hour takes no hour.
async fn wait_ready(
    cx: &Context<'_>,
    id: &ClusterId,
    life: Option<&Incarnation>,
    patience: Duration,
    log: &Log<'_>,
) -> Result<(), ProviderError> {
    let began = cx.world.clock.now();
    let mut said = String::new();
    loop {
        let (why, hopeless) = match look_ready(cx, id, life).await {
            Ok(()) => return Ok(()),
            Err(reason) => reason,
        };
        if why != said {
            log.note(&why);
            said.clone_from(&why);
        }
        let waited = cx.world.clock.now().duration_since(began).unsigned_abs();
        if hopeless || waited >= patience {
            let time = if hopeless {
                String::new()
            } else {
                format!(" after {} s", patience.as_secs())
            };
            return Err(ProviderError::new(
                Fault::Deadline,
                format!("not ready{time}: {why}"),
            ));
        }
        cx.world.clock.sleep(LOOK_AGAIN).await;
    }
}

/// Whether the cluster is ready now; if not, why, and whether waiting is hopeless.
async fn look_ready(
    cx: &Context<'_>,
    id: &ClusterId,
    life: Option<&Incarnation>,
) -> Result<(), (String, bool)> {
    let engine = cx
        .look()
        .await
        .map_err(|error| (error.to_string(), false))?;
    let Some(view) = cluster_in(&engine, id).filter(|view| view.has_nodes()) else {
        return Err((format!("{id} is not there"), true));
    };
    if life.is_some() && view.incarnation.as_ref() != life {
        return Err((format!("{id} was made again by somebody else"), true));
    }
    match view.phase {
        Phase::Running | Phase::Ready => cx.ready(view).await.map_err(|why| (why, false)),
        phase => {
            let dead = view
                .proving_nodes()
                .any(|node| matches!(node.state, NodeState::Exited | NodeState::Dead));
            let detail = view.detail.clone().unwrap_or_else(|| phase.to_string());
            Err((detail, dead || phase == Phase::Partial))
        }
    }
}

fn provider_of(cx: &Context<'_>, id: &ClusterId) -> Result<SharedProvider, ProviderError> {
    let provider = cx.world.providers.get(&id.provider).cloned();
    provider.ok_or_else(|| {
        ProviderError::new(
            Fault::Permanent,
            format!("there is no provider {}", id.provider),
        )
    })
}
