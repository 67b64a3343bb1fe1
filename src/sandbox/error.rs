//! What can go wrong with the sandbox itself, as opposed to in it.

use std::path::PathBuf;

use crate::provider::{Fault, ProviderError};

/// The sandbox could not do what it was told.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The directory cannot be made.
    #[error("make the sandbox's directory {}", path.display())]
    Directory {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file cannot be opened.
    #[error("open the sandbox's file {}", path.display())]
    Open {
        /// Which.
        path: PathBuf,
        /// Why.
        source: rusqlite::Error,
    },
    /// The file cannot be read or written.
    #[error("use the sandbox's file")]
    File(#[from] rusqlite::Error),
    /// The file holds something else than a world.
    #[error("read the world in the sandbox's file")]
    Damaged(#[from] serde_json::Error),
    /// The file was written by another version.
    #[error(
        "read the sandbox's file: its format is {found}, this program knows {known}; move the file away and a new \
         world begins"
    )]
    Format {
        /// What the file says.
        found: String,
        /// What this program writes.
        known: &'static str,
    },
    /// No random numbers.
    #[error("get random bytes")]
    Random(#[from] getrandom::Error),
    /// An instruction that says nothing the sandbox understands.
    #[error("understand {text:?}: {problem}")]
    Instruction {
        /// What was said.
        text: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The world does not allow it.
    #[error("do that by hand: {0}")]
    Refused(String),
}

impl From<SandboxError> for ProviderError {
    fn from(error: SandboxError) -> Self {
        let cause =
            std::error::Error::source(&error).map_or_else(String::new, |e| format!(": {e}"));
        Self::new(Fault::Permanent, format!("cannot {error}{cause}"))
    }
}

impl From<ProviderError> for SandboxError {
    fn from(error: ProviderError) -> Self {
        Self::Refused(error.message)
    }
}
