//! HTTP/1.1, plain and behind mutual TLS: connections (`serve`), certificates (`tls`),
//! routes (`router`), answers (`api`) and Kubernetes' way of saying no (`status`).

pub(crate) mod api;
pub(crate) mod router;
pub(crate) mod serve;
mod status;
pub(crate) mod tls;
