//! Saving an observation: a bug report that can be planned again without Docker.

use std::io::{self, Write};

use crate::observe::Observation;

/// Writes an observation. Views carry no environment and no label but rollcall's own mark, so nothing secret can be in
/// it.
pub fn save_observation(observation: &Observation, mut out: impl Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut out, observation)?;
    out.write_all(b"\n")
}
