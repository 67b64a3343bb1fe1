//! From a method and a path to an answer.
//!
//! A route is a method, a pattern and a function: growing the API is adding routes, and what they
//! share (a store of objects, say) is captured by the functions. Answers are whole documents;
//! a watch would need a body that flows, and that is the one thing to change here for it.

use hyper::{Method, StatusCode};
use serde_json::Value;

use super::status;

/// A request, read to its end.
pub(crate) struct Request {
    /// The method.
    pub(crate) method: Method,
    /// The path, without the query.
    pub(crate) path: String,
    /// What follows the question mark, or nothing.
    #[expect(
        dead_code,
        reason = "for list and patch options, once objects are kept"
    )]
    pub(crate) query: String,
    /// The body.
    #[expect(dead_code, reason = "for writes, once objects are kept")]
    pub(crate) body: Vec<u8>,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    /// The status.
    pub(crate) status: StatusCode,
    /// The type of the body.
    pub(crate) content_type: &'static str,
    /// The body.
    pub(crate) body: Vec<u8>,
}

impl Reply {
    /// A JSON document.
    pub(crate) fn json(status: StatusCode, document: &Value) -> Self {
        Self {
            status,
            content_type: "application/json",
            body: document.to_string().into_bytes(),
        }
    }

    /// Plain text.
    pub(crate) fn text(status: StatusCode, text: &str) -> Self {
        Self {
            status,
            content_type: "text/plain; charset=utf-8",
            body: text.as_bytes().to_vec(),
        }
    }
}

/// What a pattern's `{name}` segments matched, in their order.
pub(crate) type Captures<'a> = Vec<&'a str>;

type Handler = Box<dyn Fn(&Request, &Captures<'_>) -> Reply + Send + Sync>;

struct Route {
    method: Method,
    pattern: &'static str,
    handler: Handler,
}

/// The routes of one port.
#[derive(Default)]
pub(crate) struct Router {
    routes: Vec<Route>,
    fallback: Option<Handler>,
}

impl Router {
    /// Adds a route. A segment in braces matches any one segment; the first match wins.
    #[must_use]
    pub(crate) fn route<F>(mut self, method: Method, pattern: &'static str, handler: F) -> Self
    where
        F: Fn(&Request, &Captures<'_>) -> Reply + Send + Sync + 'static,
    {
        self.routes.push(Route {
            method,
            pattern,
            handler: Box::new(handler),
        });
        self
    }

    /// Adds a route for GET.
    #[must_use]
    pub(crate) fn get<F>(self, pattern: &'static str, handler: F) -> Self
    where
        F: Fn(&Request, &Captures<'_>) -> Reply + Send + Sync + 'static,
    {
        self.route(Method::GET, pattern, handler)
    }

    /// Answers whatever no route matches; without it that is a Kubernetes 404.
    #[must_use]
    pub(crate) fn otherwise<F>(mut self, handler: F) -> Self
    where
        F: Fn(&Request, &Captures<'_>) -> Reply + Send + Sync + 'static,
    {
        self.fallback = Some(Box::new(handler));
        self
    }

    /// Finds the route and answers.
    pub(crate) fn answer(&self, request: &Request) -> Reply {
        let mut path_known = false;
        for route in &self.routes {
            let Some(captures) = matched(route.pattern, &request.path) else {
                continue;
            };
            if route.method == request.method {
                return (route.handler)(request, &captures);
            }
            path_known = true;
        }
        match &self.fallback {
            Some(handler) => handler(request, &Vec::new()),
            None if path_known => status::method_not_allowed(),
            None => status::not_found(),
        }
    }
}

fn matched<'a>(pattern: &str, path: &'a str) -> Option<Captures<'a>> {
    let mut captures = Vec::new();
    let mut segments = path.split('/');
    for expected in pattern.split('/') {
        let segment = segments.next()?;
        if expected.starts_with('{') {
            if segment.is_empty() {
                return None;
            }
            captures.push(segment);
        } else if expected != segment {
            return None;
        }
    }
    segments.next().is_none().then_some(captures)
}

#[cfg(test)]
mod tests {
    use super::{Reply, Request, Router, matched};
    use hyper::{Method, StatusCode};

    fn request(method: Method, path: &str) -> Request {
        Request {
            method,
            path: path.to_owned(),
            query: String::new(),
            body: Vec::new(),
        }
    }

    #[test]
    fn a_pattern_captures_one_segment_and_matches_the_whole_path() {
        let pattern = "/api/v1/namespaces/{name}";
        assert_eq!(matched(pattern, "/api/v1/namespaces/a"), Some(vec!["a"]));
        assert_eq!(matched(pattern, "/api/v1/namespaces"), None);
        assert_eq!(matched(pattern, "/api/v1/namespaces/"), None);
        assert_eq!(matched(pattern, "/api/v1/namespaces/a/b"), None);
    }

    #[test]
    fn an_unknown_path_is_404_and_an_unknown_method_405() {
        let router = Router::default().get("/a", |_, _| Reply::text(StatusCode::OK, "ok"));
        let status = |method, path| router.answer(&request(method, path)).status;
        assert_eq!(status(Method::GET, "/a"), StatusCode::OK);
        assert_eq!(status(Method::GET, "/b"), StatusCode::NOT_FOUND);
        assert_eq!(status(Method::POST, "/a"), StatusCode::METHOD_NOT_ALLOWED);
    }
}
