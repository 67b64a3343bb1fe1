//! The `rollcall` binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(rollcall::cli::run(
        std::env::args_os().collect(),
        rollcall::cli::Streams::of_process(),
    ))
}
