//! A request, read to its end.

use std::net::IpAddr;

use hyper::header::{COOKIE, HeaderMap};
use hyper::{Method, Uri};

/// What a client asked for.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// The method.
    pub(crate) method: Method,
    /// The path and the query, as they came.
    pub(crate) uri: Uri,
    /// The headers.
    pub(crate) headers: HeaderMap,
    /// The body.
    pub(crate) body: Vec<u8>,
    /// Who asked.
    pub(crate) peer: IpAddr,
    /// Whether it came through TLS.
    pub(crate) secure: bool,
}

impl Request {
    /// The path, without the query.
    pub(crate) fn path(&self) -> &str {
        self.uri.path()
    }

    /// The pairs of the query, decoded.
    pub(crate) fn query(&self) -> impl Iterator<Item = (String, String)> + '_ {
        form_urlencoded::parse(self.uri.query().unwrap_or_default().as_bytes()).into_owned()
    }

    /// The first value of a query parameter, or nothing (Go: `r.FormValue`).
    pub(crate) fn parameter(&self, name: &str) -> String {
        self.query()
            .find(|(key, _)| key == name)
            .map_or_else(String::new, |(_, value)| value)
    }

    /// The number in a query parameter; what is no number is nought, as Portainer ignores the
    /// error.
    pub(crate) fn number(&self, name: &str) -> i64 {
        self.parameter(name).parse().unwrap_or(0)
    }

    /// A query parameter that is exactly `true`.
    pub(crate) fn flag(&self, name: &str) -> bool {
        self.parameter(name) == "true"
    }

    /// A header's first value, or nothing.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// A cookie's value, if it is there.
    pub(crate) fn cookie(&self, name: &str) -> Option<&str> {
        self.headers
            .get_all(COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|line| line.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value)
    }
}
