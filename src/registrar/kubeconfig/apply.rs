//! Changing the file: under its lock, into a temporary file beside it, then renamed over it.

use std::fs;
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
use std::path::Path;
use std::sync::{Arc, Weak};
use std::time::Duration;

use async_trait::async_trait;

use super::Kubeconfig;
use super::lock::LockFile;
use super::observe::read;
use super::wire::Document;
use crate::model::{ClusterId, Fingerprint, RegistrarId, RegistrarView, Seen};
use crate::provider::Access;
use crate::registrar::{Fault, RegisterOrder, Registrar, RegistrarError, Switched};

#[async_trait]
impl Registrar for Kubeconfig {
    fn id(&self) -> RegistrarId {
        Self::registrar_id()
    }

    async fn observe(&self, deadline: Duration) -> Seen<RegistrarView> {
        self.seen(deadline).await
    }

    async fn register(
        &self,
        order: &RegisterOrder,
        expected: Option<&Fingerprint>,
    ) -> Result<Fingerprint, RegistrarError> {
        let (access, expected) = (order.access.clone(), expected.cloned());
        self.change(move |document| {
            let id = &access.id;
            if document.fingerprint(id) != expected {
                return Err(changed_meanwhile(id));
            }
            document.put(&access);
            document
                .fingerprint(id)
                .ok_or_else(|| failed("the entry was written and is not there"))
        })
        .await
    }

    async fn deregister(
        &self,
        id: &ClusterId,
        expected: &Fingerprint,
    ) -> Result<(), RegistrarError> {
        let (id, expected) = (id.clone(), expected.clone());
        self.change(move |document| match document.fingerprint(&id) {
            None => Ok(()),
            Some(found) if found == expected => {
                document.remove(&id);
                Ok(())
            }
            Some(_) => Err(changed_meanwhile(&id)),
        })
        .await
    }

    async fn switch(&self, id: &ClusterId) -> Result<Switched, RegistrarError> {
        self.make_current(id).await
    }

    async fn access(&self, id: &ClusterId) -> Option<Access> {
        let (path, id) = (self.path.clone(), id.clone());
        let read = tokio::task::spawn_blocking(move || read(&path).ok().flatten()?.access(&id));
        read.await.ok().flatten()
    }
}

impl Kubeconfig {
    /// Reads the file under its lock, changes it, and writes it if it changed: all of it in one piece that no
    /// cancellation tears apart. Whoever is not waited for any more gives up before it writes, and gives the lock back
    /// only when it is done.
    pub(super) async fn change<T: Send + 'static>(
        &self,
        change: impl FnOnce(&mut Document) -> Result<T, RegistrarError> + Send + 'static,
    ) -> Result<T, RegistrarError> {
        let alone = Arc::clone(&self.writing).lock_owned().await;
        let (path, patience) = (self.path.clone(), self.patience);
        let (waiting, asked) = Asked::new();
        let changed = tokio::task::spawn_blocking(move || {
            let _alone = alone;
            let _lock = LockFile::take(&path, patience, &asked)?;
            change_file(&path, &asked, change)
        })
        .await;
        drop(waiting);
        changed.unwrap_or_else(|_| Err(torn_down()))
    }
}

/// Whether somebody still waits for what is done.
pub(super) struct Asked(Weak<()>);

impl Asked {
    /// The one who waits for it, until that is dropped, and the question.
    pub(super) fn new() -> (Arc<()>, Self) {
        let waiting = Arc::new(());
        let asked = Self(Arc::downgrade(&waiting));
        (waiting, asked)
    }

    /// Fails if nobody waits any more.
    pub(super) fn demand(&self) -> Result<(), RegistrarError> {
        if self.0.strong_count() == 0 {
            return Err(torn_down());
        }
        Ok(())
    }
}

fn change_file<T>(
    path: &Path,
    asked: &Asked,
    change: impl FnOnce(&mut Document) -> Result<T, RegistrarError>,
) -> Result<T, RegistrarError> {
    let unreadable =
        |error: String| failed(format!("{} cannot be changed: {error}", path.display()));
    let before = read(path).map_err(unreadable)?;
    let mut document = before.clone().unwrap_or_else(Document::empty);
    let done = change(&mut document)?;
    if before.as_ref() != Some(&document) {
        let text = document.text().map_err(unreadable)?;
        // What cannot be read back as it was meant must not replace what is there.
        if Document::parse(&text).as_ref() != Ok(&document) {
            return Err(unreadable(
                "its content does not survive being written".to_owned(),
            ));
        }
        asked.demand()?;
        write(path, &text).map_err(|error| unreadable(error.to_string()))?;
    }
    Ok(done)
}

/// Writes beside the file that a link leads to, with its owner and its mode, and renames: a reader sees the old or the
/// new.
fn write(path: &Path, text: &str) -> io::Result<()> {
    let real = match fs::canonicalize(path) {
        Ok(real) => real,
        Err(error) if error.kind() == ErrorKind::NotFound => path.to_owned(),
        Err(error) => return Err(error),
    };
    let dir = real
        .parent()
        .filter(|dir| !dir.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new()
        .prefix(".rollcall-")
        .tempfile_in(dir)?;
    match fs::metadata(&real) {
        Ok(before) => inherit(file.as_file(), &before)?,
        // A temporary file is private from the first moment, and that is what a new kubeconfig shall be.
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(&real).map_err(|error| error.error)?;
    Ok(())
}

/// Gives the new file the owner, the group and the mode of the one that it will replace: under sudo a user's kubeconfig
/// stays the user's.
fn inherit(file: &fs::File, before: &fs::Metadata) -> io::Result<()> {
    let now = file.metadata()?;
    let mode = before.permissions().mode() & 0o7777;
    let lost = |what: String| {
        move |error: io::Error| {
            let message = format!("it belongs to {what}, and what replaces it cannot: {error}");
            io::Error::new(error.kind(), message)
        }
    };
    // The owner first: giving a file away may clear bits of its mode.
    if now.uid() != before.uid() {
        let uid = before.uid();
        fchown(file, Some(uid), None).map_err(lost(format!("user {uid}")))?;
    }
    if now.gid() != before.gid() {
        let gid = before.gid();
        match fchown(file, None, Some(gid)) {
            // A group that may do nothing (root's, after `sudo cp`) is no loss, and no other one gains anything.
            Err(_) if mode & 0o070 == 0 => {}
            kept => kept.map_err(lost(format!("group {gid}")))?,
        }
    }
    file.set_permissions(fs::Permissions::from_mode(mode))
}

fn torn_down() -> RegistrarError {
    failed("writing the kubeconfig was torn down")
}

pub(super) fn failed(message: impl Into<String>) -> RegistrarError {
    RegistrarError::new(Fault::Permanent, message)
}

fn changed_meanwhile(id: &ClusterId) -> RegistrarError {
    RegistrarError::new(
        Fault::NotOurs,
        format!("the entry of {id} is not the one that was observed: it is left alone"),
    )
    .hint("run rollcall again")
}
