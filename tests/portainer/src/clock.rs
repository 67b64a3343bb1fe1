//! The time, which tests can move forward.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A clock and how far it has been moved.
#[derive(Debug)]
pub(crate) struct Clock {
    base: Base,
    ahead: AtomicI64,
}

/// What is moved.
#[derive(Debug)]
enum Base {
    /// The machine's clock.
    Machine,
    /// A moment, so that a slow machine fails no test.
    #[cfg(test)]
    Stopped(Duration),
}

impl Clock {
    /// The machine's clock.
    pub(crate) fn machine() -> Self {
        Self {
            base: Base::Machine,
            ahead: AtomicI64::new(0),
        }
    }

    /// A clock that moves only when it is moved.
    #[cfg(test)]
    pub(crate) fn stopped() -> Self {
        Self {
            base: Base::Stopped(Duration::from_secs(1_800_000_000)),
            ahead: AtomicI64::new(0),
        }
    }

    /// Seconds since 1970.
    pub(crate) fn now(&self) -> i64 {
        i64::try_from(self.since_epoch().as_secs()).unwrap_or(i64::MAX)
    }

    /// The time since 1970.
    pub(crate) fn since_epoch(&self) -> Duration {
        let base = match self.base {
            Base::Machine => SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .unwrap_or_default(),
            #[cfg(test)]
            Base::Stopped(moment) => moment,
        };
        let ahead = u64::try_from(self.ahead.load(Ordering::Relaxed)).unwrap_or(0);
        base.saturating_add(Duration::from_secs(ahead))
    }

    /// Moves the clock forward and says by how many seconds it is ahead now.
    pub(crate) fn advance(&self, seconds: i64) -> i64 {
        self.ahead.fetch_add(seconds, Ordering::Relaxed) + seconds
    }
}

#[cfg(test)]
mod tests {
    use super::Clock;

    #[test]
    fn a_clock_goes_on_from_where_it_was_moved_to() {
        let clock = Clock::stopped();
        let before = clock.now();
        assert_eq!(clock.advance(100), 100);
        assert_eq!(clock.advance(3600), 3700);
        assert_eq!(clock.now() - before, 3700);
    }

    #[test]
    fn the_machines_clock_is_moved_alike() {
        let clock = Clock::machine();
        let before = clock.now();
        clock.advance(1_000_000);
        assert!(clock.now() >= before + 1_000_000);
    }
}
