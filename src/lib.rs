//! rollcall.
pub mod clock;
pub mod model;
pub mod ports;
pub mod provider;
pub mod registrar;
