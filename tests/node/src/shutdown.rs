//! The end: `docker stop` must take well under a second, so that tests do.

use tokio::signal::unix::{SignalKind, signal};

use crate::error::Error;

/// systemd's "halt", SIGRTMIN+3: what kind's real image declares as its stop signal.
const HALT: i32 = 37;

/// Waits for the first signal that asks this process to end.
pub(crate) async fn wait() -> Result<(), Error> {
    let listen = |kind| signal(kind).map_err(Error::Signal);
    let mut terminate = listen(SignalKind::terminate())?;
    let mut interrupt = listen(SignalKind::interrupt())?;
    let mut quit = listen(SignalKind::quit())?;
    let mut hangup = listen(SignalKind::hangup())?;
    let mut halt = listen(SignalKind::from_raw(HALT))?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        _ = quit.recv() => {}
        _ = hangup.recv() => {}
        _ = halt.recv() => {}
    }
    Ok(())
}

/// Runs `work` until it fails or a signal asks for the end.
pub(crate) async fn or_signal<F>(work: F) -> Result<(), Error>
where
    F: Future<Output = Result<(), Error>>,
{
    tokio::select! {
        outcome = work => outcome,
        outcome = wait() => outcome,
    }
}
