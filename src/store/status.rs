//! The status columns: the only ones that a reconcile writes.

use jiff::Timestamp;
use rusqlite::types::Value;
use rusqlite::{OptionalExtension, Transaction, params_from_iter};

use super::columns::{Table, quoted};
use super::desired::STOPPED;
use super::error::StoreError;
use super::open::Store;
use crate::model::one_line;

/// The most characters of an error that a row carries.
const LONGEST_ERROR: usize = 500;

/// What a run found out about one row. `None` leaves a column as it is; `Some(None)` makes it NULL.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StatusUpdate<'a> {
    /// Where the row was.
    pub rowid: i64,
    /// Whose row it was: another name there now, and nothing is written.
    pub name: &'a str,
    /// `actual_state`.
    pub actual_state: Option<&'a str>,
    /// `status`. A `stopped` there is a person's wish and stays.
    pub status: Option<&'a str>,
    /// `reconcile_error`; written as one redacted line.
    pub reconcile_error: Option<Option<String>>,
    /// `server_ip`.
    pub server_ip: Option<Option<String>>,
    /// `last_reconciled_at`; written only along with something else.
    pub last_reconciled_at: Option<Timestamp>,
}

impl Store {
    /// Writes what differs, into the columns that are there, and returns how many rows changed. `updated_at` is left
    /// alone: it says when the intent changed.
    pub fn write_status(&self, updates: &[StatusUpdate<'_>]) -> Result<usize, StoreError> {
        if updates.is_empty() {
            return Ok(0);
        }
        self.write(|tx| {
            let table = Table::read(tx)?;
            let mut written = 0;
            for update in updates {
                written += usize::from(write_one(tx, &table, update)?);
            }
            Ok(written)
        })
    }
}

fn write_one(
    tx: &Transaction<'_>,
    table: &Table,
    update: &StatusUpdate<'_>,
) -> Result<bool, StoreError> {
    let mut changes = differing(tx, table, update)?;
    if changes.is_empty() {
        return Ok(false);
    }
    if let (Some(column), Some(at)) = (table.find("last_reconciled_at"), update.last_reconciled_at)
    {
        changes.push((column, Value::Text(sql_time(at))));
    }
    let terms: Vec<_> = changes
        .iter()
        .map(|(column, _)| format!("{} = ?", quoted(column)))
        .collect();
    let sql = format!(
        "UPDATE clusters SET {} WHERE {} = ?",
        terms.join(", "),
        table.rowid()
    );
    let values = changes.into_iter().map(|(_, value)| value);
    let values = values.chain([Value::Integer(update.rowid)]);
    Ok(tx.execute(&sql, params_from_iter(values))? == 1)
}

/// The columns that are there and hold something else; none when the row is not there any more.
fn differing<'t>(
    tx: &Transaction<'_>,
    table: &'t Table,
    update: &StatusUpdate<'_>,
) -> Result<Vec<(&'t str, Value)>, StoreError> {
    let wanted: Vec<(&str, Value)> = wanted(update)
        .into_iter()
        .filter_map(|(column, value)| Some((table.find(column)?, value)))
        .collect();
    if wanted.is_empty() {
        return Ok(wanted);
    }
    let columns: Vec<_> = wanted.iter().map(|(column, _)| quoted(column)).collect();
    let sql = format!(
        "SELECT {} FROM clusters WHERE {} = ?1 AND name COLLATE BINARY IS ?2",
        columns.join(", "),
        table.rowid()
    );
    let values = tx
        .query_row(&sql, (update.rowid, update.name), |row| {
            (0..wanted.len()).map(|at| row.get(at)).collect()
        })
        .optional()?;
    let current: Vec<Value> = values.unwrap_or_default();
    let pairs = wanted.into_iter().zip(current);
    Ok(pairs
        .filter(|((column, new), old)| {
            let kept = column.eq_ignore_ascii_case("status") && *old == Value::Text(STOPPED.into());
            new != old && !kept
        })
        .map(|(change, _)| change)
        .collect())
}

fn wanted(update: &StatusUpdate<'_>) -> Vec<(&'static str, Value)> {
    let word = |text: &str| Value::Text(text.to_owned());
    let maybe = |text: Option<String>| text.map_or(Value::Null, Value::Text);
    let error = |text: &Option<String>| maybe(text.as_deref().map(|t| one_line(t, LONGEST_ERROR)));
    let ip = |text: &Option<String>| maybe(text.clone());
    [
        ("actual_state", update.actual_state.map(word)),
        ("status", update.status.map(word)),
        (
            "reconcile_error",
            update.reconcile_error.as_ref().map(error),
        ),
        ("server_ip", update.server_ip.as_ref().map(ip)),
    ]
    .into_iter()
    .filter_map(|(column, value)| Some((column, value?)))
    .collect()
}

/// A time as `SQLite`'s own `datetime('now')` writes it, which the table's other readers expect.
pub(super) fn sql_time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{NOW, at, providers, store};
    use super::*;

    fn with_row(status: &str) -> (tempfile::TempDir, Store) {
        let (dir, store) = store();
        let sql = format!(
            "INSERT INTO clusters (name, provider, status, updated_at) VALUES ('dev', 'k3d', {status}, 'then')"
        );
        store.write(|tx| Ok(tx.execute(&sql, [])?)).unwrap();
        (dir, store)
    }

    fn running() -> StatusUpdate<'static> {
        StatusUpdate {
            rowid: 1,
            name: "dev",
            actual_state: Some("running"),
            status: Some("Ready"),
            reconcile_error: Some(None),
            server_ip: Some(Some("10.0.0.2".to_owned())),
            last_reconciled_at: Some(NOW),
        }
    }

    fn row(store: &Store) -> crate::model::RowStatus {
        store.desired(&providers(), NOW).unwrap().rows[0]
            .status
            .clone()
    }

    #[test]
    fn what_differs_is_written_and_nothing_else() {
        let (_dir, store) = with_row("'unknown'");
        assert_eq!(store.write_status(&[running()]).unwrap(), 1);
        let status = row(&store);
        assert_eq!(status.actual_state.as_deref(), Some("running"));
        assert_eq!(status.status.as_deref(), Some("Ready"));
        assert_eq!(status.server_ip.as_deref(), Some("10.0.0.2"));
        assert_eq!(
            status.last_reconciled_at.as_deref(),
            Some("2026-01-02 03:04:05")
        );
        let updated = "SELECT updated_at FROM clusters";
        let updated: String = store
            .read(|c| Ok(c.query_row(updated, [], |r| r.get(0))?))
            .unwrap();
        assert_eq!(updated, "then");
    }

    #[test]
    fn a_later_look_alone_is_no_reason_to_write() {
        let (_dir, store) = with_row("'unknown'");
        store.write_status(&[running()]).unwrap();
        let later = StatusUpdate {
            last_reconciled_at: Some(at(60)),
            ..running()
        };
        assert_eq!(store.write_status(std::slice::from_ref(&later)).unwrap(), 0);
        assert_eq!(
            row(&store).last_reconciled_at.as_deref(),
            Some("2026-01-02 03:04:05")
        );
        let failed = StatusUpdate {
            status: Some("Failed"),
            ..later
        };
        assert_eq!(store.write_status(&[failed]).unwrap(), 1);
        assert_eq!(
            row(&store).last_reconciled_at.as_deref(),
            Some("2026-01-02 03:05:05")
        );
    }

    #[test]
    fn a_persons_stop_is_never_overwritten() {
        let (_dir, store) = with_row("'stopped'");
        assert_eq!(store.write_status(&[running()]).unwrap(), 1);
        assert_eq!(row(&store).status.as_deref(), Some("stopped"));
        assert_eq!(row(&store).actual_state.as_deref(), Some("running"));
    }

    #[test]
    fn an_error_is_one_short_line_without_secrets_and_can_be_taken_back() {
        let (_dir, store) = with_row("NULL");
        let text = format!("line one\nK3S_TOKEN=hunter2 {}", "x".repeat(900));
        let failed = StatusUpdate {
            reconcile_error: Some(Some(text)),
            ..running()
        };
        store.write_status(&[failed]).unwrap();
        let error = row(&store).reconcile_error.unwrap();
        assert!(
            error.starts_with("line one K3S_TOKEN=[redacted] xx"),
            "{error}"
        );
        assert_eq!(error.chars().count(), 500);
        store.write_status(&[running()]).unwrap();
        assert_eq!(row(&store).reconcile_error, None);
    }

    #[test]
    fn a_row_that_is_another_one_now_is_left_alone() {
        let (_dir, store) = with_row("NULL");
        for update in [
            StatusUpdate {
                name: "other",
                ..running()
            },
            StatusUpdate {
                name: "Dev",
                ..running()
            },
            StatusUpdate {
                rowid: 2,
                ..running()
            },
        ] {
            assert_eq!(store.write_status(&[update]).unwrap(), 0);
        }
        assert_eq!(row(&store).status, None);
    }
}
