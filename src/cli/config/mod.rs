//! The configuration file.

mod file;
mod providers;
mod registrars;

pub(crate) use file::{Config, ConfigFile};
pub(crate) use providers::{AfterCreateConfig, ProviderConfig};
