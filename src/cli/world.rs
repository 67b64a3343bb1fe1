//! Which world a call acts on.

use super::error::CliError;
use super::settings::Settings;
use super::streams::Streams;
use crate::ports::World;
use crate::sandbox;

/// The sandbox's world, or this machine's Docker.
pub(crate) fn build(settings: &Settings, _streams: &Streams) -> Result<World, CliError> {
    match &settings.sandbox {
        Some(dir) => Ok(sandbox::open(dir)?.world()),
        None => Err(CliError::new(
            crate::report::ExitCode::NotReady,
            "this build speaks to sandboxes only",
        )),
    }
}
