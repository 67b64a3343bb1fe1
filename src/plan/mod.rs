//! The planner: what differs, why, and what to do about it.
//!
//! In: [`PlanInput`], everything there is to know, as values. Out: a [`Plan`], in which every difference is either a
//! step with its reasons or held with its reason; [`check()`] is a linter that did not write the plan.
//! Must not: do I/O, read a clock, draw a random number, log, panic, or contain a provider's name.

mod action;
mod builder;
mod check;
mod cleaning;
mod clusters;
mod contention;
mod guards;
mod held;
mod input;
mod measures;
mod needs;
mod reason;
mod registrations;
mod rowless;
mod rows;
mod situation;
#[cfg(test)]
mod tests;

pub use action::{Action, ActionKind, Disruption, Plan, Step, StepId};
pub use check::{Violation, check};
pub use guards::{Refusal, Rule};
pub use held::{Class, Held, HeldReason};
pub use input::PlanInput;
pub use reason::{Field, Reason, ReasonCode};
pub use registrations::published;

/// Plans. Total and deterministic: the same input gives the same plan, to the byte.
pub fn plan(input: &PlanInput<'_>) -> Plan {
    builder::build(input)
}
