//! Reads the roll, as tolerantly as can be: one wrong row never hides the others.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use rusqlite::Connection;
use rusqlite::types::ValueRef;

use super::columns::{STATUS, Table, quoted};
use super::error::StoreError;
use super::intent::{self, Cells};
use super::open::Store;
use super::{migrations, stops, value};
use crate::model::{
    ClusterName, Desired, ProviderId, Row, RowFault, RowSnapshot, RowStatus, StopIntent,
};

/// The word in `status` by which the predecessor's web page says that a person stopped the cluster.
pub(super) const STOPPED: &str = "stopped";

/// The most characters of a status column that are worth showing.
const LONGEST_STATUS: usize = 500;

impl Store {
    /// What the rows say now. `providers` are the ones that exist; a row under another one cannot be right.
    pub fn desired(
        &self,
        providers: &BTreeSet<ProviderId>,
        now: Timestamp,
    ) -> Result<Desired, StoreError> {
        self.read(|conn| read(conn, providers, now))
    }
}

/// See [`Store::desired`].
pub(super) fn read(
    conn: &Connection,
    providers: &BTreeSet<ProviderId>,
    now: Timestamp,
) -> Result<Desired, StoreError> {
    let table = Table::read(conn)?;
    let stops = match migrations::known_version(conn)? {
        Some(_) => stops::wanted(conn, now)?,
        None => BTreeMap::new(),
    };
    let columns: Vec<&str> = table
        .intent()
        .into_iter()
        .chain(STATUS.into_iter().filter(|c| table.find(c).is_some()))
        .collect();
    let sql = format!(
        "SELECT {}, {} FROM clusters",
        table.rowid(),
        columns
            .iter()
            .map(|c| quoted(c))
            .collect::<Vec<_>>()
            .join(", ")
    );
    let mut statement = conn.prepare(&sql)?;
    let mut rows = statement.query([])?;
    let mut read = Vec::new();
    while let Some(row) = rows.next()? {
        let mut cells = BTreeMap::new();
        for (index, column) in columns.iter().enumerate() {
            cells.insert(*column, row.get_ref(index + 1)?);
        }
        read.push(judge(row.get(0)?, &cells, providers, &stops));
    }
    mark_duplicates(&mut read);
    read.sort_by(|a, b| (&a.shown, a.rowid).cmp(&(&b.shown, b.rowid)));
    Ok(Desired {
        rows: read,
        columns: table.names().map(str::to_owned).collect(),
    })
}

fn judge(
    rowid: i64,
    values: &BTreeMap<&str, ValueRef<'_>>,
    providers: &BTreeSet<ProviderId>,
    stops: &BTreeMap<ClusterName, StopIntent>,
) -> Row {
    let value = |column| values.get(column).copied().unwrap_or(ValueRef::Null);
    let cells = Cells::read(value);
    let name = intent::name(&cells);
    let stop = name
        .as_ref()
        .and_then(|name| stops.get(name).cloned())
        .or_else(|| stopped_by_status(value("status")));
    Row {
        rowid,
        shown: shown_name(rowid, cells.name),
        intent: intent::intent(&cells, providers),
        name,
        claim: intent::claim(&cells),
        stop,
        snapshot: snapshot(values),
        status: status(&value),
    }
}

/// The name as it can be shown; a row without one is called by its place.
fn shown_name(rowid: i64, name: ValueRef<'_>) -> String {
    let shown = match name {
        ValueRef::Null => String::new(),
        other => value::shown(other, 64),
    };
    if shown.is_empty() {
        format!("#{rowid}")
    } else {
        shown
    }
}

/// The intent columns that are there, in the reference's order.
fn snapshot(values: &BTreeMap<&str, ValueRef<'_>>) -> RowSnapshot {
    let columns = super::columns::INTENT
        .into_iter()
        .filter_map(|column| Some((column.to_owned(), value::owned(*values.get(column)?))));
    RowSnapshot {
        columns: columns.collect(),
    }
}

fn status<'a>(value: &impl Fn(&'static str) -> ValueRef<'a>) -> RowStatus {
    let text = |column| match value(column) {
        text @ ValueRef::Text(_) => Some(value::shown(text, LONGEST_STATUS)),
        _ => None,
    };
    RowStatus {
        status: text("status"),
        actual_state: text("actual_state"),
        last_reconciled_at: text("last_reconciled_at"),
        reconcile_error: text("reconcile_error"),
        server_ip: text("server_ip"),
    }
}

fn stopped_by_status(status: ValueRef<'_>) -> Option<StopIntent> {
    (value::text(status) == Some(STOPPED)).then(|| StopIntent {
        source: "status".to_owned(),
        who: None,
        why: None,
    })
}

/// Where a name is not unique, no row says which of them is meant: none of them can be right.
fn mark_duplicates(rows: &mut [Row]) {
    let mut places: BTreeMap<ClusterName, Vec<i64>> = BTreeMap::new();
    for row in rows.iter() {
        if let Some(name) = &row.name {
            places.entry(name.clone()).or_default().push(row.rowid);
        }
    }
    for row in rows {
        let Some(name) = &row.name else { continue };
        let Some(others) = places.get(name).filter(|rowids| rowids.len() > 1) else {
            continue;
        };
        let fault = RowFault {
            column: "name".to_owned(),
            value: name.to_string(),
            problem: format!("{} rows have this name", others.len()),
        };
        match &mut row.intent {
            Err(faults) => faults.push(fault),
            intent @ Ok(_) => *intent = Err(vec![fault]),
        }
    }
}
