//! The end: `docker stop` must take well under a second, so that tests do.

use tokio::signal::unix::{SignalKind, signal};

use crate::error::Error;

/// Runs `work` until it ends or a signal asks for the end.
pub(crate) async fn or_signal<F>(work: F) -> Result<(), Error>
where
    F: Future<Output = Result<(), Error>>,
{
    let listen = |kind| signal(kind).map_err(Error::Signal);
    let mut terminate = listen(SignalKind::terminate())?;
    let mut interrupt = listen(SignalKind::interrupt())?;
    let mut hangup = listen(SignalKind::hangup())?;
    tokio::select! {
        outcome = work => outcome,
        _ = terminate.recv() => Ok(()),
        _ = interrupt.recv() => Ok(()),
        _ = hangup.recv() => Ok(()),
    }
}
