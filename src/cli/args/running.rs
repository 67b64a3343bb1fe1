//! How a run runs: what every command takes that changes something.

use std::time::Duration;

use clap::{Args, ValueEnum};

use super::words::{duration, seconds, some_time};

const RUNNING: &str = "How it runs";

/// How often a step is tried again, unless told otherwise.
pub(crate) const RETRIES: u32 = 2;
/// How long a step may take, unless told otherwise.
pub(crate) const STEP_TIMEOUT: Duration = Duration::from_secs(300);
const DEFAULT_STEP_TIMEOUT: &str = "5m";
/// How long the lock is waited for, unless told otherwise.
pub(crate) const LOCK_TIMEOUT: Duration = Duration::from_secs(60);
const DEFAULT_LOCK_TIMEOUT: &str = "60s";

/// How a run runs.
#[derive(Debug, Args)]
pub(crate) struct Running {
    /// How many clusters are worked on at once [default: min(cores, free memory / 1.5 GiB, 4)].
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64), help_heading = RUNNING)]
    pub(crate) jobs: Option<u16>,
    /// How long one step may take, all its attempts included.
    #[arg(long, value_name = "DUR", value_parser = some_time, default_value = DEFAULT_STEP_TIMEOUT, help_heading = RUNNING)]
    pub(crate) step_timeout: Duration,
    /// How long the whole run may take, waiting for the lock and for an answer included.
    #[arg(long, value_name = "DUR", value_parser = some_time, help_heading = RUNNING)]
    pub(crate) timeout: Option<Duration>,
    /// How often a step that may yet succeed is tried again.
    #[arg(long, value_name = "N", default_value_t = RETRIES, help_heading = RUNNING)]
    pub(crate) retries: u32,
    /// What to do when another run holds the lock.
    #[arg(long, value_enum, default_value_t, help_heading = RUNNING)]
    pub(crate) on_lock: OnLock,
    /// How long to wait for it.
    #[arg(long, value_name = "DUR", value_parser = duration, default_value = DEFAULT_LOCK_TIMEOUT, help_heading = RUNNING)]
    pub(crate) lock_timeout: Duration,
}

impl Default for Running {
    fn default() -> Self {
        Self {
            jobs: None,
            step_timeout: STEP_TIMEOUT,
            timeout: None,
            retries: RETRIES,
            on_lock: OnLock::default(),
            lock_timeout: LOCK_TIMEOUT,
        }
    }
}

impl Running {
    /// As typed, as far as it is not the default.
    pub(crate) fn words(&self) -> Vec<String> {
        let usual = Self::default();
        let mut words = Vec::new();
        let mut flag = |on: bool, text: String| {
            if on {
                words.push(text);
            }
        };
        flag(self.on_lock == OnLock::Fail, "--on-lock fail".to_owned());
        flag(
            self.retries != usual.retries,
            format!("--retries {}", self.retries),
        );
        for (name, value, usual) in [
            ("step-timeout", self.step_timeout, usual.step_timeout),
            ("lock-timeout", self.lock_timeout, usual.lock_timeout),
        ] {
            flag(value != usual, format!("--{name} {}", seconds(value)));
        }
        words.extend(self.jobs.map(|jobs| format!("-j {jobs}")));
        let timeout = self.timeout.map(seconds);
        words.extend(timeout.map(|timeout| format!("--timeout {timeout}")));
        words
    }
}

/// What to do when another run holds the lock.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum OnLock {
    /// Wait for it.
    #[default]
    Wait,
    /// Give up at once, exit 7.
    Fail,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_as_typed_are_defaults_as_known() {
        assert_eq!(duration(DEFAULT_STEP_TIMEOUT), Ok(STEP_TIMEOUT));
        assert_eq!(duration(DEFAULT_LOCK_TIMEOUT), Ok(LOCK_TIMEOUT));
    }
}
