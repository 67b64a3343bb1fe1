//! `rollcall doctor`: what is missing on this machine, each with what mends it, and the settings that hold.

mod contention;
mod database;
mod filesystem;
mod finding;
mod host;
mod reading;
mod report;
mod settings;
mod world;

pub(super) use report::run;
