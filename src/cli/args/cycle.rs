//! The commands of the cycle: clean, bootstrap, reconcile, verify.

use clap::Args;

use super::Running;

const SAFETY: &str = "Safety";

/// What stands below `rollcall clean --help`.
pub(super) const CLEAN_HELP: &str = "\
What rollcall did not make or adopt stays, and is listed. The rows stay: the next
'rollcall reconcile --repair' brings back what they want.

Examples:
  rollcall clean --dry-run      what would go; changes nothing
  rollcall clean                every cluster of ours but the management cluster
  rollcall clean --all          the management cluster too, after all others
  rollcall clean --yes          without being asked on a terminal

Exit codes: 0 nothing of ours is left, 1 a step failed, 3 shown by --dry-run, or left,
5 refused at the prompt, 7 locked by another run, 9 could not be observed, 12 not ready.";

/// `rollcall clean`.
#[derive(Debug, Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of its own on the command line"
)]
pub(crate) struct CleanArgs {
    /// The management cluster too.
    #[arg(long)]
    pub(crate) all: bool,
    /// Change nothing: show what would go.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Do not ask on a terminal.
    #[arg(short, long, help_heading = SAFETY)]
    pub(crate) yes: bool,
    /// Accept that another engine answers than the one the ledger belongs to.
    #[arg(long, help_heading = SAFETY)]
    pub(crate) accept_engine: bool,
    #[command(flatten)]
    pub(crate) running: Running,
}
