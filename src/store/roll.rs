//! The intent columns, written on purpose: a person edits the roll, or an adoption captures what lives.

use std::collections::BTreeSet;

use jiff::Timestamp;
use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, params_from_iter};

use super::columns::{Table, quoted};
use super::desired;
use super::error::StoreError;
use super::intent::{self, Cells};
use super::open::Store;
use super::status::sql_time;
use super::tombstones::constraint;
use crate::model::{ClusterName, ClusterSpec, Port, Presence, ProviderId, RowFault, Subnet};

/// One change of intent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowChange {
    /// `provider`.
    Provider(ProviderId),
    /// `subnet`.
    Subnet(Option<Subnet>),
    /// `node_port`.
    NodePort(Option<Port>),
    /// `pf_port`.
    ForwardPort(Option<Port>),
    /// `http_port`.
    HttpPort(Option<Port>),
    /// `https_port`.
    HttpsPort(Option<Port>),
    /// `desired_state`.
    Presence(Presence),
}

impl RowChange {
    fn column(&self) -> &'static str {
        match self {
            Self::Provider(_) => "provider",
            Self::Subnet(_) => "subnet",
            Self::NodePort(_) => "node_port",
            Self::ForwardPort(_) => "pf_port",
            Self::HttpPort(_) => "http_port",
            Self::HttpsPort(_) => "https_port",
            Self::Presence(_) => "desired_state",
        }
    }

    fn value(&self) -> Value {
        match self {
            Self::Provider(provider) => Value::Text(provider.to_string()),
            Self::Subnet(subnet) => subnet.map_or(Value::Null, |s| Value::Text(s.to_string())),
            Self::NodePort(port)
            | Self::ForwardPort(port)
            | Self::HttpPort(port)
            | Self::HttpsPort(port) => {
                port.map_or(Value::Null, |port| Value::Integer(port.get().into()))
            }
            Self::Presence(presence) => Value::Text(presence.to_string()),
        }
    }
}

impl Store {
    /// Adds a row that wants this cluster present. Refused where the table has no column for what is asked.
    pub fn add_row(&self, spec: &ClusterSpec) -> Result<(), StoreError> {
        self.write(|tx| add(tx, spec))
    }

    /// The same, unless another row asks for one of its ports or for its subnet: then nothing is written. Says whether
    /// it was.
    pub fn add_row_without_rival(
        &self,
        spec: &ClusterSpec,
        providers: &BTreeSet<ProviderId>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.write(|tx| {
            let desired = desired::read(tx, providers, now)?;
            if desired.intents().any(|(_, other)| other.spec.rivals(spec)) {
                return Ok(false);
            }
            add(tx, spec).map(|()| true)
        })
    }

    /// Changes what the one row of this name asks for, all of it or nothing, and sets `updated_at`.
    pub fn set_row(
        &self,
        name: &ClusterName,
        changes: &[RowChange],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        if changes.is_empty() {
            return Ok(());
        }
        self.write(|tx| {
            let table = Table::read(tx)?;
            let mut terms = Vec::new();
            let mut values = Vec::new();
            for change in changes {
                let column = demand_column(&table, name, change)?;
                terms.push(format!("{} = ?", quoted(column)));
                values.push(change.value());
            }
            if let Some(column) = table.find("updated_at") {
                terms.push(format!("{} = ?", quoted(column)));
                values.push(Value::Text(sql_time(now)));
            }
            values.push(Value::Text(name.to_string()));
            let sql = format!(
                "UPDATE clusters SET {} WHERE name COLLATE BINARY IS ?",
                terms.join(", ")
            );
            let rows = tx
                .execute(&sql, params_from_iter(values))
                .map_err(|error| constraint(error, name.as_str()))?;
            match rows {
                1 => Ok(()),
                0 => Err(StoreError::NoRow {
                    name: name.to_string(),
                }),
                several => Err(StoreError::RowRefused {
                    name: name.to_string(),
                    problem: format!("{several} rows have this name"),
                }),
            }
        })
    }
}

fn add(conn: &Connection, spec: &ClusterSpec) -> Result<(), StoreError> {
    let name = &spec.id.name;
    if is_there(conn, name)? {
        return Err(StoreError::RowExists {
            name: name.to_string(),
        });
    }
    let table = Table::read(conn)?;
    for change in changes(spec) {
        if change.value() != Value::Null {
            demand_column(&table, name, &change)?;
        }
    }
    insert(conn, spec)
}

/// What would be wrong with a row that asks for this, by the judgement of those that are read.
pub fn row_faults(spec: &ClusterSpec, providers: &BTreeSet<ProviderId>) -> Vec<RowFault> {
    let values = changes(spec).map(|change| (change.column(), change.value()));
    let cells = Cells::read(|wanted| {
        if wanted == "name" {
            return ValueRef::Text(spec.id.name.as_str().as_bytes());
        }
        let value = values.iter().find(|(column, _)| *column == wanted);
        value.map_or(ValueRef::Null, |(_, value)| ValueRef::from(value))
    });
    intent::intent(&cells, providers).err().unwrap_or_default()
}

fn changes(spec: &ClusterSpec) -> [RowChange; 6] {
    [
        RowChange::Provider(spec.id.provider.clone()),
        RowChange::Subnet(spec.subnet),
        RowChange::NodePort(spec.ports.node),
        RowChange::ForwardPort(spec.ports.forward),
        RowChange::HttpPort(spec.ports.http),
        RowChange::HttpsPort(spec.ports.https),
    ]
}

fn demand_column<'t>(
    table: &'t Table,
    name: &ClusterName,
    change: &RowChange,
) -> Result<&'t str, StoreError> {
    table
        .find(change.column())
        .ok_or_else(|| StoreError::RowRefused {
            name: name.to_string(),
            problem: format!("the table has no column '{}'", change.column()),
        })
}

/// Whether some row has this name, under whatever provider.
pub(super) fn is_there(conn: &Connection, name: &ClusterName) -> Result<bool, StoreError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM clusters WHERE name COLLATE BINARY IS ?1)";
    Ok(conn.query_row(sql, [name.as_str()], |row| row.get(0))?)
}

/// Writes a row with the columns that are there; what the spec leaves open is left to the table's defaults.
pub(super) fn insert(conn: &Connection, spec: &ClusterSpec) -> Result<(), StoreError> {
    let table = Table::read(conn)?;
    let name = spec.id.name.as_str();
    let mut columns = vec![quoted("name")];
    let mut values = vec![Value::Text(name.to_owned())];
    let wanted = changes(spec)
        .into_iter()
        .chain([RowChange::Presence(Presence::Present)]);
    for change in wanted {
        if let (Some(column), true) = (table.find(change.column()), change.value() != Value::Null) {
            columns.push(quoted(column));
            values.push(change.value());
        }
    }
    let sql = format!(
        "INSERT INTO clusters ({}) VALUES ({})",
        columns.join(", "),
        vec!["?"; columns.len()].join(", ")
    );
    conn.execute(&sql, params_from_iter(values))
        .map_err(|error| constraint(error, name))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{NOW, at, name, providers, spec, store};
    use super::*;

    #[test]
    fn an_added_row_asks_for_what_its_spec_says() {
        let (_dir, store) = store();
        let spec = spec("k3d", "dev", 18080);
        store.add_row(&spec).unwrap();
        let desired = store.desired(&providers(), NOW).unwrap();
        let intent = desired.rows[0].intent.clone().unwrap();
        assert_eq!(
            (intent.spec, intent.presence),
            (spec.clone(), Presence::Present)
        );
        let again = store.add_row(&spec);
        assert!(
            matches!(again, Err(StoreError::RowExists { .. })),
            "{again:?}"
        );
    }

    #[test]
    fn a_changed_row_says_when_it_was_changed() {
        let (_dir, store) = store();
        store.add_row(&spec("k3d", "dev", 18080)).unwrap();
        store.add_row(&spec("kind", "other", 18090)).unwrap();
        let changes = [
            RowChange::HttpPort(None),
            RowChange::Presence(Presence::Absent),
        ];
        store.set_row(&name("dev"), &changes, at(1)).unwrap();
        let intents: Vec<_> = store
            .desired(&providers(), NOW)
            .unwrap()
            .rows
            .into_iter()
            .map(|row| row.intent.unwrap())
            .collect();
        assert_eq!(intents[0].presence, Presence::Absent);
        assert_eq!(intents[0].spec.ports.http, None);
        assert_eq!(intents[1].presence, Presence::Present);
        let sql = "SELECT updated_at FROM clusters WHERE name = 'dev'";
        let updated: String = store
            .read(|c| Ok(c.query_row(sql, [], |r| r.get(0))?))
            .unwrap();
        assert_eq!(updated, "2026-01-02 03:04:06");
        let nobody = store.set_row(&name("ghost"), &changes, NOW);
        assert!(
            matches!(nobody, Err(StoreError::NoRow { .. })),
            "{nobody:?}"
        );
    }
}
