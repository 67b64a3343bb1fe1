//! What can be done to a sandbox behind rollcall's back.

use std::time::Duration;

use clap::Subcommand;

use super::words::duration;
use crate::model::ClusterId;

#[derive(Debug, Subcommand)]
pub(crate) enum SandboxCommand {
    /// Show the world and the instructions it has
    Show,
    /// Give the world an instruction, such as 'create takes 40s' or 'docker is down'
    #[command(
        after_help = "Instructions: create takes 40s; create k3d/dev fails; create fails twice; create hangs; create does nothing;\nregister kubeconfig fails once; docker is down; docker is silent; docker is up."
    )]
    Say {
        /// The instruction.
        #[arg(required = true)]
        words: Vec<String>,
    },
    /// Forget all instructions
    Forget,
    /// Delete a cluster behind rollcall's back
    Wipe {
        /// Which, PROVIDER/NAME.
        cluster: ClusterId,
        /// Leave its networks and volumes, as `docker rm -f` does.
        #[arg(long)]
        leave_residue: bool,
    },
    /// Stop a cluster behind rollcall's back
    Stop {
        /// Which, PROVIDER/NAME.
        cluster: ClusterId,
    },
    /// Make a cluster by hand, as a person would
    Make {
        /// Which, PROVIDER/NAME.
        cluster: ClusterId,
    },
    /// Move the sandbox's clock forward
    Advance {
        /// By how much.
        #[arg(value_parser = duration)]
        by: Duration,
    },
}
