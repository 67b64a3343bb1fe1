//! Changing an environment in place.

use super::view::shown;
use crate::api::call::Call;
use crate::http::payload::Payload;
use crate::http::reply::{Answer, Failure, Reply};
use crate::store::Database;
use crate::store::endpoint::{Endpoint, EndpointType, Status, TlsConfig};

/// PUT /api/endpoints/{id} (P `api/http/handler/endpoints/endpoint_update.go:79`). Everything is
/// optional and spelled as in Go: `GroupID`, `TagIDs`. The edge key stays what it was, whatever the
/// address becomes. Another address or TLS is for nothing unless the agent opens its tunnel.
pub(crate) fn update(call: &mut Call<'_>) -> Answer {
    let id = call.id(0, "environment")?;
    let payload = call.payload()?;
    let mut endpoint = call.endpoint()?;
    let tls = payload.flag("TLS")?;
    if tls == Some(true) && endpoint.kind.is_edge() && call.version().refuses_edge_tls() {
        return Err(Failure::payload(
            "TLS configuration is not supported for Edge environments",
        ));
    }
    let name = payload.text("Name")?;
    if name
        .as_ref()
        .is_some_and(|name| !call.inner.database.is_name_unique(name, Some(id)))
    {
        return Err(Failure::conflict("Name is not unique"));
    }
    let (group, url) = (endpoint.group_id, endpoint.url.clone());
    let rewired = tls.is_some_and(|tls| tls != endpoint.tls_config.tls);
    set(&mut endpoint, &payload)?;
    set_tags(&mut endpoint, &payload, call.database())?;
    if let Some(tls) = tls {
        set_tls(&mut endpoint, tls, payload.flag("TLSSkipVerify")?);
    }
    if endpoint.kind.is_edge() && (rewired || endpoint.url != url) {
        tunnel(call, &endpoint)?;
    }
    let version = call.version();
    let orphan = group != endpoint.group_id
        && endpoint.kind.is_edge()
        && call.database().kept().group(endpoint.group_id).is_none();
    let document = shown(&endpoint, version, true);
    call.database().put(endpoint);
    if orphan {
        // Stored all the same: the relations are updated afterwards.
        return Err(Failure::missing("Unable to update environment relations"));
    }
    Reply::json(&document)
}

/// The proxy to an edge environment is made anew through the agent's tunnel (P `api/chisel/tunnel.go:35-151`). The real one
/// waits two check-ins for it; here an agent that was heard of lately opens it at once.
fn tunnel(call: &mut Call<'_>, endpoint: &Endpoint) -> Result<(), Failure> {
    let failed = |why: &str| {
        Err(Failure::internal("Unable to register HTTP proxy for the environment").because(why))
    };
    if endpoint.edge_id.is_empty() || !endpoint.user_trusted {
        return failed("cannot open a tunnel for an invalid environment");
    }
    let now = call.now();
    let interval = call.database().kept().settings.edge_agent_checkin_interval;
    if endpoint.last_check_in_date == 0 || !endpoint.beats(now, interval) {
        return failed("unable to open the tunnel");
    }
    Ok(())
}

fn set(endpoint: &mut Endpoint, payload: &Payload) -> Result<(), Failure> {
    let keep = |value: &mut String, new: Option<String>| {
        if let Some(new) = new {
            *value = new;
        }
    };
    keep(&mut endpoint.name, payload.text("Name")?);
    keep(&mut endpoint.url, payload.text("URL")?);
    keep(&mut endpoint.public_url, payload.text("PublicURL")?);
    if let Some(seconds) = payload.number("EdgeCheckinInterval")? {
        endpoint.edge_checkin_interval = seconds;
    }
    if let Some(group) = payload.number("GroupID")? {
        endpoint.group_id = group;
    }
    if let Some(gpus) = payload.get("Gpus") {
        endpoint.gpus = gpus.clone();
    }
    if let Some(kubernetes) = payload.object("Kubernetes")? {
        endpoint.kubernetes = serde_json::from_value(kubernetes)
            .map_err(|error| Failure::payload(&error.to_string()))?;
    }
    if let Some(policies) = payload.object("UserAccessPolicies")? {
        endpoint.user_access_policies = policies;
    }
    if let Some(policies) = payload.object("TeamAccessPolicies")? {
        endpoint.team_access_policies = policies;
    }
    match payload.number("Status")? {
        Some(1) => endpoint.status = Status::Up,
        Some(2) => endpoint.status = Status::Down,
        _ => {}
    }
    Ok(())
}

/// A tag that is not there fails the whole, before anything is stored (`utils_update_tags.go`).
fn set_tags(
    endpoint: &mut Endpoint,
    payload: &Payload,
    database: &Database,
) -> Result<(), Failure> {
    let Some(tags) = payload.numbers("TagIDs")? else {
        return Ok(());
    };
    let mut new = tags.iter().filter(|tag| !endpoint.tag_ids.contains(tag));
    if new.any(|tag| !database.kept().has_tag(*tag)) {
        return Err(Failure::missing("Unable to update environment tags"));
    }
    endpoint.tag_ids = tags;
    Ok(())
}

/// For everything on Kubernetes that is not local, the edge included, TLS is switched on again.
fn set_tls(endpoint: &mut Endpoint, tls: bool, skip_verify: Option<bool>) {
    let config = &mut endpoint.tls_config;
    if tls {
        config.tls = true;
        config.skip_verify = skip_verify.unwrap_or(config.skip_verify);
    } else {
        *config = TlsConfig::default();
    }
    let kinds = [
        EndpointType::AGENT_KUBERNETES,
        EndpointType::EDGE_KUBERNETES,
    ];
    if kinds.contains(&endpoint.kind) {
        endpoint.tls_config = TlsConfig {
            tls: true,
            skip_verify: true,
        };
    }
}
