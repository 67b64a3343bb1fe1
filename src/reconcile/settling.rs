//! Settling: the ledger is brought up to what is seen.

use super::error::{RunError, on_store};
use super::look::Look;
use super::runner::Runner;
use crate::model::{EntryState, Ownership, Phase, Seen};

impl Runner<'_> {
    /// Brings the ledger up to what is seen: a creation that an earlier run did not live to record is recorded once
    /// its cluster is ready; entries of which nothing is left are closed. Says whether anything changed.
    pub(super) async fn settle(&self, look: &Look) -> Result<bool, RunError> {
        let Seen::Known(engine) = &look.observed.engine else {
            return Ok(false);
        };
        let now = self.world.clock.now();
        let mut changed = false;
        for entry in &look.snapshot.ledger.entries {
            let view = look
                .observed
                .cluster(&entry.id)
                .filter(|view| view.has_nodes());
            let (networks, volumes) = look.snapshot.ledger.leftovers(&entry.id, &engine.facts);
            let key = entry.key;
            match view {
                Some(view) if entry.state == EntryState::Creating && view.phase == Phase::Ready => {
                    let Ownership::Ours(owner) = look.snapshot.ledger.ownership(view) else {
                        continue;
                    };
                    let (true, Some(life)) = (owner.key == key, view.incarnation.clone()) else {
                        continue;
                    };
                    let parts = crate::execute::own_parts(entry, view);
                    on_store(&self.store, move |store| {
                        store.record_live(key, &life, &parts)
                    })
                    .await?;
                    changed = true;
                }
                None if networks.is_empty() && volumes.is_empty() => {
                    on_store(&self.store, move |store| {
                        store.close(key, "nothing of it is left", now)
                    })
                    .await?;
                    changed = true;
                }
                Some(_) | None => {}
            }
        }
        self.settle_registrations(look, changed).await
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
