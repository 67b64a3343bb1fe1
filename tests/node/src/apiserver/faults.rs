//! Failures that a test switches on.

use hyper::StatusCode;
use serde_json::{Value, json};

use super::failure::Failure;
use crate::http::message::{Reply, Request};

/// One way to fail, for some requests, a number of times.
#[derive(Debug)]
struct Fault {
    path_prefix: String,
    /// Nothing means every method.
    method: Option<String>,
    /// Nothing means no answer at all.
    status: Option<StatusCode>,
    retry_after: Option<u64>,
    /// Nothing means for ever.
    times: Option<u64>,
}

/// The faults that are on; the first one that fits is acted out.
#[derive(Debug, Default)]
pub(crate) struct Faults(Vec<Fault>);

impl Faults {
    /// Switches one on: `{"path_prefix", "status", "method"?, "retry_after"?, "times"?}`.
    pub(crate) fn add(&mut self, document: &Value) -> Result<(), Failure> {
        let refused = |what| Failure::bad_request(&format!("a fault needs {what}"));
        let status = match document["status"].as_u64() {
            Some(0) => None,
            Some(code) => {
                let code = u16::try_from(code).ok();
                let code = code.and_then(|code| StatusCode::from_u16(code).ok());
                Some(code.ok_or_else(|| refused("a status of HTTP, or 0"))?)
            }
            None => return Err(refused("a status")),
        };
        let prefix = document["path_prefix"].as_str();
        self.0.push(Fault {
            path_prefix: prefix.ok_or_else(|| refused("a path_prefix"))?.to_owned(),
            method: document["method"].as_str().map(str::to_owned),
            status,
            retry_after: document["retry_after"].as_u64(),
            times: document["times"].as_u64(),
        });
        Ok(())
    }

    /// Fails a request, if a fault is meant for it.
    pub(crate) fn hit(&mut self, request: &Request) -> Option<Reply> {
        let fits = |fault: &Fault| {
            let method = fault.method.as_deref();
            request.path.starts_with(&fault.path_prefix)
                && method.is_none_or(|method| method == request.method.as_str())
                && fault.times != Some(0)
        };
        let fault = self.0.iter_mut().find(|fault| fits(fault))?;
        if let Some(times) = &mut fault.times {
            *times -= 1;
        }
        let retry_after = fault.retry_after;
        Some(match fault.status {
            Some(status) => Failure::on_purpose(status, retry_after).reply(),
            None => Reply::never(),
        })
    }

    /// The faults and how often they still happen.
    pub(crate) fn document(&self) -> Value {
        let faults = self.0.iter().map(|fault| {
            json!({
                "path_prefix": fault.path_prefix,
                "method": fault.method,
                "status": fault.status.map_or(0, |status| status.as_u16()),
                "retry_after": fault.retry_after,
                "times": fault.times,
            })
        });
        faults.collect()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop")]

    use super::Faults;
    use crate::http::message::{Body, Request};
    use serde_json::json;

    fn request(path: &str) -> Request {
        Request {
            path: path.to_owned(),
            ..Request::default()
        }
    }

    #[test]
    fn a_fault_happens_as_often_as_it_was_asked_for() {
        let mut faults = Faults::default();
        let fault = json!({"path_prefix": "/api", "status": 429, "retry_after": 1, "times": 2});
        faults.add(&fault).unwrap();
        assert!(faults.hit(&request("/version")).is_none());
        let reply = faults.hit(&request("/api/v1/secrets")).unwrap();
        assert_eq!(reply.status.as_u16(), 429);
        assert_eq!(reply.retry_after, Some(1));
        assert_eq!(reply.document()["reason"], "TooManyRequests");
        assert!(faults.hit(&request("/api")).is_some());
        assert!(faults.hit(&request("/api")).is_none());
    }

    #[test]
    fn status_0_is_no_answer_and_nonsense_is_no_fault() {
        let mut faults = Faults::default();
        faults
            .add(&json!({"path_prefix": "/", "status": 0, "method": "GET"}))
            .unwrap();
        let reply = faults.hit(&request("/")).unwrap();
        assert!(matches!(reply.body, Body::Never));
        assert!(faults.add(&json!({"path_prefix": "/"})).is_err());
        assert!(
            faults
                .add(&json!({"path_prefix": "/", "status": 7}))
                .is_err()
        );
    }
}
