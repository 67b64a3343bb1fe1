//! What became of one row that a person edited.

use schemars::JsonSchema;
use serde::Serialize;

use super::exit::Exit;
use crate::model::ClusterSpec;

/// One row that was added, changed or brought back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RowDoc {
    /// Always `rollcall.row/v1`.
    pub schema: String,
    /// What was done.
    pub change: RowEdit,
    /// The row's name, printable.
    pub name: String,
    /// What the row asks for now, if it can be right.
    pub spec: Option<ClusterSpec>,
    /// What a person should know about it.
    pub warnings: Vec<String>,
    /// How the call ended.
    pub exit: Exit,
}

/// What was done to a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RowEdit {
    /// It is new.
    Added,
    /// It asks for something else.
    Changed,
    /// It was pruned, and is back.
    Restored,
}

impl RowDoc {
    /// A row that was edited, with nothing to warn of.
    pub fn new(change: RowEdit, name: impl Into<String>) -> Self {
        Self {
            schema: "rollcall.row/v1".to_owned(),
            change,
            name: name.into(),
            spec: None,
            warnings: Vec::new(),
            exit: Exit::default(),
        }
    }
}
