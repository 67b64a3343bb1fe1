//! What a shell and `man` get.

use schemars::JsonSchema;
use serde::Serialize;

use super::exit::Exit;

/// The completions of a shell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CompletionsDoc {
    /// Always `rollcall.completions/v1`.
    pub schema: String,
    /// Which shell.
    pub shell: String,
    /// What it sources.
    pub script: String,
    /// How the call ended.
    pub exit: Exit,
}

/// The manual pages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ManDoc {
    /// Always `rollcall.man/v1`.
    pub schema: String,
    /// The folder that they were written to; none: nothing was written.
    pub directory: Option<String>,
    /// Their files.
    pub pages: Vec<String>,
    /// The page of rollcall itself, where no folder was named.
    pub text: Option<String>,
    /// How the call ended.
    pub exit: Exit,
}
