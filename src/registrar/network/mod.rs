//! The networks of clusters: containers outside of a cluster that have to reach it are put on its network.
//!
//! In: the engine's look. Out: which of those containers are on which cluster's network; joins.
//! Must not: take a container off a network that is not the cluster's own, or touch one that was not named.
//!
//! An attachment serves whoever made it, and goes with its network: this registrar never holds a cluster back.

mod reach;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::model::{
    ClusterId, ClusterName, EngineView, Fingerprint, RegistrarId, RegistrarView, Seen, Unseen,
    UnseenKind,
};
use crate::provider::Engine;
use crate::registrar::{Fault, RegisterOrder, Registrar, RegistrarError};

/// The registrar's name.
pub const NETWORK: &str = "network";

/// How long one look at the engine may take.
const LOOK: Duration = Duration::from_secs(10);

/// Who has to reach clusters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NetworkSettings {
    /// The management cluster: all its nodes do.
    pub management: Option<ClusterName>,
    /// Other containers, by name.
    pub containers: Vec<String>,
}

/// The networks of clusters.
pub struct Networks {
    settings: NetworkSettings,
    engine: Arc<dyn Engine>,
}

impl Networks {
    /// The networks of this engine.
    pub fn new(settings: NetworkSettings, engine: Arc<dyn Engine>) -> Self {
        Self { settings, engine }
    }

    /// The registrar's identity.
    pub fn registrar_id() -> RegistrarId {
        RegistrarId::new(NETWORK)
    }

    async fn look(&self) -> Result<EngineView, RegistrarError> {
        match self.engine.look(LOOK).await {
            Seen::Known(view) => Ok(view),
            Seen::Unknown(unseen) => Err(RegistrarError::new(Fault::Transient, unseen.error)),
        }
    }
}

#[async_trait]
impl Registrar for Networks {
    fn id(&self) -> RegistrarId {
        Self::registrar_id()
    }

    async fn observe(&self, _deadline: Duration) -> Seen<RegistrarView> {
        // The engine's own look says it all, and takes the place of this: see `derive`.
        Seen::Unknown(Unseen {
            source: NETWORK.to_owned(),
            kind: UnseenKind::Silent,
            error: "the engine that tells of it was not observed".to_owned(),
            hint: None,
        })
    }

    fn derive(&self, engine: &EngineView) -> Option<RegistrarView> {
        Some(reach::view(&self.settings, engine))
    }

    fn guests(&self, engine: &EngineView) -> Vec<String> {
        reach::members(&self.settings, engine)
    }

    async fn register(
        &self,
        order: &RegisterOrder,
        _expected: Option<&Fingerprint>,
    ) -> Result<Fingerprint, RegistrarError> {
        let (engine, id) = (self.look().await?, &order.cluster.id);
        let gap = reach::gap(&self.settings, &engine, id).ok_or_else(|| {
            RegistrarError::new(Fault::Transient, format!("{id} has no network yet"))
        })?;
        for container in &gap.missing {
            self.engine.join(&gap.network, container).await?;
        }
        Ok(reach::fingerprint(&gap.network))
    }

    async fn deregister(
        &self,
        id: &ClusterId,
        _expected: &Fingerprint,
    ) -> Result<(), RegistrarError> {
        let engine = self.look().await?;
        let Some(gap) = reach::gap(&self.settings, &engine, id).filter(|gap| gap.own) else {
            return Ok(());
        };
        for container in &gap.present {
            self.engine.leave(&gap.network, container).await?;
        }
        Ok(())
    }
}
