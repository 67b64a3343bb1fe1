//! What is taken out of a file of the user's, because rollcall has it now.

use std::path::PathBuf;

/// What an import took, or would take.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Imported {
    /// The file, behind all links.
    pub file: PathBuf,
    /// The clusters whose routes go.
    pub taken: Vec<String>,
    /// The clusters whose routes stay, each with why.
    pub kept: Vec<(String, String)>,
    /// The lines that go, by number from 1.
    pub lines: Vec<(usize, String)>,
    /// The file as it was; `None`: nothing was written.
    pub backup: Option<PathBuf>,
}
