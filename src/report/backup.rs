//! What `backup` made.

use schemars::JsonSchema;
use serde::Serialize;

use super::exit::Exit;

/// A copy of the database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct BackupDoc {
    /// Always `rollcall.backup/v1`.
    pub schema: String,
    /// The database, as an absolute path.
    pub database: String,
    /// The copy, as an absolute path.
    pub file: String,
    /// How large the copy is.
    pub bytes: u64,
    /// Whether a ledger is in it: then what would change something is refused until `init --new-owner` or `--moved`.
    pub has_ledger: bool,
    /// How the copy is used.
    pub hints: Vec<String>,
    /// How the call ended.
    pub exit: Exit,
}
