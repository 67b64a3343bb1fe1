//! What can go wrong with the database: what, which file, and the way out.

use std::io;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;
use rusqlite::ffi;

use super::binding::WorldBinding;
use super::file;
use super::lock::LockView;
use crate::model::{EngineId, EntryKey, WorldKind};

/// A failed operation on the store. The texts are lowercase fragments; what a `source` says is not repeated.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There is no file.
    #[error("no database at {}", path.display())]
    NoDatabase {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// The file is something else.
    #[error("{} is not an SQLite database", path.display())]
    NotADatabase {
        /// The file.
        path: PathBuf,
    },
    /// The file was a database once.
    #[error("the database {} is damaged", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What `SQLite` says.
        #[source]
        source: rusqlite::Error,
    },
    /// A database without the table.
    #[error("{} has no table 'clusters'", path.display())]
    NoTable {
        /// The file.
        path: PathBuf,
    },
    /// Something called `clusters` that cannot be the roll.
    #[error("the table 'clusters' in {} cannot be used: {problem}", path.display())]
    UnusableTable {
        /// The file.
        path: PathBuf,
        /// Why.
        problem: String,
    },
    /// The side tables were written by a newer rollcall.
    #[error("{} was used by a newer rollcall: its side tables are version {found}, this program knows {known}", path.display())]
    NewerSideSchema {
        /// The file.
        path: PathBuf,
        /// The version in the file.
        found: u32,
        /// The newest version this program knows.
        known: u32,
    },
    /// The side tables hold what no rollcall writes.
    #[error("the side tables in {} are damaged: {problem}", path.display())]
    BrokenSideTables {
        /// The file.
        path: PathBuf,
        /// Where and what.
        problem: String,
    },
    /// A writer died; reading would have to roll its transaction back, which is writing.
    #[error("a writer of {} died in the middle of a transaction, which must be rolled back first", path.display())]
    HotJournal {
        /// The file.
        path: PathBuf,
        /// The command that does it.
        command: String,
    },
    /// The file cannot be written.
    #[error("{} cannot be written", path.display())]
    ReadOnlyFile {
        /// The file.
        path: PathBuf,
    },
    /// Somebody's transaction is open for longer than a writer of ours waits.
    #[error("other programs left no chance to write to {} for 5 s{}", path.display(), by(who.as_deref()))]
    Busy {
        /// The file.
        path: PathBuf,
        /// The process, where the system says.
        who: Option<String>,
    },
    /// No space left.
    #[error("no space left to write {}", path.display())]
    DiskFull {
        /// The file.
        path: PathBuf,
    },
    /// The file or its folder cannot be used.
    #[error("{} cannot be opened, read or written", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// Everything else that `SQLite` refuses.
    #[error("the database {} refused an operation", path.display())]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// What `SQLite` says.
        #[source]
        source: rusqlite::Error,
    },
    /// The same, before the file is known; never leaves the store.
    #[error("the database refused an operation")]
    Raw(#[from] rusqlite::Error),
    /// The file is a copy of the one that the ledger was written in.
    #[error("{} is a copy: its ledger was written in {}", path.display(), bound.display())]
    Copied {
        /// The file.
        path: PathBuf,
        /// The file the ledger is bound to.
        bound: PathBuf,
    },
    /// A ledger of the real world in a sandbox, or the other way round.
    #[error("the ledger belongs to the {bound}, not to the {asked}")]
    OtherWorld {
        /// What the ledger is bound to.
        bound: WorldBinding,
        /// What was to be changed.
        asked: WorldBinding,
    },
    /// Another engine than the ledger's.
    #[error("the ledger belongs to the engine {bound}, but {asked} answers")]
    OtherEngine {
        /// Which kind both are of.
        kind: WorldKind,
        /// The ledger's.
        bound: EngineId,
        /// The one that answers.
        asked: EngineId,
    },
    /// Something was to be written into a ledger that belongs to no world yet.
    #[error("the ledger is bound to no engine yet")]
    NotBound,
    /// Another run holds the lease.
    #[error("{0}")]
    Locked(Box<LockView>),
    /// This run's lease is gone.
    #[error("the lease of this run is lost{}", by_lease(holder.as_deref()))]
    LeaseLost {
        /// Who has it now.
        holder: Option<Box<LockView>>,
    },
    /// A row cannot be written.
    #[error("the row '{name}' cannot be written: {problem}")]
    RowRefused {
        /// Its name.
        name: String,
        /// Why.
        problem: String,
    },
    /// A row of this name is there.
    #[error("a row '{name}' is there already")]
    RowExists {
        /// Its name.
        name: String,
    },
    /// No row of this name is there.
    #[error("there is no row '{name}'")]
    NoRow {
        /// Its name.
        name: String,
    },
    /// No deleted row of this name or number.
    #[error("there is no deleted row '{wanted}'")]
    NoTombstone {
        /// What was asked for.
        wanted: String,
    },
    /// The ledger has no such entry.
    #[error("the ledger has no open entry {}", .0.0)]
    NoEntry(EntryKey),
    /// There is no such run or step.
    #[error("there is no {0}")]
    NoRecord(String),
    /// A saved plan was applied before.
    #[error("the plan {plan} was applied before, at {at}")]
    PlanUsed {
        /// Its identity.
        plan: String,
        /// When.
        at: String,
    },
    /// The target of a backup is there.
    #[error("{} is there already", path.display())]
    BackupExists {
        /// The target.
        path: PathBuf,
    },
    /// There is no folder for a backup.
    #[error("there is no folder {}", path.display())]
    NoFolder {
        /// The folder.
        path: PathBuf,
    },
}

fn by(who: Option<&str>) -> String {
    who.map(|who| format!(": {who}")).unwrap_or_default()
}

fn by_lease(holder: Option<&LockView>) -> String {
    holder.map_or_else(
        || ": somebody broke it".to_owned(),
        |view| format!(": {view}"),
    )
}

/// What kind of failure it is: it decides the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureClass {
    /// Exit 12: something must be there or be mended first.
    NotReady,
    /// Exit 9: there is no verdict.
    Unobserved,
    /// Exit 7: another run, or another program, is at it.
    Locked,
    /// Exit 6: a plan that may not be applied any more.
    Stale,
    /// Exit 5: a binding refuses it.
    Refused,
    /// Exit 4: something else is in its place.
    Conflict,
    /// Exit 2: what was named does not exist.
    Usage,
    /// Exit 1.
    Failed,
}

impl StoreError {
    /// Which exit code it leads to.
    pub fn class(&self) -> FailureClass {
        match self {
            Self::NoDatabase { .. }
            | Self::NotADatabase { .. }
            | Self::Damaged { .. }
            | Self::NoTable { .. }
            | Self::UnusableTable { .. }
            | Self::NewerSideSchema { .. }
            | Self::BrokenSideTables { .. }
            | Self::HotJournal { .. }
            | Self::ReadOnlyFile { .. }
            | Self::NoFolder { .. }
            | Self::Io { .. } => FailureClass::NotReady,
            Self::OtherEngine { .. } => FailureClass::Unobserved,
            Self::Busy { .. } | Self::Locked(_) | Self::LeaseLost { .. } => FailureClass::Locked,
            Self::PlanUsed { .. } => FailureClass::Stale,
            Self::Copied { .. } | Self::OtherWorld { .. } => FailureClass::Refused,
            Self::RowExists { .. } => FailureClass::Conflict,
            Self::NoRow { .. }
            | Self::NoTombstone { .. }
            | Self::NoRecord(_)
            | Self::BackupExists { .. } => FailureClass::Usage,
            Self::DiskFull { .. }
            | Self::Sqlite { .. }
            | Self::Raw(_)
            | Self::NotBound
            | Self::RowRefused { .. }
            | Self::NoEntry(_) => FailureClass::Failed,
        }
    }

    /// The way out, where there is one: a sentence with the command in it.
    pub fn hint(&self) -> Option<String> {
        let db = |path: &Path| shell_word(path);
        Some(match self {
            Self::NoDatabase { path } | Self::NoTable { path } => {
                format!("make one: rollcall --db {} init", db(path))
            }
            Self::NotADatabase { .. } => "name another file with --db".to_owned(),
            Self::Damaged { path, .. } => format!(
                "bring back a backup, or save what can be read: sqlite3 {} .recover",
                db(path)
            ),
            Self::UnusableTable { .. } => {
                "the roll needs an ordinary table with the columns name and provider".to_owned()
            }
            Self::NewerSideSchema { .. } => "use the newer rollcall".to_owned(),
            Self::BrokenSideTables { .. } => {
                "bring back a backup; the table 'clusters' itself is not affected".to_owned()
            }
            Self::HotJournal { command, .. } => format!("run: {command}"),
            Self::ReadOnlyFile { path } => {
                format!("make the file and its folder writable: ls -ld {}", db(path))
            }
            Self::Busy { .. } => "let the other program end its transaction, then try again".into(),
            Self::DiskFull { .. } => "make room, then try again".to_owned(),
            Self::Copied { path, .. } => format!(
                "if the database was moved: rollcall --db {0} init --moved; if this copy shall stand \
                 for itself and own nothing yet: rollcall --db {0} init --new-owner",
                db(path)
            ),
            Self::OtherWorld { .. } => "use another --db for it".to_owned(),
            Self::OtherEngine {
                kind: WorldKind::Sandbox,
                ..
            } => "name the sandbox that this database was used with, or say --accept-engine".into(),
            Self::OtherEngine { .. } => {
                "point DOCKER_HOST back, or say --accept-engine if the engine was set up anew"
                    .into()
            }
            Self::Locked(_) => {
                "wait for it (--on-lock wait --lock-timeout 5m), or see: rollcall lock show"
                    .to_owned()
            }
            Self::LeaseLost { .. } => "look who took it: rollcall lock show".to_owned(),
            Self::RowExists { .. } => "remove or rename that row first".to_owned(),
            Self::NoTombstone { .. } => "deleted rows are listed by: rollcall history".to_owned(),
            Self::PlanUsed { .. } => "make a new plan: rollcall plan --out FILE".to_owned(),
            Self::BackupExists { path } => format!(
                "name a file that is not there, or move that one away: mv {0} {0}.old",
                db(path)
            ),
            Self::NoFolder { path } => format!("make it: mkdir -p {}", db(path)),
            Self::Io { path, .. } => {
                format!(
                    "see who may read and write it and its folder: ls -ld {}",
                    db(path)
                )
            }
            Self::NoRecord(_) => "past runs are listed by: rollcall history".to_owned(),
            Self::Sqlite { .. }
            | Self::Raw(_)
            | Self::NotBound
            | Self::RowRefused { .. }
            | Self::NoRow { .. }
            | Self::NoEntry(_) => return None,
        })
    }

    /// The same error, with the file named and `SQLite`'s codes told apart.
    pub(super) fn at(self, path: &Path) -> Self {
        match self {
            Self::Raw(error) => Self::from_sqlite(error, path),
            other => other,
        }
    }

    fn from_sqlite(source: rusqlite::Error, path: &Path) -> Self {
        let path = path.to_owned();
        let Some(code) = source.sqlite_error().copied() else {
            return Self::Sqlite { path, source };
        };
        match (code.extended_code, code.code) {
            (ffi::SQLITE_READONLY_ROLLBACK | ffi::SQLITE_READONLY_RECOVERY, _) => {
                let command = format!("rollcall --db {} init", shell_word(&path));
                Self::HotJournal { path, command }
            }
            (_, ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                let who = file::who_locks(&path);
                Self::Busy { path, who }
            }
            (_, ErrorCode::NotADatabase) => Self::NotADatabase { path },
            (_, ErrorCode::DatabaseCorrupt) => Self::Damaged { path, source },
            (_, ErrorCode::DiskFull) => Self::DiskFull { path },
            (_, ErrorCode::ReadOnly) => Self::ReadOnlyFile { path },
            (
                _,
                ErrorCode::CannotOpen | ErrorCode::PermissionDenied | ErrorCode::SystemIoFailure,
            ) => Self::Io {
                path,
                source: io::Error::other(source),
            },
            _ => Self::Sqlite { path, source },
        }
    }
}

/// A path as a shell takes it.
fn shell_word(path: &Path) -> String {
    crate::model::shell_word(&path.to_string_lossy())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_locked_database_is_never_shown_in_sqlites_words() {
        let raw = rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_BUSY), None);
        let error = StoreError::from(raw).at(Path::new("/x/roll.db"));
        assert!(matches!(error, StoreError::Busy { .. }));
        assert!(!error.to_string().contains("database is locked"), "{error}");
        assert_eq!(error.class(), FailureClass::Locked);
    }

    #[test]
    fn what_a_source_says_is_not_said_twice() {
        let raw = rusqlite::Error::SqliteFailure(
            ffi::Error::new(ffi::SQLITE_CORRUPT),
            Some("page 7 is torn".to_owned()),
        );
        let error = StoreError::from(raw).at(Path::new("/x/roll.db"));
        let source = std::error::Error::source(&error).map(ToString::to_string);
        assert!(source.is_some_and(|source| source.contains("page 7 is torn")));
        assert!(!error.to_string().contains("page 7"), "{error}");
    }

    #[test]
    fn a_path_in_a_hint_can_be_pasted_into_a_shell() {
        assert_eq!(shell_word(Path::new("/x/a-b.db")), "/x/a-b.db");
        assert_eq!(shell_word(Path::new("/x y/it's.db")), r"'/x y/it'\''s.db'");
    }
}
