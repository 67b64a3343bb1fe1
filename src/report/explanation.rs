//! What is said about one cluster: want, have, owned, decision.

use schemars::JsonSchema;
use serde::Serialize;

use super::documents::PlanDoc;
use super::exit::Exit;
use super::status::ClusterStatus;

/// Everything about the clusters of one name.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ExplanationDoc {
    /// Always `rollcall.explanation/v1`.
    pub schema: String,
    /// One for each provider under which the name is known.
    pub clusters: Vec<Explained>,
    /// How it ended.
    pub exit: Exit,
}

/// Everything about one cluster.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Explained {
    /// The cluster in one line.
    pub status: ClusterStatus,
    /// What the row asks for.
    pub want: Vec<String>,
    /// What is there, and who says so.
    pub have: Vec<String>,
    /// Whose it is.
    pub owned: Vec<String>,
    /// What would be done, or why nothing is.
    pub decision: PlanDoc,
}
