//! Saved plans.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{Aims, Probe, Running, SAFETY};

/// What stands below `rollcall plan --help`.
pub(super) const PLAN_HELP: &str = "\
A saved plan is JSON that a person can read. It is applied once, and only while the table, the
ledger and the world still give exactly that plan; each step then looks at its one thing again.

Examples:
  rollcall plan --out dev.plan --only dev         what 'reconcile --repair --only dev' would do
  rollcall plan --out all.plan --repair --prune=orphans
  rollcall plan show dev.plan
  rollcall plan apply dev.plan

Exit codes: those of 'rollcall reconcile'; 6 the plan is stale or was applied before.";

/// `rollcall plan`.
#[derive(Debug, Args)]
pub(crate) struct PlanArgs {
    #[command(subcommand)]
    pub(crate) what: Option<PlanCommand>,
    #[command(flatten)]
    pub(crate) aims: Aims,
    /// Whether the clusters' API servers are asked.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) probe: Probe,
    /// Where to save the plan; a file that is there already stays.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

/// What becomes of a saved plan.
#[derive(Debug, Subcommand)]
pub(crate) enum PlanCommand {
    /// Show a saved plan
    Show {
        /// The saved plan.
        file: PathBuf,
    },
    /// Do what a saved plan says, if it still holds
    Apply {
        /// The saved plan.
        file: PathBuf,
        /// Do not ask on a terminal.
        #[arg(short, long, help_heading = SAFETY)]
        yes: bool,
        #[command(flatten)]
        running: Running,
    },
}
