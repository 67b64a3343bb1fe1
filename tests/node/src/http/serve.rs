//! Connections: accept, read a request, ask the site, write the answer.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::header::{
    AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER, USER_AGENT,
};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};

use super::message::{Body, Reply, Request, User};
use super::{Site, tls};
use crate::apiserver::failure::Failure;

/// The API server's own limit for a request body.
const MAX_BODY: usize = 3 * 1024 * 1024;

/// How long a client may take to shake hands.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Serves plain HTTP to everybody.
pub(crate) async fn plain(listener: TcpListener, site: Arc<dyn Site>) {
    loop {
        let stream = accepted(&listener).await;
        tokio::spawn(connection(stream, Arc::clone(&site), None));
    }
}

/// Serves behind TLS; who may do what is the site's business.
pub(crate) async fn secure(listener: TcpListener, acceptor: tls::Acceptor, site: Arc<dyn Site>) {
    loop {
        let stream = accepted(&listener).await;
        let acceptor = acceptor.clone();
        let site = Arc::clone(&site);
        tokio::spawn(async move {
            // A client that breaks off, or trusts somebody else, has seen the reason itself.
            if let Ok(Ok((stream, member))) =
                tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await
            {
                connection(stream, site, member).await;
            }
        });
    }
}

async fn accepted(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                // Small answers in several writes would each wait for the other side's timer.
                let _as_it_is = stream.set_nodelay(true);
                return stream;
            }
            // Out of file descriptors, say: not a reason to die, but one to breathe.
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

async fn connection<S>(stream: S, site: Arc<dyn Site>, member: Option<User>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let service = service_fn(|request| {
        let site = Arc::clone(&site);
        let member = member.clone();
        async move {
            let reply = answer(request, site.as_ref(), member).await;
            if matches!(reply.body, Body::Never) {
                std::future::pending::<()>().await;
            }
            Ok::<_, Infallible>(response(reply))
        }
    });
    // An error here is a client that went away.
    let _gone = http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

async fn answer(request: hyper::Request<Incoming>, site: &dyn Site, member: Option<User>) -> Reply {
    let (head, body) = request.into_parts();
    match Limited::new(body, MAX_BODY).collect().await {
        Ok(body) => site.answer(&Request {
            method: head.method,
            path: head.uri.path().to_owned(),
            query: head.uri.query().unwrap_or_default().to_owned(),
            content_type: content_type(&head.headers),
            user_agent: header(&head.headers, &USER_AGENT).to_owned(),
            member,
            bearer: bearer(&head.headers),
            body: body.to_bytes().to_vec(),
        }),
        Err(error) => Failure::bad_request(&error.to_string()).reply(),
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &HeaderName) -> &'a str {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
}

fn content_type(headers: &HeaderMap) -> String {
    let text = header(headers, &CONTENT_TYPE);
    let kind = text.split(';').next().unwrap_or_default();
    kind.trim().to_ascii_lowercase()
}

fn bearer(headers: &HeaderMap) -> Option<String> {
    let (scheme, token) = header(headers, &AUTHORIZATION).split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then(|| token.trim().to_owned())
}

fn response(reply: Reply) -> hyper::Response<Body> {
    let mut response = hyper::Response::new(reply.body);
    *response.status_mut() = reply.status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(reply.content_type));
    if let Some(seconds) = reply.retry_after {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}
