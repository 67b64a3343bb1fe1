//! What edge agents ask for, again and again.

use hyper::StatusCode;
use hyper::header::ETAG;
use serde_json::json;

use super::call::Call;
use crate::http::reply::{Answer, Failure, Reply};
use crate::http::request::Request;
use crate::store::endpoint::{Endpoint, EndpointType};

/// The agent's name for itself, the server's `EdgeID`.
const EDGE_ID: &str = "x-portaineragent-edgeid";

/// The agent's version.
const AGENT: &str = "portainer-agent";

/// What the agent runs on: 1 Docker, 2 Kubernetes.
const PLATFORM: &str = "portainer-agent-platform";

/// GET /api/endpoints/{id}/edge/status
/// (P `api/http/handler/endpointedge/endpointedge_status_inspect.go:76`).
///
/// The first poll binds the `EdgeID`; every whole poll says what the environment is; a poll that
/// is answered 304 is not looked at, only counted as a heartbeat. An unknown environment is 403.
pub(crate) fn poll(call: &mut Call<'_>) -> Answer {
    let id = call.id(0, "environment")?;
    let now = call.now();
    if let Some(reply) = unchanged(call, id, now) {
        return Ok(reply);
    }
    let Some(mut endpoint) = call.database().endpoint(id) else {
        let details = format!("unable to retrieve endpoint heartbeat. Environment ID: {id}");
        return Err(refused(&details));
    };
    let first = endpoint.last_check_in_date == 0;
    let edge_id = authorised(call.request, &endpoint)?;
    call.database().beat(id, now);
    let settings = call.inner.database.kept().settings.clone();
    if !endpoint.user_trusted && !settings.trust_on_first_connect {
        let details = format!(
            "untrusted Edge environment access: the device has not been trusted yet. \
             Environment name: {}",
            endpoint.name
        );
        return Err(refused(&details));
    }
    endpoint.kind = platform(call.request, &endpoint.name)?;
    if endpoint.edge_id.is_empty() {
        endpoint.edge_id = edge_id;
    }
    call.request
        .header(AGENT)
        .clone_into(&mut endpoint.agent.version);
    if first {
        // The tunnel opens for the first snapshot, and never again by itself.
        endpoint.snapshot_time = Some(now);
    }
    endpoint.last_check_in_date = now;
    let body = json!({
        "status": "IDLE",
        "port": 0,
        "schedules": [],
        "checkin": endpoint.interval(settings.edge_agent_checkin_interval),
        "credentials": "",
        "stacks": [],
    });
    call.database().put(endpoint);
    let tag = format!("{:x}", fnv1a(body.to_string().as_bytes()));
    call.database().answered_poll(id, &tag);
    Ok(Reply::json(&body)?.with(ETAG, &tag))
}

/// A poll that names the last answer is 304 and a heartbeat in memory alone (:315).
fn unchanged(call: &mut Call<'_>, id: u32, now: i64) -> Option<Reply> {
    let known = call.request.header("if-none-match");
    let tag = call.inner.database.poll_tag(id)?.to_owned();
    known.split(',').any(|one| one == tag).then(|| {
        call.database().beat(id, now);
        Reply::bare(StatusCode::NOT_MODIFIED).with(ETAG, &tag)
    })
}

/// The agent's name, if it is the one the environment is bound to
/// (P `api/http/security/bouncer.go:173-188`).
fn authorised(request: &Request, endpoint: &Endpoint) -> Result<String, Failure> {
    let refuse = |why: &str| {
        let name = &endpoint.name;
        Err(refused(&format!(
            "unauthorized Edge endpoint operation: {why}. Environment name: {name}"
        )))
    };
    let name = request.header(EDGE_ID);
    if !endpoint.kind.is_edge() {
        return refuse("Invalid environment type");
    }
    if name.is_empty() {
        return refuse("missing Edge identifier");
    }
    if !endpoint.edge_id.is_empty() && endpoint.edge_id != name {
        return refuse("invalid Edge identifier");
    }
    Ok(name.to_owned())
}

/// What the environment is, by what its agent runs on (:186).
fn platform(request: &Request, environment: &str) -> Result<EndpointType, Failure> {
    let refuse = |why: &str| {
        let details = format!("edge polling error: {why}. Environment name: {environment}");
        Err(Failure::bad_request("agent platform header is not valid").because(&details))
    };
    match request.header(PLATFORM) {
        "1" => Ok(EndpointType::EDGE_DOCKER),
        "2" => Ok(EndpointType::EDGE_KUBERNETES),
        "" => refuse("agent platform header is missing"),
        other => refuse(&format!("agent platform {other} is not valid")),
    }
}

/// Whatever the reason, the message is the same; the reason is in the details.
fn refused(details: &str) -> Failure {
    let message = "Permission denied to access environment. The device has not been trusted yet";
    Failure::forbidden(message).because(details)
}

/// Go's `fnv.New32a`.
fn fnv1a(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |sum, byte| {
        (sum ^ u32::from(*byte)).wrapping_mul(0x0100_0193)
    })
}
