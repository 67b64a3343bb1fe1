//! What `doctor` found.

use schemars::JsonSchema;
use serde::Serialize;

use super::exit::Exit;

/// Everything that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct DoctorDoc {
    /// Always `rollcall.doctor/v1`.
    pub schema: String,
    /// What was looked at.
    pub items: Vec<FindingDoc>,
    /// The effective settings.
    pub settings: Vec<SettingDoc>,
    /// How it ended.
    pub exit: Exit,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FindingDoc {
    /// What.
    pub what: String,
    /// Whether nothing has to be mended.
    pub ok: bool,
    /// How it is.
    pub level: Level,
    /// What was found.
    pub message: String,
    /// What mends it.
    pub remedy: Option<String>,
}

/// How a thing that was looked at is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// As it should be.
    Good,
    /// Nothing is wrong, and a person may want to know it.
    Note,
    /// It could not be found out.
    Unknown,
    /// Missing or wrong.
    Bad,
}

/// One setting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SettingDoc {
    /// Its name: a flag, or a key of the configuration.
    pub name: String,
    /// What holds; none: nothing is set.
    pub value: Option<String>,
    /// Where that comes from: `command line`, `environment`, `file` or `default`.
    pub origin: String,
}
