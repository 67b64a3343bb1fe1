//! What a plan is made from.

use crate::model::{Desired, Ledger, Observed, Policy};

/// Everything the planner knows.
#[derive(Debug, Clone, Copy)]
pub struct PlanInput<'a> {
    /// What the rows say.
    pub desired: &'a Desired,
    /// What the world says.
    pub observed: &'a Observed,
    /// What is ours.
    pub ledger: &'a Ledger,
    /// What this run may do.
    pub policy: &'a Policy,
}
