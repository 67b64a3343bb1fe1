//! Everything a plan needs from the store, as of one moment.

use std::collections::BTreeSet;

use jiff::Timestamp;
use rusqlite::Connection;

use super::binding::{self, WorldBinding};
use super::error::StoreError;
use super::lock::LockView;
use super::open::Store;
use super::{desired, ledger, lock, migrations, steps};
use crate::model::{ClusterId, Desired, Ledger, ProviderId};

/// What one read transaction saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// What the rows say.
    pub desired: Desired,
    /// What is ours.
    pub ledger: Ledger,
    /// The world the ledger is bound to.
    pub world: Option<WorldBinding>,
    /// Who holds the lease, the reader itself included.
    pub lock: Option<LockView>,
    /// The clusters that the lease's holder has, or had when it died, in its hands.
    pub in_progress: BTreeSet<ClusterId>,
    /// When the management side was last brought up, if ever.
    pub bootstrapped: Option<Timestamp>,
    /// The version of the side tables, `None` where there are none yet.
    pub side_schema: Option<u32>,
}

impl Store {
    /// Reads everything in one read transaction.
    pub fn snapshot(
        &self,
        providers: &BTreeSet<ProviderId>,
        now: Timestamp,
    ) -> Result<Snapshot, StoreError> {
        self.read(|conn| {
            let desired = desired::read(conn, providers, now)?;
            match migrations::known_version(conn)? {
                Some(version) => with_side_tables(conn, desired, version),
                None => Ok(Snapshot {
                    desired,
                    ledger: Ledger::default(),
                    world: None,
                    lock: None,
                    in_progress: BTreeSet::new(),
                    bootstrapped: None,
                    side_schema: None,
                }),
            }
        })
    }
}

fn with_side_tables(
    conn: &Connection,
    desired: Desired,
    version: u32,
) -> Result<Snapshot, StoreError> {
    let lock = lock::view(conn)?;
    let in_progress = match &lock {
        Some(view) => steps::in_progress(conn, &view.holder.id)?,
        None => BTreeSet::new(),
    };
    Ok(Snapshot {
        desired,
        ledger: ledger::read(conn)?,
        world: binding::world(conn)?,
        lock,
        in_progress,
        bootstrapped: binding::bootstrapped(conn)?,
        side_schema: Some(version),
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{NOW, at, bound, id, nonce, providers, run_start, spec};
    use super::super::{Holder, Liveness, StepEnd, StepStart};
    use super::*;
    use crate::model::{Address, Preparation};

    #[test]
    fn a_snapshot_shows_rows_ledger_world_and_who_is_at_work() {
        let (_dir, store) = bound();
        store.add_row(&spec("k3d", "dev", 18080)).unwrap();
        store
            .begin_create(&id("k3d/dev"), &nonce(1), &[], Preparation::None, NOW)
            .unwrap();
        let holder = Holder::of_this_process("rollcall reconcile");
        let lease = store.acquire(&holder, NOW, &|_| Liveness::Alive).unwrap();
        let run = store.begin_run(&run_start(Some(lease.id())), NOW).unwrap();
        let address = Address::Cluster(id("k3d/dev"));
        let start = StepStart {
            address: &address,
            action: "create",
            log: None,
        };
        let step = store.begin_step(run, &start, NOW).unwrap();

        let snapshot = store.snapshot(&providers(), at(30)).unwrap();
        assert_eq!(snapshot.desired.rows.len(), 1);
        assert_eq!(snapshot.ledger.entries.len(), 1);
        assert_eq!(snapshot.world, store.world_binding().unwrap());
        assert_eq!(snapshot.lock.map(|view| view.holder), Some(holder));
        assert_eq!(snapshot.in_progress, [id("k3d/dev")].into());
        assert_eq!(snapshot.side_schema, Some(migrations::NEWEST));

        let end = StepEnd {
            state: "done",
            attempts: 1,
            error: None,
        };
        store.finish_step(step, &end, at(30)).unwrap();
        let after = store.snapshot(&providers(), at(30)).unwrap();
        assert_eq!(after.in_progress, BTreeSet::new());
    }
}
