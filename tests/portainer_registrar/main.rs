//! The Portainer registrar against a double of the server in every version that it plays, with agents that are played.
//!
//! `cd tests/portainer && cargo build`, then `ROLLCALL_TEST_PORTAINER=PATH/rollcall-portainer cargo test --test
//! portainer_registrar -- --ignored`. The tests of `cluster` need the API of a cluster that may be spoilt besides:
//! `ROLLCALL_TEST_KUBECONFIG` names the kubeconfig of its administrator.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, starts processes and reads where the double is"
)]

mod agents;
mod cluster;
mod life;
mod neighbours;
mod server;
mod silence;
