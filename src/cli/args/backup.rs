//! The arguments of `rollcall backup`.

use std::path::PathBuf;

use clap::Args;

pub(super) const HELP: &str = "\
The copy is of one moment, also while others write. It is made beside FILE and put there in one
piece; only its owner may read it. It is a copy: what would change something is refused until
init --new-owner (it owns nothing then) or init --moved (it is the database now).

Examples:
  rollcall backup ~/rollcall.before.db
  rollcall backup ~/rollcall.json.db -o json         for a program

Exit codes: 0 copied, 2 FILE is there already, 12 no database, or no folder for the copy,
1 no space left, 7 other programs left no chance to read, 130 and 143 interrupted.";

#[derive(Debug, Args)]
pub(crate) struct BackupArgs {
    /// Where the copy goes: a file that is not there yet.
    pub(crate) file: PathBuf,
}
