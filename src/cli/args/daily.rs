//! The daily handles: stop a cluster and start it again.

use std::time::Duration;

use clap::Args;

use super::Running;
use super::words::some_time;
use crate::model::Selector;

/// What stands below `rollcall stop --help`.
pub(super) const STOP_HELP: &str = "\
The wish is written down: until it ends, or 'rollcall start' takes it back, no repair starts the
cluster again. What it holds and where it is registered stay.

Examples:
  rollcall stop dev                             until somebody starts it
  rollcall stop dev ops --for 2h --why lunch    for a while, and others see why

Exit codes: 0 stopped, 1 a step failed, 2 no such row, 5 the cluster is not ours,
7 locked by another run, 9 could not be observed, 12 not ready.";

/// What stands below `rollcall start --help`.
pub(super) const START_HELP: &str = "\
It takes back a stop, and then does what 'rollcall reconcile --repair --only NAME' does.

Examples:
  rollcall start dev
  rollcall start dev ops -j 1

Exit codes: those of 'rollcall reconcile'.";

/// `rollcall stop`.
#[derive(Debug, Args)]
pub(crate) struct StopArgs {
    /// Which clusters, NAME or PROVIDER/NAME, each with a row.
    #[arg(required = true)]
    pub(crate) name: Vec<Selector>,
    /// How long the wish holds [default: until somebody starts it].
    #[arg(long = "for", value_name = "DUR", value_parser = some_time)]
    pub(crate) lasting: Option<Duration>,
    /// Why, for those who wonder.
    #[arg(long, value_name = "TEXT")]
    pub(crate) why: Option<String>,
    /// Who wants it [default: USER].
    #[arg(long, value_name = "NAME")]
    pub(crate) who: Option<String>,
    #[command(flatten)]
    pub(crate) running: Running,
}

/// `rollcall start`.
#[derive(Debug, Args)]
pub(crate) struct StartArgs {
    /// Which clusters, NAME or PROVIDER/NAME, each with a row.
    #[arg(required = true)]
    pub(crate) name: Vec<Selector>,
    #[command(flatten)]
    pub(crate) running: Running,
}
