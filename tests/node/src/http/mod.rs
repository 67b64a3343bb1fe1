//! HTTP/1.1, plain and behind TLS: what is said (`message`), connections (`serve`), certificates
//! (`tls` of a server, `trust` of a client), requests to others (`client`) and the answers of the
//! plain ports (`plain`).

pub(crate) mod client;
pub(crate) mod message;
pub(crate) mod plain;
pub(crate) mod serve;
pub(crate) mod tls;
pub(crate) mod trust;

use message::{Reply, Request};

/// Whoever answers on a port.
pub(crate) trait Site: Send + Sync + 'static {
    /// Answers one request. It must not wait: an answer that takes time is a body that flows.
    fn answer(&self, request: &Request) -> Reply;
}
