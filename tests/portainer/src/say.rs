//! The only place that prints.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the container's log is what a person reads when a test fails"
)]

/// Prints one line to the container's log.
pub(crate) fn line(text: &str) {
    println!("{text}");
}

/// Says what went wrong.
pub(crate) fn complain(text: &str) {
    eprintln!("rollcall-portainer: {text}");
}
