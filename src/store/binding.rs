//! What a ledger is bound to: its file, and one world.

use std::fmt;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rusqlite::Connection;

use super::error::StoreError;
use super::file::FileIdentity;
use super::meta::{self, Key};
use super::open::Store;
use crate::model::{EngineId, WorldKind};

/// The world a ledger belongs to since its first mutation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorldBinding {
    /// Which kind.
    pub kind: WorldKind,
    /// Which engine of that kind.
    pub engine: EngineId,
}

impl fmt::Display for WorldBinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            WorldKind::Real => write!(f, "real engine {}", self.engine),
            WorldKind::Sandbox => write!(f, "sandbox {}", self.engine),
        }
    }
}

impl Store {
    /// The world the ledger is bound to, if it was ever written to.
    pub fn world_binding(&self) -> Result<Option<WorldBinding>, StoreError> {
        self.read(|conn| match super::migrations::known_version(conn)? {
            Some(_) => world(conn),
            None => Ok(None),
        })
    }

    /// Refuses a file that is a copy of the one its ledger was written in.
    pub fn demand_own_file(&self) -> Result<(), StoreError> {
        self.read(|conn| match super::migrations::known_version(conn)? {
            Some(_) => demand_same_file(conn, self.path()),
            None => Ok(()),
        })
    }

    /// Binds the ledger to this world if it is bound to none; refuses another one.
    pub fn bind_world(&self, kind: WorldKind, engine: &EngineId) -> Result<(), StoreError> {
        let asked = WorldBinding {
            kind,
            engine: engine.clone(),
        };
        self.write(|tx| match world(tx)? {
            None => write_world(tx, &asked),
            Some(bound) if bound == asked => Ok(()),
            Some(bound) if bound.kind != kind => Err(StoreError::OtherWorld { bound, asked }),
            Some(bound) => Err(StoreError::OtherEngine {
                kind,
                bound: bound.engine,
                asked: asked.engine,
            }),
        })
    }

    /// `--accept-engine`: from now on the ledger is this engine's. What was ours on the other one stays written under
    /// that one and is seen again only when it answers again.
    pub fn rebind_engine(&self, engine: &EngineId) -> Result<(), StoreError> {
        self.write(|tx| {
            let kind = world(tx)?.ok_or(StoreError::NotBound)?.kind;
            let engine = engine.clone();
            write_world(tx, &WorldBinding { kind, engine })
        })
    }

    /// When the management side was last brought up, if ever.
    pub fn bootstrapped(&self) -> Result<Option<Timestamp>, StoreError> {
        self.read(|conn| match super::migrations::known_version(conn)? {
            Some(_) => bootstrapped(conn),
            None => Ok(None),
        })
    }

    /// Remembers that the management side belongs to this roll: `ensure` and `reconcile --repair` bring it back.
    pub fn record_bootstrap(&self, now: Timestamp) -> Result<(), StoreError> {
        self.write(|tx| meta::set(tx, Key::BootstrappedAt, &now.to_string()))
    }
}

/// See [`Store::bootstrapped`].
pub(super) fn bootstrapped(conn: &Connection) -> Result<Option<Timestamp>, StoreError> {
    let text = meta::get(conn, Key::BootstrappedAt)?;
    meta::maybe_instant(conn, text)
}

/// See [`Store::world_binding`].
pub(super) fn world(conn: &Connection) -> Result<Option<WorldBinding>, StoreError> {
    let (kind, engine) = (
        meta::get(conn, Key::WorldKind)?,
        meta::get(conn, Key::WorldEngine)?,
    );
    let (Some(kind), Some(engine)) = (kind, engine) else {
        return Ok(None);
    };
    let kind = match kind.as_str() {
        "real" => WorldKind::Real,
        "sandbox" => WorldKind::Sandbox,
        other => return Err(meta::broken(conn, format!("'{other}' is no kind of world"))),
    };
    Ok(Some(WorldBinding {
        kind,
        engine: EngineId::new(engine),
    }))
}

/// The engine that entries are written for.
pub(super) fn bound_engine(conn: &Connection) -> Result<EngineId, StoreError> {
    Ok(world(conn)?.ok_or(StoreError::NotBound)?.engine)
}

fn write_world(conn: &Connection, world: &WorldBinding) -> Result<(), StoreError> {
    let kind = match world.kind {
        WorldKind::Real => "real",
        WorldKind::Sandbox => "sandbox",
    };
    meta::set(conn, Key::WorldKind, kind)?;
    meta::set(conn, Key::WorldEngine, world.engine.as_str())
}

/// Forgets the world.
pub(super) fn unbind_world(conn: &Connection) -> Result<(), StoreError> {
    meta::clear(conn, Key::WorldKind)?;
    meta::clear(conn, Key::WorldEngine)?;
    meta::clear(conn, Key::BootstrappedAt)
}

/// Whether the file is the one that the ledger was written in: the same path (restored in place), or the same device
/// and inode (renamed). A ledger that names no file yet fits every file.
pub(super) fn same_file(conn: &Connection, path: &Path) -> Result<bool, StoreError> {
    let Some(bound) = bound_file(conn)? else {
        return Ok(true);
    };
    let now = FileIdentity::of(path)?;
    Ok(bound.path == path_text(&now.path) || bound.inode == now.inode)
}

/// Refuses a copy.
pub(super) fn demand_same_file(conn: &Connection, path: &Path) -> Result<(), StoreError> {
    if same_file(conn, path)? {
        return Ok(());
    }
    let bound = bound_file(conn)?.map(|bound| PathBuf::from(bound.path));
    Err(StoreError::Copied {
        path: path.to_owned(),
        bound: bound.unwrap_or_default(),
    })
}

/// Writes which file it is now, where that changed, and whose ledger it is, once.
pub(super) fn keep_file(conn: &Connection, path: &Path, now: Timestamp) -> Result<(), StoreError> {
    if meta::get(conn, Key::Owner)?.is_none() {
        new_owner(conn, now)?;
    }
    bind_file(conn, path)
}

/// Whether [`keep_file`] has nothing to write.
pub(super) fn is_kept(conn: &Connection, path: &Path) -> Result<bool, StoreError> {
    let owned = meta::get(conn, Key::Owner)?.is_some();
    Ok(owned && bound_file(conn)? == Some(BoundFile::now(path)?))
}

/// Binds the ledger to this file, whatever it was bound to.
pub(super) fn bind_file(conn: &Connection, path: &Path) -> Result<(), StoreError> {
    let bound = BoundFile::now(path)?;
    if bound_file(conn)?.as_ref() != Some(&bound) {
        meta::set(conn, Key::FilePath, &bound.path)?;
        meta::set(conn, Key::FileDevice, &bound.inode.0.to_string())?;
        meta::set(conn, Key::FileInode, &bound.inode.1.to_string())?;
    }
    Ok(())
}

/// Gives the ledger a new owner word.
pub(super) fn new_owner(conn: &Connection, now: Timestamp) -> Result<(), StoreError> {
    meta::set(conn, Key::Owner, &super::holder::random_word())?;
    meta::set(conn, Key::Since, &now.to_string())
}

#[derive(Debug, PartialEq, Eq)]
struct BoundFile {
    path: String,
    inode: (u64, u64),
}

impl BoundFile {
    /// The file as it is now.
    fn now(path: &Path) -> Result<Self, StoreError> {
        let now = FileIdentity::of(path)?;
        Ok(Self {
            path: path_text(&now.path),
            inode: now.inode,
        })
    }
}

fn bound_file(conn: &Connection) -> Result<Option<BoundFile>, StoreError> {
    let Some(path) = meta::get(conn, Key::FilePath)? else {
        return Ok(None);
    };
    let number = |key| -> Result<u64, StoreError> {
        meta::get(conn, key)?
            .and_then(|text| text.parse().ok())
            .ok_or_else(|| meta::broken(conn, "the file binding is incomplete"))
    };
    let inode = (number(Key::FileDevice)?, number(Key::FileInode)?);
    Ok(Some(BoundFile { path, inode }))
}

/// A path as text; one that is not UTF-8 with its bytes escaped.
fn path_text(path: &Path) -> String {
    match path.to_str() {
        Some(text) => text.to_owned(),
        None => path
            .as_os_str()
            .as_encoded_bytes()
            .escape_ascii()
            .to_string(),
    }
}
