//! What can go wrong with an engine or a tool.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What kind of failure it was: it decides whether a retry makes sense, and the exit code.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// It may work next time.
    Transient,
    /// It will not work until somebody changes something.
    Permanent,
    /// It took longer than its deadline.
    Deadline,
    /// A tool is missing.
    ToolMissing,
    /// Something that is not ours is in the way, or was put there between the look and the step.
    NotOurs,
    /// The run was cancelled.
    Cancelled,
    /// Another run took the lease.
    LeaseLost,
}

/// A failed operation: what, why, and the way out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ProviderError {
    /// Which kind.
    pub fault: Fault,
    /// A lowercase fragment that names the thing: fits "failed to create k3d/dev: {message}". Redacted.
    pub message: String,
    /// What to do, as a sentence or a command.
    pub hint: Option<String>,
}

impl ProviderError {
    /// An error of this kind.
    pub fn new(fault: Fault, message: impl Into<String>) -> Self {
        Self {
            fault,
            message: message.into(),
            hint: None,
        }
    }

    /// The same with a way out.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}
