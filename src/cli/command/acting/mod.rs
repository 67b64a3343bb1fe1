//! Acting: the lock, the prompt, the signals, the record and the progress around a run that changes something.
//!
//! In: an [`Order`]. Out: how it ended, and the document on standard output.
//! Must not: decide what is done; that is the plan's.

mod consent;
mod deadline;
mod freshness;
mod lease;
mod order;
mod recording;
mod run;
mod signals;
mod sinks;

pub(crate) use deadline::Deadline;
pub(crate) use freshness::fingerprints;
pub(crate) use lease::alone;
pub(crate) use order::{Demand, Order};
pub(crate) use run::act;
pub(crate) use signals::asked_to_end;
pub(crate) use sinks::stream_plan;
