//! The store's tests, one file for each noun; small ones stay beside their code.

mod binding;
mod desired;
mod ledger;
mod lock;
mod opening;
mod runs;
mod scene;
mod steps;
mod tombstones;

pub(super) use scene::{
    NOW, at, bound, id, incarnation, name, nonce, parts, providers, run_start, spec, store,
};
