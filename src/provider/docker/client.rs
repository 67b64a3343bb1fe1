//! The connection, and what its errors mean.

use std::error::Error as _;
use std::io;
use std::time::Duration;

use bollard::errors::Error;
use bollard::{API_DEFAULT_VERSION, Docker};

use super::endpoint::{Endpoint, SOURCE, not_ready};
use super::reading::OLDEST_API;
use crate::model::{Unseen, UnseenKind, one_line};
use crate::provider::{Fault, ProviderError};

/// How long one request may wait for its answer where the caller names no deadline: removing a node with its volumes
/// takes seconds, and a frozen engine takes for ever.
pub(super) const PATIENCE: Duration = Duration::from_secs(120);

/// Connects. The connection itself is made by each request.
pub(super) fn connect(endpoint: &Endpoint) -> Result<Docker, Unseen> {
    let seconds = PATIENCE.as_secs();
    let docker = match endpoint {
        Endpoint::Unix(path) => {
            let path = path.display().to_string();
            Docker::connect_with_unix(&path, seconds, API_DEFAULT_VERSION)
        }
        Endpoint::Tcp(address) => Docker::connect_with_http(address, seconds, API_DEFAULT_VERSION),
        Endpoint::Tls(address, folder) => {
            let file = |name| folder.join(name);
            let (key, cert, ca) = (file("key.pem"), file("cert.pem"), file("ca.pem"));
            Docker::connect_with_ssl(address, &key, &cert, &ca, seconds, API_DEFAULT_VERSION)
        }
    };
    docker.map_err(|error| unseen(endpoint, &error))
}

/// What an error says about the engine as a source.
pub(super) fn unseen(endpoint: &Endpoint, error: &Error) -> Unseen {
    let host = endpoint.shown();
    let text = match status(error) {
        Some(code) => format!("it answered {code}: {}", words(error)),
        None => words(error),
    };
    if !is_unreachable(error) {
        return Unseen {
            source: SOURCE.to_owned(),
            kind: UnseenKind::Silent,
            error: format!("{host}: {text}"),
            hint: None,
        };
    }
    let hint = match io_kind(error) {
        Some(io::ErrorKind::PermissionDenied) => {
            "join the group that owns the socket (often `docker`) and log in again, or set DOCKER_HOST"
        }
        _ => {
            "start Docker (systemctl start docker, or Docker Desktop), or set DOCKER_HOST to its socket"
        }
    };
    not_ready(format!("cannot connect to {host}: {text}"), hint)
}

/// The engine did not answer in time.
pub(super) fn silent(endpoint: &Endpoint, deadline: Duration) -> Unseen {
    let host = endpoint.shown();
    Unseen {
        source: SOURCE.to_owned(),
        kind: UnseenKind::Silent,
        error: format!("{host}: no answer within {deadline:?}"),
        hint: None,
    }
}

/// The engine speaks an API that is older than what is understood.
pub(super) fn too_old(endpoint: &Endpoint, api: &str) -> Unseen {
    let (host, api) = (endpoint.shown(), one_line(api, 20));
    let (major, minor) = OLDEST_API;
    not_ready(
        format!("{host} speaks Docker API {api}; {major}.{minor} is the oldest that is understood"),
        "update Docker to 20.10 or later",
    )
}

/// What an error means for a step. `what` is the request, as a fragment: "start k3d-dev-server-0".
pub(super) fn failed(what: &str, error: &Error) -> ProviderError {
    let text = words(error);
    let fault = match status(error) {
        Some(500..) if text.contains("timeout") || text.contains("deadline exceeded") => {
            Fault::Transient
        }
        Some(_) => Fault::Permanent,
        None => Fault::Transient,
    };
    ProviderError::new(fault, format!("Docker could not {what}: {text}"))
}

/// What an engine that was killed left behind, where that is in the way of a start. Nothing in Docker's API takes it away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Remnant {
    /// A start that it did not end: containerd keeps it for ever.
    Task,
    /// A docker-proxy, perhaps, that holds a port.
    Port,
}

/// Whether an error tells of a remnant.
pub(super) fn remnant(error: &Error) -> Option<Remnant> {
    let text = words(error);
    // The second one where Docker knows that containerd still has it and fails to take it away
    // (moby libcontainerd/remote/client.go, NewContainer; daemon/start.go).
    let kept = text.starts_with("task ") && text.ends_with("already exists");
    if kept || text == "id already in use" {
        return Some(Remnant::Task);
    }
    let taken = ["port is already allocated", "address already in use"];
    let taken = taken.iter().any(|words| text.contains(words));
    taken.then_some(Remnant::Port)
}

/// The same for an engine that was not even connected to.
pub(super) fn unreached(unseen: Unseen) -> ProviderError {
    let error = ProviderError::new(Fault::Transient, unseen.error);
    match unseen.hint {
        Some(hint) => error.hint(hint),
        None => error,
    }
}

/// The engine's own answer, if it gave one.
pub(super) fn status(error: &Error) -> Option<u16> {
    match error {
        Error::DockerResponseServerError { status_code, .. } => Some(*status_code),
        _ => None,
    }
}

/// Whether the engine says that there is no such thing.
pub(super) fn is_gone(error: &Error) -> bool {
    status(error) == Some(404)
}

/// Whether nobody is there to be connected to, as opposed to somebody who does not answer well.
fn is_unreachable(error: &Error) -> bool {
    match error {
        Error::HyperLegacyError { err } => err.is_connect(),
        Error::SocketNotFoundError(_)
        | Error::CertPathError { .. }
        | Error::CertParseError { .. }
        | Error::CertMultipleKeys { .. }
        | Error::NoNativeCertsError { .. }
        | Error::LoadNativeCertsErrors { .. }
        | Error::URLParseError { .. }
        | Error::InvalidURIError { .. } => true,
        _ => false,
    }
}

fn io_kind(error: &Error) -> Option<io::ErrorKind> {
    let mut source = error.source();
    while let Some(inner) = source {
        if let Some(error) = inner.downcast_ref::<io::Error>() {
            return Some(error.kind());
        }
        source = inner.source();
    }
    None
}

/// The error on one line: the engine's own message, or the last of the causes, which is the one that says something.
pub(super) fn words(error: &Error) -> String {
    let text = match error {
        Error::DockerResponseServerError {
            status_code,
            message,
        } if message.trim().is_empty() => format!("status {status_code}"),
        Error::DockerResponseServerError { message, .. } => message.clone(),
        Error::RequestTimeoutError => "no answer".to_owned(),
        Error::SocketNotFoundError(path) => format!("there is no {path}"),
        Error::JsonDataError { .. } => "its answer makes no sense".to_owned(),
        other => {
            let mut text = other.to_string();
            let mut source = other.source();
            while let Some(inner) = source {
                text = inner.to_string();
                source = inner.source();
            }
            text
        }
    };
    one_line(&text, 300)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_engine_left_is_known_by_its_words() {
        let said = |message: &str| {
            remnant(&Error::DockerResponseServerError {
                status_code: 500,
                message: message.to_owned(),
            })
        };
        assert_eq!(
            said("task d2a7668d4943: already exists"),
            Some(Remnant::Task)
        );
        let port = "driver failed programming external connectivity on endpoint dev: Bind for 127.0.0.1:37841 failed: \
                    port is already allocated";
        assert_eq!(said(port), Some(Remnant::Port));
        assert_eq!(said("id already in use"), Some(Remnant::Task));
        assert_eq!(said("network dev already exists"), None);
    }
}
