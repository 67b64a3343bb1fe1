//! The commands of the cycle: clean, bootstrap, reconcile, verify.

use std::time::Duration;

use clap::Args;

use super::Running;
use super::words::{minimum, some_time};
use crate::model::{ProviderId, Selector};

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

/// What stands below `rollcall verify --help`.
pub(super) const VERIFY_HELP: &str = "\
It changes nothing. A row is true if its cluster is there, ready, as the row says, and registered
everywhere; or if the row says absent, and nothing is left. What a person stopped is not true, and
a cluster of ours that no row names is drift.

Examples:
  rollcall verify                 now
  rollcall verify --for 30s       now, and for half a minute
  rollcall verify dev -o json     one cluster, for a program

Exit codes: 0 every row is true, 2 usage, 3 some are not, 9 could not be observed, 12 not ready.";

/// `rollcall verify`.
#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// Only these clusters, NAME or PROVIDER/NAME.
    pub(crate) name: Vec<Selector>,
    /// For how long every row has to stay true.
    #[arg(long = "for", value_name = "DUR", value_parser = some_time)]
    pub(crate) lasting: Option<Duration>,
}

/// What stands below `rollcall ensure --help`.
pub(super) const ENSURE_HELP: &str = "\
What a test harness calls first. If the table has fewer rows than the minimum it says which to add
and changes nothing, unless --fill adds them. Then it repairs as 'rollcall reconcile --repair' does,
looks for as long as --for says whether everything stays true, and says how it ended. It keeps the
database's lock meanwhile: nobody else's run undoes what is looked at.

Examples:
  rollcall ensure                                   every row true
  rollcall ensure --min kind=3,k3d=3 --for 20s      at least six clusters, true for 20 seconds
  rollcall ensure --min kind=1 --fill               with a row of free ports, if there is none

Exit codes: 0 every row is true, 1 a step failed, 2 usage, 3 rows are missing or not true,
7 locked by another run, 9 could not be observed, 12 not ready.";

/// `rollcall ensure`.
#[derive(Debug, Args)]
pub(crate) struct EnsureArgs {
    /// How many present rows each provider must have at least, the management cluster not counted.
    #[arg(long, value_name = "PROVIDER=N", value_delimiter = ',', value_parser = minimum)]
    pub(crate) min: Vec<(ProviderId, usize)>,
    /// Add the rows that are missing, with free ports and subnets.
    #[arg(long, requires = "min")]
    pub(crate) fill: bool,
    /// For how long everything has to stay true afterwards.
    #[arg(long = "for", value_name = "DUR", value_parser = some_time)]
    pub(crate) lasting: Option<Duration>,
    #[command(flatten)]
    pub(crate) running: Running,
}
