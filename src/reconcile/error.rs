//! What can stop a run, and how the store is called from async code.

use std::sync::Arc;

use crate::plan::Violation;
use crate::store::{Patience, Store, StoreError, in_turn};

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

/// Runs a short store operation where it may block. While others write it is tried again for a minute.
pub async fn on_store<T, F>(store: &Arc<Store>, work: F) -> Result<T, RunError>
where
    T: Send + 'static,
    F: Fn(&Store) -> Result<T, StoreError> + Send + Sync + 'static,
{
    let done = in_turn(store, Patience::AMinute, work).await;
    Ok(done.ok_or(RunError::Torn)??)
}

/// The same for one who has something else to do while others write.
pub async fn on_store_once<T, F>(store: &Arc<Store>, work: F) -> Result<T, RunError>
where
    T: Send + 'static,
    F: Fn(&Store) -> Result<T, StoreError> + Send + Sync + 'static,
{
    let done = in_turn(store, Patience::Once, work).await;
    Ok(done.ok_or(RunError::Torn)??)
}
