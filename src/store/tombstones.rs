//! Deleted rows: how a row leaves the roll, and how it comes back.

use jiff::Timestamp;
use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, OptionalExtension, ToSql, params, params_from_iter};
use serde_json::Map;

use super::columns::{Table, quoted};
use super::error::StoreError;
use super::open::Store;
use super::runs::RunId;
use super::value::{self, Kept};
use super::{meta, migrations};
use crate::model::RowSnapshot;

/// What became of a row that was to be deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowPrune {
    /// It is gone, and this tombstone holds it.
    Deleted {
        /// The tombstone's number.
        tombstone: i64,
    },
    /// Somebody changed, moved or deleted it since it was read: nothing was deleted.
    Moved,
}

/// A deleted row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tombstone {
    /// Its number.
    pub id: i64,
    /// The row's name, as text.
    pub name: String,
    /// Why it was deleted.
    pub reason: String,
    /// In which run.
    pub run: Option<RunId>,
    /// When.
    pub at: Timestamp,
    /// When it was brought back, if it was.
    pub restored_at: Option<Timestamp>,
}

/// A row that was brought back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// The tombstone it came from.
    pub tombstone: i64,
    /// Its name.
    pub name: String,
    /// Where it is now.
    pub rowid: i64,
}

impl Store {
    /// Deletes a row if every intent column still is what `snapshot` says, type included, and keeps it whole.
    pub fn prune_row(
        &self,
        rowid: i64,
        snapshot: &RowSnapshot,
        run: Option<RunId>,
        reason: &str,
        now: Timestamp,
    ) -> Result<RowPrune, StoreError> {
        self.write(|tx| {
            let table = Table::read(tx)?;
            let Some(row) = whole_row(tx, &table, rowid)? else {
                return Ok(RowPrune::Moved);
            };
            if !delete_if_unmoved(tx, &table, rowid, snapshot)? {
                return Ok(RowPrune::Moved);
            }
            tx.execute(
                "INSERT INTO rollcall_tombstones (name, row_json, run, reason, at)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
                params![
                    row.name,
                    serde_json::Value::Object(row.cells).to_string(),
                    run.map(|run| run.0),
                    reason,
                    now.to_string(),
                ],
            )?;
            let tombstone = tx.last_insert_rowid();
            Ok(RowPrune::Deleted { tombstone })
        })
    }

    /// The deleted rows, newest first.
    pub fn tombstones(&self) -> Result<Vec<Tombstone>, StoreError> {
        self.read(|conn| match migrations::known_version(conn)? {
            Some(_) => tombstones(conn),
            None => Ok(Vec::new()),
        })
    }

    /// Brings a deleted row back, to the byte: the newest one of this name that was not brought back yet, or the one
    /// with this number.
    pub fn restore(&self, wanted: &str, now: Timestamp) -> Result<Restored, StoreError> {
        self.write(|tx| {
            let (id, name, json) = find(tx, wanted)?;
            let json: serde_json::Value = serde_json::from_str(&json).unwrap_or_default();
            let Some(cells) = json.as_object() else {
                return Err(meta::broken(tx, format!("tombstone {id} holds no row")));
            };
            let rowid = insert(tx, &name, cells)?;
            tx.execute(
                "UPDATE rollcall_tombstones SET restored_at = ?2 WHERE id = ?1",
                params![id, now.to_string()],
            )?;
            Ok(Restored {
                tombstone: id,
                name,
                rowid,
            })
        })
    }
}

struct WholeRow {
    name: String,
    cells: Map<String, serde_json::Value>,
}

/// Every column that holds a value of its own.
fn whole_row(conn: &Connection, table: &Table, rowid: i64) -> Result<Option<WholeRow>, StoreError> {
    let columns = table.stored();
    let list = columns.iter().map(|c| quoted(c)).collect::<Vec<_>>();
    let sql = format!(
        "SELECT {} FROM clusters WHERE {} = ?1",
        list.join(", "),
        table.rowid()
    );
    let mut statement = conn.prepare(&sql)?;
    let row = statement
        .query_row([rowid], |row| {
            let mut whole = WholeRow {
                name: String::new(),
                cells: Map::new(),
            };
            for (index, column) in columns.iter().enumerate() {
                let cell = row.get_ref(index)?;
                if column.eq_ignore_ascii_case("name") {
                    whole.name = name_text(cell);
                }
                whole
                    .cells
                    .insert((*column).to_owned(), value::to_json(cell));
            }
            Ok(whole)
        })
        .optional()?;
    Ok(row)
}

/// The name by which a person finds the tombstone.
fn name_text(cell: ValueRef<'_>) -> String {
    match cell {
        ValueRef::Null => String::new(),
        other => value::shown(other, 64),
    }
}

/// The guarded DELETE. `IS` alone is not enough: the column's affinity would turn the text '80' into the number 80, and
/// its collation may take DEV for dev.
fn delete_if_unmoved(
    conn: &Connection,
    table: &Table,
    rowid: i64,
    snapshot: &RowSnapshot,
) -> Result<bool, StoreError> {
    let planned: Vec<&str> = snapshot.columns.iter().map(|(c, _)| c.as_str()).collect();
    if planned != table.intent() {
        return Ok(false);
    }
    let mut sql = format!("DELETE FROM clusters WHERE {} = ?", table.rowid());
    let mut values: Vec<&dyn ToSql> = vec![&rowid];
    let types: Vec<&str> = snapshot
        .columns
        .iter()
        .map(|(_, value)| value::type_of(value))
        .collect();
    for ((column, value), kind) in snapshot.columns.iter().zip(&types) {
        let column = quoted(column);
        let term = format!(" AND {column} COLLATE BINARY IS ? AND typeof({column}) = ?");
        sql.push_str(&term);
        values.push(value);
        values.push(kind);
    }
    Ok(conn.execute(&sql, values.as_slice())? == 1)
}

fn tombstones(conn: &Connection) -> Result<Vec<Tombstone>, StoreError> {
    let mut statement = conn.prepare(
        "SELECT id, name, reason, run, at, restored_at FROM rollcall_tombstones ORDER BY id DESC",
    )?;
    let mut rows = statement.query([])?;
    let mut read = Vec::new();
    while let Some(row) = rows.next()? {
        read.push(Tombstone {
            id: row.get(0)?,
            name: row.get(1)?,
            reason: row.get(2)?,
            run: row.get::<_, Option<i64>>(3)?.map(RunId),
            at: meta::instant(conn, &row.get::<_, String>(4)?)?,
            restored_at: meta::maybe_instant(conn, row.get(5)?)?,
        });
    }
    Ok(read)
}

/// A name may be a number: the name is looked for first.
fn find(conn: &Connection, wanted: &str) -> Result<(i64, String, String), StoreError> {
    let by = |condition: &str, value: &dyn ToSql| {
        conn.query_row(
            &format!(
                "SELECT id, name, row_json FROM rollcall_tombstones
                 WHERE {condition} AND restored_at IS NULL ORDER BY id DESC LIMIT 1"
            ),
            [value],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )
        .optional()
    };
    if let Some(found) = by("name = ?1", &wanted)? {
        return Ok(found);
    }
    let number: Option<i64> = wanted.parse().ok();
    by("id = ?1", &number)?.ok_or_else(|| StoreError::NoTombstone {
        wanted: crate::model::one_line(wanted, 64),
    })
}

/// Writes the row and reads it again: what is not exactly the row that was deleted is not written at all.
fn insert(
    conn: &Connection,
    name: &str,
    cells: &Map<String, serde_json::Value>,
) -> Result<i64, StoreError> {
    let refused = |problem: String| StoreError::RowRefused {
        name: name.to_owned(),
        problem,
    };
    let table = Table::read(conn)?;
    let mut columns = Vec::new();
    let mut places = Vec::new();
    let mut values: Vec<Value> = Vec::new();
    for (column, cell) in cells {
        let Kept { value, cast } = value::from_json(cell)
            .ok_or_else(|| meta::broken(conn, format!("a tombstone's column {column}")))?;
        if column.eq_ignore_ascii_case("name") && is_taken(conn, &value)? {
            return Err(StoreError::RowExists {
                name: name.to_owned(),
            });
        }
        let here = table
            .find(column)
            .ok_or_else(|| refused(format!("the table has no column '{column}' any more")))?;
        columns.push(quoted(here));
        places.push(if cast { "CAST(? AS TEXT)" } else { "?" });
        values.push(value);
    }
    let sql = format!(
        "INSERT INTO clusters ({}) VALUES ({})",
        columns.join(", "),
        places.join(", ")
    );
    conn.execute(&sql, params_from_iter(values))
        .map_err(|error| constraint(error, name))?;
    let rowid = conn.last_insert_rowid();
    let written = whole_row(conn, &table, rowid)?.map(|row| row.cells);
    let same = written.is_some_and(|written| {
        cells.iter().all(|(column, cell)| {
            let here = table.find(column).and_then(|here| written.get(here));
            here == Some(cell)
        })
    });
    if !same {
        return Err(refused(
            "the table changes what is written to it".to_owned(),
        ));
    }
    Ok(rowid)
}

fn is_taken(conn: &Connection, name: &Value) -> Result<bool, StoreError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM clusters WHERE name IS ?1)";
    Ok(*name != Value::Null && conn.query_row(sql, [name], |row| row.get(0))?)
}

/// A row that the table's own rules refuse.
pub(super) fn constraint(error: rusqlite::Error, name: &str) -> StoreError {
    match &error {
        rusqlite::Error::SqliteFailure(code, message)
            if code.code == rusqlite::ErrorCode::ConstraintViolation =>
        {
            let said = message
                .as_deref()
                .unwrap_or("a rule of the table forbids it");
            StoreError::RowRefused {
                name: name.to_owned(),
                problem: crate::model::one_line(said, 200),
            }
        }
        _ => error.into(),
    }
}

impl RowPrune {
    /// Whether the row is gone.
    pub fn deleted(self) -> bool {
        matches!(self, Self::Deleted { .. })
    }
}
