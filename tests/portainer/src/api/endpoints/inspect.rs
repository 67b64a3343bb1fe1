//! One environment.

use super::list::look;
use super::view::shown;
use crate::api::call::Call;
use crate::http::reply::{Answer, Reply};

/// GET /api/endpoints/{id} (P `api/http/handler/endpoints/endpoint_inspect.go:27`). The parameter is
/// `excludeSnapshot`, without the list's last letter; an interval of nought stays nought. Asking
/// has a side effect: a Kubernetes environment is looked at for its storage and metrics.
pub(crate) fn inspect(call: &mut Call<'_>) -> Answer {
    let mut endpoint = call.endpoint()?;
    let now = call.now();
    let version = call.version();
    let snapshots = !call.request.flag("excludeSnapshot");
    if endpoint.kind.is_kubernetes() {
        let flags = &mut endpoint.kubernetes.flags;
        flags.is_server_metrics_detected = true;
        flags.is_server_storage_detected = true;
        call.database().put(endpoint.clone());
    }
    let default = call.database().kept().settings.edge_agent_checkin_interval;
    look(&mut endpoint, now, default);
    Reply::json(&shown(&endpoint, version, snapshots))
}
