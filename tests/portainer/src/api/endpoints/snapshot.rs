//! Looking at an environment that the server reaches itself.

use crate::agent::{self, Trust};
use crate::api::call::{find, numbered};
use crate::double::Double;
use crate::http::reply::{Answer, Failure, Reply};
use crate::store::endpoint::{EndpointType, Status};

/// POST /api/endpoints/{id}/snapshot (P `api/http/handler/endpoints/endpoint_snapshot.go:27`): 204
/// even when nobody answers, which only `Status` tells afterwards; 400 for edge environments.
pub(crate) async fn snapshot(double: &Double, ids: &[&str]) -> Answer {
    let id = numbered(ids, 0, "environment")?;
    let endpoint = find(&double.inner().lock().await.database, id)?;
    if endpoint.kind.is_edge() {
        return Err(Failure::bad_request(
            "Snapshots not supported for this environment",
        ));
    }
    let agents = [EndpointType::AGENT_DOCKER, EndpointType::AGENT_KUBERNETES];
    let seen = if agents.contains(&endpoint.kind) {
        agent::ping(&endpoint.url, Trust::Everybody).await.map(drop)
    } else {
        agent::reach(&endpoint.url).await
    };
    let mut inner = double.inner().lock().await;
    let mut endpoint = find(&inner.database, id)?;
    endpoint.status = if seen.is_ok() {
        Status::Up
    } else {
        Status::Down
    };
    if seen.is_ok() {
        endpoint.snapshot_time = Some(double.clock().now());
    }
    inner.database.put(endpoint);
    Ok(Reply::empty())
}
