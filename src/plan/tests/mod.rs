//! The planner's tests: the decision table, cell by cell, and the rules around it.

mod cells;
mod cleaning;
mod contention;
mod guards;
mod holding;
mod ownership;
mod preparing;
mod registering;
mod replacing;
mod scene;
mod stopping;
