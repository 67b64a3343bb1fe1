//! What can stop a run, and how the store is called from async code.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::{Clock as _, SystemClock};
use crate::plan::Violation;
use crate::store::{Store, StoreError};

/// What can stop a run besides its steps.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The store said no.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The planner made a plan that its linter refuses: a bug, and nothing was done.
    #[error("the plan breaks its own rules: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Bug(Vec<Violation>),
    /// The store's thread was torn down.
    #[error("the database call was torn down")]
    Torn,
}

/// How often a database is asked that others write to; each time it is waited for as long as `SQLite` waits, 5 s.
const BUSY: usize = 12;
/// How long others are left alone between two tries.
const BUSY_PAUSE: Duration = Duration::from_millis(100);

/// Runs a short store operation where it may block. While others write it is tried again for a minute: who waits in a
/// crowd of writers may be passed over more than once.
pub async fn on_store<T, F>(store: &Arc<Store>, work: F) -> Result<T, RunError>
where
    T: Send + 'static,
    F: Fn(&Store) -> Result<T, StoreError> + Send + Sync + 'static,
{
    let work = Arc::new(work);
    let mut tries = 0;
    loop {
        let work = Arc::clone(&work);
        tries += 1;
        match on_store_once(store, move |store| work(store)).await {
            Err(RunError::Store(StoreError::Busy { .. })) if tries < BUSY => {
                SystemClock.sleep(BUSY_PAUSE).await;
            }
            other => return other,
        }
    }
}

/// The same for one who has something else to do while others write.
pub async fn on_store_once<T, F>(store: &Arc<Store>, work: F) -> Result<T, RunError>
where
    T: Send + 'static,
    F: FnOnce(&Store) -> Result<T, StoreError> + Send + 'static,
{
    let store = Arc::clone(store);
    tokio::task::spawn_blocking(move || work(&store))
        .await
        .map_err(|_| RunError::Torn)?
        .map_err(RunError::Store)
}
