//! How often what was asked for.

use std::collections::BTreeMap;

use crate::http::request::Request;

/// Counts by method and path, with numbers in paths as `{id}`.
#[derive(Debug, Default)]
pub(crate) struct Requests(BTreeMap<String, u64>);

impl Requests {
    /// Counts a request, whatever it is answered.
    pub(crate) fn count(&mut self, request: &Request, pattern: Option<&str>) {
        let path = pattern.map_or_else(|| anonymous(request.path()), str::to_owned);
        let key = format!("{} {path}", request.method);
        *self.0.entry(key).or_default() += 1;
    }

    /// The counts.
    pub(crate) fn counts(&self) -> &BTreeMap<String, u64> {
        &self.0
    }

    /// Starts again from nought.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }
}

fn anonymous(path: &str) -> String {
    let segments: Vec<&str> = path
        .split('/')
        .map(|segment| match segment.parse::<u64>() {
            Ok(_) => "{id}",
            Err(_) => segment,
        })
        .collect();
    segments.join("/")
}
