//! The table `clusters` as it is here: which columns an older or a foreign database has.

use std::path::PathBuf;

use rusqlite::{Connection, OptionalExtension};

use super::error::StoreError;
use crate::model::Desired;

/// The columns that say what is wanted.
pub(super) const INTENT: [&str; 8] = [
    "name",
    "provider",
    "subnet",
    "node_port",
    "pf_port",
    "http_port",
    "https_port",
    "desired_state",
];

/// The columns that a reconcile may write.
pub(super) const STATUS: [&str; 5] = [
    "status",
    "actual_state",
    "last_reconciled_at",
    "reconcile_error",
    "server_ip",
];

/// The columns of the reference table that nobody but rollcall's defaults would miss.
const OTHERS: [&str; 3] = ["id", "created_at", "updated_at"];

/// The reference columns that this table does not have, for `doctor`.
pub fn missing_columns(desired: &Desired) -> Vec<&'static str> {
    INTENT
        .into_iter()
        .chain(STATUS)
        .chain(OTHERS)
        .filter(|wanted| {
            !desired
                .columns
                .iter()
                .any(|column| column.eq_ignore_ascii_case(wanted))
        })
        .collect()
}

/// The table's shape.
#[derive(Debug)]
pub(super) struct Table {
    columns: Vec<Column>,
    rowid: &'static str,
}

#[derive(Debug)]
struct Column {
    name: String,
    generated: bool,
}

impl Table {
    /// Reads the shape, or says why this can be no roll.
    pub(super) fn read(conn: &Connection) -> Result<Self, StoreError> {
        let (kind, without_rowid) = conn
            .query_row(
                "SELECT type, wr FROM pragma_table_list
                 WHERE schema = 'main' AND name = 'clusters' COLLATE NOCASE",
                [],
                |row| Ok((row.get::<_, String>(0)?, row.get::<_, bool>(1)?)),
            )
            .optional()?
            .ok_or_else(|| StoreError::NoTable {
                path: path_of(conn),
            })?;
        let unusable = |problem: &str| StoreError::UnusableTable {
            path: path_of(conn),
            problem: problem.to_owned(),
        };
        if kind != "table" {
            return Err(unusable(&format!("it is a {kind}")));
        }
        if without_rowid {
            return Err(unusable(
                "it is WITHOUT ROWID, and rows are found again by their rowid",
            ));
        }
        let columns = columns(conn)?;
        let has = |wanted: &str| columns.iter().any(|c| c.name.eq_ignore_ascii_case(wanted));
        for required in ["name", "provider"] {
            if !has(required) {
                return Err(unusable(&format!("it has no column '{required}'")));
            }
        }
        // A column of that name hides the rowid.
        let rowid = ["rowid", "_rowid_", "oid"]
            .into_iter()
            .find(|alias| !has(alias))
            .ok_or_else(|| unusable("its columns hide the rowid"))?;
        Ok(Self { columns, rowid })
    }

    /// The word that means the rowid here.
    pub(super) fn rowid(&self) -> &'static str {
        self.rowid
    }

    /// All columns, as they are spelled.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|column| column.name.as_str())
    }

    /// The columns that hold values of their own.
    pub(super) fn stored(&self) -> Vec<&str> {
        let stored = self.columns.iter().filter(|column| !column.generated);
        stored.map(|column| column.name.as_str()).collect()
    }

    /// A column as it is spelled here.
    pub(super) fn find(&self, wanted: &str) -> Option<&str> {
        self.names().find(|name| name.eq_ignore_ascii_case(wanted))
    }

    /// The intent columns that are there, in the reference's order and spelling.
    pub(super) fn intent(&self) -> Vec<&'static str> {
        let here = INTENT.into_iter();
        here.filter(|wanted| self.find(wanted).is_some()).collect()
    }
}

fn columns(conn: &Connection) -> Result<Vec<Column>, StoreError> {
    let mut statement = conn.prepare("SELECT name, hidden FROM pragma_table_xinfo('clusters')")?;
    let columns = statement.query_map([], |row| {
        Ok(Column {
            name: row.get(0)?,
            generated: row.get::<_, i64>(1)? != 0,
        })
    })?;
    Ok(columns.collect::<Result<_, _>>()?)
}

/// An identifier as SQL takes it, whatever is in it.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The file behind a connection.
pub(super) fn path_of(conn: &Connection) -> PathBuf {
    conn.path().map(PathBuf::from).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(ddl: &str) -> Result<Table, StoreError> {
        let conn = Connection::open_in_memory().unwrap();
        conn.execute_batch(ddl).unwrap();
        Table::read(&conn)
    }

    fn problem(ddl: &str) -> String {
        table(ddl).unwrap_err().to_string()
    }

    #[test]
    fn only_an_ordinary_table_can_be_the_roll() {
        assert!(matches!(table("SELECT 1"), Err(StoreError::NoTable { .. })));
        assert!(
            problem("CREATE VIEW clusters AS SELECT 1 AS name, 2 AS provider").contains("view")
        );
        let ddl = "CREATE TABLE clusters (name TEXT PRIMARY KEY, provider TEXT) WITHOUT ROWID";
        assert!(problem(ddl).contains("WITHOUT ROWID"));
        assert!(problem("CREATE TABLE clusters (name TEXT)").contains("provider"));
    }

    #[test]
    fn column_names_are_found_in_any_case() {
        let table =
            table("CREATE TABLE Clusters (NAME TEXT, Provider TEXT, HTTP_Port INT)").unwrap();
        assert_eq!(table.intent(), ["name", "provider", "http_port"]);
        assert_eq!(table.find("http_port"), Some("HTTP_Port"));
    }

    #[test]
    fn a_column_called_rowid_does_not_hide_the_row() {
        let shape = table("CREATE TABLE clusters (name, provider, RowID TEXT)").unwrap();
        assert_eq!(shape.rowid(), "_rowid_");
        let hidden = "CREATE TABLE clusters (name, provider, rowid, _rowid_, oid)";
        assert!(problem(hidden).contains("rowid"));
    }

    #[test]
    fn a_generated_column_holds_no_value_of_its_own() {
        let table =
            table("CREATE TABLE clusters (name, provider, label AS (name || '!'))").unwrap();
        assert_eq!(table.stored(), ["name", "provider"]);
        assert_eq!(table.names().count(), 3);
    }
}
