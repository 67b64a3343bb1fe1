//! Executing: the hands.
//!
//! In: a checked plan, the ports, the store and a lease. Out: events, the ledger, and how each step ended.
//! Must not: decide what to do. It is the only layer that changes the world.

mod context;
mod dispatch;
mod event;
mod executor;
mod making;
mod parts;
mod registering;
mod removing;
mod retry;
mod scheduler;
mod step_log;
mod stopping;

pub use context::{Cancel, Context, FaultPoint, Settings};
pub use event::{EVENT_SCHEMA, Emitter, Event, EventBody, FieldText, Sink, StepResult};
pub use executor::{Outcome, StepOutcome, execute};
pub use parts::own_parts;
pub use retry::Retries;
pub use scheduler::{Caps, Scheduler, StepState};
