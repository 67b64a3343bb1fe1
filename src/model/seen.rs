//! Known or unknown: the difference between "there is nothing" and "nobody could look".

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What one source said. `Unknown` is never absence: nothing may be created, changed, deleted or forgotten
/// because of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Seen<T> {
    /// The source answered.
    Known(T),
    /// The source could not be asked, or gave no answer that can be trusted.
    Unknown(Unseen),
}

impl<T> Seen<T> {
    /// What is known, if it is.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Unknown(_) => None,
        }
    }

    /// Why it is not known, if it is not.
    pub fn unknown(&self) -> Option<&Unseen> {
        match self {
            Self::Known(_) => None,
            Self::Unknown(unseen) => Some(unseen),
        }
    }

    /// The same knowledge about something derived from it.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Seen<U> {
        match self {
            Self::Known(value) => Seen::Known(f(value)),
            Self::Unknown(unseen) => Seen::Unknown(unseen),
        }
    }
}

/// Why a source is unknown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Unseen {
    /// The source: `docker`, a registrar's name.
    pub source: String,
    /// What kind of silence it was; it decides the exit code.
    pub kind: UnseenKind,
    /// What went wrong, on one line.
    pub error: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// The kinds of silence.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum UnseenKind {
    /// Connected, but silent, failing or talking garbage: exit 9.
    Silent,
    /// Another engine than the ledger's answered: exit 9.
    OtherEngine,
    /// Nothing there to connect to: exit 12.
    NotReady,
}
