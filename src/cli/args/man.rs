//! The arguments of `rollcall man`.

use std::path::PathBuf;

use clap::Args;

pub(super) const HELP: &str = "\
It needs no database and no configuration.

Examples:
  rollcall man > ~/rollcall.1
  rollcall man ~/.local/share/man/man1               then: man rollcall-reconcile";

#[derive(Debug, Args)]
pub(crate) struct ManArgs {
    /// The folder that gets a page for each command; without one, the page of rollcall itself is printed.
    pub(crate) dir: Option<PathBuf>,
}
