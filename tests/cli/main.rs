//! The command line in process, in a sandbox, with captured streams: what it prints, what it returns, what it leaves.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod arguments;
mod backup;
mod clean;
mod cluster;
mod consent;
mod database;
mod docker;
mod doctor;
mod documents;
mod events;
mod formats;
mod lock;
mod looking;
mod past;
mod plan;
mod reaching;
mod reconcile;
mod runs;
mod scene;
mod secrets;
mod shell;
mod stopping;
mod targets;
mod verify;
