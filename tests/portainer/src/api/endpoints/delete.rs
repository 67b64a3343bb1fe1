//! Forgetting environments. Their agents stay where they are, and poll 403.

use hyper::StatusCode;
use serde_json::{Value, json};

use crate::api::call::{Call, find};
use crate::http::reply::{Answer, Failure, Reply};

/// DELETE /api/endpoints/{id} (P `api/http/handler/endpoints/endpoint_delete.go:54`).
pub(crate) fn one(call: &mut Call<'_>) -> Answer {
    let id = call.id(0, "environment")?;
    if !matches!(
        call.request.parameter("deleteCluster").as_str(),
        "" | "true" | "false"
    ) {
        return Err(Failure::bad_request("Invalid boolean query parameter"));
    }
    find(call.database(), id)?;
    call.database().remove(id);
    Ok(Reply::empty())
}

/// DELETE /api/endpoints from 2.21 on, and POST /api/endpoints/delete in P39
/// (P `endpoint_delete.go:95`). What cannot be deleted makes it 206, where the documentation says
/// 207 (:124).
pub(crate) fn batch(call: &mut Call<'_>) -> Answer {
    let payload = call.payload()?;
    let wanted = payload
        .get("endpoints")
        .and_then(Value::as_array)
        .filter(|list| !list.is_empty())
        .ok_or_else(|| {
            Failure::payload(
                "invalid request payload. You must provide a list of environments to delete",
            )
        })?;
    let (mut deleted, mut errors) = (Vec::new(), Vec::new());
    for one in wanted {
        let id = one["id"].as_u64().unwrap_or(0);
        let removed = u32::try_from(id).is_ok_and(|id| call.inner.database.remove(id));
        if removed { &mut deleted } else { &mut errors }.push(id);
    }
    if errors.is_empty() {
        return Ok(Reply::empty());
    }
    let document = json!({"deleted": deleted, "errors": errors});
    Reply::json_with(StatusCode::PARTIAL_CONTENT, &document)
}
