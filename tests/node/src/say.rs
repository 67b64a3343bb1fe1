//! The only place that prints.
//!
//! The lines are an interface: k3d and kind read a container's log to learn how far a node is.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the container's log is what the tools read"
)]

/// Prints one line to the container's log.
pub(crate) fn line(text: &str) {
    println!("{text}");
}

/// Prints one line in the form of k3s' own log.
pub(crate) fn k3s(level: &str, message: &str) {
    println!("level={level} msg=\"{message}\"");
}

/// Says what went wrong.
pub(crate) fn complain(text: &str) {
    eprintln!("rollcall-node: {text}");
}
