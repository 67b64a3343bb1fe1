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

/// The right to change things, for as long as the file names this holder. A step renews it before it acts
/// ([`Store::renew`]), and a run writes nothing but its own record without it ([`Store::demand_lease`]).
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

    /// Sets the heartbeat. Fails when the lease is somebody else's by now, or nobody's: with what became of it.
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
