//! What is to be done, and how.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Deadline;
use super::lease::Waiting;
use crate::cli::args::{OnLock, Running};
use crate::execute::{Caps, Retries, Settings};
use crate::reconcile::Question;
use crate::report::SavedPlan;

/// What is to be done.
pub(crate) struct Order {
    pub(crate) question: Question,
    /// The call: what it may do.
    pub(crate) words: Vec<String>,
    /// The call: what tunes it.
    pub(crate) tuning: Vec<String>,
    pub(crate) yes: bool,
    pub(crate) on_lock: OnLock,
    pub(crate) lock_timeout: Duration,
    pub(crate) deadline: Deadline,
    pub(crate) jobs: Option<u16>,
    pub(crate) step_timeout: Duration,
    pub(crate) retries: u32,
    /// How well it must end.
    pub(crate) ending: Demand,
    /// The saved plan that it has to be, still.
    pub(crate) saved: Option<SavedPlan>,
}

/// How well a run must end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Demand {
    /// Nothing is left that it may do, and nothing blocks.
    Converged,
    /// Every row is true everywhere, for so long after the run.
    True(Duration),
}

impl Order {
    /// What was asked for in these words, run that way.
    pub(crate) fn new(
        question: Question,
        words: Vec<String>,
        running: &Running,
        deadline: Deadline,
    ) -> Self {
        Self {
            question,
            words,
            tuning: running.words(),
            yes: false,
            on_lock: running.on_lock,
            lock_timeout: running.lock_timeout,
            deadline,
            jobs: running.jobs,
            step_timeout: running.step_timeout,
            retries: running.retries,
            ending: Demand::Converged,
            saved: None,
        }
    }

    /// The mode, as typed.
    pub(super) fn mode(&self) -> String {
        self.words.join(" ")
    }

    /// How long the lock is waited for.
    pub(super) fn waiting(&self) -> Waiting {
        Waiting {
            on_lock: self.on_lock,
            lock_timeout: self.lock_timeout,
            deadline: self.deadline,
        }
    }

    /// How to execute.
    pub(super) fn settings(&self) -> Settings {
        Settings {
            caps: Caps {
                heavy: self.jobs.map_or_else(automatic_jobs, usize::from),
                per_provider: BTreeMap::new(),
            },
            step_timeout: self.step_timeout,
            look_timeout: Duration::from_secs(5),
            retries: Retries {
                more: self.retries,
                ..Retries::default()
            },
            log_dir: None,
            fault_point: None,
        }
    }
}

/// min(cores, free memory / 1.5 GiB, 4), and at least one.
fn automatic_jobs() -> usize {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let by_memory = free_memory_mib().map_or(4, |mib| usize::try_from(mib / 1536).unwrap_or(4));
    cores.min(by_memory).clamp(1, 4)
}

/// `MemAvailable` of /proc/meminfo, in MiB.
fn free_memory_mib() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kib: u64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kib / 1024)
}
