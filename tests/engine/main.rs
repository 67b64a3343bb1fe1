//! The real thing: rollcall's binary, real Docker, real k3d and real kind, on a private engine.
//!
//! `scripts/engine run DIR -- cargo test --test engine -- --test-threads=1` gives it what it needs; without the engine
//! every test says that it was skipped. Each test leaves nothing behind, also when it fails.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and starts real tools"
)]

mod bench;

mod absent;
mod adopting;
mod after_create;
mod applicationset;
mod argocd;
mod between;
mod broken;
mod crash;
mod crowd;
mod cycle;
mod damage;
mod deaf;
mod everywhere;
mod gateway;
mod guards;
#[allow(dead_code, reason = "each suite uses a part of it")]
#[path = "../haproxy/proxy.rs"]
mod haproxy;
mod histories;
mod hurt;
mod interrupted;
mod left_out;
mod management;
mod points;
mod portainer;
mod predecessor;
mod process;
mod proxy;
mod routes;
mod rows;
mod server;
mod six;
mod tools;
mod unreachable;
