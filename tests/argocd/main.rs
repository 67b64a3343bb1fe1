//! The Argo CD registrar against Kubernetes APIs: real requests between real processes of `tests/node`.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and starts processes"
)]

mod answers;
#[path = "../node_api/mod.rs"]
mod node_api;
mod secrets;
mod world;
