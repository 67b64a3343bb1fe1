//! Run records: what mutating runs were asked, did and said. `history` replays them.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::error::StoreError;
use super::lock::LockView;
use super::open::Store;
use super::{meta, migrations};

/// How many runs are kept.
const KEPT: i64 = 200;

/// A run's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId(pub i64);

/// What is known when a run begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunStart {
    /// What it may do: `repair`, `prune`, `clean`.
    pub mode: String,
    /// Its arguments, as JSON.
    pub args: String,
    /// Through what it was called: `cli`.
    pub source: String,
    /// For whom.
    pub actor: Option<String>,
    /// The machine.
    pub host: String,
    /// The process.
    pub pid: u32,
    /// The lease it holds.
    pub lease: Option<String>,
}

/// A run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunRecord {
    /// Its number.
    pub id: RunId,
    /// How it began.
    pub start: RunStart,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended, or was found dead; `None`: it runs, or nobody has found it dead yet.
    pub finished_at: Option<Timestamp>,
    /// Its exit code; `None`: it did not come to one.
    pub exit_code: Option<i32>,
    /// Its verdict, one line.
    pub verdict: Option<String>,
}

/// What became of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunState {
    /// It is at work.
    Running,
    /// It was killed, or its machine went down.
    Died,
    /// It came to its end, with this exit code.
    Ended(i32),
}

impl RunState {
    /// What is told of a run that died.
    pub const DIED: &'static str = "it was killed, or its machine went down";
}

impl RunRecord {
    /// What became of it, given the lease as a living run holds it now.
    pub fn state(&self, live: Option<&LockView>) -> RunState {
        let holds = |live: &LockView| self.start.lease.as_ref() == Some(&live.holder.id);
        match (self.exit_code, self.finished_at) {
            (Some(code), _) => RunState::Ended(code),
            (None, None) if live.is_some_and(holds) => RunState::Running,
            (None, _) => RunState::Died,
        }
    }
}

/// An event as it was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventRecord {
    /// Its place, without gaps.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// The event, as JSON.
    pub json: String,
}

impl Store {
    /// Opens a run's record, closes those of runs that died, and forgets the oldest ones.
    pub fn begin_run(&self, start: &RunStart, now: Timestamp) -> Result<RunId, StoreError> {
        self.write_without_lease(|tx| {
            if let Some(lease) = &start.lease {
                close_dead(tx, lease, now)?;
            }
            tx.execute(
                "INSERT INTO rollcall_runs (mode, args, source, actor, host, pid, lease, started_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                params![
                    start.mode,
                    start.args,
                    start.source,
                    start.actor,
                    start.host,
                    start.pid,
                    start.lease,
                    now.to_string(),
                ],
            )?;
            let id = RunId(tx.last_insert_rowid());
            forget_before(tx, id.0 - KEPT + 1)?;
            Ok(id)
        })
    }

    /// Appends events, all or none.
    pub fn append_events(&self, run: RunId, events: &[EventRecord]) -> Result<(), StoreError> {
        self.write_without_lease(|tx| {
            let mut statement = tx.prepare_cached(
                "INSERT INTO rollcall_events (run, seq, at, json) VALUES (?1, ?2, ?3, ?4)",
            )?;
            for event in events {
                let seq = i64::try_from(event.seq).unwrap_or(i64::MAX);
                statement.execute(params![run.0, seq, event.at.to_string(), event.json])?;
            }
            Ok(())
        })
    }

    /// Closes a run's record.
    pub fn finish_run(
        &self,
        run: RunId,
        exit_code: i32,
        verdict: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.write_without_lease(|tx| {
            let finished = tx.execute(
                "UPDATE rollcall_runs SET finished_at = ?2, exit_code = ?3, verdict = ?4 WHERE id = ?1",
                params![run.0, now.to_string(), exit_code, verdict],
            )?;
            if finished == 1 {
                Ok(())
            } else {
                Err(no_run(run))
            }
        })
    }

    /// The newest runs, newest first.
    pub fn runs(&self, limit: u32) -> Result<Vec<RunRecord>, StoreError> {
        self.with_side_tables(|conn| {
            select(
                conn,
                "SELECT * FROM rollcall_runs ORDER BY id DESC LIMIT ?1",
                i64::from(limit),
            )
        })
    }

    /// One run.
    pub fn run(&self, run: RunId) -> Result<RunRecord, StoreError> {
        let sql = "SELECT * FROM rollcall_runs WHERE id = ?1";
        let found = self.with_side_tables(|conn| select(conn, sql, run.0))?;
        found.into_iter().next().ok_or_else(|| no_run(run))
    }

    /// The newest run, if there was any.
    pub fn last_run(&self) -> Result<Option<RunRecord>, StoreError> {
        Ok(self.runs(1)?.into_iter().next())
    }

    /// What a run said, in order.
    pub fn events(&self, run: RunId) -> Result<Vec<EventRecord>, StoreError> {
        self.with_side_tables(|conn| {
            let mut statement = conn
                .prepare("SELECT seq, at, json FROM rollcall_events WHERE run = ?1 ORDER BY seq")?;
            let mut rows = statement.query([run.0])?;
            let mut events = Vec::new();
            while let Some(row) = rows.next()? {
                events.push(EventRecord {
                    seq: row.get::<_, i64>(0)?.unsigned_abs(),
                    at: meta::instant(conn, &row.get::<_, String>(1)?)?,
                    json: row.get(2)?,
                });
            }
            Ok(events)
        })
    }

    /// Refuses a plan that was applied before.
    pub fn demand_unused(&self, plan: &str) -> Result<(), StoreError> {
        self.read(|conn| unused(conn, plan))
    }

    /// Marks a saved plan as applied; a plan is applied once.
    pub fn use_plan(&self, plan: &str, now: Timestamp) -> Result<(), StoreError> {
        self.write(|tx| {
            unused(tx, plan)?;
            let sql = "INSERT INTO rollcall_used_plans (plan, at) VALUES (?1, ?2)";
            tx.execute(sql, params![plan, now.to_string()])?;
            Ok(())
        })
    }

    /// Reads records, of which a database without side tables has none.
    pub(super) fn with_side_tables<T>(
        &self,
        f: impl FnOnce(&Connection) -> Result<Vec<T>, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        self.read(|conn| match migrations::known_version(conn)? {
            Some(_) => f(conn),
            None => Ok(Vec::new()),
        })
    }
}

fn unused(conn: &Connection, plan: &str) -> Result<(), StoreError> {
    let sql = "SELECT at FROM rollcall_used_plans WHERE plan = ?1";
    let at: Option<String> = conn.query_row(sql, [plan], |row| row.get(0)).optional()?;
    at.map_or(Ok(()), |at| {
        Err(StoreError::PlanUsed {
            plan: plan.to_owned(),
            at,
        })
    })
}

fn no_run(run: RunId) -> StoreError {
    StoreError::NoRecord(format!("run {}", run.0))
}

/// Closes the records of runs whose lease is not held any more, and of their steps: only who holds the lease opens a
/// record, so nobody is at work on those. One that was only silent for too long may still say how it ended.
fn close_dead(conn: &Connection, lease: &str, now: Timestamp) -> Result<(), StoreError> {
    let dead = "finished_at IS NULL AND lease IS NOT ?1
                AND lease IS NOT (SELECT id FROM rollcall_lock)";
    let values = params![lease, now.to_string(), RunState::DIED];
    conn.execute(
        &format!(
            "UPDATE rollcall_steps SET state = 'died', finished_at = ?2, error = ?3
             WHERE finished_at IS NULL AND run IN (SELECT id FROM rollcall_runs WHERE {dead})"
        ),
        values,
    )?;
    conn.execute(
        &format!("UPDATE rollcall_runs SET finished_at = ?2, verdict = ?3 WHERE {dead}"),
        values,
    )?;
    Ok(())
}

fn forget_before(conn: &Connection, oldest: i64) -> Result<(), StoreError> {
    conn.execute("DELETE FROM rollcall_events WHERE run < ?1", [oldest])?;
    conn.execute("DELETE FROM rollcall_steps WHERE run < ?1", [oldest])?;
    conn.execute("DELETE FROM rollcall_runs WHERE id < ?1", [oldest])?;
    Ok(())
}

fn select(conn: &Connection, sql: &str, value: i64) -> Result<Vec<RunRecord>, StoreError> {
    let mut statement = conn.prepare(sql)?;
    let mut rows = statement.query([value])?;
    let mut runs = Vec::new();
    while let Some(row) = rows.next()? {
        runs.push(record(conn, row)?);
    }
    Ok(runs)
}

fn record(conn: &Connection, row: &Row<'_>) -> Result<RunRecord, StoreError> {
    Ok(RunRecord {
        id: RunId(row.get("id")?),
        start: RunStart {
            mode: row.get("mode")?,
            args: row.get("args")?,
            source: row.get("source")?,
            actor: row.get("actor")?,
            host: row.get("host")?,
            pid: row.get("pid")?,
            lease: row.get("lease")?,
        },
        started_at: meta::instant(conn, &row.get::<_, String>("started_at")?)?,
        finished_at: meta::maybe_instant(conn, row.get("finished_at")?)?,
        exit_code: row.get("exit_code")?,
        verdict: row.get("verdict")?,
    })
}
