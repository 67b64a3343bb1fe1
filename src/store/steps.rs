//! Step records: what a run did to one thing.

use std::collections::BTreeSet;

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::error::StoreError;
use super::meta;
use super::open::Store;
use super::runs::RunId;
use crate::model::{Address, ClusterId, one_line};

/// The most characters of an error that a record carries.
const LONGEST_ERROR: usize = 500;

/// A step's number in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StepKey(pub i64);

/// What is known when a step begins.
#[derive(Debug, Clone, Copy)]
pub struct StepStart<'a> {
    /// What it is about.
    pub address: &'a Address,
    /// What it does: an action's code.
    pub action: &'a str,
    /// Where its log is.
    pub log: Option<&'a str>,
}

/// What is known when it ended.
#[derive(Debug, Clone, Copy)]
pub struct StepEnd<'a> {
    /// How: `done`, `failed`, `cancelled`.
    pub state: &'a str,
    /// How often it was tried.
    pub attempts: u32,
    /// What went wrong; kept as one redacted line.
    pub error: Option<&'a str>,
}

/// A step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepRecord {
    /// Its number.
    pub key: StepKey,
    /// What it is about, as text.
    pub address: String,
    /// What it does.
    pub action: String,
    /// How it is, or ended: `running`, what [`StepEnd::state`] may be, or `died` with its run.
    pub state: String,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// How often it was tried.
    pub attempts: u32,
    /// What went wrong.
    pub error: Option<String>,
    /// Where its log is.
    pub log: Option<String>,
}

impl Store {
    /// Opens a step's record: from now on its cluster is in progress.
    pub fn begin_step(
        &self,
        run: RunId,
        step: &StepStart<'_>,
        now: Timestamp,
    ) -> Result<StepKey, StoreError> {
        self.write(|tx| {
            tx.execute(
                "INSERT INTO rollcall_steps
                 (run, address, cluster, action, state, started_at, attempts, log)
                 VALUES (?1, ?2, ?3, ?4, 'running', ?5, 0, ?6)",
                params![
                    run.0,
                    step.address.to_string(),
                    step.address.cluster().map(ToString::to_string),
                    step.action,
                    now.to_string(),
                    step.log,
                ],
            )?;
            Ok(StepKey(tx.last_insert_rowid()))
        })
    }

    /// Closes a step's record.
    pub fn finish_step(
        &self,
        key: StepKey,
        end: &StepEnd<'_>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.write(|tx| {
            let finished = tx.execute(
                "UPDATE rollcall_steps SET state = ?2, finished_at = ?3, attempts = ?4, error = ?5
                 WHERE id = ?1",
                params![
                    key.0,
                    end.state,
                    now.to_string(),
                    end.attempts,
                    end.error.map(|error| one_line(error, LONGEST_ERROR)),
                ],
            )?;
            if finished == 1 {
                Ok(())
            } else {
                Err(StoreError::NoRecord(format!("step {}", key.0)))
            }
        })
    }

    /// The steps of a run, in the order in which they began.
    pub fn steps(&self, run: RunId) -> Result<Vec<StepRecord>, StoreError> {
        self.with_side_tables(|conn| {
            let mut statement = conn.prepare(
                "SELECT id, address, action, state, started_at, finished_at, attempts, error, log
                 FROM rollcall_steps WHERE run = ?1 ORDER BY id",
            )?;
            let mut rows = statement.query([run.0])?;
            let mut steps = Vec::new();
            while let Some(row) = rows.next()? {
                steps.push(StepRecord {
                    key: StepKey(row.get(0)?),
                    address: row.get(1)?,
                    action: row.get(2)?,
                    state: row.get(3)?,
                    started_at: meta::instant(conn, &row.get::<_, String>(4)?)?,
                    finished_at: meta::maybe_instant(conn, row.get(5)?)?,
                    attempts: row.get(6)?,
                    error: row.get(7)?,
                    log: row.get(8)?,
                });
            }
            Ok(steps)
        })
    }
}

/// The clusters that the run with this lease has in its hands.
pub(super) fn in_progress(
    conn: &Connection,
    lease: &str,
) -> Result<BTreeSet<ClusterId>, StoreError> {
    let mut statement = conn.prepare(
        "SELECT DISTINCT cluster FROM rollcall_steps JOIN rollcall_runs ON rollcall_runs.id = run
         WHERE lease = ?1 AND rollcall_runs.finished_at IS NULL
         AND rollcall_steps.finished_at IS NULL AND cluster IS NOT NULL",
    )?;
    let mut rows = statement.query([lease])?;
    let mut clusters = BTreeSet::new();
    while let Some(row) = rows.next()? {
        let text: String = row.get(0)?;
        let id = text.parse();
        clusters.insert(
            id.map_err(|error: crate::model::NameError| meta::broken(conn, error.to_string()))?,
        );
    }
    Ok(clusters)
}
