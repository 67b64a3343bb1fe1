//! What is taken out of a file of the user's, because rollcall has it now.

use std::path::PathBuf;

use super::RegistrarError;

/// What an import took, or would take.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Imported {
    /// The file, behind all links.
    pub file: PathBuf,
    /// The clusters whose routes go.
    pub taken: Vec<String>,
    /// The clusters whose routes stay, each with why.
    pub kept: Vec<(String, String)>,
    /// Those of them that rollcall routes to as well.
    pub twice: Vec<String>,
    /// The lines that go, by number from 1.
    pub lines: Vec<(usize, String)>,
    /// The file as it was; `None`: nothing was written.
    pub backup: Option<PathBuf>,
}

/// Why nothing was imported. The kind decides the exit code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// What was named is not there, or is not what it should be.
    #[error(transparent)]
    Usage(RegistrarError),
    /// Something must be there or be mended first.
    #[error(transparent)]
    NotReady(RegistrarError),
    /// It cannot be told what the registrar has.
    #[error(transparent)]
    Unknown(RegistrarError),
    /// It would do harm: nothing was changed.
    #[error(transparent)]
    Refused(RegistrarError),
    /// It was tried and did not work.
    #[error(transparent)]
    Failed(RegistrarError),
}

impl ImportError {
    /// What went wrong, and the way out.
    pub fn why(&self) -> &RegistrarError {
        match self {
            Self::Usage(why)
            | Self::NotReady(why)
            | Self::Unknown(why)
            | Self::Refused(why)
            | Self::Failed(why) => why,
        }
    }

    /// The same with its words changed.
    #[must_use]
    pub(super) fn map(self, change: impl FnOnce(RegistrarError) -> RegistrarError) -> Self {
        match self {
            Self::Usage(why) => Self::Usage(change(why)),
            Self::NotReady(why) => Self::NotReady(change(why)),
            Self::Unknown(why) => Self::Unknown(change(why)),
            Self::Refused(why) => Self::Refused(change(why)),
            Self::Failed(why) => Self::Failed(change(why)),
        }
    }
}
