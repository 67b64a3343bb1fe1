//! What can go wrong, in one type: this program does little enough.

use std::path::{Path, PathBuf};

/// A failure, as a fragment that fits "failed to {error}".
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// A file could not be read or written.
    #[error("use {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A port could not be listened on.
    #[error("listen on port {port}")]
    Listen {
        /// The port.
        port: u16,
        /// Why not.
        source: std::io::Error,
    },
    /// Signals could not be waited for.
    #[error("wait for signals")]
    Signal(#[source] std::io::Error),
    /// A certificate or key could not be made or read.
    #[error("make a certificate")]
    Certificate(#[from] rcgen::Error),
    /// TLS could not be set up.
    #[error("set up TLS")]
    Tls(#[from] rustls::Error),
    /// Client certificates could not be checked.
    #[error("set up the check of client certificates")]
    Verifier(#[from] rustls::server::VerifierBuilderError),
    /// The cluster's first objects could not be made.
    #[error("furnish the cluster")]
    Furnish(#[from] crate::apiserver::failure::Failure),
    /// Something else, said in full.
    #[error("{0}")]
    Other(String),
}

impl Error {
    /// Wraps an error of the file at `path`.
    pub(crate) fn file(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::File { path, source }
    }
}

/// The error and its causes, in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = format!("failed to {error}");
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}

/// The same without "failed to", as Go words errors.
pub(crate) fn words(error: impl std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text = format!("{text}: {inner}");
        source = inner.source();
    }
    text
}
