//! The time, which tests can move forward.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The machine's clock and how far a test has moved it.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    ahead: AtomicI64,
}

impl Clock {
    /// A clock that is `seconds` ahead of the machine's.
    pub(crate) fn ahead_by(seconds: i64) -> Self {
        Self {
            ahead: AtomicI64::new(seconds),
        }
    }

    /// Seconds since 1970.
    pub(crate) fn now(&self) -> i64 {
        i64::try_from(self.since_epoch().as_secs()).unwrap_or(i64::MAX)
    }

    /// The time since 1970.
    pub(crate) fn since_epoch(&self) -> Duration {
        let machine = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        match u64::try_from(self.ahead.load(Ordering::Relaxed)) {
            Ok(ahead) => machine.saturating_add(Duration::from_secs(ahead)),
            Err(_) => machine,
        }
    }

    /// Moves the clock forward and says how far it is ahead now.
    pub(crate) fn advance(&self, seconds: u32) -> i64 {
        let seconds = i64::from(seconds);
        self.ahead.fetch_add(seconds, Ordering::Relaxed) + seconds
    }
}

#[cfg(test)]
mod tests {
    use super::Clock;

    #[test]
    fn a_clock_goes_on_from_where_it_was_moved_to() {
        let clock = Clock::ahead_by(100);
        let before = clock.now();
        assert_eq!(clock.advance(3600), 3700);
        assert!((3600..3610).contains(&(clock.now() - before)));
    }
}
