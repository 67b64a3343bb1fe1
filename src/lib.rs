//! rollcall.
pub mod cli;
pub mod clock;
pub mod execute;
pub mod model;
pub mod observe;
pub mod plan;
pub mod ports;
pub mod provider;
pub mod reconcile;
pub mod registrar;
pub mod report;
pub mod sandbox;
pub mod store;
