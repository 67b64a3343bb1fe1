//! The master's socket: what is loaded, and loading anew (HAProxy's management guide, "master CLI").

use std::io;
use std::path::Path;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use super::seat::ReloadError;
use crate::registrar::{Fault, RegistrarError};

/// An answer of this size is none.
const LARGEST: u64 = 8 * 1024 * 1024;
/// How often a reload is looked at.
const LOOK: Duration = Duration::from_millis(40);
/// How often a master is asked that is about to begin anew.
const QUESTIONS: usize = 50;
/// How often a master is asked that does not listen.
const REFUSALS: usize = 5;
/// How long a reload may take.
const PATIENCE: Duration = Duration::from_secs(15);

/// A master that does not answer.
pub(super) fn silent(socket: &Path, error: &io::Error) -> RegistrarError {
    let message = format!("{}: {error}", socket.display());
    RegistrarError::new(Fault::Transient, message)
        .hint("start HAProxy with -W -S SOCKET, or set haproxy.socket")
}

/// The names of the backends that the present worker has. A master that begins anew breaks its connections off, and
/// without a worker the answer is empty: then it is asked again.
pub(super) async fn backends(socket: &Path) -> io::Result<Vec<String>> {
    let mut asked = 0;
    loop {
        asked += 1;
        match ask(socket, "@1 show backend").await {
            Ok(answer) if !answer.trim().is_empty() => return Ok(names(&answer)),
            Err(error) if asked >= patience(&error) => return Err(error),
            Ok(_) if asked == QUESTIONS => return Err(io::Error::other("no worker answers")),
            Ok(_) | Err(_) => tokio::time::sleep(LOOK).await,
        }
    }
}

/// How often it is asked in spite of this error.
fn patience(error: &io::Error) -> usize {
    match error.kind() {
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => QUESTIONS,
        // Nobody listens: for a moment, or for good.
        io::ErrorKind::ConnectionRefused => REFUSALS,
        _ => 1,
    }
}

fn names(answer: &str) -> Vec<String> {
    let lines = answer.lines().map(str::trim);
    lines
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(str::to_owned)
        .collect()
}

/// Loads the files anew, and waits until the worker has this backend.
pub(super) async fn reload(socket: &Path, revision: &str) -> Result<(), ReloadError> {
    let mut asked = 1;
    while let Err(error) = ask(socket, "reload").await {
        if asked >= patience(&error) {
            return Err(ReloadError::Silent(silent(socket, &error)));
        }
        // It begins anew just now; to be asked twice does no harm.
        asked += 1;
        tokio::time::sleep(LOOK).await;
    }
    let loaded = async {
        loop {
            // While workers change, nobody may answer.
            let there = backends(socket).await.unwrap_or_default();
            if there.iter().any(|name| name == revision) {
                return Ok(());
            }
            if has_failed(&ask(socket, "show proc").await.unwrap_or_default()) {
                return Err(ReloadError::Refused(None));
            }
            tokio::time::sleep(LOOK).await;
        }
    };
    let waited = tokio::time::timeout(PATIENCE, loaded).await;
    waited.unwrap_or(Err(ReloadError::Late))
}

/// Whether the last reload failed: the master's line says `[failed: N]` of those since the last good one.
fn has_failed(processes: &str) -> bool {
    let failed = processes.split_once("[failed: ").map(|(_, rest)| rest);
    let count = failed.and_then(|rest| rest.split_once(']')?.0.parse::<u64>().ok());
    count.is_some_and(|count| count > 0)
}

async fn ask(socket: &Path, command: &str) -> io::Result<String> {
    let asked = async {
        let mut stream = UnixStream::connect(socket).await?;
        stream.write_all(format!("{command}\n").as_bytes()).await?;
        stream.shutdown().await?;
        let mut answer = Vec::new();
        stream.take(LARGEST).read_to_end(&mut answer).await?;
        Ok(String::from_utf8_lossy(&answer).into_owned())
    };
    tokio::time::timeout(PATIENCE, asked)
        .await
        .unwrap_or_else(|_| Err(io::Error::new(io::ErrorKind::TimedOut, "no answer")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_reload_is_read_from_the_masters_line() {
        let line =
            |failed| format!("#<PID> <type>\n19317  master  2 [failed: {failed}]  0d00h  2.6\n");
        assert!(has_failed(&line("1")));
        assert!(!has_failed(&line("0")));
        assert!(!has_failed(""));
    }
}
