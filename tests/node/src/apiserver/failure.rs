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
    /// Whether the answer is the message alone, as text.
    plain: bool,
}

impl Failure {
    fn new(status: StatusCode, reason: &'static str, message: String) -> Self {
        Self {
            status,
            reason,
            message,
            details: Value::Null,
            retry_after: None,
            plain: false,
        }
    }

    fn about(mut self, kind: &Kind, name: &str) -> Self {
        self.details = details(name, kind.group, kind.plural);
        self
    }

    /// With details that say nothing, as the real one has them where it knows none.
    fn vague(mut self) -> Self {
        self.details = json!({});
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

    /// A list may not be asked for, or nothing may be added to it.
    pub(crate) fn forbidden_list(kind: &Kind, why: &str) -> Self {
        Self::forbidden(format!("{} is forbidden: {why}", kind.resource())).about(kind, "")
    }

    /// A namespace that is about to go takes nothing in.
    pub(crate) fn terminating(kind: &Kind, name: &str, namespace: &str) -> Self {
        let why = format!(
            "unable to create new content in namespace {namespace} because it is being terminated"
        );
        let mut failure = Self::forbidden_object(kind, name, &why);
        failure.details["causes"] = json!([{
            "reason": "NamespaceTerminating",
            "message": format!("namespace {namespace} is being terminated"),
            "field": "metadata.namespace",
        }]);
        failure
    }

    /// There is no such path.
    pub(crate) fn no_such_path() -> Self {
        let message = "the server could not find the requested resource".to_owned();
        Self::new(StatusCode::NOT_FOUND, "NotFound", message).vague()
    }

    /// There is no such group, or no such version of it: nobody answers who speaks JSON.
    pub(crate) fn no_such_group() -> Self {
        let message = "404 page not found\n".to_owned();
        let mut failure = Self::new(StatusCode::NOT_FOUND, "", message);
        failure.plain = true;
        failure
    }

    /// There is no such object.
    pub(crate) fn not_found(kind: &Kind, name: &str) -> Self {
        let message = format!("{} \"{name}\" not found", kind.resource());
        Self::new(StatusCode::NOT_FOUND, "NotFound", message).about(kind, name)
    }

    /// The path is there, the method is not.
    pub(crate) fn method_not_allowed() -> Self {
        let message = "the server does not allow this method on the requested resource".to_owned();
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", message).vague()
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

    /// There is one already; perhaps one that waits to go.
    pub(crate) fn already_exists(kind: &Kind, name: &str, going: bool) -> Self {
        let going = if going {
            "object is being deleted: "
        } else {
            ""
        };
        let message = format!("{going}{} \"{name}\" already exists", kind.resource());
        Self::new(StatusCode::CONFLICT, "AlreadyExists", message).about(kind, name)
    }

    /// Somebody else was faster, or a precondition does not hold.
    pub(crate) fn conflict(kind: &Kind, name: &str, why: &str) -> Self {
        let resource = kind.resource();
        let message = format!("Operation cannot be fulfilled on {resource} \"{name}\": {why}");
        Self::new(StatusCode::CONFLICT, "Conflict", message).about(kind, name)
    }

    /// A deletion was meant for another one, or for one as it was. The real one says the kind here, not the resource.
    pub(crate) fn precondition(kind: &Kind, name: &str, why: &str) -> Self {
        let message = format!(
            "Operation cannot be fulfilled on {} \"{name}\": {why}",
            kind.title
        );
        let mut failure = Self::new(StatusCode::CONFLICT, "Conflict", message);
        failure.details = details(name, kind.group, kind.title);
        failure
    }

    /// Fields belong to others. `owned` is pairs of a manager and a field.
    pub(crate) fn fields_owned(owned: &[(String, String)]) -> Self {
        let mut sorted: Vec<&(String, String)> = owned.iter().collect();
        sorted.sort_by_key(|(manager, _)| manager);
        let causes: Vec<Value> = sorted
            .into_iter()
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
        let title = kind.full_title();
        let message = format!("{title} \"{name}\" is invalid: {field}: {why}");
        let mut failure = Self::new(StatusCode::UNPROCESSABLE_ENTITY, "Invalid", message);
        failure.details = details(name, kind.group, kind.title);
        failure.details["causes"] = causes(field, why);
        failure
    }

    /// An apply does not say whose it is.
    pub(crate) fn no_manager() -> Self {
        let why = "Required value: is required for apply patch";
        let message = format!("PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: {why}");
        let mut failure = Self::new(StatusCode::UNPROCESSABLE_ENTITY, "Invalid", message);
        failure.details = details("", "meta.k8s.io", "PatchOptions");
        failure.details["causes"] = causes("fieldManager", why);
        failure
    }

    /// A JSON patch does not fit the object; the real one does not say why.
    pub(crate) fn unfit_patch() -> Self {
        let message = "the server rejected our request due to an error in our request".to_owned();
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "Invalid", message).vague()
    }

    /// What the real one was not made for: an error of its own without a reason.
    pub(crate) fn unforeseen(message: &str) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "", message.to_owned())
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
            "code": self.status.as_u16(),
        });
        if !self.reason.is_empty() {
            document["reason"] = json!(self.reason);
        }
        if !self.details.is_null() {
            document["details"] = self.details.clone();
        }
        document
    }

    /// The answer.
    pub(crate) fn reply(&self) -> Reply {
        if self.plain {
            return Reply::text(self.status, &self.message);
        }
        let mut reply = Reply::json(self.status, &self.document());
        reply.retry_after = self.retry_after;
        reply
    }
}

/// What a failure is about; what is empty is left out.
fn details(name: &str, group: &str, kind: &str) -> Value {
    let pairs = [("name", name), ("group", group), ("kind", kind)];
    let said = pairs.into_iter().filter(|(_, text)| !text.is_empty());
    said.map(|(key, text)| (key.to_owned(), json!(text)))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

/// The one cause there is, with its reason by its first words.
fn causes(field: &str, why: &str) -> Value {
    let reason = match why.split(':').next() {
        Some("Required value") => "FieldValueRequired",
        Some("Forbidden") => "FieldValueForbidden",
        _ => "FieldValueInvalid",
    };
    json!([{"reason": reason, "message": why, "field": field}])
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
