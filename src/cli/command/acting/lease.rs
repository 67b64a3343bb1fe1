//! The lock: taken before the first look, renewed until the end. It is a matter of this machine's time, whatever a
//! sandbox's clock says.

use std::sync::Arc;
use std::time::Duration;

use super::Order;
use crate::cli::args::OnLock;
use crate::cli::error::CliError;
use crate::cli::session::Session;
use crate::clock::{Clock, SystemClock};
use crate::reconcile::{RunError, Runner, on_store_once};
use crate::store::{Holder, Lease, Store, StoreError, liveness};

/// How often a lock that somebody holds is asked for.
const ASK: Duration = Duration::from_millis(500);
/// How often the lease is renewed.
const RENEW: Duration = Duration::from_secs(10);

/// Takes the lock, or says who holds it.
pub(super) async fn acquire(
    session: &Session,
    store: &Arc<Store>,
    holder: &Holder,
    order: &Order,
) -> Result<Lease, CliError> {
    let began = SystemClock.now();
    let mut told = false;
    loop {
        let (candidate, now) = (holder.clone(), SystemClock.now());
        match on_store_once(store, move |store| {
            store.acquire(&candidate, now, &liveness)
        })
        .await
        {
            Err(RunError::Store(error @ (StoreError::Locked(_) | StoreError::Busy { .. })))
                if order.on_lock == OnLock::Wait
                    && SystemClock.now().duration_since(began).unsigned_abs()
                        < order.lock_timeout =>
            {
                match &error {
                    StoreError::Locked(view) if !told => {
                        session.say(&format!("waiting for {view}"));
                        told = true;
                    }
                    _ => tracing::debug!(%error, "waiting for the lock"),
                }
                order.deadline.bound(tokio::time::sleep(ASK)).await?;
            }
            other => return Ok(other?),
        }
    }
}

/// Does the work and keeps the lease alive meanwhile.
pub(super) async fn holding<T>(runner: &Runner<'_>, work: impl Future<Output = T>) -> T {
    tokio::pin!(work);
    loop {
        tokio::select! {
            done = &mut work => return done,
            () = tokio::time::sleep(RENEW) => {
                let (lease, now) = (runner.lease.clone(), SystemClock.now());
                // A lease that is lost is found by the next step, which asks for it before it acts.
                let _ = on_store_once(&runner.store, move |store| store.renew(&lease, now)).await;
            }
        }
    }
}
