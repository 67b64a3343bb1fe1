//! Who holds the lease: a process, told apart from every other one on every machine and in every container.

use jiff::Timestamp;
use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};

use crate::model::one_line;
use crate::process::Process;

/// A process that holds, or wants, the lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// A random word of this run: two runs of one process are two holders.
    pub id: String,
    /// The machine.
    pub host: String,
    /// The process.
    pub pid: u32,
    /// Which boot of the machine: a process number means nothing after a restart.
    pub boot_id: String,
    /// Which PID namespace: a process number means nothing in another container.
    pub pid_namespace: String,
    /// What it runs, for people.
    pub command: String,
}

/// Whether a process is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Liveness {
    /// It is, or another one with its number.
    Alive,
    /// It is not.
    Gone,
    /// Nobody can say.
    Unknown,
}

impl Holder {
    /// This process, running `command`.
    pub fn of_this_process(command: &str) -> Self {
        let id = random_word();
        // Without /proc on Linux nothing proves that two process numbers mean the same thing: an identity of its own
        // never matches, and only the heartbeat counts. Elsewhere there are no PID namespaces to confuse.
        let unknown = if cfg!(target_os = "linux") {
            format!("unknown-{id}")
        } else {
            "none".to_owned()
        };
        let process = Process::this();
        Self {
            host: process.host,
            pid: process.pid,
            boot_id: process.boot_id.unwrap_or_else(|| unknown.clone()),
            pid_namespace: process.pid_namespace.unwrap_or(unknown),
            command: one_line(command, 200),
            id,
        }
    }

    /// Whether the two see the same processes under the same numbers.
    pub(super) fn shares_processes_with(&self, other: &Self) -> bool {
        self.host == other.host
            && self.boot_id == other.boot_id
            && self.pid_namespace == other.pid_namespace
    }
}

/// Asks the system whether a holder's process is there; only meaningful for one that shares processes with this one.
pub fn liveness(holder: &Holder) -> Liveness {
    let pid = i32::try_from(holder.pid).ok().and_then(Pid::from_raw);
    match pid.map(test_kill_process) {
        Some(Ok(()) | Err(Errno::PERM)) => Liveness::Alive,
        Some(Err(Errno::SRCH)) => Liveness::Gone,
        Some(Err(_)) | None => Liveness::Unknown,
    }
}

/// 16 random bytes in hexadecimal. Where the system has none, the time and the process make a word that is unlikely
/// enough: it only tells holders and owners apart, it keeps no secret.
pub(super) fn random_word() -> String {
    let mut bytes = [0; 16];
    if getrandom::fill(&mut bytes).is_err() {
        #[expect(clippy::disallowed_methods, reason = "a word, not a time")]
        let nanoseconds = Timestamp::now().as_nanosecond();
        bytes = (nanoseconds ^ (i128::from(std::process::id()) << 96)).to_be_bytes();
    }
    super::value::to_hex(&bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_alive_and_shares_processes_with_itself() {
        let (one, two) = (Holder::of_this_process("a"), Holder::of_this_process("b"));
        assert_eq!(liveness(&one), Liveness::Alive);
        assert_ne!(one.id, two.id);
        assert!(one.shares_processes_with(&two));
    }

    #[test]
    fn a_process_that_ended_is_gone() {
        #[expect(clippy::disallowed_methods, reason = "a process that ends")]
        let mut child = std::process::Command::new("true").spawn().unwrap();
        child.wait().unwrap();
        let holder = Holder {
            pid: child.id(),
            ..Holder::of_this_process("a")
        };
        assert_eq!(liveness(&holder), Liveness::Gone);
        let nobody = Holder { pid: 0, ..holder };
        assert_eq!(
            liveness(&nobody),
            Liveness::Unknown,
            "0 would mean our own group"
        );
    }

    #[test]
    fn another_boot_namespace_or_host_shares_no_processes() {
        let one = Holder::of_this_process("a");
        for other in [
            Holder {
                host: "x".into(),
                ..one.clone()
            },
            Holder {
                boot_id: "x".into(),
                ..one.clone()
            },
            Holder {
                pid_namespace: "x".into(),
                ..one.clone()
            },
        ] {
            assert!(!one.shares_processes_with(&other));
        }
    }
}
