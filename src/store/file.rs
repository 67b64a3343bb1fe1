//! The file itself: which one it is, and who has it locked.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::error::StoreError;

/// Which file it is: a copy differs in both halves, a rename in the first, a file restored in place in the second.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FileIdentity {
    /// Its path, symbolic links resolved.
    pub(super) path: PathBuf,
    /// Its device and inode.
    pub(super) inode: (u64, u64),
}

impl FileIdentity {
    /// The identity of the file at this path.
    pub(super) fn of(path: &Path) -> Result<Self, StoreError> {
        let fail = |source| StoreError::Io {
            path: path.to_owned(),
            source,
        };
        let metadata = fs::metadata(path).map_err(fail)?;
        Ok(Self {
            path: fs::canonicalize(path).map_err(fail)?,
            inode: inode(&metadata),
        })
    }
}

fn inode(metadata: &Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}

/// The absolute path of a database that is there. A relative one that begins with `file:` would be an URI to the
/// bundled `SQLite`, with `immutable=1` and all.
pub(super) fn existing(path: &Path) -> Result<PathBuf, StoreError> {
    let absolute = absolute(path)?;
    match fs::metadata(&absolute) {
        Ok(metadata) if metadata.is_file() => Ok(absolute),
        Ok(_) => Err(StoreError::NotADatabase { path: absolute }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(StoreError::NoDatabase { path: absolute })
        }
        Err(source) => Err(StoreError::Io {
            path: absolute,
            source,
        }),
    }
}

/// The absolute path, whether or not anything is there.
pub(super) fn absolute(path: &Path) -> Result<PathBuf, StoreError> {
    std::path::absolute(path).map_err(|source| StoreError::Io {
        path: path.to_owned(),
        source,
    })
}

/// The process that has the database locked, as far as the system tells (Linux: `/proc/locks`; a write-ahead log is
/// locked through its `-shm` file).
pub(super) fn who_locks(path: &Path) -> Option<String> {
    let mut shm = path.as_os_str().to_owned();
    shm.push("-shm");
    let locks = fs::read_to_string("/proc/locks").ok()?;
    let own = i64::from(std::process::id());
    [path.to_owned(), PathBuf::from(shm)]
        .iter()
        .filter_map(|file| fs::metadata(file).ok())
        .find_map(|metadata| writer(&locks, &metadata, own))
        .map(
            |pid| match fs::read_to_string(format!("/proc/{pid}/comm")) {
                Ok(name) => format!("{} (pid {pid})", crate::model::one_line(&name, 40)),
                Err(_) => format!("pid {pid}"),
            },
        )
}

/// The process other than our own with a write lock: `1: POSIX  ADVISORY  WRITE 4711 fd:01:131090 0 EOF`.
fn writer(locks: &str, metadata: &Metadata, own: i64) -> Option<i64> {
    let device = metadata.dev();
    let file = format!(
        "{:02x}:{:02x}:{}",
        rustix::fs::major(device),
        rustix::fs::minor(device),
        metadata.ino()
    );
    locks.lines().find_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let at = words.iter().position(|word| *word == "WRITE")?;
        let pid: i64 = words.get(at + 1)?.parse().ok()?;
        (words.get(at + 2) == Some(&file.as_str()) && pid > 0 && pid != own).then_some(pid)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_file_a_folder_and_a_file_are_told_apart() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("roll.db");
        assert!(matches!(
            existing(&file),
            Err(StoreError::NoDatabase { .. })
        ));
        assert!(matches!(
            existing(dir.path()),
            Err(StoreError::NotADatabase { .. })
        ));
        fs::write(&file, "").unwrap();
        assert_eq!(existing(&file).unwrap(), file);
    }

    #[test]
    fn a_path_never_reaches_sqlite_as_an_uri() {
        assert!(
            absolute(Path::new("file:x?immutable=1"))
                .unwrap()
                .starts_with("/")
        );
    }

    #[test]
    fn a_writer_is_found_by_device_and_inode() {
        let dir = tempfile::tempdir().unwrap();
        let metadata = fs::metadata(dir.path()).unwrap();
        let line = |pid: i64, inode: u64| {
            let device = metadata.dev();
            let (major, minor) = (rustix::fs::major(device), rustix::fs::minor(device));
            format!("1: POSIX  ADVISORY  WRITE {pid} {major:02x}:{minor:02x}:{inode} 0 EOF\n")
        };
        let ours = metadata.ino();
        assert_eq!(writer(&line(4711, ours), &metadata, 1), Some(4711));
        assert_eq!(writer(&line(4711, ours + 1), &metadata, 1), None);
        assert_eq!(
            writer(&line(1, ours), &metadata, 1),
            None,
            "we do not wait for ourselves"
        );
        let reader = line(4711, ours).replace("WRITE", "READ");
        assert_eq!(writer(&reader, &metadata, 1), None);
    }
}
