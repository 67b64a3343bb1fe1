//! The store as a thing to hold: how it is opened, and the two kinds of transaction everything else runs in.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, MAIN_DB, OpenFlags, Transaction, TransactionBehavior};

use super::columns::Table;
use super::error::StoreError;
use super::lock::{self, Lease};
use super::{binding, file, migrations};
use crate::clock::Clock;

/// How long a statement waits for somebody else's transaction.
const PATIENCE: Duration = Duration::from_secs(5);

/// The database. Cheap methods, one connection, one caller at a time.
#[derive(Debug)]
pub struct Store {
    conn: Mutex<Connection>,
    path: PathBuf,
    /// The lease without which nothing may be written any more.
    demanded: Mutex<Option<Lease>>,
}

impl Store {
    /// Opens the database for reading only: takes no lease, writes nothing (`SQLite`'s own `-shm` and `-wal` apart),
    /// needs no side tables.
    pub fn open_read(path: &Path) -> Result<Self, StoreError> {
        let store = Self::connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        store.read(|conn| {
            Table::read(conn)?;
            migrations::known_version(conn).map(|_| ())
        })?;
        Ok(store)
    }

    /// Opens the database for a mutating command: makes or upgrades the side tables, and refuses a file that is a copy
    /// of the one its ledger was written in.
    pub fn open_write(path: &Path, clock: &dyn Clock) -> Result<Self, StoreError> {
        let store = Self::connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        store.read(|conn| {
            Table::read(conn)?;
            if migrations::known_version(conn)?.is_some() {
                binding::demand_same_file(conn, &store.path)?;
            }
            Ok(())
        })?;
        store.demand_writable()?;
        store.make_side_tables(clock)?;
        Ok(store)
    }

    /// The file, as an absolute path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Connects to a file that is there.
    pub(super) fn connect(path: &Path, flags: OpenFlags) -> Result<Self, StoreError> {
        Self::connect_at(file::existing(path)?, flags)
    }

    /// Connects to an absolute path. Never changes the journal mode: the file is not ours.
    pub(super) fn connect_at(path: PathBuf, flags: OpenFlags) -> Result<Self, StoreError> {
        let located = |error: rusqlite::Error| StoreError::from(error).at(&path);
        let conn = Connection::open_with_flags(&path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)
            .map_err(located)?;
        conn.busy_timeout(PATIENCE).map_err(located)?;
        // The bundled SQLite turns foreign keys on; the predecessor's `operations` would then lose its history with
        // every row of `clusters`.
        conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, false)
            .map_err(located)?;
        Ok(Self {
            conn: Mutex::new(conn),
            path,
            demanded: Mutex::new(None),
        })
    }

    /// Side tables of the newest version, bound to this file. The caller has made sure that it is no copy: not even a
    /// migration touches one.
    pub(super) fn make_side_tables(&self, clock: &dyn Clock) -> Result<(), StoreError> {
        migrations::run(self)?;
        // Beside programs that write all the time, a look is cheaper than a turn.
        if self.read(|conn| binding::is_kept(conn, &self.path))? {
            return Ok(());
        }
        self.write(|tx| binding::keep_file(tx, &self.path, clock.now()))
    }

    /// `SQLite` silently opens a file for reading that it may not write; better to say so before the first step.
    pub(super) fn demand_writable(&self) -> Result<(), StoreError> {
        let read_only = self
            .conn()
            .is_readonly(MAIN_DB)
            .map_err(|error| StoreError::from(error).at(&self.path))?;
        if read_only {
            return Err(StoreError::ReadOnlyFile {
                path: self.path.clone(),
            });
        }
        Ok(())
    }

    /// Runs `f` in one read transaction: everything it sees is of one moment.
    pub(super) fn read<T>(
        &self,
        f: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.transaction(TransactionBehavior::Deferred, |tx| f(tx))
    }

    /// Runs `f` in one write transaction that is taken at once: nobody writes between its reads and its writes. An
    /// error rolls everything back.
    pub(super) fn write<T>(
        &self,
        f: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.transaction(TransactionBehavior::Immediate, |tx| {
            let demanded = self.demanded.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(lease) = demanded.as_ref() {
                lock::demand(tx, lease)?;
            }
            f(tx)
        })
    }

    /// The same without the lease: for what a run says of itself, which hurts nobody.
    pub(super) fn write_without_lease<T>(
        &self,
        f: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.transaction(TransactionBehavior::Immediate, f)
    }

    /// From here on nothing but a run's own record is written unless this lease still holds: it is checked in the
    /// transaction of each write, so that a run that lost it cannot disturb the one that has it now.
    pub fn demand_lease(&self, lease: &Lease) {
        *self.demanded.lock().unwrap_or_else(PoisonError::into_inner) = Some(lease.clone());
    }

    fn transaction<T>(
        &self,
        behavior: TransactionBehavior,
        f: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let conn = self.conn();
        let run = || {
            let tx = Transaction::new_unchecked(&conn, behavior)?;
            let value = f(&tx)?;
            tx.commit()?;
            Ok(value)
        };
        run().map_err(|error: StoreError| error.at(&self.path))
    }

    /// A panic elsewhere leaves no transaction open (it is rolled back when it is dropped), so the connection is good.
    pub(super) fn conn(&self) -> std::sync::MutexGuard<'_, Connection> {
        self.conn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives up on other people's transactions at once, for tests.
    #[cfg(test)]
    pub(super) fn without_patience(self) -> Self {
        self.conn().busy_timeout(Duration::ZERO).unwrap();
        self
    }
}
