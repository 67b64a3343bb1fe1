//! The ApplicationSet registrar against an acted Argo CD: real requests between real processes of `tests/node`.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and starts processes"
)]

mod drift;
mod faults;
mod labels;
mod leaving;
#[path = "../node_api/mod.rs"]
mod node_api;
mod stuck;
mod world;
mod writers;
