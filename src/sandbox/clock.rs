//! The sandbox's clock: it can be set, and waiting on it can take less time than it says.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::vault::Vault;
use crate::clock::{Clock, SystemClock};

/// What the clock says and how fast waiting goes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Time {
    /// The moment at which it stands; `None`: it goes with the machine's clock.
    stands_at: Option<Timestamp>,
    /// How far it is ahead.
    ahead: SignedDuration,
    /// How many real seconds a second of waiting takes: 1 is real, 0 is none.
    pub(super) pace: f64,
}

impl Time {
    /// The pace of a new world: operations take 0.4 to 2 seconds.
    pub(super) const PACE: f64 = 0.1;

    /// 2026-01-01, 09:00 UTC.
    const BEGINNING: Timestamp = Timestamp::constant(1_767_258_000, 0);

    /// A clock that stands still unless somebody waits, and then jumps.
    pub(super) fn standing() -> Self {
        Self {
            stands_at: Some(Self::BEGINNING),
            ahead: SignedDuration::ZERO,
            pace: 0.0,
        }
    }

    /// A clock that goes with the machine's.
    pub(super) fn running() -> Self {
        Self {
            stands_at: None,
            ahead: SignedDuration::ZERO,
            pace: Self::PACE,
        }
    }

    /// What it says.
    pub(super) fn now(&self) -> Timestamp {
        let base = self.stands_at.unwrap_or_else(|| SystemClock.now());
        base.saturating_add(self.ahead).unwrap_or(Timestamp::MAX)
    }

    /// The moment that a wait from now on ends.
    fn after(&self, duration: Duration) -> Timestamp {
        let step = SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX);
        self.now().saturating_add(step).unwrap_or(Timestamp::MAX)
    }

    /// Moves it forward.
    pub(super) fn advance(&mut self, duration: Duration) {
        self.reach(self.after(duration));
    }

    /// Moves it forward to this moment, unless it is past it: two who wait at once do not wait twice as long.
    fn reach(&mut self, moment: Timestamp) {
        let missing = moment.duration_since(self.now());
        if missing.is_positive() {
            self.ahead = self.ahead.saturating_add(missing);
        }
    }

    /// The real time that a wait takes.
    fn real(&self, duration: Duration) -> Duration {
        Duration::try_from_secs_f64(duration.as_secs_f64() * self.pace).unwrap_or(Duration::MAX)
    }
}

/// The clock port over a world's clock.
#[derive(Clone)]
pub(super) struct SandboxClock(pub(super) Arc<Vault>);

#[async_trait]
impl Clock for SandboxClock {
    fn now(&self) -> Timestamp {
        self.0
            .time()
            .map_or_else(|_| SystemClock.now(), |time| time.now())
    }

    async fn sleep(&self, duration: Duration) {
        let Ok(time) = self.0.time() else {
            return SystemClock.sleep(duration).await;
        };
        let until = time.after(duration);
        let real = time.real(duration);
        if real.is_zero() {
            tokio::task::yield_now().await;
        } else {
            SystemClock.sleep(real).await;
        }
        if let Err(error) = self.0.set_time(|time| time.reach(until)) {
            tracing::warn!(%error, "the sandbox's clock cannot be set");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_who_wait_at_once_do_not_wait_twice_as_long() {
        let mut time = Time::standing();
        let (start, minute) = (time.now(), Duration::from_secs(60));
        let (first, second) = (time.after(minute), time.after(minute));
        time.reach(first);
        time.reach(second);
        assert_eq!(
            time.now().duration_since(start),
            SignedDuration::from_mins(1)
        );
    }

    #[test]
    fn a_pace_of_one_tenth_takes_a_tenth_of_the_time() {
        let real = Time::running().real(Duration::from_secs(20));
        assert!(real.abs_diff(Duration::from_secs(2)) < Duration::from_millis(1));
        assert_eq!(Time::standing().real(Duration::MAX), Duration::ZERO);
    }
}
