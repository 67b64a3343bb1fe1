//! The paths below `/__`. They are open to everybody, never counted and never faulty.
//!
//! ```text
//! GET, POST, DELETE /__faults     what is broken; see `faults`
//! GET, DELETE       /__requests   {"GET /api/endpoints/{id}": 3, ...}
//! GET, POST         /__clock      {"advance_seconds": N} -> {"now": seconds since 1970}
//! GET               /__state      everything
//! POST              /__endpoints  fields of an environment, over those of the one with this Id
//!                                 or of a new one; nothing is checked
//! POST              /__limiter    forget all logins and bans
//! ```

use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use super::faults::Fault;
use crate::double::{Double, Inner};
use crate::http::payload::Payload;
use crate::http::reply::{Answer, Failure, Reply};
use crate::http::request::Request;
use crate::store::Database;
use crate::store::endpoint::Endpoint;

/// What all these paths begin with.
pub(crate) const PREFIX: &str = "/__";

/// Answers a test.
pub(crate) async fn answer(double: &Double, request: &Request) -> Answer {
    let mut inner = double.inner().lock().await;
    match (request.method.clone(), request.path()) {
        (Method::GET, "/__faults") => Reply::json(&inner.faults.shown()),
        (Method::POST, "/__faults") => {
            inner
                .faults
                .add(Fault::read(&Payload::read(&request.body)?)?);
            Reply::json_with(StatusCode::CREATED, &inner.faults.shown())
        }
        (Method::DELETE, "/__faults") => {
            inner.faults.clear();
            Ok(Reply::empty())
        }
        (Method::GET, "/__requests") => Reply::json(inner.requests.counts()),
        (Method::DELETE, "/__requests") => {
            inner.requests.clear();
            Ok(Reply::empty())
        }
        (Method::GET, "/__clock") => now(double),
        (Method::POST, "/__clock") => advance(double, &mut inner, request),
        (Method::GET, "/__state") => state(double, &inner.database),
        (Method::POST, "/__endpoints") => set(&mut inner.database, request),
        (Method::POST, "/__limiter") => {
            inner.limiter.forgive();
            Ok(Reply::empty())
        }
        _ => Ok(Reply::text(StatusCode::NOT_FOUND, "no such path for tests")),
    }
}

fn now(double: &Double) -> Answer {
    Reply::json(&json!({"now": double.clock().now()}))
}

fn advance(double: &Double, inner: &mut Inner, request: &Request) -> Answer {
    let payload = Payload::read(&request.body)?;
    let seconds = payload
        .number("advance_seconds")?
        .ok_or_else(|| Failure::payload("advance_seconds is missing"))?;
    let kept = inner.database.kept_mut();
    kept.clock_ahead = double.clock().advance(i64::from(seconds));
    inner.database.save()?;
    now(double)
}

fn state(double: &Double, database: &Database) -> Answer {
    let kept = database.kept();
    Reply::json(&json!({
        "version": double.options().version.number(),
        "instance_id": kept.instance_id,
        "now": double.clock().now(),
        "settings": kept.settings,
        "users": kept.users.iter().map(|user| &user.name).collect::<Vec<_>>(),
        "api_keys": kept.api_keys.iter().map(|key| &key.description).collect::<Vec<_>>(),
        "tags": kept.tags,
        "groups": kept.groups,
        "endpoints": database.endpoints(),
    }))
}

/// Lays fields over an environment. So a test has duplicates, untrusted devices, foreign agents
/// and edge keys of another id without the ways that lead to them.
fn set(database: &mut Database, request: &Request) -> Answer {
    let fields: Value = serde_json::from_slice(&request.body)
        .map_err(|error| Failure::payload(&error.to_string()))?;
    let id = fields["Id"].as_u64().and_then(|id| u32::try_from(id).ok());
    let id = id.unwrap_or_else(|| database.next_endpoint_id());
    let known = database.endpoint(id).unwrap_or_default();
    let mut document = json!(known);
    if let (Some(document), Some(fields)) = (document.as_object_mut(), fields.as_object()) {
        document.extend(fields.clone());
    }
    document["Id"] = json!(id);
    let endpoint: Endpoint =
        serde_json::from_value(document).map_err(|error| Failure::payload(&error.to_string()))?;
    database.kept_mut().reserve_id("endpoints", id);
    let shown = json!(endpoint);
    database.put(endpoint);
    database.save()?;
    Reply::json(&shown)
}
