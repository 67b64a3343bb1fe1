//! The sandbox as the rest of rollcall sees it: a world.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::SandboxError;
use super::clock::SandboxClock;
use super::engine::SandboxEngine;
use super::prober::SandboxProber;
use super::provider::SandboxProvider;
use super::registrar::SandboxRegistrar;
use super::tool::Tool;
use super::vault::Vault;
use crate::clock::SharedClock;
use crate::model::ProviderId;
use crate::ports::{World, WorldKind};
use crate::provider::{Engine, Prober, SharedProvider};
use crate::registrar::{Registrar as _, SharedRegistrar};

/// A world to rehearse in. Clones are handles on the same world.
#[derive(Clone)]
pub struct Sandbox {
    pub(super) vault: Arc<Vault>,
    prepares: BTreeMap<ProviderId, Vec<PathBuf>>,
}

/// Opens the world in this directory, or begins one there: an engine with the images of both tools and nobody on it.
pub fn open(dir: &Path) -> Result<Sandbox, SandboxError> {
    let vault = Arc::new(Vault::open(dir)?);
    let prepares = BTreeMap::new();
    Ok(Sandbox { vault, prepares })
}

impl Sandbox {
    /// A world in memory, for tests: the same seed and the same orders give the same world, its clock begins at
    /// 2026-01-01 and stands unless somebody waits, and waiting takes no time.
    pub fn in_memory(seed: u64) -> Self {
        let vault = Arc::new(Vault::in_memory(seed));
        let prepares = BTreeMap::new();
        Self { vault, prepares }
    }

    /// The same, with something to do after each creation of these providers' clusters; their manifests must be there.
    #[must_use]
    pub fn preparing(
        mut self,
        providers: impl IntoIterator<Item = (ProviderId, Vec<PathBuf>)>,
    ) -> Self {
        self.prepares = providers.into_iter().collect();
        self
    }

    /// All its ports.
    pub fn world(&self) -> World {
        let vault = &self.vault;
        let engine: Arc<dyn Engine> = Arc::new(SandboxEngine(Arc::clone(vault)));
        let prober: Arc<dyn Prober> = Arc::new(SandboxProber(Arc::clone(vault)));
        let provider = |tool: Tool| -> SharedProvider {
            Arc::new(SandboxProvider {
                vault: Arc::clone(vault),
                tool,
                prepares: self.prepares.get(&tool.id()).cloned(),
            })
        };
        World {
            kind: WorldKind::Sandbox,
            engine,
            providers: Tool::ALL.map(|tool| (tool.id(), provider(tool))).into(),
            registrars: SandboxRegistrar::all(vault)
                .map(|registrar| (registrar.id(), Arc::new(registrar) as SharedRegistrar))
                .collect(),
            prober,
            clock: self.clock(),
            owner: None,
        }
    }

    /// What time it is there.
    pub fn clock(&self) -> SharedClock {
        Arc::new(SandboxClock(Arc::clone(&self.vault)))
    }
}

impl fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kept = match *self.vault {
            Vault::Memory(_) => "in memory",
            Vault::File(_) => "in a file",
        };
        f.debug_tuple("Sandbox").field(&kept).finish()
    }
}
