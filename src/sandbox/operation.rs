//! One operation on its way: it takes time, may meet its fate, and must not outlive its deadline.

use std::sync::Arc;
use std::time::Duration;

use super::clock::SandboxClock;
use super::fate::Fate;
use super::instruction::{Effect, Health, Operation, When};
use super::state::{ENGINE, State};
use super::vault::Vault;
use crate::clock::Clock as _;
use crate::model::{ClusterId, RegistrarId};
use crate::provider::{Fault, ProviderError};

/// How long an operation may take whose caller names no deadline.
pub(super) const PATIENCE: Duration = Duration::from_secs(600);

/// What is to be done.
pub(super) struct Errand<'a> {
    pub(super) operation: Operation,
    pub(super) registrar: Option<&'a RegistrarId>,
    pub(super) cluster: Option<&'a ClusterId>,
    /// How long it usually takes.
    pub(super) takes: Duration,
    pub(super) deadline: Duration,
}

impl<'a> Errand<'a> {
    /// Something with a cluster, without a deadline.
    pub(super) fn new(
        operation: Operation,
        cluster: Option<&'a ClusterId>,
        takes: Duration,
    ) -> Self {
        Self {
            operation,
            registrar: None,
            cluster,
            takes,
            deadline: PATIENCE,
        }
    }

    /// The same with a deadline.
    pub(super) fn within(self, deadline: Duration) -> Self {
        Self { deadline, ..self }
    }

    /// The same in a registrar.
    pub(super) fn at(self, registrar: &'a RegistrarId) -> Self {
        Self {
            registrar: Some(registrar),
            ..self
        }
    }
}

/// An operation under way.
pub(super) struct Run {
    vault: Arc<Vault>,
    fate: Fate,
    takes: Duration,
    left: Duration,
    spent: Duration,
    /// The source without which it cannot go on; an API is asked directly and answers when the engine does not.
    source: Option<String>,
}

impl Run {
    /// Begins. Fails when the source does not answer, or when the fate is to fail at once.
    pub(super) async fn begin(
        vault: &Arc<Vault>,
        errand: Errand<'_>,
    ) -> Result<Self, ProviderError> {
        let source = match (errand.operation, errand.registrar) {
            (Operation::Ready, _) => None,
            (_, Some(registrar)) => Some(registrar.to_string()),
            (_, None) => Some(ENGINE.to_owned()),
        };
        let health = vault.read(|state| state.health_of(source.as_deref()))?;
        let fate = if health == Health::Up {
            vault.change(|state| state.fate(errand.operation, errand.registrar, errand.cluster))?
        } else {
            Fate::default()
        };
        let mut run = Self {
            vault: Arc::clone(vault),
            takes: fate.takes.unwrap_or(errand.takes),
            fate,
            left: errand.deadline,
            spent: Duration::ZERO,
            source,
        };
        if health == Health::Silent {
            run.spend(Duration::MAX).await?;
        }
        run.answering(health)?;
        if let Some(Effect::Fails(When::AtOnce) | Effect::Answers(_)) = run.fate.effect {
            run.spend(run.takes / 10).await?;
            return Err(run.scripted());
        }
        Ok(run)
    }

    /// Waits, and fails with the deadline.
    pub(super) async fn spend(&mut self, duration: Duration) -> Result<(), ProviderError> {
        if duration.is_zero() {
            return Ok(());
        }
        let wait = duration.min(self.left);
        self.left = self.left.saturating_sub(wait);
        self.spent = self.spent.saturating_add(wait);
        SandboxClock(Arc::clone(&self.vault)).sleep(wait).await;
        if wait < duration {
            let seconds = self.spent.as_secs();
            return Err(ProviderError::new(
                Fault::Deadline,
                format!("it did not end within {seconds} s"),
            ));
        }
        Ok(())
    }

    /// Waits for one of so many equal parts of the whole.
    pub(super) async fn spend_part(&mut self, parts: usize) -> Result<(), ProviderError> {
        let parts = u32::try_from(parts).unwrap_or(u32::MAX).max(1);
        self.spend(self.takes / parts).await
    }

    /// How long it has been going.
    pub(super) fn spent(&self) -> Duration {
        self.spent
    }

    /// Whether it is to say that it worked without doing anything.
    pub(super) fn does_nothing(&self) -> bool {
        self.fate.effect == Some(Effect::DoesNothing)
    }

    /// Changes the world, if the source still answers.
    pub(super) fn change<T>(
        &self,
        f: impl FnOnce(&mut State) -> Result<T, ProviderError>,
    ) -> Result<T, ProviderError> {
        self.vault.change(|state| {
            self.answering(state.health_of(self.source.as_deref()))?;
            f(state)
        })?
    }

    /// The middle: here it fails, crashes or hangs, if it must.
    pub(super) async fn half_way(&mut self) -> Result<(), ProviderError> {
        match self.fate.effect {
            Some(Effect::Fails(When::HalfWay) | Effect::Crashes) => Err(self.scripted()),
            Some(Effect::Hangs) => self.spend(Duration::MAX).await,
            _ => Ok(()),
        }
    }

    /// The end: here it fails although all was done, if it must.
    pub(super) fn end(self) -> Result<(), ProviderError> {
        match self.fate.effect {
            Some(Effect::Fails(When::AfterEverything)) => Err(self.scripted()),
            _ => Ok(()),
        }
    }

    /// The way through an operation that is one step.
    pub(super) async fn pass(&mut self) -> Result<(), ProviderError> {
        self.half_way().await?;
        self.spend(self.takes).await
    }

    /// The whole of an operation that is one step: waits, then does it.
    pub(super) async fn simple(
        mut self,
        f: impl FnOnce(&mut State) -> Result<(), ProviderError>,
    ) -> Result<(), ProviderError> {
        self.pass().await?;
        if !self.does_nothing() {
            self.change(f)?;
        }
        self.end()
    }

    fn scripted(&self) -> ProviderError {
        let fault = self.fate.fault.unwrap_or(Fault::Permanent);
        let because = &self.fate.because;
        let message = match self.fate.effect {
            Some(Effect::Crashes) => {
                format!("the tool was killed by signal 9 (scripted: {because})")
            }
            Some(Effect::Answers(code)) => {
                let source = self.source.as_deref().unwrap_or("it");
                format!("{source} answered {code} (scripted: {because})")
            }
            _ => format!("it failed (scripted: {because})"),
        };
        ProviderError::new(fault, message)
    }

    fn answering(&self, health: Health) -> Result<(), ProviderError> {
        let source = self.source.as_deref().unwrap_or("it");
        let (fault, what) = match health {
            Health::Up => return Ok(()),
            Health::Down => (Fault::Transient, "connection refused"),
            Health::Silent => (Fault::Deadline, "it does not answer"),
            Health::Gone => (Fault::Permanent, "it is not installed"),
        };
        let error = ProviderError::new(fault, format!("cannot connect to {source}: {what}"));
        Err(error.hint(format!("rollcall sandbox say {source} is up")))
    }
}
