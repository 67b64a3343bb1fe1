//! `rollcall init`: a database where there is none, side tables where there are none, a new binding after a move.

use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags};

use super::columns::Table;
use super::error::StoreError;
use super::holder::{Holder, liveness};
use super::open::Store;
use super::{binding, file, ledger, lock, migrations};
use crate::clock::Clock;

const CLUSTERS: &str = include_str!("../../sql/0000_clusters.sql");

/// What `init` does about a ledger that is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InitMode {
    /// Leaves it as it is; refuses a copy.
    Keep,
    /// This copy stands for itself: its ledger starts empty.
    NewOwner,
    /// The database was moved here, ledger and all.
    Moved,
}

/// What `init` did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InitReport {
    /// The database, as an absolute path.
    pub path: PathBuf,
    /// The table `clusters` was made.
    pub made_table: bool,
    /// The side tables were made.
    pub made_side_tables: bool,
    /// Entries that the new owner does not own.
    pub closed_entries: usize,
}

impl Store {
    /// Makes what is missing and nothing else; doing it twice changes nothing. An existing `clusters` is left as it is.
    pub fn init(
        path: &Path,
        mode: InitMode,
        clock: &dyn Clock,
    ) -> Result<(Self, InitReport), StoreError> {
        let path = file::absolute(path)?;
        if !path.exists() {
            make_parent(&path)?;
        } else if !path.is_file() {
            return Err(StoreError::NotADatabase { path });
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
        let store = Self::connect_at(path, flags)?;
        let had_side_tables = store.read(migrations::known_version)?.is_some();
        if had_side_tables && mode == InitMode::Keep {
            store.read(|conn| binding::demand_same_file(conn, store.path()))?;
        }
        store.demand_writable()?;
        let made_table = store.write(make_table)?;
        let mut closed_entries = 0;
        if had_side_tables && mode != InitMode::Keep {
            closed_entries = store.write(|tx| rebind(tx, store.path(), mode, clock.now()))?;
        }
        store.make_side_tables(clock)?;
        let report = InitReport {
            path: store.path().to_owned(),
            made_table,
            made_side_tables: !had_side_tables,
            closed_entries,
        };
        Ok((store, report))
    }
}

fn make_parent(path: &Path) -> Result<(), StoreError> {
    let Some(parent) = path.parent() else {
        return Ok(());
    };
    fs::create_dir_all(parent).map_err(|source| StoreError::Io {
        path: parent.to_owned(),
        source,
    })
}

fn make_table(conn: &rusqlite::Transaction<'_>) -> Result<bool, StoreError> {
    match Table::read(conn) {
        Ok(_) => Ok(false),
        Err(StoreError::NoTable { .. }) => {
            conn.execute_batch(CLUSTERS)?;
            Ok(true)
        }
        Err(error) => Err(error),
    }
}

/// Binds the ledger to the file where it is now. A running rollcall in the very file that the ledger belongs to is not
/// robbed of it.
fn rebind(
    conn: &Connection,
    path: &Path,
    mode: InitMode,
    now: Timestamp,
) -> Result<usize, StoreError> {
    let copy = !binding::same_file(conn, path)?;
    if let Some(view) = lock::view(conn)?
        && !copy
        && !view.abandoned(&Holder::of_this_process("init"), now, &liveness)
    {
        return Err(StoreError::Locked(Box::new(view)));
    }
    let mut closed = 0;
    if mode == InitMode::NewOwner {
        closed = ledger::forget_all(conn, now)?;
        binding::unbind_world(conn)?;
        binding::new_owner(conn, now)?;
    }
    if copy {
        lock::clear(conn)?;
    }
    binding::bind_file(conn, path)?;
    Ok(closed)
}
