//! The loop: observe, plan, act, observe again.
//!
//! In: the ports, the store, a policy. Out: what was seen and planned ([`Look`]), or what was done ([`Run`]).
//! Must not: decide (that is `plan`), act (that is `execute`), print (that is `cli`).

mod announce;
mod error;
mod look;
mod runner;
mod settling;
mod status;
mod steady;

pub use announce::{announce, announce_sources};
pub use error::{RunError, on_store, on_store_once};
pub use look::{Look, Question, look, look_at_saved};
pub use runner::{ROUNDS, Run, Runner, Unsettled};
pub use steady::{Steady, hold_steady};
