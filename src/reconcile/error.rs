//! What can stop a run, and how the store is called from async code.

use std::sync::Arc;

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

/// Runs a short store operation where it may block.
pub async fn on_store<T, F>(store: &Arc<Store>, work: F) -> Result<T, RunError>
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
