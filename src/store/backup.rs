//! A copy of the whole database.
//!
//! It is made in a private folder beside its place and put there in one piece: whatever goes wrong before, nothing is
//! left.

use std::fs::{self, File, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{ErrorCode, InterruptHandle, ffi};
use tempfile::TempPath;

use super::error::StoreError;
use super::open::Store;
use super::{file, migrations};

/// A copy that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backup {
    /// Where it is, as an absolute path.
    pub path: PathBuf,
    /// How large it is.
    pub bytes: u64,
    /// Whether a ledger is in it: then mutating commands refuse it until `init --new-owner` or `--moved`.
    pub has_ledger: bool,
}

/// Ends what a store is doing, from another thread.
pub struct Interrupter(InterruptHandle);

impl Interrupter {
    /// Ends the statement that runs now, if one does.
    pub fn interrupt(&self) {
        self.0.interrupt();
    }
}

impl Store {
    /// What ends a backup before it is done.
    pub fn interrupter(&self) -> Interrupter {
        Interrupter(self.conn().get_interrupt_handle())
    }

    /// Writes a copy of the whole database as of one moment, side tables included, to a file that is not there yet.
    /// Others may write meanwhile. Only its owner may read it.
    pub fn backup(&self, to: &Path) -> Result<Backup, StoreError> {
        let to = file::absolute(to)?;
        let fail = |source| in_place(source, &to);
        match fs::symlink_metadata(&to) {
            Ok(_) => return Err(StoreError::BackupExists { path: to }),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(fail(error)),
        }
        let has_ledger = self.read(migrations::known_version)?.is_some();
        let folder = to.parent().unwrap_or(Path::new("/"));
        let private = tempfile::Builder::new()
            .prefix(".rollcall-")
            .permissions(Permissions::from_mode(0o700))
            .tempdir_in(folder)
            .map_err(fail)?;
        let copy = private.path().join("copy");
        self.copy_into(&copy, &to)?;
        let bytes = settle(&copy).map_err(fail)?;
        let copy = TempPath::try_from_path(copy).map_err(fail)?;
        copy.persist_noclobber(&to).map_err(|kept| {
            if kept.error.kind() == ErrorKind::AlreadyExists {
                return StoreError::BackupExists { path: to.clone() };
            }
            in_place(kept.error, &to)
        })?;
        // A file system that cannot make sure of a name has it all the same.
        let _ = File::open(folder).and_then(|folder| folder.sync_all());
        Ok(Backup {
            path: to,
            bytes,
            has_ledger,
        })
    }

    /// One read transaction of `SQLite`'s own: what others write during it is not in the copy, not even half of it.
    fn copy_into(&self, copy: &Path, to: &Path) -> Result<(), StoreError> {
        // A path need not be UTF-8.
        let target = ToSqlOutput::Borrowed(ValueRef::Text(copy.as_os_str().as_bytes()));
        let copied = self.conn().execute("VACUUM INTO ?1", [target]);
        copied.map(drop).map_err(|error| {
            let at = if of_the_copy(&error) { to } else { self.path() };
            StoreError::from(error).at(at)
        })
    }
}

/// Whether it is the copy that could not be written, and not the database that could not be read.
fn of_the_copy(error: &rusqlite::Error) -> bool {
    let writing = [
        ffi::SQLITE_IOERR_WRITE,
        ffi::SQLITE_IOERR_FSYNC,
        ffi::SQLITE_IOERR_TRUNCATE,
    ];
    error.sqlite_error().is_some_and(|error| {
        error.code == ErrorCode::DiskFull || writing.contains(&error.extended_code)
    })
}

/// The copy for its owner alone, and on the disk. Returns its size.
fn settle(copy: &Path) -> io::Result<u64> {
    fs::set_permissions(copy, Permissions::from_mode(0o600))?;
    let file = File::open(copy)?;
    file.sync_all()?;
    Ok(file.metadata()?.len())
}

/// What the system says about the place of a copy.
fn in_place(source: io::Error, to: &Path) -> StoreError {
    let folder = to.parent().unwrap_or(to);
    match source.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => StoreError::NoFolder {
            path: folder.to_owned(),
        },
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => StoreError::DiskFull {
            path: to.to_owned(),
        },
        _ => StoreError::Io {
            path: folder.to_owned(),
            source,
        },
    }
}
