//! The JSON Schemas of every document.

use serde_json::Value;

use super::backup::BackupDoc;
use super::doctor::DoctorDoc;
use super::documents::{ErrorDoc, ListDoc, PlanDoc, RunDoc};
use super::enums::EnumsDoc;
use super::explanation::ExplanationDoc;
use super::import::ImportDoc;
use super::init::InitDoc;
use super::lock::LockDoc;
use super::reaching::{KubeconfigDoc, UseDoc};
use super::row::RowDoc;
use super::saved::SavedPlan;
use super::shell::{CompletionsDoc, ManDoc};
use super::status::StatusDoc;
use crate::execute::Event;
use crate::observe::Observation;

/// The documents that have a schema.
pub const SCHEMAS: [&str; 23] = [
    "plan",
    "saved_plan",
    "run",
    "status",
    "explanation",
    "event",
    "observation",
    "error",
    "list",
    "lock",
    "import",
    "use",
    "kubeconfig",
    "row",
    "init",
    "backup",
    "doctor",
    "enums",
    "completions",
    "man",
    "clusters",
    "history",
    "sandbox",
];

/// The JSON Schema of a document, by its short name.
pub fn schema_of(name: &str) -> Option<Value> {
    let schema = match name {
        "plan" => schemars::schema_for!(PlanDoc),
        "saved_plan" => schemars::schema_for!(SavedPlan),
        "run" => schemars::schema_for!(RunDoc),
        "status" => schemars::schema_for!(StatusDoc),
        "explanation" => schemars::schema_for!(ExplanationDoc),
        "observation" => schemars::schema_for!(Observation),
        "event" => schemars::schema_for!(Event),
        "error" => schemars::schema_for!(ErrorDoc),
        "lock" => schemars::schema_for!(LockDoc),
        "use" => schemars::schema_for!(UseDoc),
        "kubeconfig" => schemars::schema_for!(KubeconfigDoc),
        "import" => schemars::schema_for!(ImportDoc),
        "row" => schemars::schema_for!(RowDoc),
        "init" => schemars::schema_for!(InitDoc),
        "backup" => schemars::schema_for!(BackupDoc),
        "doctor" => schemars::schema_for!(DoctorDoc),
        "enums" => schemars::schema_for!(EnumsDoc),
        "completions" => schemars::schema_for!(CompletionsDoc),
        "man" => schemars::schema_for!(ManDoc),
        "list" | "clusters" | "history" | "sandbox" => schemars::schema_for!(ListDoc),
        _ => return None,
    };
    serde_json::to_value(schema).ok()
}
