//! What tests need and Portainer does not have, all of it below `/__`: faults, counts, the clock,
//! the whole state, and environments that no API call makes.

pub(crate) mod desk;
pub(crate) mod faults;
pub(crate) mod requests;

pub(crate) use desk::{PREFIX, answer};
