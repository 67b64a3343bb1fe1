//! What tests break: answers in place of Portainer's.
//!
//! ```json
//! {"path_prefix": "/api/endpoints", "method": "POST", "status": 500, "body": "...",
//!  "content_type": "text/plain", "retry_after": "5", "times": 2}
//! {"path_prefix": "/api", "canned": "html-503"}
//! ```
//!
//! With `"after": true` the request is carried out first and only its answer is lost.
//! Status 0 accepts and never answers. Without `times` a fault lasts until it is deleted. Of
//! several the oldest that meets a request answers it.

use hyper::StatusCode;
use hyper::header::RETRY_AFTER;
use serde_json::{Value, json};

use crate::double::admin_timeout;
use crate::http::payload::Payload;
use crate::http::reply::{Failure, Reply};
use crate::http::request::Request;

/// What `HAProxy` says when no server is there.
const HTML_503: &str = "<html><body><h1>503 Service Unavailable</h1>\n\
     No server is available to handle this request.\n</body></html>";

/// What happens instead of an answer of Portainer's.
#[derive(Clone, Debug)]
pub(crate) enum Effect {
    /// This answer.
    Reply(Reply),
    /// None, ever.
    Silence,
}

/// When a fault strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// The request is not carried out.
    Before,
    /// The request is carried out, and only its answer is another.
    After,
}

/// One thing that is broken.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    path_prefix: String,
    method: Option<String>,
    effect: Effect,
    moment: Moment,
    /// How often still; for ever if absent.
    times: Option<u32>,
}

/// Everything that is broken.
#[derive(Debug, Default)]
pub(crate) struct Faults(Vec<Fault>);

impl Fault {
    /// Reads what a test wants.
    pub(crate) fn read(payload: &Payload) -> Result<Self, Failure> {
        let effect = match payload.text("canned")? {
            Some(name) => canned(&name)?,
            None => written(payload)?,
        };
        Ok(Self {
            path_prefix: payload
                .text("path_prefix")?
                .ok_or_else(|| Failure::payload("path_prefix is missing"))?,
            method: payload.text("method")?,
            effect,
            moment: match payload.flag("after")? {
                Some(true) => Moment::After,
                _ => Moment::Before,
            },
            times: payload.number("times")?,
        })
    }

    fn meets(&self, request: &Request) -> bool {
        request.path().starts_with(&self.path_prefix)
            && self.times != Some(0)
            && self
                .method
                .as_ref()
                .is_none_or(|method| request.method.as_str().eq_ignore_ascii_case(method))
    }
}

impl Faults {
    /// Breaks one more thing.
    pub(crate) fn add(&mut self, fault: Fault) {
        self.0.push(fault);
    }

    /// Mends everything.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// What happens to this request and when, if anything; counts as one of the fault's times.
    pub(crate) fn meet(&mut self, request: &Request) -> Option<(Moment, Effect)> {
        let fault = self.0.iter_mut().find(|fault| fault.meets(request))?;
        fault.times = fault.times.map(|times| times - 1);
        let met = (fault.moment, fault.effect.clone());
        self.0.retain(|fault| fault.times != Some(0));
        Some(met)
    }

    /// What is broken, for a test to read.
    pub(crate) fn shown(&self) -> Value {
        let faults = self.0.iter();
        let documents = faults.map(|fault| {
            let status = match &fault.effect {
                Effect::Reply(reply) => reply.status.as_u16(),
                Effect::Silence => 0,
            };
            json!({
                "path_prefix": fault.path_prefix,
                "method": fault.method,
                "status": status,
                "after": fault.moment == Moment::After,
                "times": fault.times,
            })
        });
        documents.collect()
    }
}

/// The failures of the facts, by name.
fn canned(name: &str) -> Result<Effect, Failure> {
    Ok(Effect::Reply(match name {
        "admin-timeout" => admin_timeout(),
        "ban" => Failure::forbidden("Access denied")
            .because("Access denied to resource")
            .into(),
        "500" => Failure::internal("Unable to retrieve environments from the database")
            .because("timeout")
            .into(),
        "html-503" => Reply::typed(
            StatusCode::SERVICE_UNAVAILABLE,
            "text/html",
            HTML_503.as_bytes().to_vec(),
        ),
        "hang" => return Ok(Effect::Silence),
        _ => {
            return Err(Failure::payload(
                "canned is none of admin-timeout, ban, 500, html-503, hang",
            ));
        }
    }))
}

fn written(payload: &Payload) -> Result<Effect, Failure> {
    let status = payload
        .number("status")?
        .ok_or_else(|| Failure::payload("status is missing"))?;
    if status == 0 {
        return Ok(Effect::Silence);
    }
    let status = u16::try_from(status)
        .ok()
        .and_then(|status| StatusCode::from_u16(status).ok())
        .ok_or_else(|| Failure::payload("status is no HTTP status"))?;
    let body = payload.text("body")?.unwrap_or_default();
    let content_type = payload.text("content_type")?;
    let content_type = content_type.as_deref().unwrap_or("application/json");
    let reply = Reply::typed(status, content_type, body.into_bytes());
    let retry_after = match payload.get("retry_after") {
        Some(Value::String(text)) => text.clone(),
        Some(number) => number.to_string(),
        None => return Ok(Effect::Reply(reply)),
    };
    Ok(Effect::Reply(reply.with(RETRY_AFTER, &retry_after)))
}
