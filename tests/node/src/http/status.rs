//! Kubernetes' `Status` documents, in the words of the real API server.

use hyper::StatusCode;
use serde_json::json;

use super::router::Reply;

/// Who asks without a certificate of this cluster gets nothing, whatever he asks for.
pub(crate) fn unauthorized() -> Reply {
    failure(StatusCode::UNAUTHORIZED, "Unauthorized", "Unauthorized")
}

/// There is no such path.
pub(crate) fn not_found() -> Reply {
    failure(
        StatusCode::NOT_FOUND,
        "NotFound",
        "the server could not find the requested resource",
    )
}

/// There is no such namespace.
pub(crate) fn no_namespace(name: &str) -> Reply {
    failure(
        StatusCode::NOT_FOUND,
        "NotFound",
        &format!("namespaces \"{name}\" not found"),
    )
}

/// The path is there, the method is not.
pub(crate) fn method_not_allowed() -> Reply {
    failure(
        StatusCode::METHOD_NOT_ALLOWED,
        "MethodNotAllowed",
        "the server does not allow this method on the requested resource",
    )
}

/// The request could not be read.
pub(crate) fn bad_request(message: &str) -> Reply {
    failure(StatusCode::BAD_REQUEST, "BadRequest", message)
}

fn failure(status: StatusCode, reason: &str, message: &str) -> Reply {
    let document = json!({
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message,
        "reason": reason,
        "code": status.as_u16(),
    });
    Reply::json(status, &document)
}
