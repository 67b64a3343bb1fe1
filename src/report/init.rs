//! What `init` did.

use schemars::JsonSchema;
use serde::Serialize;

use super::exit::Exit;

/// What was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct InitDoc {
    /// Always `rollcall.init/v1`.
    pub schema: String,
    /// The database, as an absolute path.
    pub database: String,
    /// Whether the table `clusters` was made.
    pub made_table: bool,
    /// Whether the side tables were made.
    pub made_side_tables: bool,
    /// Ledger entries that the new owner of a copy does not own.
    pub closed_entries: usize,
    /// How the call ended.
    pub exit: Exit,
}
