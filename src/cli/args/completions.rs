//! The arguments of `rollcall completions`.

use clap::Args;
use clap_complete::Shell;

pub(super) const HELP: &str = "\
It needs no database and no configuration. A new shell knows the completions once they are where it
looks for them.

Examples:
  rollcall completions bash > ~/.local/share/bash-completion/completions/rollcall
  rollcall completions zsh > ~/.zfunc/_rollcall      with fpath+=~/.zfunc before compinit in ~/.zshrc
  rollcall completions fish > ~/.config/fish/completions/rollcall.fish
  rollcall completions elvish > ~/.config/elvish/lib/rollcall.elv
  rollcall completions powershell > ~/rollcall.ps1   and '. ~/rollcall.ps1' in $PROFILE";

#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// Which shell.
    pub(crate) shell: Shell,
}
