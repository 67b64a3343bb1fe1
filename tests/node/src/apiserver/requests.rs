//! How many requests of which sort came: a test counts what a program asks for.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::http::message::Request;

/// What the acted Argo CD calls itself in its requests to other clusters.
pub(crate) const ARGO_CD: &str = "argocd-application-controller";

/// The requests since the start, or since the last reset.
#[derive(Debug, Default)]
pub(crate) struct Requests {
    total: u64,
    by: BTreeMap<String, u64>,
    argo_cd: u64,
}

impl Requests {
    /// Counts one; Argo CD's own are nothing that a test asked for.
    pub(crate) fn count(&mut self, request: &Request) {
        if request.user_agent.starts_with(ARGO_CD) {
            self.argo_cd += 1;
            return;
        }
        self.total += 1;
        let sort = format!("{} {}", request.method, request.path);
        *self.by.entry(sort).or_default() += 1;
    }

    /// The counters.
    pub(crate) fn document(&self) -> Value {
        json!({"total": self.total, "by": self.by, "argocd": self.argo_cd})
    }
}
