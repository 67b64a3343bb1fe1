//! Putting containers on a cluster's network, and taking them off.

use std::time::Duration;

use async_trait::async_trait;

use super::{NETWORK, Networks, observe};
use crate::model::{
    ClusterId, EngineView, Fingerprint, RegistrarId, RegistrarView, Seen, Unseen, UnseenKind,
};
use crate::registrar::{Fault, RegisterOrder, Registrar, RegistrarError};

/// How long one look at the engine may take.
const LOOK: Duration = Duration::from_secs(10);

impl Networks {
    pub(super) async fn look(&self) -> Result<EngineView, RegistrarError> {
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
        Some(observe::view(&self.settings, engine))
    }

    fn guests(&self, engine: &EngineView) -> Vec<String> {
        observe::members(&self.settings, engine)
    }

    async fn register(
        &self,
        order: &RegisterOrder,
        _expected: Option<&Fingerprint>,
    ) -> Result<Fingerprint, RegistrarError> {
        let (engine, id) = (self.look().await?, &order.cluster.id);
        let gap = observe::gap(&self.settings, &engine, id).ok_or_else(|| {
            RegistrarError::new(Fault::Transient, format!("{id} has no network yet"))
        })?;
        for container in &gap.missing {
            self.engine.join(&gap.network, container).await?;
        }
        Ok(observe::fingerprint(&gap.network))
    }

    async fn deregister(
        &self,
        id: &ClusterId,
        _expected: &Fingerprint,
    ) -> Result<(), RegistrarError> {
        let engine = self.look().await?;
        let Some(gap) = observe::gap(&self.settings, &engine, id).filter(|gap| gap.own) else {
            return Ok(());
        };
        for container in &gap.present {
            self.engine.leave(&gap.network, container).await?;
        }
        Ok(())
    }
}
