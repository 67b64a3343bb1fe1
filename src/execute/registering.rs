//! Registering and adopting.

use super::context::Context;
use super::parts::all_parts;
use crate::model::{
    ClusterId, ClusterSpec, EntryKey, Fingerprint, Incarnation, Ownership, RegistrarId,
    RegistrationEntry, Seen,
};
use crate::plan::ActionKind;
use crate::provider::{Fault, ProviderError};
use crate::registrar::{RegisterOrder, SharedRegistrar};
use crate::store::Adoption;

/// Of what life an entry is that nobody proved to be of any.
const UNPROVEN: &str = "unproven";

/// Writes the registration of a living cluster of ours, and the ledger's record of it.
pub(super) async fn register(
    cx: &Context<'_>,
    registrar: &RegistrarId,
    id: &ClusterId,
    expected: Option<&Fingerprint>,
) -> Result<(), ProviderError> {
    let engine = cx.look().await?;
    let missing = |what: &str| ProviderError::new(Fault::Permanent, format!("{id} {what}"));
    let view = super::context::cluster_in(&engine, id)
        .ok_or_else(|| missing("is gone since it was observed"))?;
    let life = view
        .incarnation
        .clone()
        .ok_or_else(|| missing("has no server or control-plane node"))?;
    if !matches!(cx.ledger().await?.ownership(view), Ownership::Ours(_)) {
        return Err(ProviderError::new(
            Fault::NotOurs,
            format!("{id} is not ours any more"),
        ));
    }
    let provider = cx
        .world
        .providers
        .get(&id.provider)
        .ok_or_else(|| missing("has no provider"))?;
    let port = cx
        .world
        .registrars
        .get(registrar)
        .ok_or_else(|| missing("cannot be registered: the registrar is off"))?;
    let access = provider.access(view).await?;
    let intent = intend(cx, registrar, id).await?;
    cx.point(ActionKind::Register, "intended");
    let order = RegisterOrder {
        access,
        cluster: view.clone(),
    };
    let fingerprint = match port.register(&order, expected).await {
        Ok(fingerprint) => fingerprint,
        Err(error) => {
            if intent == Intent::New && wrote_nothing(cx, port, id, &error).await {
                let (registrar, id) = (registrar.clone(), id.clone());
                cx.db(move |store| store.drop_registration(&registrar, &id))
                    .await?;
            }
            return Err(error);
        }
    };
    cx.point(ActionKind::Register, "written");
    let entry = RegistrationEntry {
        registrar: registrar.clone(),
        cluster: id.clone(),
        incarnation: life,
        fingerprint,
    };
    cx.db(move |store| store.put_registration(&entry)).await
}

/// Whether the ledger lists a registration since before this attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Intent {
    Old,
    New,
}

/// Intent before act: an entry that is written and not heard of, because the process died, is ours in the next run. It
/// is of no proven life, so that run writes it anew, in place.
async fn intend(
    cx: &Context<'_>,
    registrar: &RegistrarId,
    id: &ClusterId,
) -> Result<Intent, ProviderError> {
    if cx.ledger().await?.registration(registrar, id).is_some() {
        return Ok(Intent::Old);
    }
    let entry = RegistrationEntry {
        registrar: registrar.clone(),
        cluster: id.clone(),
        incarnation: Incarnation::new(UNPROVEN),
        fingerprint: Fingerprint::new(UNPROVEN),
    };
    cx.db(move |store| store.put_registration(&entry)).await?;
    Ok(Intent::New)
}

/// Whether a failed attempt is proven to have written nothing: then an entry that appears later is somebody else's.
async fn wrote_nothing(
    cx: &Context<'_>,
    port: &SharedRegistrar,
    id: &ClusterId,
    error: &ProviderError,
) -> bool {
    let seen = || port.observe(cx.settings.look_timeout);
    error.fault == Fault::NotOurs
        || matches!(seen().await, Seen::Known(view) if !view.entries.contains_key(id))
}

/// Takes a foreign cluster into the ledger, and the entries that registrars have under its name. What those entries
/// say is not proven to be of this life, so the next plan writes them anew, in place.
pub(super) async fn adopt(
    cx: &Context<'_>,
    id: &ClusterId,
    life: &Incarnation,
    capture: Option<&ClusterSpec>,
) -> Result<(), ProviderError> {
    let engine = cx.look().await?;
    let view = super::context::cluster_in(&engine, id)
        .filter(|view| view.incarnation.as_ref() == Some(life))
        .ok_or_else(|| {
            ProviderError::new(
                Fault::NotOurs,
                format!("{id} is not the cluster that was observed"),
            )
        })?;
    let earlier: Vec<EntryKey> = cx
        .ledger()
        .await?
        .entries_of(id)
        .map(|entry| entry.key)
        .collect();
    let parts = all_parts(view);
    let (row, now) = (capture.cloned(), cx.world.clock.now());
    let (key_id, key_life) = (id.clone(), life.clone());
    cx.db(move |store| {
        let adoption = Adoption {
            id: &key_id,
            incarnation: &key_life,
            parts: &parts,
            capture: row.as_ref(),
            superseded: &earlier,
        };
        store.adopt(&adoption, now).map(|_| ())
    })
    .await?;
    for (registrar, port) in &cx.world.registrars {
        let Seen::Known(view) = port.observe(cx.settings.look_timeout).await else {
            continue;
        };
        let Some(entry) = view.entries.get(id) else {
            continue;
        };
        let entry = RegistrationEntry {
            registrar: registrar.clone(),
            cluster: id.clone(),
            incarnation: Incarnation::new(UNPROVEN),
            fingerprint: entry.fingerprint.clone(),
        };
        cx.db(move |store| store.put_registration(&entry)).await?;
    }
    Ok(())
}
