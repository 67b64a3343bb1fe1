//! Settling: the ledger is brought up to what is seen.

use super::error::{RunError, on_store};
use super::look::Look;
use super::runner::Runner;
use crate::model::{ClusterView, Entry, EntryKey, EntryState, Ownership, Phase, Preparation, Seen};

impl Runner<'_> {
    /// Brings the ledger up to what is seen: what an earlier run made, or began to delete, and did not live to record
    /// is recorded once its cluster is ready and wanted; entries of which nothing is left are closed. Says whether
    /// anything changed.
    pub(super) async fn settle(&self, look: &Look) -> Result<bool, RunError> {
        let Seen::Known(engine) = &look.observed.engine else {
            return Ok(false);
        };
        let mut changed = false;
        for (view, entry) in unrecorded(look) {
            let Some(life) = view.incarnation.clone() else {
                continue;
            };
            let (key, parts) = (entry.key, crate::execute::own_parts(entry, view));
            on_store(&self.store, move |store| {
                store.record_live(key, &life, &parts)
            })
            .await?;
            changed = true;
        }
        changed |= self.settle_preparations(look).await?;
        let now = self.world.clock.now();
        for entry in &look.snapshot.ledger.entries {
            let alive = look.observed.cluster(&entry.id);
            let (networks, volumes) = look.snapshot.ledger.leftovers(&entry.id, &engine.facts);
            let left = alive.is_some_and(|view| view.has_nodes())
                || !networks.is_empty()
                || !volumes.is_empty();
            if !left {
                let key = entry.key;
                on_store(&self.store, move |store| {
                    store.close(key, "nothing of it is left", now)
                })
                .await?;
                changed = true;
            }
        }
        self.settle_registrations(look, changed).await
    }

    /// What was to follow a creation and is not asked for any more is no debt: a cluster that went on without it is not
    /// prepared when it is asked for again.
    async fn settle_preparations(&self, look: &Look) -> Result<bool, RunError> {
        let prepares = |entry: &&Entry| {
            let provider = look.policy.providers.get(&entry.id.provider);
            provider.is_some_and(|traits| traits.prepares)
        };
        let entries = look.snapshot.ledger.entries.iter();
        let due = entries.filter(|entry| {
            entry.state == EntryState::Live && entry.preparation == Preparation::Due
        });
        let waived: Vec<EntryKey> = due
            .filter(|entry| look.policy.mode.repair && !prepares(entry))
            .map(|entry| entry.key)
            .collect();
        for key in &waived {
            let key = *key;
            on_store(&self.store, move |store| store.waive_preparation(key)).await?;
        }
        Ok(!waived.is_empty())
    }

    /// Forgets registrations that are gone from their registrar along with their cluster.
    async fn settle_registrations(&self, look: &Look, mut changed: bool) -> Result<bool, RunError> {
        for entry in &look.snapshot.ledger.registrations {
            let seen = look
                .observed
                .registrars
                .get(&entry.registrar)
                .and_then(Seen::known);
            let gone = seen.is_some_and(|view| !view.entries.contains_key(&entry.cluster));
            if gone
                && look
                    .observed
                    .cluster(&entry.cluster)
                    .is_none_or(|view| !view.has_nodes())
            {
                let (registrar, cluster) = (entry.registrar.clone(), entry.cluster.clone());
                on_store(&self.store, move |store| {
                    store.drop_registration(&registrar, &cluster)
                })
                .await?;
                changed = true;
            }
        }
        Ok(changed)
    }
}

/// Clusters of ours that are ready, and whose entries do not say that they live. One that is being deleted, or was
/// thought gone, is recorded only if a row wants it.
fn unrecorded(look: &Look) -> Vec<(&ClusterView, &Entry)> {
    let ready = look
        .observed
        .clusters()
        .filter(|view| view.phase == Phase::Ready);
    ready
        .filter_map(|view| match look.snapshot.ledger.ownership(view) {
            Ownership::Ours(entry) => Some((view, entry)),
            Ownership::Foreign(_) => None,
        })
        .filter(|(view, entry)| match entry.state {
            EntryState::Live => false,
            EntryState::Creating => true,
            EntryState::Deleting | EntryState::Closed => look.snapshot.desired.wants(&view.id),
        })
        .collect()
}
