//! The sections of providers.

use std::path::PathBuf;

use serde::Deserialize;

/// `[provider.NAME]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Providers {
    /// `[provider.k3d]`.
    pub k3d: ProviderConfig,
    /// `[provider.kind]`.
    pub(crate) kind: ProviderConfig,
}

impl Providers {
    /// What cannot be right.
    pub(super) fn problem(&self) -> Option<String> {
        let all = [("k3d", &self.k3d), ("kind", &self.kind)];
        all.into_iter().find_map(|(name, provider)| {
            let nothing = |one: &AfterCreateConfig| {
                let empty = one.images.iter().any(|image| image.trim().is_empty());
                empty || (one.images.is_empty() && one.manifests.is_empty())
            };
            let mut all = provider.after_create.iter();
            all.any(nothing).then(|| {
                format!("a provider.{name}.after_create names neither an image nor a manifest, or an empty one")
            })
        })
    }

    /// The paths of this host's files.
    pub(super) fn paths(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        let all = [&mut self.k3d, &mut self.kind].into_iter();
        all.flat_map(|provider| {
            let prepared = provider.after_create.iter_mut();
            let manifests = prepared.flat_map(|one| &mut one.manifests);
            manifests.chain(&mut provider.program)
        })
    }
}

/// What can be set of a provider.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ProviderConfig {
    /// The image of its nodes.
    pub(crate) image: Option<String>,
    /// The program, if it is not the one on the PATH.
    pub(crate) program: Option<PathBuf>,
    /// What follows each creation.
    pub(crate) after_create: Vec<AfterCreateConfig>,
}

/// `[[provider.NAME.after_create]]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct AfterCreateConfig {
    /// Images of the engine that go into every node.
    pub(crate) images: Vec<String>,
    /// Files of objects that are applied.
    pub(crate) manifests: Vec<PathBuf>,
    /// Whether those are waited for.
    pub(crate) wait: bool,
}

impl Default for AfterCreateConfig {
    fn default() -> Self {
        Self {
            images: Vec::new(),
            manifests: Vec::new(),
            wait: true,
        }
    }
}
