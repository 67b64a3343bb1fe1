//! Version and identity.

use serde_json::json;

use super::call::Call;
use crate::http::reply::{Answer, Reply};

/// GET /api/system/status, and /api/status, which is deprecated and still there
/// (P `api/http/handler/system/status.go:25`, :42).
pub(crate) fn status(call: &mut Call<'_>) -> Answer {
    let version = call.version().number();
    let instance = &call.inner.database.kept().instance_id;
    Reply::json(&json!({"Version": version, "InstanceID": instance}))
}
