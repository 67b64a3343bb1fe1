//! Things that take a moment.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::apiserver::object::Key;

/// When what was first seen some time ago may happen.
#[derive(Debug, Default)]
pub(super) struct Delays {
    due: BTreeMap<(Key, String), Instant>,
    /// What was asked for in this pass.
    asked: Vec<(Key, String)>,
}

impl Delays {
    /// Whether `delay` has passed since this was asked for the first time. `mark` tells one life
    /// or generation of an object from the next.
    pub(super) fn over(&mut self, key: &Key, mark: &str, delay: Duration, now: Instant) -> bool {
        let what = (key.clone(), mark.to_owned());
        self.asked.push(what.clone());
        *self.due.entry(what).or_insert(now + delay) <= now
    }

    /// Ends a pass: forgets what was not asked for, and says when the next thing is due.
    pub(super) fn next(&mut self, now: Instant) -> Option<Instant> {
        let asked = std::mem::take(&mut self.asked);
        self.due.retain(|what, _| asked.contains(what));
        self.due.values().copied().filter(|due| *due > now).min()
    }
}
