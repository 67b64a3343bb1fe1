//! A request that was read to its end, and an answer that may go on for ever.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::body::{Body as HttpBody, Bytes, Frame};
use hyper::{Method, StatusCode};
use serde_json::Value;
use tokio::sync::mpsc::UnboundedReceiver;

/// A user, as a certificate or a token names him.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct User {
    /// The name.
    pub(crate) name: String,
    /// The id, for those who have one.
    pub(crate) uid: Option<String>,
    /// The groups.
    pub(crate) groups: Vec<String>,
}

/// A request.
#[derive(Debug, Default)]
pub(crate) struct Request {
    /// The method.
    pub(crate) method: Method,
    /// The path, without the query.
    pub(crate) path: String,
    /// What follows the question mark, or nothing.
    pub(crate) query: String,
    /// The type of the body, without parameters.
    pub(crate) content_type: String,
    /// What the client calls itself.
    pub(crate) user_agent: String,
    /// Who holds the certificate of this cluster that was shown with the connection.
    pub(crate) member: Option<User>,
    /// The bearer token.
    pub(crate) bearer: Option<String>,
    /// The body.
    pub(crate) body: Vec<u8>,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    /// The status.
    pub(crate) status: StatusCode,
    /// The type of the body.
    pub(crate) content_type: &'static str,
    /// Seconds after which to ask again.
    pub(crate) retry_after: Option<u64>,
    /// The body.
    pub(crate) body: Body,
}

/// The body of an answer.
#[derive(Debug)]
pub(crate) enum Body {
    /// Everything there is to say.
    Whole(Bytes),
    /// Pieces, until the sender is dropped.
    Flow(UnboundedReceiver<Bytes>),
    /// Nothing, not even a status, as long as the client has patience.
    Never,
}

impl Reply {
    /// A JSON document.
    pub(crate) fn json(status: StatusCode, document: &Value) -> Self {
        Self::whole(status, "application/json", document.to_string())
    }

    /// Plain text.
    pub(crate) fn text(status: StatusCode, text: &str) -> Self {
        Self::whole(status, "text/plain; charset=utf-8", text.to_owned())
    }

    /// A body of some type.
    pub(crate) fn whole(status: StatusCode, content_type: &'static str, body: String) -> Self {
        Self {
            status,
            content_type,
            retry_after: None,
            body: Body::Whole(Bytes::from(body)),
        }
    }

    /// JSON documents, one per line, as they come.
    pub(crate) fn flow(lines: UnboundedReceiver<Bytes>) -> Self {
        Self {
            status: StatusCode::OK,
            content_type: "application/json",
            retry_after: None,
            body: Body::Flow(lines),
        }
    }

    /// No answer.
    pub(crate) fn never() -> Self {
        Self {
            status: StatusCode::OK,
            content_type: "text/plain; charset=utf-8",
            retry_after: None,
            body: Body::Never,
        }
    }
}

#[cfg(test)]
impl Reply {
    /// The body as text, or nothing if it flows.
    pub(crate) fn body_text(&self) -> String {
        match &self.body {
            Body::Whole(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            Body::Flow(_) | Body::Never => String::new(),
        }
    }

    /// The body as JSON, or null if it is none.
    pub(crate) fn document(&self) -> Value {
        serde_json::from_str(&self.body_text()).unwrap_or_default()
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let piece = match self.get_mut() {
            Self::Whole(bytes) if bytes.is_empty() => None,
            Self::Whole(bytes) => Some(std::mem::take(bytes)),
            Self::Flow(pieces) => std::task::ready!(pieces.poll_recv(context)),
            Self::Never => return Poll::Pending,
        };
        Poll::Ready(piece.map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(bytes) if bytes.is_empty())
    }

    fn size_hint(&self) -> hyper::body::SizeHint {
        match self {
            Self::Whole(bytes) => hyper::body::SizeHint::with_exact(bytes.len() as u64),
            Self::Flow(_) | Self::Never => hyper::body::SizeHint::default(),
        }
    }
}
