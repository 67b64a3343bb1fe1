//! A saved plan: what a person can read, and what tells whether it still holds.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{Desired, Fingerprint, Ledger};
use crate::plan::Plan;

/// A plan that is applied later, once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SavedPlan {
    /// Always `rollcall.saved_plan/v1`.
    pub schema: String,
    /// Its identity: a plan is applied once.
    pub id: String,
    /// When it was made, RFC 3339 UTC.
    pub made_at: String,
    /// The version of rollcall that made it; another one makes a new plan.
    pub version: String,
    /// The database it was made for.
    pub database: String,
    /// The call that it stands for, without `rollcall`.
    pub call: String,
    /// What tells whether the table, the ledger and the world are as they were.
    pub fingerprints: PlanFingerprints,
    /// The plan, as text for people.
    pub text: Vec<String>,
    /// The plan, a `rollcall.plan/v1` document.
    pub plan: serde_json::Value,
}

impl SavedPlan {
    /// The schema's name.
    pub const SCHEMA: &'static str = "rollcall.saved_plan/v1";
}

/// What a plan was made from, and what it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlanFingerprints {
    /// The database, and the kind of world it is for.
    pub place: String,
    /// The intent columns of every row, and what people stopped.
    pub rows: String,
    /// What rollcall made and registered.
    pub ledger: String,
    /// The steps, each with the life that it means: they follow from the world too.
    pub steps: String,
}

impl PlanFingerprints {
    /// Those of a plan that was made there.
    pub fn of(
        place: &impl std::fmt::Debug,
        desired: &Desired,
        ledger: &Ledger,
        plan: &Plan,
    ) -> Self {
        let rows = desired.rows.iter();
        let rows: Vec<_> = rows
            .map(|row| (row.rowid, &row.snapshot, row.stop.is_some()))
            .collect();
        Self {
            place: digest(place),
            rows: digest(&rows),
            ledger: digest(&(&ledger.engine, &ledger.entries, &ledger.registrations)),
            steps: digest(&plan.steps),
        }
    }

    /// What is not as it was.
    pub fn moved(&self, now: &Self) -> Vec<&'static str> {
        [
            (&self.place, &now.place, "the database or its world"),
            (&self.rows, &now.rows, "the table"),
            (&self.ledger, &now.ledger, "the ledger"),
            (&self.steps, &now.steps, "what would be done"),
        ]
        .into_iter()
        .filter(|(then, now, _)| then != now)
        .map(|(_, _, what)| what)
        .collect()
    }
}

/// Of the very values: only the same version of rollcall compares them.
fn digest(value: &impl std::fmt::Debug) -> String {
    Fingerprint::digest(&format!("{value:?}"))
}
