//! HTTP/1.1, plain and behind TLS: connections (`serve`), the certificate (`tls`), what comes in
//! (`request`, `payload`, `form`) and what goes out (`reply`).

pub(crate) mod form;
pub(crate) mod payload;
pub(crate) mod reply;
pub(crate) mod request;
pub(crate) mod serve;
pub(crate) mod tls;
