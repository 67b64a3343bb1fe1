//! Where the world is kept: in memory, or in one `SQLite` file that several processes share.
//!
//! Every change is one `BEGIN IMMEDIATE` that reads the whole state and writes it back; what fails half-way inside it
//! stays as far as it got, as on a real engine.

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _, Transaction, TransactionBehavior, params};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::clock::Time;
use super::state::State;
use super::{Actor, SandboxError};

/// The file's name in its directory.
pub const FILE: &str = "world.sqlite";

/// Raised when a state of before could no longer be read.
const FORMAT: &str = "1";

const STATE: &str = "state";
const TIME: &str = "time";

/// How long another process's transaction is waited for.
const BUSY: Duration = Duration::from_secs(10);

/// The keeper.
pub(super) enum Vault {
    /// Nobody else sees it.
    Memory(Box<Mutex<(State, Time)>>),
    /// The file.
    File(Mutex<Connection>),
}

impl Vault {
    /// A world in memory, in which waiting takes no time.
    pub(super) fn in_memory(seed: u64) -> Self {
        Self::Memory(Box::new(Mutex::new((State::new(seed), Time::standing()))))
    }

    /// The world in this directory; a new one where there is none.
    pub(super) fn open(dir: &Path) -> Result<Self, SandboxError> {
        std::fs::create_dir_all(dir).map_err(|source| SandboxError::Directory {
            path: dir.to_owned(),
            source,
        })?;
        let path = dir.join(FILE);
        let mut connection =
            Connection::open(&path).map_err(|source| SandboxError::Open { path, source })?;
        connection.busy_timeout(BUSY)?;
        // A rehearsal may be lost with the power: no fsync makes it ten times faster.
        connection.pragma_update(None, "synchronous", "OFF")?;
        if !has_table(&connection)? {
            begin(&mut connection)?;
        }
        match get::<String>(&connection, "format")? {
            Some(found) if found == FORMAT => Ok(Self::File(Mutex::new(connection))),
            found => Err(SandboxError::Format {
                found: found.unwrap_or_else(|| "unknown".to_owned()),
                known: FORMAT,
            }),
        }
    }

    /// Changes the world through the ports.
    pub(super) fn change<T>(&self, f: impl FnOnce(&mut State) -> T) -> Result<T, SandboxError> {
        self.change_as(Actor::Rollcall, f)
    }

    /// Changes the world.
    pub(super) fn change_as<T>(
        &self,
        actor: Actor,
        f: impl FnOnce(&mut State) -> T,
    ) -> Result<T, SandboxError> {
        match self {
            Self::Memory(kept) => {
                let (state, time) = &mut *lock(kept);
                state.now = time.now();
                state.actor = actor;
                Ok(f(state))
            }
            Self::File(connection) => {
                let mut connection = lock(connection);
                let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
                let mut state: State = must(&tx, STATE)?;
                state.now = must::<Time>(&tx, TIME)?.now();
                state.actor = actor;
                let before = state.clone();
                let answer = f(&mut state);
                if state != before {
                    put(&tx, STATE, &state)?;
                }
                tx.commit()?;
                Ok(answer)
            }
        }
    }

    /// Looks at the world.
    pub(super) fn read<T>(&self, f: impl FnOnce(&State) -> T) -> Result<T, SandboxError> {
        match self {
            Self::Memory(kept) => Ok(f(&lock(kept).0)),
            Self::File(connection) => Ok(f(&must(&lock(connection), STATE)?)),
        }
    }

    /// What the clock says and how fast it goes.
    pub(super) fn time(&self) -> Result<Time, SandboxError> {
        match self {
            Self::Memory(kept) => Ok(lock(kept).1),
            Self::File(connection) => must(&lock(connection), TIME),
        }
    }

    /// Sets the clock.
    pub(super) fn set_time(&self, f: impl FnOnce(&mut Time)) -> Result<(), SandboxError> {
        match self {
            Self::Memory(kept) => f(&mut lock(kept).1),
            Self::File(connection) => {
                let mut connection = lock(connection);
                let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
                let mut time: Time = must(&tx, TIME)?;
                let before = time;
                f(&mut time);
                if time != before {
                    put(&tx, TIME, &time)?;
                }
                tx.commit()?;
            }
        }
        Ok(())
    }
}

/// A state that somebody panicked over is still the state.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn has_table(connection: &Connection) -> Result<bool, SandboxError> {
    let found = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'world'";
    Ok(connection
        .query_row(found, [], |_| Ok(()))
        .optional()?
        .is_some())
}

/// Makes a new world, unless another process was faster.
fn begin(connection: &mut Connection) -> Result<(), SandboxError> {
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if !has_table(&tx)? {
        tx.execute_batch("CREATE TABLE world (key TEXT PRIMARY KEY, value TEXT NOT NULL)")?;
        let seed = getrandom::u64()?;
        put(&tx, "format", &FORMAT)?;
        put(&tx, STATE, &State::new(seed))?;
        put(&tx, TIME, &Time::running())?;
    }
    tx.commit()?;
    Ok(())
}

fn get<T: DeserializeOwned>(connection: &Connection, key: &str) -> Result<Option<T>, SandboxError> {
    let text: Option<String> = connection
        .prepare_cached("SELECT value FROM world WHERE key = ?1")?
        .query_row([key], |row| row.get(0))
        .optional()?;
    Ok(text.map(|text| serde_json::from_str(&text)).transpose()?)
}

fn must<T: DeserializeOwned>(connection: &Connection, key: &str) -> Result<T, SandboxError> {
    get(connection, key)?.ok_or_else(|| rusqlite::Error::QueryReturnedNoRows.into())
}

fn put<T: Serialize>(tx: &Transaction<'_>, key: &str, value: &T) -> Result<(), SandboxError> {
    let text = serde_json::to_string(value)?;
    tx.prepare_cached("INSERT OR REPLACE INTO world (key, value) VALUES (?1, ?2)")?
        .execute(params![key, text])?;
    Ok(())
}
