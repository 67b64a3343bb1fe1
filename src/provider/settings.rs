//! What the real providers must be told.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::manifest::Wait;

/// Everything that the real providers are told.
#[derive(Debug, Clone, Default)]
pub struct DockerSettings {
    /// The user's environment: where the engine is, and what the tools get to see.
    pub env: BTreeMap<String, String>,
    /// Whose tools are called: one word for one database. Under its lease every other process with it is a stray.
    pub owner: String,
    /// A folder of rollcall's own, absolute; nothing in it is ever mounted writable.
    pub state_dir: PathBuf,
    /// Of k3d.
    pub k3d: ProviderSettings,
    /// Of kind.
    pub kind: ProviderSettings,
}

/// What can be set of one provider.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProviderSettings {
    /// The image of its nodes; `None` leaves it to the tool.
    pub image: Option<String>,
    /// The program, if it is not the one on the PATH.
    pub program: Option<PathBuf>,
    /// What follows each creation, in this order.
    pub after_create: Vec<AfterCreate>,
}

/// What follows a creation once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AfterCreate {
    /// Images of the engine that are loaded into every node.
    pub images: Vec<String>,
    /// Files of objects that are applied, after that.
    pub manifests: Vec<PathBuf>,
    /// Whether those are waited for.
    pub wait: Wait,
}
