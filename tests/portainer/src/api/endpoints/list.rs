//! The list of environments.

use hyper::header::HeaderName;
use serde_json::Value;

use super::filter::Filter;
use super::view::shown;
use crate::api::call::Call;
use crate::http::reply::{Answer, Reply};
use crate::store::endpoint::Endpoint;

/// After the filter.
const TOTAL: HeaderName = HeaderName::from_static("x-total-count");

/// Before the filter.
const AVAILABLE: HeaderName = HeaderName::from_static("x-total-available");

/// GET /api/endpoints (P `api/http/handler/endpoints/endpoint_list.go:53`). Without a limit it is
/// all of them, with their snapshots.
pub(crate) fn list(call: &mut Call<'_>) -> Answer {
    let filter = Filter::read(call.request)?;
    let now = call.now();
    let version = call.version();
    let snapshots = !call.request.flag("excludeSnapshots");
    let database = call.database();
    let kept = database.kept();
    let all = database.endpoints();
    let available = all.len();
    let held: Vec<Endpoint> = all
        .into_iter()
        .filter(|endpoint| filter.holds(endpoint, kept, now))
        .collect();
    let total = held.len();
    let default = kept.settings.edge_agent_checkin_interval;
    let documents: Vec<Value> = page(call, held)
        .into_iter()
        .map(|mut endpoint| {
            endpoint.edge_checkin_interval = endpoint.interval(default);
            look(&mut endpoint, now, default);
            shown(&endpoint, version, snapshots)
        })
        .collect();
    Ok(Reply::json(&documents)?
        .with(TOTAL, &total.to_string())
        .with(AVAILABLE, &available.to_string()))
}

/// Fills in what is true at the moment of asking
/// (P `api/internal/endpointutils/endpointutils.go:211-219`).
pub(crate) fn look(endpoint: &mut Endpoint, now: i64, default_interval: u32) {
    if endpoint.kind.is_edge() {
        endpoint.query_date = now;
        endpoint.heartbeat = endpoint.beats(now, default_interval);
    }
}

/// `start` counts from 1, and means nothing without a limit (`endpoint_list.go:126-149`).
fn page(call: &Call<'_>, held: Vec<Endpoint>) -> Vec<Endpoint> {
    let start = usize::try_from(call.request.number("start") - 1).unwrap_or(0);
    match usize::try_from(call.request.number("limit")) {
        Ok(0) | Err(_) => held,
        Ok(limit) => held.into_iter().skip(start).take(limit).collect(),
    }
}
