//! What a reconcile, or a plan of one, is for.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::words::delete_limit;
use super::{RUNNING, Running, SAFETY};
use crate::model::{DeleteLimit, Prune, Selector};

/// What it may do, and to which clusters.
#[derive(Debug, Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of its own on the command line"
)]
pub(crate) struct Aims {
    /// Make it so: create, start, register, and delete what a row says is absent.
    #[arg(long)]
    pub(crate) repair: bool,
    /// Take away what no row wants: `rows` whose clusters are gone, `orphans`, `registrations`; bare: all three.
    #[arg(long, value_name = "WHAT", num_args = 0..=1, require_equals = true, value_delimiter = ',', default_missing_value = "rows,orphans,registrations")]
    pub(crate) prune: Vec<PruneWhat>,
    /// Only this cluster, NAME or PROVIDER/NAME; may be given several times.
    #[arg(long, value_name = "NAME")]
    pub(crate) only: Vec<Selector>,
    /// Not this cluster; may be given several times.
    #[arg(long, value_name = "NAME")]
    pub(crate) exclude: Vec<Selector>,
    /// Delete this cluster of ours and make it again; may be given several times.
    #[arg(long, value_name = "NAME")]
    pub(crate) replace: Vec<Selector>,
    /// Delete broken clusters of ours and make them again.
    #[arg(long)]
    pub(crate) replace_broken: bool,
    /// Take this foreign cluster over; may be given several times.
    #[arg(long, value_name = "NAME")]
    pub(crate) adopt: Vec<Selector>,
    /// How many of a class may go without being named: N or P%.
    #[arg(long, value_name = "N|P%", value_parser = delete_limit, help_heading = SAFETY)]
    pub(crate) max_deletes: Option<DeleteLimit>,
    /// Let all of a class go, also with an empty table.
    #[arg(long, help_heading = SAFETY)]
    pub(crate) allow_all: bool,
    /// Accept that another engine answers than the one the ledger belongs to.
    #[arg(long, help_heading = SAFETY)]
    pub(crate) accept_engine: bool,
}

impl Aims {
    /// What may be pruned.
    pub(crate) fn prunes(&self) -> Prune {
        let has = |what| self.prune.contains(&what);
        Prune {
            rows: has(PruneWhat::Rows),
            orphans: has(PruneWhat::Orphans),
            registrations: has(PruneWhat::Registrations),
        }
    }
}

/// `rollcall reconcile`.
#[derive(Debug, Args)]
pub(crate) struct Reconcile {
    #[command(flatten)]
    pub(crate) aims: Aims,
    /// Change nothing: show exactly what the same command would do without this flag.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Do not ask on a terminal.
    #[arg(short, long, help_heading = SAFETY)]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) running: Running,
    /// Whether the clusters' API servers are asked.
    #[arg(long, value_enum, default_value_t, help_heading = RUNNING)]
    pub(crate) probe: Probe,
    /// Save what was observed, for a bug report.
    #[arg(long, value_name = "FILE", help_heading = RUNNING)]
    pub(crate) save_observation: Option<PathBuf>,
    /// Plan from a saved observation instead of looking; never with a mode that changes something.
    #[arg(long, value_name = "FILE", conflicts_with = "save_observation", help_heading = RUNNING)]
    pub(crate) observation: Option<PathBuf>,
}

/// What a prune may take away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum PruneWhat {
    Rows,
    Orphans,
    Registrations,
}

/// Whether the clusters' API servers are asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Probe {
    /// Ask those of rows and of the ledger.
    #[default]
    Auto,
    /// Ask nobody; a running cluster counts as running.
    None,
}
