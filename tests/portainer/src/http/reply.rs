//! What goes out: documents, and Portainer's way of saying no.

use hyper::StatusCode;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde::Serialize;
use serde_json::json;

/// What Portainer's store says of what is not there.
const NOT_FOUND: &str = "object not found inside the database";

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    /// The status.
    pub(crate) status: StatusCode,
    /// The headers, the body's type among them.
    pub(crate) headers: HeaderMap,
    /// The body.
    pub(crate) body: Vec<u8>,
}

/// What a handler comes to.
pub(crate) type Answer = Result<Reply, Failure>;

/// A refusal: `{"message","details"}` (P `pkg/libhttp/error/error.go:17-20`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// The status.
    pub(crate) status: StatusCode,
    /// What clients may match on, from its beginning.
    pub(crate) message: String,
    /// The underlying error, which differs between versions; the message if there is none.
    pub(crate) details: String,
}

impl Reply {
    /// A JSON document with status 200.
    pub(crate) fn json(document: &impl Serialize) -> Answer {
        Self::json_with(StatusCode::OK, document)
    }

    /// A JSON document.
    pub(crate) fn json_with(status: StatusCode, document: &impl Serialize) -> Answer {
        let body = serde_json::to_vec(document).map_err(|error| {
            Failure::internal("Unable to write JSON response").because(&error.to_string())
        })?;
        Ok(Self::typed(status, "application/json", body))
    }

    /// Nothing, with status 204 (P `pkg/libhttp/response/response.go`).
    pub(crate) fn empty() -> Self {
        Self::bare(StatusCode::NO_CONTENT)
    }

    /// A status alone.
    pub(crate) fn bare(status: StatusCode) -> Self {
        Self {
            status,
            headers: HeaderMap::new(),
            body: Vec::new(),
        }
    }

    /// Plain text, as Go's `http.Error` and `http.NotFound` write it.
    pub(crate) fn text(status: StatusCode, text: &str) -> Self {
        Self::typed(
            status,
            "text/plain; charset=utf-8",
            format!("{text}\n").into_bytes(),
        )
    }

    /// A body of any type.
    pub(crate) fn typed(status: StatusCode, content_type: &str, body: Vec<u8>) -> Self {
        let mut reply = Self::bare(status);
        reply.body = body;
        reply.with(CONTENT_TYPE, content_type)
    }

    /// Adds a header; a value that is none is left out.
    #[must_use]
    pub(crate) fn with(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.append(name, value);
        }
        self
    }
}

impl Failure {
    /// A refusal without an underlying error.
    pub(crate) fn new(status: StatusCode, message: &str) -> Self {
        Self {
            status,
            message: message.to_owned(),
            details: capitalised(message),
        }
    }

    /// Names the underlying error; Portainer writes its first letter large.
    #[must_use]
    pub(crate) fn because(mut self, details: &str) -> Self {
        self.details = capitalised(details);
        self
    }

    /// 400
    pub(crate) fn bad_request(message: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// 400, for a body that does not hold what it must.
    pub(crate) fn payload(details: &str) -> Self {
        Self::bad_request("Invalid request payload").because(details)
    }

    /// 401
    pub(crate) fn unauthorized(message: &str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, message).because("Unauthorized")
    }

    /// 403
    pub(crate) fn forbidden(message: &str) -> Self {
        Self::new(StatusCode::FORBIDDEN, message)
    }

    /// 404, for an object that the store does not have (P `api/database/boltdb/tx.go:28`).
    pub(crate) fn not_found(message: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, message).because(NOT_FOUND)
    }

    /// 409
    pub(crate) fn conflict(message: &str) -> Self {
        Self::new(StatusCode::CONFLICT, message)
    }

    /// 500
    pub(crate) fn internal(message: &str) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, message)
    }

    /// 500, for an object that the store does not have where it must.
    pub(crate) fn missing(message: &str) -> Self {
        Self::internal(message).because(NOT_FOUND)
    }
}

impl From<Failure> for Reply {
    fn from(failure: Failure) -> Self {
        let document = json!({"message": failure.message, "details": failure.details});
        Self::typed(
            failure.status,
            "application/json",
            document.to_string().into_bytes(),
        )
    }
}

impl From<crate::error::Error> for Failure {
    fn from(error: crate::error::Error) -> Self {
        Self::internal("Unexpected error").because(&crate::error::chain(&error))
    }
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::{Failure, Reply};

    #[test]
    fn details_begin_with_a_large_letter_and_repeat_the_message_if_there_is_no_cause() {
        let body = |failure: Failure| String::from_utf8(Reply::from(failure).body).unwrap();
        assert_eq!(
            body(Failure::bad_request("Unable to parse host").because("hostname cannot be empty")),
            r#"{"details":"Hostname cannot be empty","message":"Unable to parse host"}"#
        );
        assert_eq!(
            body(Failure::conflict("Name is not unique")),
            r#"{"details":"Name is not unique","message":"Name is not unique"}"#
        );
    }
}
