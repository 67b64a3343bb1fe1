//! The store: one `SQLite` file that holds the roll (`clusters`, which belongs to others too) and rollcall's own side
//! tables (`rollcall_*`).
//!
//! In: the model's words. Out: [`Desired`](crate::model::Desired), [`Ledger`](crate::model::Ledger), run records, the
//! lease; or a [`StoreError`] that says what to do. All SQL is here.
//! Must not: alter `clusters` or change the file's journal mode, decide what a run does, read a clock (times are
//! arguments), hold a transaction over anything slow.
//!
//! A reading [`Store`] writes nothing and needs no side tables; a writing one makes them. Every method is short and
//! blocking: async callers use [`in_turn`].

mod adopt;
mod backup;
mod binding;
mod columns;
mod desired;
mod error;
mod file;
mod holder;
mod init;
mod intent;
mod ledger;
mod lock;
mod meta;
mod migrations;
mod open;
mod roll;
mod runs;
mod snapshot;
mod status;
mod steps;
mod stops;
#[cfg(test)]
mod tests;
mod tombstones;
mod turn;
mod value;

pub use adopt::Adoption;
pub use backup::{Backup, Interrupter};
pub use binding::WorldBinding;
pub use columns::missing_columns;
pub use error::{FailureClass, StoreError};
pub use holder::{Holder, Liveness, liveness};
pub use init::{InitMode, InitReport};
pub use ledger::EntryParts;
pub use lock::{Lease, LockView};
pub use open::Store;
pub use roll::{RowChange, row_faults};
pub use runs::{EventRecord, RunId, RunRecord, RunStart, RunState};
pub use snapshot::Snapshot;
pub use status::StatusUpdate;
pub use steps::{StepEnd, StepKey, StepRecord, StepStart};
pub use stops::Stop;
pub use tombstones::{Restored, RowPrune, Tombstone};
pub use turn::{Patience, in_turn};
