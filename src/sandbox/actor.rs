//! Who did it: the world knows, even where no mark tells.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Who made a thing, or acts now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    /// rollcall, through the ports.
    #[default]
    Rollcall,
    /// Somebody else, behind rollcall's back.
    Hand,
}
