//! `rollcall doctor`: what is missing on this machine, each with what mends it, and the settings that hold.

mod database;
mod finding;
mod report;
mod settings;
mod world;

pub(super) use report::run;
