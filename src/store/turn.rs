//! How async code calls the store: where it may block, and as often as others that write make it wait.

use std::sync::Arc;
use std::time::Duration;

use super::error::StoreError;
use super::open::Store;
use crate::clock::{Clock as _, SystemClock};

/// How long others are left alone between two tries.
const PAUSE: Duration = Duration::from_millis(100);

/// How often a database is asked that others write to; each time it is waited for as long as `SQLite` waits, 5 s.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    /// Once: the caller has something else to do meanwhile.
    Once,
    /// For about a minute: who waits in a crowd of writers may be passed over more than once.
    AMinute,
    /// Until the caller gives up: what was done and could not be written down would be taken for somebody else's.
    Long,
}

impl Patience {
    fn tries(self) -> usize {
        match self {
            Self::Once => 1,
            Self::AMinute => 12,
            Self::Long => 100,
        }
    }
}

/// Runs a short operation on a thread where it may block. `None`: the thread was torn down.
pub async fn in_turn<T, F>(
    store: &Arc<Store>,
    patience: Patience,
    work: F,
) -> Option<Result<T, StoreError>>
where
    T: Send + 'static,
    F: Fn(&Store) -> Result<T, StoreError> + Send + Sync + 'static,
{
    let work = Arc::new(work);
    let mut tries = 0;
    loop {
        let (store, work) = (Arc::clone(store), Arc::clone(&work));
        tries += 1;
        let done = tokio::task::spawn_blocking(move || work(&store)).await;
        match done.ok()? {
            Err(StoreError::Busy { .. }) if tries < patience.tries() => {
                SystemClock.sleep(PAUSE).await;
            }
            other => return Some(other),
        }
    }
}
