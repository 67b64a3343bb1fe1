//! Exit codes: one table, one order of precedence, the same numbers in every output.

use std::collections::BTreeSet;
use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

use crate::execute::{Outcome, StepResult};
use crate::plan::{Class, Plan};
use crate::provider::Fault;

/// Every exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExitCode {
    /// In sync, or converged.
    Ok = 0,
    /// A step failed.
    Failed = 1,
    /// The command line is wrong.
    Usage = 2,
    /// Drift was found, or is left.
    Drift = 3,
    /// A conflict needs a person.
    Conflict = 4,
    /// A guard, a binding, a policy or a person refused.
    Refused = 5,
    /// The plan is stale or used.
    Stale = 6,
    /// Another run holds the lock.
    Locked = 7,
    /// Something could not be observed: there is no verdict.
    Unknown = 9,
    /// Database, engine or a tool is not ready.
    NotReady = 12,
    /// A bug in rollcall.
    Bug = 70,
    /// The overall timeout was hit.
    Timeout = 124,
    /// Interrupted by Ctrl-C.
    Interrupted = 130,
    /// Ended by SIGTERM.
    Terminated = 143,
}

impl ExitCode {
    /// All codes, by precedence: when several hold, the first is returned.
    pub const BY_PRECEDENCE: [Self; 14] = [
        Self::Bug,
        Self::Interrupted,
        Self::Terminated,
        Self::Timeout,
        Self::NotReady,
        Self::Locked,
        Self::Stale,
        Self::Unknown,
        Self::Failed,
        Self::Refused,
        Self::Conflict,
        Self::Drift,
        Self::Usage,
        Self::Ok,
    ];

    /// The number that the process returns.
    pub fn number(self) -> u8 {
        self as u8
    }

    /// Its name, as JSON and the documents spell it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failed => "failed",
            Self::Usage => "usage",
            Self::Drift => "drift",
            Self::Conflict => "conflict",
            Self::Refused => "refused",
            Self::Stale => "stale",
            Self::Locked => "locked",
            Self::Unknown => "unknown",
            Self::NotReady => "not_ready",
            Self::Bug => "bug",
            Self::Timeout => "timeout",
            Self::Interrupted => "interrupted",
            Self::Terminated => "terminated",
        }
    }
}

impl fmt::Display for ExitCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// One thing that speaks for an exit code.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct ExitReason {
    /// The number.
    pub code: u8,
    /// Its name.
    pub name: String,
    /// What it was.
    pub message: String,
}

/// How a command ends: the code that wins, and everything that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Exit {
    /// The number that the process returns.
    pub code: u8,
    /// Its name.
    pub name: String,
    /// Every reason, not only the one that won.
    pub reasons: Vec<ExitReason>,
}

impl Default for Exit {
    fn default() -> Self {
        Self::of([])
    }
}

impl Exit {
    /// From everything that was found; nothing is `ok`.
    pub fn of(found: impl IntoIterator<Item = (ExitCode, String)>) -> Self {
        let found: BTreeSet<(ExitCode, String)> = found.into_iter().collect();
        let winner = ExitCode::BY_PRECEDENCE
            .into_iter()
            .find(|code| found.iter().any(|(c, _)| c == code));
        let winner = winner.unwrap_or(ExitCode::Ok);
        let reasons = found
            .into_iter()
            .map(|(code, message)| ExitReason {
                code: code.number(),
                name: code.name().to_owned(),
                message,
            })
            .collect();
        Self {
            code: winner.number(),
            name: winner.name().to_owned(),
            reasons,
        }
    }

    /// What a plan that was not executed says. A refusal counts only where the plan would have been executed; a dry
    /// run shows it.
    pub fn of_plan(plan: &Plan, dry: bool) -> Vec<(ExitCode, String)> {
        let mut found = Vec::new();
        if !plan.is_empty() && dry {
            found.push((
                ExitCode::Drift,
                format!("{} changes would be made", plan.steps.len()),
            ));
        }
        for held in &plan.held {
            let message = || format!("{}: {}", held.address, held.reason);
            match held.reason.class() {
                Class::Blocks => found.push((ExitCode::Drift, message())),
                Class::BeyondMode if dry => found.push((ExitCode::Drift, message())),
                Class::Unknown => found.push((ExitCode::Unknown, message())),
                Class::NotReady => found.push((ExitCode::NotReady, message())),
                Class::BeyondMode | Class::Intended | Class::Information => {}
            }
        }
        found
    }

    /// What says that not every row is true everywhere, now: also what a person stopped, and what no row names.
    pub fn of_untruth(plan: &Plan) -> Vec<(ExitCode, String)> {
        let mut found = Self::of_plan(plan, true);
        let stopped = plan.held.iter();
        let stopped = stopped.filter(|held| held.reason.class() == Class::Intended);
        found.extend(stopped.map(|held| {
            let message = format!("{}: {}", held.address, held.reason);
            (ExitCode::Drift, message)
        }));
        found
    }

    /// What executed steps say.
    pub fn of_outcome(plan: &Plan, outcome: &Outcome) -> Vec<(ExitCode, String)> {
        let mut found = Vec::new();
        if outcome.lost_lease() {
            found.push((
                ExitCode::Locked,
                "the lease was lost to another run".to_owned(),
            ));
        }
        for step in &plan.steps {
            let Some(ended) = outcome.steps.get(&step.id) else {
                continue;
            };
            let why = ended
                .error
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default();
            let message = format!("{} {}: {why}", step.action.kind(), step.action.address());
            let tool = ended
                .error
                .as_ref()
                .is_some_and(|error| error.fault == Fault::ToolMissing);
            match ended.result {
                StepResult::Failed if tool => found.push((ExitCode::NotReady, message)),
                StepResult::Failed => found.push((ExitCode::Failed, message)),
                StepResult::Held => found.push((ExitCode::Drift, message)),
                StepResult::Succeeded | StepResult::Skipped | StepResult::Cancelled => {}
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_precedence_is_the_documented_one() {
        let numbers: Vec<u8> = ExitCode::BY_PRECEDENCE
            .iter()
            .map(|code| code.number())
            .collect();
        assert_eq!(numbers, [70, 130, 143, 124, 12, 7, 6, 9, 1, 5, 4, 3, 2, 0]);
        let exit = Exit::of([
            (ExitCode::Drift, "a".into()),
            (ExitCode::Unknown, "b".into()),
            (ExitCode::Failed, "c".into()),
        ]);
        assert_eq!((exit.code, exit.reasons.len()), (9, 3));
        assert_eq!(Exit::default().code, 0);
    }
}
