//! Desired: what the rows of `clusters` say.

use std::collections::BTreeSet;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Address, ClusterId, ClusterName, ClusterSpec};

/// The whole table, as one read transaction saw it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Desired {
    /// The rows, by name and then by rowid.
    pub rows: Vec<Row>,
    /// The columns the table has, in its own order and spelling.
    pub columns: Vec<String>,
}

impl Desired {
    /// The names that rows which cannot be right claim: under every provider, so that a port of 70000 never turns a
    /// live cluster into an orphan.
    pub fn claimed_by_invalid(&self) -> BTreeSet<&ClusterName> {
        let invalid = self.rows.iter().filter(|row| row.intent.is_err());
        invalid.filter_map(|row| row.claim.name()).collect()
    }

    /// Whether a row wants this cluster: a valid one that says present, or one that cannot be right and claims its name.
    pub fn wants(&self, id: &ClusterId) -> bool {
        self.rows.iter().any(|row| match &row.intent {
            Ok(intent) => intent.spec.id == *id && intent.presence == Presence::Present,
            Err(_) => row.claim.name() == Some(&id.name),
        })
    }

    /// A row of which nobody can say whose name it means.
    pub fn unclear(&self) -> Option<&Row> {
        self.rows.iter().find(|row| row.claim == Claim::Unclear)
    }

    /// The valid rows and what they ask for.
    pub fn intents(&self) -> impl Iterator<Item = (&Row, &Intent)> {
        self.rows
            .iter()
            .filter_map(|row| row.intent.as_ref().ok().map(|intent| (row, intent)))
    }

    /// The row that a valid name claims first.
    pub fn row(&self, name: &ClusterName) -> Option<&Row> {
        self.rows.iter().find(|row| row.name.as_ref() == Some(name))
    }
}

/// One row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// SQLite's rowid: where the row is, as long as nobody moves it.
    pub rowid: i64,
    /// The name as one printable line of at most 64 characters, whatever the column holds.
    pub shown: String,
    /// The name, if it is one, exactly as the column holds it.
    pub name: Option<ClusterName>,
    /// The name that the row claims, even when it cannot be right.
    pub claim: Claim,
    /// What the row asks for, or all that is wrong with it.
    pub intent: Result<Intent, Vec<RowFault>>,
    /// A person wants the cluster stopped.
    pub stop: Option<StopIntent>,
    /// The intent columns as they stood, to be demanded again before the row is deleted.
    pub snapshot: RowSnapshot,
    /// The status columns as they stood.
    pub status: RowStatus,
}

impl Row {
    /// The row's address.
    pub fn address(&self) -> Address {
        Address::Row(self.shown.clone())
    }
}

/// The name that a row claims, so that a slip of the pen never turns a live cluster into an orphan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Claim {
    /// This one: what the column holds, or what it would hold without blanks, capitals or a wrong type.
    Name(ClusterName),
    /// None: the column is NULL or empty.
    Nothing,
    /// Nobody can say which.
    Unclear,
}

impl Claim {
    /// The name, where it is clear.
    pub fn name(&self) -> Option<&ClusterName> {
        match self {
            Self::Name(name) => Some(name),
            Self::Nothing | Self::Unclear => None,
        }
    }
}

/// What a valid row asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// The cluster.
    pub spec: ClusterSpec,
    /// Whether it should be there.
    pub presence: Presence,
}

/// `desired_state`.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Presence {
    /// `present`, and NULL.
    Present,
    /// `absent`.
    Absent,
}

impl fmt::Display for Presence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Present => "present",
            Self::Absent => "absent",
        })
    }
}

/// A person's wish that a cluster be stopped: `status='stopped'`, or `rollcall stop`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StopIntent {
    /// Where the wish stands: `status` or `rollcall stop`.
    pub source: String,
    /// Who, as far as known.
    pub who: Option<String>,
    /// Why, as far as known.
    pub why: Option<String>,
}

/// One thing wrong with a row.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct RowFault {
    /// The column.
    pub column: String,
    /// The value, as one printable line.
    pub value: String,
    /// What is wrong with it.
    pub problem: String,
}

impl fmt::Display for RowFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.column, self.value, self.problem)
    }
}

/// A value exactly as SQLite holds it, type included.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SqlValue {
    /// NULL.
    Null,
    /// INTEGER.
    Integer(i64),
    /// REAL.
    Real(f64),
    /// TEXT that is UTF-8.
    Text(String),
    /// BLOB, and TEXT that is not UTF-8.
    Blob(Vec<u8>),
}

// A REAL in an intent column only ever has to be equal to itself; SQLite stores no NaN (it becomes NULL).
impl Eq for SqlValue {}

/// The intent columns of one row: what a guarded DELETE demands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowSnapshot {
    /// Column and value, for every intent column the table has.
    pub columns: Vec<(String, SqlValue)>,
}

/// The status columns of one row; `None` where the column is missing, NULL or of another type.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowStatus {
    /// `status`.
    pub status: Option<String>,
    /// `actual_state`.
    pub actual_state: Option<String>,
    /// `last_reconciled_at`.
    pub last_reconciled_at: Option<String>,
    /// `reconcile_error`.
    pub reconcile_error: Option<String>,
    /// `server_ip`.
    pub server_ip: Option<String>,
}
