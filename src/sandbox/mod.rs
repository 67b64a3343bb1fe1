//! The sandbox: an engine with k3d, kind and registrars, kept in one file instead of on Docker.
//!
//! In: the orders of the provider, engine, prober and registrar traits; what a person or a harness does behind
//! rollcall's back ([`Sandbox`]'s own methods); scripted failures ([`Instruction`]). Out: what the real world would
//! answer, as strict as it is, with the mistakes that the real tools make (`k3d` panics without a load balancer,
//! nothing is rolled back, a published port is lost to whoever runs first).
//! Must not: see a plan, the ledger or the database; forgive what the real world would not; keep a secret.
//!
//! The file is one small database of `SQLite`, `world.sqlite`. Every operation is one or several short transactions, none
//! of which is open while the operation waits, so that several processes can share a world.

mod actor;
mod clock;
mod create;
mod credentials;
mod docker;
mod engine;
mod error;
mod fate;
mod hand;
mod hand_engine;
mod instruction;
mod journal;
mod look;
mod operation;
mod prober;
mod provider;
mod registrar;
mod state;
mod summary;
mod supply;
mod things;
mod tool;
mod vault;
mod world;

#[cfg(test)]
mod tests;

pub use actor::Actor;
pub use credentials::SECRET_MARK;
pub use error::SandboxError;
pub use hand::Leave;
pub use hand_engine::Outage;
pub use instruction::{Effect, Health, Instruction, Operation, ScriptedFault, When};
pub use journal::{Deed, JOURNAL_LIMIT, Journal, Record, Thing};
pub use summary::{ClusterSummary, RegistrationSummary, Summary};
pub use vault::FILE;
pub use world::{Sandbox, open};
