//! What ends a run early: signals, and the end of its time.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use super::Deadline;
use crate::cli::session::Session;
use crate::execute::Cancel;
use crate::report::{ExitCode, Running};

/// The signals that ask to end.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

impl Signals {
    /// Hears them from now on; they end nothing by themselves any more.
    fn hear() -> Option<Self> {
        Some(Self {
            interrupt: signal(SignalKind::interrupt()).ok()?,
            terminate: signal(SignalKind::terminate()).ok()?,
            hangup: signal(SignalKind::hangup()).ok()?,
        })
    }

    /// The next one, and what to exit with.
    async fn next(&mut self) -> ExitCode {
        tokio::select! {
            _ = self.interrupt.recv() => ExitCode::Interrupted,
            _ = self.terminate.recv() => ExitCode::Terminated,
            _ = self.hangup.recv() => ExitCode::Terminated,
        }
    }
}

/// The first signal, or the end of the overall time, stops scheduling; the second kills what runs. Returns what to
/// exit with once the run has ended.
pub(super) async fn watch_signals(
    session: &Session,
    running: &Running,
    cancel: watch::Sender<Cancel>,
    deadline: Deadline,
) -> ExitCode {
    let Some(mut signals) = Signals::hear() else {
        return std::future::pending().await;
    };
    let code = tokio::select! {
        code = signals.next() => code,
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
            _ = signals.interrupt.recv() => Cancel::Kill,
            _ = signals.terminate.recv() => Cancel::Kill,
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
    let Some(mut signals) = Signals::hear() else {
        return std::future::pending().await;
    };
    signals.next().await
}
