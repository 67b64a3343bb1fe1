//! A registrar that is switched on and cannot be asked, because its settings lack something.

use std::time::Duration;

use async_trait::async_trait;

use crate::model::{ClusterId, Fingerprint, RegistrarId, RegistrarView, Seen, Unseen};
use crate::registrar::{Fault, RegisterOrder, Registrar, RegistrarError};

/// What it holds is unknown: only what depends on it waits, and every command that needs it not goes on.
#[derive(Debug, Clone)]
pub struct Unready {
    id: RegistrarId,
    why: Unseen,
}

impl Unready {
    /// The registrar of this name, and what it lacks.
    pub fn new(id: RegistrarId, why: Unseen) -> Self {
        Self { id, why }
    }

    fn refused(&self) -> RegistrarError {
        let error = RegistrarError::new(Fault::Permanent, self.why.error.clone());
        match &self.why.hint {
            Some(hint) => error.hint(hint.clone()),
            None => error,
        }
    }
}

#[async_trait]
impl Registrar for Unready {
    fn id(&self) -> RegistrarId {
        self.id.clone()
    }

    async fn observe(&self, _deadline: Duration) -> Seen<RegistrarView> {
        Seen::Unknown(self.why.clone())
    }

    async fn register(
        &self,
        _order: &RegisterOrder,
        _expected: Option<&Fingerprint>,
    ) -> Result<Fingerprint, RegistrarError> {
        Err(self.refused())
    }

    async fn deregister(
        &self,
        _id: &ClusterId,
        _expected: &Fingerprint,
    ) -> Result<(), RegistrarError> {
        Err(self.refused())
    }
}
