//! What can keep this program from running, in one type; what a request gets wrong is
//! `http::reply::Failure`.

use std::net::SocketAddr;
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
    /// The file of the kept state holds something else.
    #[error("understand {}", path.display())]
    State {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: serde_json::Error,
    },
    /// A port could not be listened on.
    #[error("listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why not.
        source: std::io::Error,
    },
    /// Signals could not be waited for.
    #[error("wait for signals")]
    Signal(#[source] std::io::Error),
    /// The machine gives no random numbers.
    #[error("get random numbers")]
    Random,
    /// A certificate or key could not be made or read.
    #[error("make a certificate")]
    Certificate(#[from] rcgen::Error),
    /// A certificate or key could not be read.
    #[error("read a certificate")]
    Pem(#[from] rustls::pki_types::pem::Error),
    /// TLS could not be set up.
    #[error("set up TLS")]
    Tls(#[from] rustls::Error),
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
