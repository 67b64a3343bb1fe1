//! Why a request failed, in the words of the real API server.

use std::collections::BTreeMap;

use hyper::StatusCode;
use serde_json::{Value, json};

use super::kind::Kind;
use crate::http::message::Reply;

/// A failed request: a `Status` document in the making.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Failure {
    /// The status.
    pub(crate) status: StatusCode,
    /// The reason, in one word.
    pub(crate) reason: &'static str,
    /// What happened.
    pub(crate) message: String,
    details: Value,
    retry_after: Option<u64>,
}

impl Failure {
    fn new(status: StatusCode, reason: &'static str, message: String) -> Self {
        Self {
            status,
            reason,
            message,
            details: Value::Null,
            retry_after: None,
        }
    }

    fn about(mut self, kind: &Kind, name: &str) -> Self {
        self.details = json!({"name": name, "group": kind.group, "kind": kind.plural});
        self
    }

    /// Whoever asks showed nothing that this cluster knows him by.
    pub(crate) fn unauthorized() -> Self {
        let message = "Unauthorized".to_owned();
        Self::new(StatusCode::UNAUTHORIZED, "Unauthorized", message)
    }

    /// Whoever asks may not.
    pub(crate) fn forbidden(message: String) -> Self {
        Self::new(StatusCode::FORBIDDEN, "Forbidden", message)
    }

    /// This object may not be treated so.
    pub(crate) fn forbidden_object(kind: &Kind, name: &str, why: &str) -> Self {
        let message = format!("{} \"{name}\" is forbidden: {why}", kind.resource());
        Self::forbidden(message).about(kind, name)
    }

    /// There is no such path.
    pub(crate) fn no_such_path() -> Self {
        let message = "the server could not find the requested resource".to_owned();
        Self::new(StatusCode::NOT_FOUND, "NotFound", message)
    }

    /// There is no such object.
    pub(crate) fn not_found(kind: &Kind, name: &str) -> Self {
        let message = format!("{} \"{name}\" not found", kind.resource());
        Self::new(StatusCode::NOT_FOUND, "NotFound", message).about(kind, name)
    }

    /// The path is there, the method is not.
    pub(crate) fn method_not_allowed() -> Self {
        let message = "the server does not allow this method on the requested resource".to_owned();
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", message)
    }

    /// The request makes no sense.
    pub(crate) fn bad_request(message: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "BadRequest", message.to_owned())
    }

    /// The body is of a type that cannot be read.
    pub(crate) fn unsupported(accepted: &str) -> Self {
        let message = format!(
            "the body of the request was in an unknown format - accepted media types include: \
             {accepted}"
        );
        let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        Self::new(status, "UnsupportedMediaType", message)
    }

    /// There is one already.
    pub(crate) fn already_exists(kind: &Kind, name: &str) -> Self {
        let message = format!("{} \"{name}\" already exists", kind.resource());
        Self::new(StatusCode::CONFLICT, "AlreadyExists", message).about(kind, name)
    }

    /// Somebody else was faster, or a precondition does not hold.
    pub(crate) fn conflict(kind: &Kind, name: &str, why: &str) -> Self {
        let resource = kind.resource();
        let message = format!("Operation cannot be fulfilled on {resource} \"{name}\": {why}");
        Self::new(StatusCode::CONFLICT, "Conflict", message).about(kind, name)
    }

    /// Fields belong to others. `owned` is pairs of a manager and a field.
    pub(crate) fn fields_owned(owned: &[(String, String)]) -> Self {
        let causes: Vec<Value> = owned
            .iter()
            .map(|(manager, field)| {
                let message = format!("conflict with {manager}");
                json!({"reason": "FieldManagerConflict", "message": message, "field": field})
            })
            .collect();
        let message = if let [(manager, field)] = owned {
            format!("1 conflict: conflict with {manager}: {field}")
        } else {
            format!("{} conflicts: {}", owned.len(), by_manager(owned))
        };
        let message = format!("Apply failed with {message}");
        let mut failure = Self::new(StatusCode::CONFLICT, "Conflict", message);
        failure.details = json!({"causes": causes});
        failure
    }

    /// A field has a value that it may not have.
    pub(crate) fn invalid(kind: &Kind, name: &str, field: &str, why: &str) -> Self {
        let message = format!("{} \"{name}\" is invalid: {field}: {why}", kind.title);
        let mut failure = Self::new(StatusCode::UNPROCESSABLE_ENTITY, "Invalid", message);
        failure.details = json!({
            "name": name,
            "group": kind.group,
            "kind": kind.title,
            "causes": [{"reason": "FieldValueInvalid", "message": why, "field": field}],
        });
        failure
    }

    /// An apply does not say whose it is.
    pub(crate) fn no_manager() -> Self {
        let why = "Required value: is required for apply patch";
        let message = format!("PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: {why}");
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "Invalid", message)
    }

    /// A JSON patch does not fit the object.
    pub(crate) fn unfit_patch(why: &str) -> Self {
        let message =
            format!("the server rejected our request due to an error in our request: {why}");
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "Invalid", message)
    }

    /// The place in the list or in the history is no longer known.
    pub(crate) fn expired(message: &str) -> Self {
        Self::new(StatusCode::GONE, "Expired", message.to_owned())
    }

    /// The server itself failed.
    pub(crate) fn internal(why: &str) -> Self {
        let message = format!("Internal error occurred: {why}");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "InternalError", message)
    }

    /// A failure that a test asked for.
    pub(crate) fn on_purpose(status: StatusCode, retry_after: Option<u64>) -> Self {
        let (reason, message) = match status.as_u16() {
            400 => ("BadRequest", "the request is bad on purpose"),
            401 => ("Unauthorized", "Unauthorized"),
            403 => ("Forbidden", "forbidden on purpose"),
            404 => (
                "NotFound",
                "the server could not find the requested resource",
            ),
            409 => ("Conflict", "the object has been modified, on purpose"),
            410 => ("Expired", "The provided continue parameter is too old."),
            422 => ("Invalid", "invalid on purpose"),
            429 => (
                "TooManyRequests",
                "the server has received too many requests",
            ),
            503 => (
                "ServiceUnavailable",
                "the server is currently unable to handle the request",
            ),
            504 => (
                "Timeout",
                "request did not complete within the allowed timeout",
            ),
            _ => ("InternalError", "failed on purpose"),
        };
        let mut failure = Self::new(status, reason, message.to_owned());
        failure.retry_after = retry_after;
        if let Some(seconds) = retry_after {
            failure.details = json!({"retryAfterSeconds": seconds});
        }
        failure
    }

    /// The `Status` document.
    pub(crate) fn document(&self) -> Value {
        let mut document = json!({
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "reason": self.reason,
            "code": self.status.as_u16(),
        });
        if !self.details.is_null() {
            document["details"] = self.details.clone();
        }
        document
    }

    /// The answer.
    pub(crate) fn reply(&self) -> Reply {
        let mut reply = Reply::json(self.status, &self.document());
        reply.retry_after = self.retry_after;
        reply
    }
}

/// The fields of each manager below his name.
fn by_manager(owned: &[(String, String)]) -> String {
    let mut fields: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (manager, field) in owned {
        fields
            .entry(manager)
            .or_default()
            .push(format!("- {field}"));
    }
    let list: Vec<String> = fields
        .into_iter()
        .map(|(manager, fields)| format!("conflicts with {manager}:\n{}", fields.join("\n")))
        .collect();
    list.join("\n")
}
