//! Facts about the whole, one file per part of section 2; `client` is what they ask with.

mod admin;
mod client;
mod control;
mod create;
mod credentials;
mod delete;
mod direct;
mod edge;
mod filters;
mod forgery;
mod order;
mod restart;
mod update;
mod wire;
