//! What is tried again, and when: only what may pass, with a delay that grows and is jittered.

use std::time::Duration;

use crate::provider::Fault;

/// How often a step may be tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retries {
    /// Attempts after the first.
    pub more: u32,
    /// The delay before the second attempt.
    pub base: Duration,
}

impl Default for Retries {
    fn default() -> Self {
        Self {
            more: 2,
            base: Duration::from_secs(2),
        }
    }
}

impl Retries {
    /// How long to wait before the next attempt, or `None` if there is none. `jitter` is a random number.
    pub fn delay(&self, attempt: u32, fault: Fault, jitter: u64) -> Option<Duration> {
        if fault != Fault::Transient || attempt > self.more {
            return None;
        }
        let doubled = self.base.saturating_mul(
            1_u32
                .checked_shl(attempt.saturating_sub(1))
                .unwrap_or(u32::MAX),
        );
        let capped = doubled.min(Duration::from_secs(60));
        let spread = u64::try_from(capped.as_millis()).unwrap_or(u64::MAX) / 2;
        Some(capped + Duration::from_millis(if spread == 0 { 0 } else { jitter % spread }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_may_pass_is_tried_again() {
        let retries = Retries::default();
        for fault in [
            Fault::Permanent,
            Fault::Deadline,
            Fault::ToolMissing,
            Fault::NotOurs,
            Fault::Cancelled,
        ] {
            assert_eq!(retries.delay(1, fault, 0), None);
        }
        assert_eq!(
            retries.delay(1, Fault::Transient, 0),
            Some(Duration::from_secs(2))
        );
        assert_eq!(
            retries.delay(2, Fault::Transient, 0),
            Some(Duration::from_secs(4))
        );
        assert_eq!(retries.delay(3, Fault::Transient, 0), None);
        assert!(
            retries
                .delay(1, Fault::Transient, u64::MAX)
                .is_some_and(|d| d < Duration::from_secs(3))
        );
    }
}
