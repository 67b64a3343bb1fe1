//! Docker: the engine under every provider.
//!
//! In: an environment (an argument, never this process's own), orders by ID. Out: one [`EngineView`] per look, made by
//! pure functions from a plain [`Inventory`]; errors that say whether the engine is missing, silent or refuses.
//! Must not: take silence for absence, act on a name where an ID exists, let a label's or an environment's secret into
//! a view, a log or an error.
//!
//! Docker 20.10 (API 1.41) is the oldest that is spoken to. bollard sends requests without a version in their path, so
//! that every engine answers in its own newest version; all fields that are read here exist since 1.41.
//!
//! [`EngineView`]: crate::model::EngineView
//! [`Inventory`]: inventory::Inventory

mod archive;
mod attach;
mod client;
mod clusters;
mod dialect;
mod endpoint;
mod engine;
mod inventory;
mod listeners;
mod making;
mod others;
mod reading;
mod remove;
mod view;
mod wire;

pub use engine::DockerEngine;

pub(super) use dialect::{Dialect, Member};
pub(super) use engine::startable;
pub(super) use inventory::{CLUSTER, Container, Inventory, NONCE, Network, Volume, nonce};
pub(super) use making::NetworkPlan;

#[cfg(test)]
mod tests;
