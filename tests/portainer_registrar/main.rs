//! The Portainer registrar against a double of the server in every version that it plays, with agents that are played.
//!
//! `cd tests/portainer && cargo build`, then `ROLLCALL_TEST_PORTAINER=PATH/rollcall-portainer cargo test --test
//! portainer_registrar -- --ignored`. The tests of `cluster` need a Kubernetes API besides: `ROLLCALL_TEST_NODE` names the
//! program of `tests/node`.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, starts processes and reads where the double is"
)]

mod agents;
mod cluster;
mod life;
mod neighbours;
#[path = "../node_api/mod.rs"]
mod node_api;
mod server;
mod silence;
