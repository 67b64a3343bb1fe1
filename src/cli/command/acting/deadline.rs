//! `--timeout`: one moment for everything that a command does, waiting included.

use std::time::Duration;

use tokio::time::Instant;

use crate::cli::error::CliError;
use crate::report::ExitCode;

/// When the command must have ended, if ever.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline(Option<Instant>);

impl Deadline {
    /// So long from now on. Within the runtime only.
    pub(crate) fn after(timeout: Option<Duration>) -> Self {
        Self(timeout.map(|timeout| tokio::time::sleep(timeout).deadline()))
    }

    /// The work, unless it takes too long. Only for work that begins no step and may be dropped.
    pub(crate) async fn bound<T>(self, work: impl Future<Output = T>) -> Result<T, CliError> {
        match self.0 {
            None => Ok(work.await),
            Some(at) => tokio::time::timeout_at(at, work).await.map_err(|_| {
                CliError::new(
                    ExitCode::Timeout,
                    "--timeout was reached before any step was begun",
                )
            }),
        }
    }

    /// Ends when it is reached.
    pub(super) async fn reached(self) {
        match self.0 {
            None => std::future::pending().await,
            Some(at) => tokio::time::sleep_until(at).await,
        }
    }
}
