//! The folder that holds the objects over a stop and a start: one file per object, written beside
//! its place and renamed, so that a crash leaves the old one or the new one.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::object::Key;
use crate::error::Error;
use crate::pki;

/// Remembers the last revision when the newest object is gone.
const REVISION: &str = "revision";

/// A folder of objects.
#[derive(Debug)]
pub(crate) struct Disk {
    dir: PathBuf,
}

impl Disk {
    /// The folder at `dir`, which need not exist yet.
    pub(crate) fn new(dir: &Path) -> Self {
        Self {
            dir: dir.to_path_buf(),
        }
    }

    /// Everything that is kept, and the last revision that was noted.
    pub(crate) fn load(&self) -> Result<(Vec<Value>, u64), Error> {
        let revision = std::fs::read_to_string(self.dir.join(REVISION))
            .ok()
            .and_then(|text| text.trim().parse().ok())
            .unwrap_or_default();
        let mut objects = Vec::new();
        for resource in folder(&self.dir)?.iter().filter(|path| path.is_dir()) {
            for namespace in folder(resource)? {
                for file in folder(&namespace)? {
                    // What a crash left beside its place is not there yet.
                    if file
                        .extension()
                        .is_some_and(|extension| extension == "json")
                    {
                        objects.push(read(&file)?);
                    }
                }
            }
        }
        Ok((objects, revision))
    }

    /// Writes one object.
    pub(crate) fn write(&self, key: &Key, object: &Value) -> Result<(), Error> {
        pki::write(&self.path(key), &object.to_string())
    }

    /// Removes one object; `revision` is noted first, or it would be given out again.
    pub(crate) fn remove(&self, key: &Key, revision: u64) -> Result<(), Error> {
        pki::write(&self.dir.join(REVISION), &format!("{revision}\n"))?;
        let path = self.path(key);
        std::fs::remove_file(&path).map_err(Error::file(&path))
    }

    fn path(&self, key: &Key) -> PathBuf {
        let namespace = if key.namespace.is_empty() {
            "_"
        } else {
            &key.namespace
        };
        let folder = self.dir.join(&key.resource).join(namespace);
        folder.join(format!("{}.json", key.name))
    }
}

fn folder(dir: &Path) -> Result<Vec<PathBuf>, Error> {
    match std::fs::read_dir(dir) {
        Ok(entries) => entries
            .map(|entry| entry.map(|entry| entry.path()).map_err(Error::file(dir)))
            .collect(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(Error::file(dir)(error)),
    }
}

fn read(path: &Path) -> Result<Value, Error> {
    let text = std::fs::read_to_string(path).map_err(Error::file(path))?;
    serde_json::from_str(&text).map_err(|error| Error::file(path)(error.into()))
}
