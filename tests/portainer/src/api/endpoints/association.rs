//! Letting another agent take an edge environment.

use crate::api::call::Call;
use crate::api::edge_key;
use crate::http::reply::{Answer, Failure, Reply};

/// DELETE /api/endpoints/{id}/association, which the documentation calls PUT
/// (P `api/http/handler/endpoints/endpoint_association_delete.go:31`, `handler.go:55`). The agent is
/// forgotten, and the edge key may be another one afterwards.
pub(crate) fn delete(call: &mut Call<'_>) -> Answer {
    let mut endpoint = call.endpoint()?;
    if !endpoint.kind.is_edge() {
        return Err(Failure::bad_request("Invalid environment type"));
    }
    let options = call.double.options();
    let (port, port_tls) = (options.listen.port(), options.listen_tls.port());
    endpoint.edge_key = edge_key::secured(&endpoint.edge_key, port, port_tls)
        .ok_or_else(|| Failure::internal("Invalid EdgeKey").because("illegal base64 data"))?;
    endpoint.edge_id.clear();
    endpoint.kubernetes.snapshots = Some(Vec::new());
    call.database().put(endpoint);
    Ok(Reply::empty())
}
