//! The ports: what the outside world is, real or sandbox. Everything above them is the same code.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::clock::SharedClock;
pub use crate::model::WorldKind;
use crate::model::{EngineView, ProviderId, RegistrarId};
use crate::provider::{self, DockerSettings, Engine, Prober, SharedProvider};
use crate::registrar::SharedRegistrar;

/// The outside world.
#[derive(Clone)]
pub struct World {
    /// Which kind.
    pub kind: WorldKind,
    /// The engine.
    pub engine: Arc<dyn Engine>,
    /// Who makes clusters.
    pub providers: BTreeMap<ProviderId, SharedProvider>,
    /// Where clusters are registered: those that are on.
    pub registrars: BTreeMap<RegistrarId, SharedRegistrar>,
    /// Who asks a cluster's API whether it is ready.
    pub prober: Arc<dyn Prober>,
    /// What time it is there.
    pub clock: SharedClock,
    /// Whose tools run there, where tools are processes.
    pub owner: Option<String>,
}

impl World {
    /// This machine's world: Docker, its providers, and these registrars. Nothing is connected to yet.
    pub fn docker(
        settings: &DockerSettings,
        registrars: BTreeMap<RegistrarId, SharedRegistrar>,
        clock: SharedClock,
    ) -> Self {
        let (engine, providers) = provider::all(settings);
        Self {
            kind: WorldKind::Real,
            engine,
            providers,
            registrars,
            prober: provider::prober(),
            clock,
            owner: Some(settings.owner.clone()),
        }
    }

    /// The containers that were put on clusters' networks and stay when those go.
    pub fn guests(&self, engine: &EngineView) -> Vec<String> {
        let registrars = self.registrars.values();
        registrars
            .flat_map(|registrar| registrar.guests(engine))
            .collect()
    }

    /// Ends the tools that a killed run left, and returns how many processes that were. To be called under the lease
    /// alone, before any tool is called: then none of them is anybody's.
    pub async fn end_strays(&self) -> usize {
        match &self.owner {
            Some(owner) => provider::end_strays(owner).await,
            None => 0,
        }
    }
}
