//! `rollcall stop`: a person wants a cluster stopped.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::columns::Table;
use super::desired::STOPPED;
use super::error::StoreError;
use super::meta;
use super::migrations;
use super::open::Store;
use crate::model::{ClusterName, StopIntent};

/// One wish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stop {
    /// Which cluster, under every provider.
    pub name: ClusterName,
    /// Who, as far as known.
    pub who: Option<String>,
    /// Why, as far as said.
    pub why: Option<String>,
    /// Until when; `None`: until somebody starts it.
    pub until: Option<Timestamp>,
    /// Since when.
    pub since: Timestamp,
}

impl Store {
    /// Writes the wish down, in place of an older one.
    pub fn put_stop(&self, stop: &Stop) -> Result<(), StoreError> {
        self.write(|tx| {
            tx.execute(
                "INSERT OR REPLACE INTO rollcall_stops (name, who, why, until, since)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
                params![
                    stop.name.as_str(),
                    stop.who,
                    stop.why,
                    stop.until.map(|until| until.to_string()),
                    stop.since.to_string(),
                ],
            )?;
            Ok(())
        })
    }

    /// Takes the wish back, wherever it stands: ours is deleted, a `status='stopped'` becomes `unknown` until the
    /// next run knows better. Returns whether there was one.
    pub fn lift_stop(&self, name: &ClusterName) -> Result<bool, StoreError> {
        self.write(|tx| {
            let ours = tx.execute(
                "DELETE FROM rollcall_stops WHERE name = ?1",
                [name.as_str()],
            )?;
            let theirs = match Table::read(tx)?.find("status") {
                Some(_) => tx.execute(
                    "UPDATE clusters SET status = 'unknown' WHERE name = ?1 AND status = ?2",
                    [name.as_str(), STOPPED],
                )?,
                None => 0,
            };
            Ok(ours + theirs > 0)
        })
    }

    /// The wishes of `rollcall stop` that have not ended.
    pub fn stops(&self, now: Timestamp) -> Result<Vec<Stop>, StoreError> {
        self.read(|conn| match migrations::known_version(conn)? {
            Some(_) => current(conn, now),
            None => Ok(Vec::new()),
        })
    }
}

/// The wishes as a row carries them.
pub(super) fn wanted(
    conn: &Connection,
    now: Timestamp,
) -> Result<BTreeMap<ClusterName, StopIntent>, StoreError> {
    let intent = |stop: Stop| StopIntent {
        source: "rollcall stop".to_owned(),
        who: stop.who,
        why: stop.why,
    };
    let stops = current(conn, now)?.into_iter();
    Ok(stops
        .map(|stop| (stop.name.clone(), intent(stop)))
        .collect())
}

fn current(conn: &Connection, now: Timestamp) -> Result<Vec<Stop>, StoreError> {
    let mut statement =
        conn.prepare("SELECT name, who, why, until, since FROM rollcall_stops ORDER BY name")?;
    let mut rows = statement.query([])?;
    let mut stops = Vec::new();
    while let Some(row) = rows.next()? {
        let name: String = row.get(0)?;
        let stop = Stop {
            name: ClusterName::parse(&name)
                .map_err(|error| meta::broken(conn, error.to_string()))?,
            who: row.get(1)?,
            why: row.get(2)?,
            until: meta::maybe_instant(conn, row.get(3)?)?,
            since: meta::instant(conn, &row.get::<_, String>(4)?)?,
        };
        if stop.until.is_none_or(|until| until > now) {
            stops.push(stop);
        }
    }
    Ok(stops)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{NOW, at, name, store};
    use super::*;

    fn stop(until: Option<Timestamp>) -> Stop {
        Stop {
            name: name("dev"),
            who: Some("ann".to_owned()),
            why: Some("lunch".to_owned()),
            until,
            since: NOW,
        }
    }

    #[test]
    fn a_wish_ends_at_its_end() {
        let (_dir, store) = store();
        store.put_stop(&stop(Some(at(60)))).unwrap();
        assert_eq!(store.stops(at(59)).unwrap(), [stop(Some(at(60)))]);
        assert_eq!(store.stops(at(60)).unwrap(), []);
        store.put_stop(&stop(None)).unwrap();
        assert_eq!(store.stops(at(60)).unwrap(), [stop(None)]);
    }

    #[test]
    fn a_lifted_wish_is_gone_from_both_places() {
        let (_dir, store) = store();
        let sql = "INSERT INTO clusters (name, provider, status) VALUES ('dev', 'k3d', 'stopped')";
        store.write(|tx| Ok(tx.execute(sql, [])?)).unwrap();
        store.put_stop(&stop(None)).unwrap();
        assert!(store.lift_stop(&name("dev")).unwrap());
        assert!(!store.lift_stop(&name("dev")).unwrap());
        let desired = store.desired(&["k3d"].map(crate::model::ProviderId::new).into(), NOW);
        let desired = desired.unwrap();
        assert_eq!(desired.rows[0].stop, None);
        assert_eq!(desired.rows[0].status.status.as_deref(), Some("unknown"));
    }
}
