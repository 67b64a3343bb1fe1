//! The side tables' versions: numbered SQL files, each applied once, in one transaction of its own.

use rusqlite::Connection;

use super::columns::path_of;
use super::error::StoreError;
use super::meta::{self, Key};
use super::open::Store;

/// Every migration, in order. A file that was released is never edited: a change is a new file.
const MIGRATIONS: [(u32, &str); 2] = [
    (1, include_str!("../../sql/0001_side_tables.sql")),
    (PREPARATION, include_str!("../../sql/0002_preparation.sql")),
];

/// The version since which an entry says what follows its creation.
pub(super) const PREPARATION: u32 = 2;

/// The version of a database that this program has written to.
pub(super) const NEWEST: u32 = MIGRATIONS[MIGRATIONS.len() - 1].0;

/// The version in the file, `None` without side tables; refuses one that is newer than this program.
pub(super) fn known_version(conn: &Connection) -> Result<Option<u32>, StoreError> {
    let there: bool = conn.query_row(
        "SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'rollcall_meta')",
        [],
        |row| row.get(0),
    )?;
    if !there {
        return Ok(None);
    }
    let found = meta::get(conn, Key::Schema)?
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| meta::broken(conn, "rollcall_meta holds no schema version"))?;
    if found > NEWEST {
        return Err(StoreError::NewerSideSchema {
            path: path_of(conn),
            found,
            known: NEWEST,
        });
    }
    Ok(Some(found))
}

/// Brings the side tables to the newest version. Two programs that do it at once do it one after the other: each
/// transaction looks at the version again.
pub(super) fn run(store: &Store) -> Result<(), StoreError> {
    for (number, sql) in MIGRATIONS {
        if store
            .read(known_version)?
            .is_some_and(|found| found >= number)
        {
            continue;
        }
        store.write(|tx| {
            if known_version(tx)?.is_none_or(|found| found < number) {
                tx.execute_batch(sql)?;
                meta::set(tx, Key::Schema, &number.to_string())?;
            }
            Ok(())
        })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn migrations_are_numbered_without_gaps() {
        for (index, (number, _)) in MIGRATIONS.iter().enumerate() {
            assert_eq!(*number as usize, index + 1);
        }
    }
}
