//! How a node misbehaves, when a test wants it to. Baked into an image as an environment variable.

/// The variable that names the fault; it is also seen by what is executed in the container.
const VARIABLE: &str = "ROLLCALL_TEST_FAULT";

/// One way to misbehave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Never says that it is up, and serves nothing.
    Hang,
    /// Exits with 1 at once.
    Crash,
    /// `kubeadm init` fails.
    FailInit,
    /// Comes up and serves, but `/readyz` answers 500 for ever.
    NotReady,
}

impl Fault {
    /// The fault this image was made with, if any.
    pub(crate) fn from_env() -> Option<Self> {
        Self::named(&std::env::var(VARIABLE).ok()?)
    }

    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "hang" => Self::Hang,
            "crash" => Self::Crash,
            "failinit" => Self::FailInit,
            "notready" => Self::NotReady,
            _ => return None,
        })
    }
}
