//! What ends a run early: signals, and the end of its time.

use tokio::sync::watch;

use super::Deadline;
use crate::cli::session::Session;
use crate::execute::Cancel;
use crate::report::{ExitCode, Running};

/// The first signal, or the end of the overall time, stops scheduling; the second kills what runs. Returns what to
/// exit with once the run has ended.
pub(super) async fn watch_signals(
    session: &Session,
    running: &Running,
    cancel: watch::Sender<Cancel>,
    deadline: Deadline,
) -> ExitCode {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate), Ok(mut hangup)) = (
        signal(SignalKind::interrupt()),
        signal(SignalKind::terminate()),
        signal(SignalKind::hangup()),
    ) else {
        return std::future::pending().await;
    };
    let code = tokio::select! {
        _ = interrupt.recv() => ExitCode::Interrupted,
        _ = terminate.recv() => ExitCode::Terminated,
        _ = hangup.recv() => ExitCode::Terminated,
        () = deadline.reached() => {
            let _ = cancel.send(Cancel::TimeUp);
            return ExitCode::Timeout;
        }
    };
    let _ = cancel.send(Cancel::Stop);
    let count = running.count();
    let steps = if count == 1 { "step" } else { "steps" };
    session.say(&format!(
        "stopping: {count} running {steps} may end; Ctrl-C again ends them"
    ));
    tokio::spawn(async move {
        let how = tokio::select! {
            _ = interrupt.recv() => Cancel::Kill,
            _ = terminate.recv() => Cancel::Kill,
            () = deadline.reached() => Cancel::TimeUp,
        };
        let _ = cancel.send(how);
        // Whoever waits for the channel must still find it open.
        std::future::pending::<()>().await;
    });
    code
}

/// The first signal that asks to end, and what to exit with.
pub(crate) async fn asked_to_end() -> ExitCode {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate), Ok(mut hangup)) = (
        signal(SignalKind::interrupt()),
        signal(SignalKind::terminate()),
        signal(SignalKind::hangup()),
    ) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => ExitCode::Interrupted,
        _ = terminate.recv() => ExitCode::Terminated,
        _ = hangup.recv() => ExitCode::Terminated,
    }
}
