//! The lease: one mutating run per database.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};

use super::error::StoreError;
use super::holder::{Holder, Liveness};
use super::open::Store;
use super::{meta, migrations};

/// How old a heartbeat may be before anybody may take the lease over.
const STALE: SignedDuration = SignedDuration::from_secs(60);

/// The right to change things, as long as [`Store::still_mine`] says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    id: String,
}

impl Lease {
    /// The holder's word, which run records carry.
    pub fn id(&self) -> &str {
        &self.id
    }
}

/// The lease as it stands in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockView {
    /// Who holds it.
    pub holder: Holder,
    /// Since when.
    pub since: Timestamp,
    /// When it was last renewed.
    pub heartbeat: Timestamp,
}

impl LockView {
    /// Whether it was not renewed for so long that it counts for nothing.
    pub fn stale(&self, now: Timestamp) -> bool {
        now.duration_since(self.heartbeat) >= STALE
    }

    /// Whether its holder is gone, as far as `seer` can know: its process is not there any more, or it was silent for
    /// too long. A process number proves something only to one who sees the same processes.
    pub fn abandoned(
        &self,
        seer: &Holder,
        now: Timestamp,
        alive: &dyn Fn(&Holder) -> Liveness,
    ) -> bool {
        self.stale(now) || self.died(seer, alive)
    }

    /// Whether its holder's process is proven gone.
    pub fn died(&self, seer: &Holder, alive: &dyn Fn(&Holder) -> Liveness) -> bool {
        seer.shares_processes_with(&self.holder) && alive(&self.holder) == Liveness::Gone
    }
}

impl fmt::Display for LockView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Holder {
            command, pid, host, ..
        } = &self.holder;
        let since = self.since;
        write!(
            f,
            "'{command}' (pid {pid} on {host}) is at work since {since}"
        )
    }
}

impl Store {
    /// Takes the lease, or says who has it. `alive` tells whether a process of this machine is there.
    pub fn acquire(
        &self,
        candidate: &Holder,
        now: Timestamp,
        alive: &dyn Fn(&Holder) -> Liveness,
    ) -> Result<Lease, StoreError> {
        self.write_without_lease(|tx| {
            if let Some(view) = view(tx)?
                && view.holder.id != candidate.id
                && !view.abandoned(candidate, now, alive)
            {
                return Err(StoreError::Locked(Box::new(view)));
            }
            put(tx, candidate, now)?;
            Ok(Lease {
                id: candidate.id.clone(),
            })
        })
    }

    /// Sets the heartbeat. Fails when the lease is somebody else's by now.
    pub fn renew(&self, lease: &Lease, now: Timestamp) -> Result<(), StoreError> {
        self.write_without_lease(|tx| {
            let renewed = tx.execute(
                "UPDATE rollcall_lock SET heartbeat = ?2 WHERE id = ?1",
                params![lease.id, now.to_string()],
            )?;
            if renewed == 1 {
                return Ok(());
            }
            Err(StoreError::LeaseLost {
                holder: view(tx)?.map(Box::new),
            })
        })
    }

    /// Whether the lease is still this one: asked before every step. Fails with what became of it.
    pub fn still_mine(&self, lease: &Lease) -> Result<(), StoreError> {
        match self.holder()? {
            Some(view) if view.holder.id == lease.id => Ok(()),
            other => Err(StoreError::LeaseLost {
                holder: other.map(Box::new),
            }),
        }
    }

    /// Gives the lease back; one that is somebody else's by now is left alone.
    pub fn release(&self, lease: &Lease) -> Result<(), StoreError> {
        self.write_without_lease(|tx| {
            tx.execute("DELETE FROM rollcall_lock WHERE id = ?1", [&lease.id])?;
            Ok(())
        })
    }

    /// Who holds the lease, alive or not.
    pub fn holder(&self) -> Result<Option<LockView>, StoreError> {
        self.read(|conn| match migrations::known_version(conn)? {
            Some(_) => view(conn),
            None => Ok(None),
        })
    }

    /// Takes the lease away from whoever holds it, and says who that was. That run stops at its next step.
    pub fn break_lock(&self) -> Result<Option<LockView>, StoreError> {
        self.write_without_lease(|tx| {
            let broken = view(tx)?;
            clear(tx)?;
            Ok(broken)
        })
    }
}

/// Refuses if somebody else holds the lease by now, or nobody.
pub(super) fn demand(conn: &Connection, lease: &Lease) -> Result<(), StoreError> {
    match view(conn)? {
        Some(view) if view.holder.id == lease.id => Ok(()),
        other => Err(StoreError::LeaseLost {
            holder: other.map(Box::new),
        }),
    }
}

/// The lease as it stands.
pub(super) fn view(conn: &Connection) -> Result<Option<LockView>, StoreError> {
    let row = conn
        .query_row(
            "SELECT id, host, pid, boot_id, pid_namespace, command, since, heartbeat
             FROM rollcall_lock WHERE slot = 1",
            [],
            |row| {
                let holder = Holder {
                    id: row.get(0)?,
                    host: row.get(1)?,
                    pid: row.get(2)?,
                    boot_id: row.get(3)?,
                    pid_namespace: row.get(4)?,
                    command: row.get(5)?,
                };
                Ok((holder, row.get::<_, String>(6)?, row.get::<_, String>(7)?))
            },
        )
        .optional()?;
    row.map(|(holder, since, heartbeat)| {
        Ok(LockView {
            holder,
            since: meta::instant(conn, &since)?,
            heartbeat: meta::instant(conn, &heartbeat)?,
        })
    })
    .transpose()
}

/// Nobody holds it.
pub(super) fn clear(conn: &Connection) -> Result<(), StoreError> {
    conn.execute("DELETE FROM rollcall_lock", [])?;
    Ok(())
}

fn put(conn: &Connection, holder: &Holder, now: Timestamp) -> Result<(), StoreError> {
    conn.execute(
        "INSERT OR REPLACE INTO rollcall_lock
         (slot, id, host, pid, boot_id, pid_namespace, command, since, heartbeat)
         VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7)",
        params![
            holder.id,
            holder.host,
            holder.pid,
            holder.boot_id,
            holder.pid_namespace,
            holder.command,
            now.to_string(),
        ],
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{NOW, at, store};
    use super::*;

    fn holder(id: &str) -> Holder {
        Holder {
            id: id.to_owned(),
            host: "laptop".to_owned(),
            pid: 4711,
            boot_id: "boot".to_owned(),
            pid_namespace: "pid:[1]".to_owned(),
            command: "rollcall reconcile --repair".to_owned(),
        }
    }

    fn alive(_: &Holder) -> Liveness {
        Liveness::Alive
    }

    fn gone(_: &Holder) -> Liveness {
        Liveness::Gone
    }

    fn locked_by(result: Result<Lease, StoreError>) -> String {
        match result {
            Err(StoreError::Locked(view)) => view.holder.id,
            other => panic!("not locked: {other:?}"),
        }
    }

    #[test]
    fn one_holds_it_until_it_is_released() {
        let (_dir, store) = store();
        let lease = store.acquire(&holder("a"), NOW, &alive).unwrap();
        store.still_mine(&lease).unwrap();
        assert_eq!(locked_by(store.acquire(&holder("b"), at(1), &alive)), "a");
        store.release(&lease).unwrap();
        assert_eq!(store.holder().unwrap(), None);
        store.acquire(&holder("b"), at(1), &alive).unwrap();
        assert!(matches!(
            store.still_mine(&lease),
            Err(StoreError::LeaseLost { .. })
        ));
        store.release(&lease).unwrap();
        assert_eq!(
            store.holder().unwrap().unwrap().holder.id,
            "b",
            "not ours to release"
        );
    }

    #[test]
    fn a_dead_holder_is_replaced_at_once_only_by_one_who_can_know() {
        let (_dir, store) = store();
        store.acquire(&holder("a"), NOW, &alive).unwrap();
        let elsewhere = [
            Holder {
                host: "other".into(),
                ..holder("b")
            },
            Holder {
                boot_id: "other".into(),
                ..holder("b")
            },
            Holder {
                pid_namespace: "other".into(),
                ..holder("b")
            },
        ];
        for candidate in elsewhere {
            assert_eq!(locked_by(store.acquire(&candidate, at(59), &gone)), "a");
        }
        let unknown = |_: &Holder| Liveness::Unknown;
        assert_eq!(
            locked_by(store.acquire(&holder("b"), at(59), &unknown)),
            "a"
        );
        let lease = store.acquire(&holder("b"), at(1), &gone).unwrap();
        store.still_mine(&lease).unwrap();
    }

    #[test]
    fn a_heartbeat_of_60_seconds_ago_counts_for_nothing() {
        let (_dir, store) = store();
        let first = store.acquire(&holder("a"), NOW, &alive).unwrap();
        store.renew(&first, at(10)).unwrap();
        let elsewhere = Holder {
            host: "other".into(),
            ..holder("b")
        };
        assert_eq!(locked_by(store.acquire(&elsewhere, at(69), &alive)), "a");
        store.acquire(&elsewhere, at(70), &alive).unwrap();
        let lost = store.renew(&first, at(71));
        let Err(StoreError::LeaseLost { holder: Some(view) }) = lost else {
            panic!("renewed a lost lease: {lost:?}");
        };
        assert_eq!(view.holder, elsewhere);
    }

    #[test]
    fn a_clock_that_went_back_robs_nobody() {
        let (_dir, store) = store();
        store.acquire(&holder("a"), at(3600), &alive).unwrap();
        assert_eq!(locked_by(store.acquire(&holder("b"), NOW, &alive)), "a");
    }

    #[test]
    fn a_broken_lease_is_told_and_lost() {
        let (_dir, store) = store();
        let lease = store.acquire(&holder("a"), NOW, &alive).unwrap();
        assert_eq!(store.break_lock().unwrap().unwrap().holder, holder("a"));
        assert_eq!(store.break_lock().unwrap(), None);
        let lost = store.still_mine(&lease).unwrap_err();
        assert!(lost.to_string().contains("somebody broke it"), "{lost}");
    }
}
