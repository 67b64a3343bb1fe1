//! The ledger as it stands in the file: intent is written before anything is done, and an entry is closed, never
//! deleted.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use rusqlite::{Connection, Row, params};

use super::binding::{bound_engine, world};
use super::error::StoreError;
use super::open::Store;
use super::{meta, migrations};
use crate::model::{
    ClusterId, ClusterName, ContainerId, EngineId, Entry, EntryKey, EntryState, Fingerprint,
    Incarnation, Ledger, NetworkId, Nonce, Origin, Preparation, ProviderId, RegistrarId,
    RegistrationEntry, VolumeId,
};

/// What a cluster consists of, by identity.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EntryParts {
    /// Its containers.
    pub containers: BTreeSet<ContainerId>,
    /// Its networks.
    pub networks: BTreeSet<NetworkId>,
    /// Its volumes.
    pub volumes: BTreeSet<VolumeId>,
}

impl Store {
    /// The open entries and the registrations of the engine that the ledger is bound to.
    pub fn ledger(&self) -> Result<Ledger, StoreError> {
        self.read(read)
    }

    /// Writes the intent to make a cluster, before any tool starts; what an earlier life of it left behind is closed in
    /// the same transaction.
    pub fn begin_create(
        &self,
        id: &ClusterId,
        nonce: &Nonce,
        superseded: &[EntryKey],
        preparation: Preparation,
        now: Timestamp,
    ) -> Result<EntryKey, StoreError> {
        self.write(|tx| {
            close_superseded(tx, superseded, now)?;
            let entry = NewEntry {
                id,
                origin: "made",
                state: "creating",
                nonce: Some(nonce),
                incarnation: None,
                preparation,
            };
            insert(tx, &entry, now)
        })
    }

    /// The cluster was seen alive: this is its life, and these are all its parts.
    pub fn record_live(
        &self,
        key: EntryKey,
        incarnation: &Incarnation,
        parts: &EntryParts,
    ) -> Result<(), StoreError> {
        self.write(|tx| {
            change(
                tx,
                key,
                "UPDATE rollcall_entries SET state = 'live', incarnation = ?2, closed_at = NULL,
                 closed_why = NULL WHERE id = ?1",
                incarnation.as_str(),
            )?;
            tx.execute("DELETE FROM rollcall_entry_parts WHERE entry = ?1", [key.0])?;
            insert_parts(tx, key, parts)
        })
    }

    /// These parts belong to the entry too, however far its life is.
    pub fn record_parts(&self, key: EntryKey, parts: &EntryParts) -> Result<(), StoreError> {
        self.write(|tx| {
            let open =
                "SELECT EXISTS (SELECT 1 FROM rollcall_entries WHERE id = ?1 AND state <> 'gone')";
            if !tx.query_row(open, [key.0], |row| row.get::<_, bool>(0))? {
                return Err(StoreError::NoEntry(key));
            }
            insert_parts(tx, key, parts)
        })
    }

    /// What follows the creation of this entry's cluster was done.
    pub fn record_prepared(&self, key: EntryKey) -> Result<(), StoreError> {
        self.write(|tx| {
            change(
                tx,
                key,
                "UPDATE rollcall_entries SET preparation = ?2 WHERE id = ?1",
                "done",
            )
        })
    }

    /// What was to follow the creation of this entry's cluster is not asked for any more.
    pub fn waive_preparation(&self, key: EntryKey) -> Result<(), StoreError> {
        self.write(|tx| {
            tx.execute(
                "UPDATE rollcall_entries SET preparation = NULL WHERE id = ?1",
                [key.0],
            )?;
            Ok(())
        })
    }

    /// Writes the intent to delete, before anything is taken away. A closed entry of which something turned up after all
    /// is open again.
    pub fn begin_delete(&self, key: EntryKey) -> Result<(), StoreError> {
        self.write(|tx| {
            change(
                tx,
                key,
                "UPDATE rollcall_entries SET state = ?2, closed_at = NULL, closed_why = NULL
                 WHERE id = ?1",
                "deleting",
            )
        })
    }

    /// The cluster is proven gone, and with it the entry. Closing a closed entry changes nothing.
    pub fn close(&self, key: EntryKey, why: &str, now: Timestamp) -> Result<(), StoreError> {
        self.write(|tx| close(tx, key, why, now))
    }

    /// Writes what a registrar now holds for a cluster of ours.
    pub fn put_registration(&self, entry: &RegistrationEntry) -> Result<(), StoreError> {
        self.write(|tx| {
            tx.execute(
                "INSERT OR REPLACE INTO rollcall_registrations
                 (engine, registrar, provider, name, incarnation, fingerprint)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![
                    bound_engine(tx)?.as_str(),
                    entry.registrar.as_str(),
                    entry.cluster.provider.as_str(),
                    entry.cluster.name.as_str(),
                    entry.incarnation.as_str(),
                    entry.fingerprint.as_str(),
                ],
            )?;
            Ok(())
        })
    }

    /// The registration is proven gone. None there is fine.
    pub fn drop_registration(
        &self,
        registrar: &RegistrarId,
        id: &ClusterId,
    ) -> Result<(), StoreError> {
        self.write(|tx| {
            tx.execute(
                "DELETE FROM rollcall_registrations
                 WHERE engine = ?1 AND registrar = ?2 AND provider = ?3 AND name = ?4",
                [
                    bound_engine(tx)?.as_str(),
                    registrar.as_str(),
                    id.provider.as_str(),
                    id.name.as_str(),
                ],
            )?;
            Ok(())
        })
    }
}

/// See [`Store::ledger`]. A database without side tables, or one bound to no world yet, owns nothing.
pub(super) fn read(conn: &Connection) -> Result<Ledger, StoreError> {
    let Some(version) = migrations::known_version(conn)? else {
        return Ok(Ledger::default());
    };
    let Some(world) = world(conn)? else {
        return Ok(Ledger::default());
    };
    Ok(Ledger {
        entries: entries(conn, &world.engine, version)?,
        closed: closed(conn, &world.engine)?,
        registrations: registrations(conn, &world.engine)?,
        engine: Some(world.engine),
    })
}

/// Closes every entry of every engine and forgets every registration: they belong to the original of this copy.
pub(super) fn forget_all(conn: &Connection, now: Timestamp) -> Result<usize, StoreError> {
    conn.execute("DELETE FROM rollcall_registrations", [])?;
    Ok(conn.execute(
        "UPDATE rollcall_entries SET state = 'gone', closed_at = ?1, closed_why = 'new owner'
         WHERE state <> 'gone'",
        [now.to_string()],
    )?)
}

/// An entry to be written.
pub(super) struct NewEntry<'a> {
    pub(super) id: &'a ClusterId,
    pub(super) origin: &'static str,
    pub(super) state: &'static str,
    pub(super) nonce: Option<&'a Nonce>,
    pub(super) incarnation: Option<&'a Incarnation>,
    pub(super) preparation: Preparation,
}

/// Writes an entry for the bound engine.
pub(super) fn insert(
    conn: &Connection,
    entry: &NewEntry<'_>,
    now: Timestamp,
) -> Result<EntryKey, StoreError> {
    conn.execute(
        "INSERT INTO rollcall_entries (engine, provider, name, origin, state, nonce, incarnation, since, preparation)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        params![
            bound_engine(conn)?.as_str(),
            entry.id.provider.as_str(),
            entry.id.name.as_str(),
            entry.origin,
            entry.state,
            entry.nonce.map(Nonce::as_str),
            entry.incarnation.map(Incarnation::as_str),
            now.to_string(),
            match entry.preparation {
                Preparation::None => None,
                Preparation::Due => Some("due"),
                Preparation::Done => Some("done"),
            },
        ],
    )?;
    Ok(EntryKey(conn.last_insert_rowid()))
}

/// Adds parts to an entry; those it has already stay.
pub(super) fn insert_parts(
    conn: &Connection,
    key: EntryKey,
    parts: &EntryParts,
) -> Result<(), StoreError> {
    let mut statement = conn.prepare_cached(
        "INSERT OR IGNORE INTO rollcall_entry_parts (entry, kind, identity) VALUES (?1, ?2, ?3)",
    )?;
    let containers = parts.containers.iter().map(|c| ("container", c.as_str()));
    let networks = parts.networks.iter().map(|n| ("network", n.as_str()));
    let volumes = parts.volumes.iter().map(|v| ("volume", v.as_str()));
    for (kind, identity) in containers.chain(networks).chain(volumes) {
        statement.execute(params![key.0, kind, identity])?;
    }
    Ok(())
}

/// Closes what an adoption or a creation takes the place of.
pub(super) fn close_superseded(
    conn: &Connection,
    keys: &[EntryKey],
    now: Timestamp,
) -> Result<(), StoreError> {
    keys.iter()
        .try_for_each(|key| close(conn, *key, "superseded", now))
}

fn close(conn: &Connection, key: EntryKey, why: &str, now: Timestamp) -> Result<(), StoreError> {
    let closed = conn.execute(
        "UPDATE rollcall_entries SET state = 'gone',
         closed_at = coalesce(closed_at, ?2), closed_why = coalesce(closed_why, ?3) WHERE id = ?1",
        params![key.0, now.to_string(), why],
    )?;
    if closed == 1 {
        Ok(())
    } else {
        Err(StoreError::NoEntry(key))
    }
}

fn change(conn: &Connection, key: EntryKey, sql: &str, value: &str) -> Result<(), StoreError> {
    if conn.execute(sql, params![key.0, value])? == 1 {
        Ok(())
    } else {
        Err(StoreError::NoEntry(key))
    }
}

fn entries(conn: &Connection, engine: &EngineId, version: u32) -> Result<Vec<Entry>, StoreError> {
    let mut parts = parts(conn, engine)?;
    // Who only looks leaves older side tables as they are.
    let preparation = if version >= migrations::PREPARATION {
        "preparation"
    } else {
        "NULL"
    };
    let mut statement = conn.prepare(&format!(
        "SELECT id, provider, name, origin, state, nonce, incarnation, since, {preparation}
         FROM rollcall_entries WHERE engine = ?1 AND state <> 'gone' ORDER BY id",
    ))?;
    let mut rows = statement.query([engine.as_str()])?;
    let mut entries = Vec::new();
    while let Some(row) = rows.next()? {
        let key = EntryKey(row.get(0)?);
        let parts = parts.remove(&key).unwrap_or_default();
        entries.push(Entry {
            key,
            id: cluster_id(conn, row, 1)?,
            origin: origin(conn, &row.get::<_, String>(3)?)?,
            state: state(conn, &row.get::<_, String>(4)?)?,
            nonce: nonce(conn, row.get(5)?)?,
            incarnation: row.get::<_, Option<String>>(6)?.map(Incarnation::new),
            containers: parts.containers,
            networks: parts.networks,
            volumes: parts.volumes,
            preparation: preparation_of(conn, row.get::<_, Option<String>>(8)?.as_deref())?,
            since: meta::instant(conn, &row.get::<_, String>(7)?)?,
        });
    }
    Ok(entries)
}

/// The newest closed entries that have a mark, without their parts. Those of the original that a copy was made from
/// are not among them: what they made is the original's.
fn closed(conn: &Connection, engine: &EngineId) -> Result<Vec<Entry>, StoreError> {
    let mut statement = conn.prepare(
        "SELECT id, provider, name, origin, nonce, incarnation, since FROM rollcall_entries
         WHERE engine = ?1 AND state = 'gone' AND nonce IS NOT NULL
         AND coalesce(closed_why, '') <> 'new owner' ORDER BY id DESC LIMIT 500",
    )?;
    let mut rows = statement.query([engine.as_str()])?;
    let mut entries = Vec::new();
    while let Some(row) = rows.next()? {
        entries.push(Entry {
            key: EntryKey(row.get(0)?),
            id: cluster_id(conn, row, 1)?,
            origin: origin(conn, &row.get::<_, String>(3)?)?,
            state: EntryState::Closed,
            nonce: nonce(conn, row.get(4)?)?,
            incarnation: row.get::<_, Option<String>>(5)?.map(Incarnation::new),
            containers: BTreeSet::new(),
            networks: BTreeSet::new(),
            volumes: BTreeSet::new(),
            preparation: Preparation::None,
            since: meta::instant(conn, &row.get::<_, String>(6)?)?,
        });
    }
    Ok(entries)
}

fn preparation_of(conn: &Connection, text: Option<&str>) -> Result<Preparation, StoreError> {
    match text {
        None => Ok(Preparation::None),
        Some("due") => Ok(Preparation::Due),
        Some("done") => Ok(Preparation::Done),
        Some(other) => Err(meta::broken(conn, format!("'{other}' is no preparation"))),
    }
}

fn parts(
    conn: &Connection,
    engine: &EngineId,
) -> Result<BTreeMap<EntryKey, EntryParts>, StoreError> {
    let mut statement = conn.prepare(
        "SELECT entry, kind, identity FROM rollcall_entry_parts JOIN rollcall_entries ON id = entry
         WHERE engine = ?1 AND state <> 'gone'",
    )?;
    let mut rows = statement.query([engine.as_str()])?;
    let mut all: BTreeMap<EntryKey, EntryParts> = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let parts = all.entry(EntryKey(row.get(0)?)).or_default();
        let identity: String = row.get(2)?;
        match row.get::<_, String>(1)?.as_str() {
            "container" => drop(parts.containers.insert(ContainerId::new(identity))),
            "network" => drop(parts.networks.insert(NetworkId::new(identity))),
            "volume" => drop(parts.volumes.insert(VolumeId::new(identity))),
            other => return Err(meta::broken(conn, format!("'{other}' is no kind of part"))),
        }
    }
    Ok(all)
}

fn registrations(
    conn: &Connection,
    engine: &EngineId,
) -> Result<Vec<RegistrationEntry>, StoreError> {
    let mut statement = conn.prepare(
        "SELECT registrar, provider, name, incarnation, fingerprint FROM rollcall_registrations
         WHERE engine = ?1 ORDER BY registrar, provider, name",
    )?;
    let mut rows = statement.query([engine.as_str()])?;
    let mut read = Vec::new();
    while let Some(row) = rows.next()? {
        read.push(RegistrationEntry {
            registrar: RegistrarId::new(row.get::<_, String>(0)?),
            cluster: cluster_id(conn, row, 1)?,
            incarnation: Incarnation::new(row.get::<_, String>(3)?),
            fingerprint: Fingerprint::new(row.get::<_, String>(4)?),
        });
    }
    Ok(read)
}

fn cluster_id(conn: &Connection, row: &Row<'_>, at: usize) -> Result<ClusterId, StoreError> {
    let name: String = row.get(at + 1)?;
    let name = ClusterName::parse(&name).map_err(|error| meta::broken(conn, error.to_string()))?;
    Ok(ClusterId::new(
        ProviderId::new(row.get::<_, String>(at)?),
        name,
    ))
}

fn origin(conn: &Connection, text: &str) -> Result<Origin, StoreError> {
    match text {
        "made" => Ok(Origin::Made),
        "adopted" => Ok(Origin::Adopted),
        other => Err(meta::broken(conn, format!("'{other}' is no origin"))),
    }
}

fn state(conn: &Connection, text: &str) -> Result<EntryState, StoreError> {
    match text {
        "creating" => Ok(EntryState::Creating),
        "live" => Ok(EntryState::Live),
        "deleting" => Ok(EntryState::Deleting),
        other => Err(meta::broken(conn, format!("'{other}' is no state"))),
    }
}

fn nonce(conn: &Connection, text: Option<String>) -> Result<Option<Nonce>, StoreError> {
    let Some(text) = text else { return Ok(None) };
    match Nonce::parse(&text) {
        Some(nonce) => Ok(Some(nonce)),
        None => Err(meta::broken(conn, format!("'{text}' is no nonce"))),
    }
}
