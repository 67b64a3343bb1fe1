//! The lock that kubectl and kind take too: a file beside the kubeconfig that must not exist (client-go
//! `tools/clientcmd/config.go`).
//!
//! Theirs is empty. Ours says who wrote it, and the system holds it (`flock`) for as long as that process lives: one
//! that it holds no more was left by a process that was killed, and is taken away. Whatever else is there is somebody
//! else's, is waited for, and stays.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::OFlags;
use serde::{Deserialize, Serialize};

use super::apply::{Asked, failed};
use crate::process::Process;
use crate::registrar::{Fault, RegistrarError};

/// How long to wait between two looks at a lock that somebody holds.
const PAUSE: Duration = Duration::from_millis(100);
/// The most that a lock of ours says.
const LONGEST: u64 = 4096;

/// What a lock of ours says.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Signature {
    /// Who wrote it.
    pub(super) rollcall: Process,
}

/// The lock, given back when it is dropped.
pub(super) struct LockFile {
    path: PathBuf,
    file: File,
}

impl LockFile {
    /// Takes the lock of a file; waits for whoever has it.
    pub(super) fn take(
        of: &Path,
        patience: Duration,
        asked: &Asked,
    ) -> Result<Self, RegistrarError> {
        let path = path_of(of);
        let cannot = |error: io::Error| failed(format!("failed to lock {}: {error}", of.display()));
        let dir = of.parent().filter(|dir| !dir.as_os_str().is_empty());
        let dir = dir.unwrap_or(Path::new("."));
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(dir)
            .map_err(cannot)?;
        let mut waited = Duration::ZERO;
        loop {
            asked.demand()?;
            clear_away(&path);
            if let Some(lock) = Self::try_take(&path, dir).map_err(cannot)? {
                return Ok(lock);
            }
            if waited >= patience {
                return Err(held(of, &path));
            }
            std::thread::sleep(PAUSE);
            waited += PAUSE;
        }
    }

    /// The lock, or `None` if somebody has it.
    fn try_take(path: &Path, dir: &Path) -> io::Result<Option<Self>> {
        if fs::symlink_metadata(path).is_ok() {
            return Ok(None);
        }
        let file = match signed(path, dir) {
            Ok(file) => Ok(file),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(error),
            // A file system that lacks what a signed one takes may still have what kubectl takes.
            Err(_) => unsigned(path),
        };
        match file {
            Ok(file) => Ok(Some(Self {
                path: path.to_owned(),
                file,
            })),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl Drop for LockFile {
    fn drop(&mut self) {
        // If a person took it away, what is there now may be another program's.
        if is_at(&self.path, &self.file) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Where the lock of a file is.
pub(super) fn path_of(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".lock");
    PathBuf::from(name)
}

/// A lock that says who wrote it. It appears as a whole: named, and held by the system already.
fn signed(path: &Path, dir: &Path) -> io::Result<File> {
    // Everybody may read it: after `sudo`, the user's next run must be able to tell what it is.
    let mut file = tempfile::Builder::new()
        .prefix(".rollcall-")
        .permissions(fs::Permissions::from_mode(0o644))
        .tempfile_in(dir)?;
    let signature = Signature {
        rollcall: Process::this(),
    };
    file.write_all(&serde_json::to_vec(&signature)?)?;
    // A machine that goes down must not leave it empty: it would look like another program's.
    file.as_file().sync_all()?;
    file.as_file().try_lock().map_err(io::Error::from)?;
    file.persist_noclobber(path).map_err(|error| error.error)
}

/// A lock as kubectl makes it. Nobody can tell whose it is, so nobody ever takes it away.
fn unsigned(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
}

/// Takes away a lock that rollcall wrote and whose process is gone.
fn clear_away(path: &Path) {
    let Some((file, signature)) = read(path) else {
        return;
    };
    // What the system of another machine holds this one may not see.
    let near = Process::this().shares_machine_with(&signature.rollcall);
    // Held from here on, if it was held no more: nobody else takes it away at the same time.
    if near && file.try_lock().is_ok() && is_at(path, &file) {
        tracing::debug!(
            pid = signature.rollcall.pid,
            "took away the lock of a process that is gone: {}",
            path.display()
        );
        let _ = fs::remove_file(path);
    }
}

/// The lock that is there, if rollcall wrote it.
fn read(path: &Path) -> Option<(File, Signature)> {
    let open = |write: bool| {
        OpenOptions::new()
            .read(true)
            .write(write)
            .custom_flags((OFlags::NONBLOCK | OFlags::NOFOLLOW).bits().cast_signed())
            .open(path)
    };
    // A file system of the network holds for writing only what is open for writing.
    let file = open(true).or_else(|_| open(false)).ok()?;
    let mut text = String::new();
    let regular = file.metadata().is_ok_and(|meta| meta.is_file());
    if !regular || (&file).take(LONGEST).read_to_string(&mut text).is_err() {
        return None;
    }
    let signature = serde_json::from_str(&text).ok()?;
    Some((file, signature))
}

/// Whether this open file is the one of this name.
fn is_at(path: &Path, file: &File) -> bool {
    match (fs::symlink_metadata(path), file.metadata()) {
        (Ok(there), Ok(here)) => (there.dev(), there.ino()) == (here.dev(), here.ino()),
        _ => false,
    }
}

fn held(of: &Path, path: &Path) -> RegistrarError {
    let by = read(path).map_or_else(
        || "another program".to_owned(),
        |(_, Signature { rollcall })| {
            format!(
                "another rollcall (pid {} on {})",
                rollcall.pid, rollcall.host
            )
        },
    );
    let message = format!("{} is locked by {by}", of.display());
    RegistrarError::new(Fault::Permanent, message)
        .hint(format!("if none is at it any more: rm {}", path.display()))
}
