//! A small Kubernetes API, kept in a folder: as much of it as `rollcall` and Argo CD's rules use.
//!
//! ```text
//! server: counted -> faulty? -> who asks (caller) -> may he -> route
//!            |
//!            +-> read, watch, create, update (patch, apply), delete  -> store -> disk
//!                      |                        |
//!                  selector, page       admission, ownership (fields)
//!
//! keeper: what Kubernetes' own controllers do with the objects, some moments later
//! ```
//!
//! It must not pretend: what it does not know is an error in Kubernetes' own words, never a guess.

pub(crate) mod admission;
pub(crate) mod apply;
pub(crate) mod caller;
pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod discovery;
pub(crate) mod disk;
pub(crate) mod failure;
pub(crate) mod faults;
pub(crate) mod fields;
pub(crate) mod keeper;
pub(crate) mod kind;
mod names;
pub(crate) mod newborn;
pub(crate) mod object;
pub(crate) mod ownership;
pub(crate) mod page;
pub(crate) mod patch;
pub(crate) mod path;
pub(crate) mod read;
pub(crate) mod requests;
mod schema;
pub(crate) mod selector;
pub(crate) mod server;
pub(crate) mod stamp;
pub(crate) mod store;
pub(crate) mod update;
pub(crate) mod watch;

#[cfg(test)]
mod tests;
