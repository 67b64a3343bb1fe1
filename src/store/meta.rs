//! `rollcall_meta`: single facts about the side tables.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension};

use super::columns::path_of;
use super::error::StoreError;

/// The keys. A key is never used for two things.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    /// The version of the side tables.
    Schema,
    /// A random word: whose ledger this is.
    Owner,
    /// Since when.
    Since,
    /// The file the ledger is bound to.
    FilePath,
    /// Its device.
    FileDevice,
    /// Its inode.
    FileInode,
    /// `real` or `sandbox`.
    WorldKind,
    /// The engine's identity.
    WorldEngine,
    /// When the management side was last brought up.
    BootstrappedAt,
}

impl Key {
    fn text(self) -> &'static str {
        match self {
            Self::Schema => "schema",
            Self::Owner => "owner",
            Self::Since => "since",
            Self::FilePath => "file_path",
            Self::FileDevice => "file_device",
            Self::FileInode => "file_inode",
            Self::WorldKind => "world_kind",
            Self::WorldEngine => "world_engine",
            Self::BootstrappedAt => "bootstrapped_at",
        }
    }
}

/// Reads a fact.
pub(super) fn get(conn: &Connection, key: Key) -> Result<Option<String>, StoreError> {
    let mut statement = conn.prepare_cached("SELECT value FROM rollcall_meta WHERE key = ?1")?;
    Ok(statement
        .query_row([key.text()], |row| row.get(0))
        .optional()?)
}

/// Writes a fact.
pub(super) fn set(conn: &Connection, key: Key, value: &str) -> Result<(), StoreError> {
    conn.execute(
        "INSERT OR REPLACE INTO rollcall_meta (key, value) VALUES (?1, ?2)",
        [key.text(), value],
    )?;
    Ok(())
}

/// Forgets a fact.
pub(super) fn clear(conn: &Connection, key: Key) -> Result<(), StoreError> {
    conn.execute("DELETE FROM rollcall_meta WHERE key = ?1", [key.text()])?;
    Ok(())
}

/// Reads a time that a side table holds.
pub(super) fn instant(conn: &Connection, text: &str) -> Result<Timestamp, StoreError> {
    text.parse()
        .map_err(|_| broken(conn, format!("'{text}' is no time")))
}

/// The same, where there may be none.
pub(super) fn maybe_instant(
    conn: &Connection,
    text: Option<String>,
) -> Result<Option<Timestamp>, StoreError> {
    text.map(|text| instant(conn, &text)).transpose()
}

/// Something in the side tables that rollcall never writes.
pub(super) fn broken(conn: &Connection, problem: impl AsRef<str>) -> StoreError {
    StoreError::BrokenSideTables {
        path: path_of(conn),
        problem: crate::model::one_line(problem.as_ref(), 200),
    }
}
