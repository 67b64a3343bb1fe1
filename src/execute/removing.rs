//! Taking away: clusters with all that is theirs, leftovers, registrations, rows. Each looks at its one thing again
//! first, and sees afterwards that it is gone.

use super::context::{Context, cluster_in};
use super::dispatch::StepError;
use super::parts::doomed;
use super::step_log::Log;
use crate::model::{
    Address, ClusterId, EntryKey, Fingerprint, Incarnation, NetworkId, Ownership, Phase,
    RegistrarId, RowSnapshot, VolumeId,
};
use crate::plan::ActionKind;
use crate::provider::{Fault, Parts, ProviderError};
use crate::registrar::{RegisterOrder, SharedRegistrar};
use crate::store::RowPrune;

/// Deletes a cluster of ours, and sees that nothing is left.
pub(super) async fn delete(
    cx: &Context<'_>,
    id: &ClusterId,
    key: EntryKey,
    life: Option<&Incarnation>,
    log: &Log<'_>,
) -> Result<(), ProviderError> {
    let engine = cx.look().await?;
    let ledger = cx.ledger().await?;
    let (networks, volumes) = ledger.leftovers(id, &engine.facts);
    let mut parts = Parts {
        of: Some(id.clone()),
        networks: networks.into_iter().map(|network| network.id).collect(),
        volumes: volumes.into_iter().map(|volume| volume.id).collect(),
        guests: cx.world.guests(&engine),
        ..Parts::default()
    };
    if let Some(view) = cluster_in(&engine, id).filter(|view| view.has_nodes()) {
        match ledger.ownership(view) {
            Ownership::Ours(entry) if entry.key == key && view.incarnation.as_ref() == life => {
                let doomed = doomed(entry, view);
                parts.containers = doomed.containers;
                parts.networks.extend(doomed.networks);
                parts.volumes.extend(doomed.volumes);
            }
            _ => {
                return Err(ProviderError::new(
                    Fault::NotOurs,
                    format!("{id} is not the cluster that was observed: it is left alone"),
                )
                .hint("run rollcall again"));
            }
        }
    }
    parts.networks.sort();
    parts.networks.dedup();
    parts.volumes.sort();
    parts.volumes.dedup();
    cx.db(move |store| store.begin_delete(key)).await?;
    cx.point(ActionKind::Delete, "intended");
    cx.still_mine().await?;
    cx.world.engine.remove(&parts, log).await?;
    cx.point(ActionKind::Delete, "removed");
    gone(cx, id).await
}

/// Takes away what is left of dead lives of ours.
pub(super) async fn sweep(
    cx: &Context<'_>,
    id: &ClusterId,
    networks: &[NetworkId],
    volumes: &[VolumeId],
    log: &Log<'_>,
) -> Result<(), ProviderError> {
    let engine = cx.look().await?;
    let (own_networks, own_volumes) = cx.ledger().await?.leftovers(id, &engine.facts);
    if cluster_in(&engine, id).is_some_and(|view| view.has_nodes()) {
        return Err(ProviderError::new(
            Fault::NotOurs,
            format!("{id} lives again since it was observed"),
        ));
    }
    let parts = Parts {
        of: Some(id.clone()),
        containers: Vec::new(),
        networks: own_networks
            .into_iter()
            .map(|n| n.id)
            .filter(|id| networks.contains(id))
            .collect(),
        volumes: own_volumes
            .into_iter()
            .map(|v| v.id)
            .filter(|id| volumes.contains(id))
            .collect(),
        guests: cx.world.guests(&engine),
    };
    cx.still_mine().await?;
    cx.world.engine.remove(&parts, log).await?;
    gone(cx, id).await
}

/// Sees that nothing of ours is left of a cluster, and closes its entries.
async fn gone(cx: &Context<'_>, id: &ClusterId) -> Result<(), ProviderError> {
    let engine = cx.look().await?;
    let ledger = cx.ledger().await?;
    let (networks, volumes) = ledger.leftovers(id, &engine.facts);
    let nodes = cluster_in(&engine, id).map_or(0, |view| view.nodes.len());
    if nodes + networks.len() + volumes.len() > 0 {
        let left = format!(
            "{nodes} containers, {} networks, {} volumes",
            networks.len(),
            volumes.len()
        );
        return Err(ProviderError::new(
            Fault::Transient,
            format!("{left} of {id} are still there"),
        ));
    }
    let (keys, now) = (
        ledger
            .entries_of(id)
            .map(|entry| entry.key)
            .collect::<Vec<_>>(),
        cx.world.clock.now(),
    );
    cx.db(move |store| {
        keys.iter()
            .copied()
            .try_for_each(|key| store.close(key, "deleted", now))
    })
    .await
}

/// What becomes of a cluster whose registration comes off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Afterwards {
    /// It goes, or is gone.
    Goes,
    /// It stays.
    Stays,
}

/// Takes a registration of ours away; out of a cluster that stays, also what registering put into it.
pub(super) async fn deregister(
    cx: &Context<'_>,
    registrar: &RegistrarId,
    id: &ClusterId,
    expected: &Fingerprint,
    afterwards: Afterwards,
    log: &Log<'_>,
) -> Result<(), ProviderError> {
    let port = cx.world.registrars.get(registrar);
    let port = port.ok_or_else(|| {
        ProviderError::new(Fault::Permanent, format!("registrar {registrar} is off"))
    })?;
    // First: what failed here is done again while the entry is still there.
    if afterwards == Afterwards::Stays {
        withdraw(cx, port, id, log).await?;
    }
    port.deregister(id, expected).await?;
    cx.point(ActionKind::Deregister, "written");
    let (registrar, id) = (registrar.clone(), id.clone());
    cx.db(move |store| store.drop_registration(&registrar, &id))
        .await
}

/// Takes out of a living cluster of ours what registering put into it.
async fn withdraw(
    cx: &Context<'_>,
    port: &SharedRegistrar,
    id: &ClusterId,
    log: &Log<'_>,
) -> Result<(), ProviderError> {
    let (engine, ledger) = (cx.look().await?, cx.ledger().await?);
    let ours =
        cluster_in(&engine, id).filter(|view| matches!(ledger.ownership(view), Ownership::Ours(_)));
    let (Some(view), Some(provider)) = (ours, cx.world.providers.get(&id.provider)) else {
        return Ok(());
    };
    if view.phase < Phase::Running {
        log.note(&format!(
            "{id} does not run: what {} put into it stays there",
            port.id()
        ));
        return Ok(());
    }
    let order = RegisterOrder {
        access: provider.access(view).await?,
        cluster: view.clone(),
    };
    port.withdraw(&order).await
}

/// Deletes a row, if its cluster is still proven gone and its intent is still what was planned.
pub(super) async fn prune_row(
    cx: &Context<'_>,
    cluster: &ClusterId,
    rowid: i64,
    shown: &str,
    snapshot: &RowSnapshot,
) -> Result<(), StepError> {
    let engine = cx.look().await?;
    if cluster_in(&engine, cluster).is_some_and(|view| view.has_nodes()) {
        return Err(StepError::Held(format!(
            "{cluster} lives again since it was observed: the row stays"
        )));
    }
    let (snapshot, run, now) = (snapshot.clone(), cx.run, cx.world.clock.now());
    let pruned = cx
        .db(move |store| {
            store.prune_row(
                rowid,
                &snapshot,
                Some(run),
                "its cluster is proven gone",
                now,
            )
        })
        .await?;
    match pruned {
        RowPrune::Deleted { .. } => Ok(()),
        RowPrune::Moved => Err(StepError::Held(format!(
            "{} is not the row that was planned any more: it was edited or deleted meanwhile, and stays as it is",
            Address::Row(shown.to_owned())
        ))),
    }
}
