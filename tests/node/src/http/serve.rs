//! Connections: accept, read a request, ask the router, write the answer.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};

use super::router::{Reply, Request, Router};
use super::{status, tls};

/// The API server's own limit for a request body.
const MAX_BODY: usize = 3 * 1024 * 1024;

/// How long a client may take to shake hands.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Serves plain HTTP to everybody.
pub(crate) async fn plain(listener: TcpListener, router: Arc<Router>) {
    loop {
        let stream = accepted(&listener).await;
        tokio::spawn(connection(stream, Arc::clone(&router), true));
    }
}

/// Serves behind TLS; who shows no certificate of this cluster is answered 401.
pub(crate) async fn secure(listener: TcpListener, acceptor: tls::Acceptor, router: Arc<Router>) {
    loop {
        let stream = accepted(&listener).await;
        let acceptor = acceptor.clone();
        let router = Arc::clone(&router);
        tokio::spawn(async move {
            // A client that breaks off, or trusts somebody else, has seen the reason itself.
            if let Ok(Ok((stream, member))) =
                tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await
            {
                connection(stream, router, member).await;
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

async fn connection<S>(stream: S, router: Arc<Router>, member: bool)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let service = service_fn(|request| {
        let router = Arc::clone(&router);
        async move { Ok::<_, Infallible>(response(answer(request, &router, member).await)) }
    });
    // An error here is a client that went away.
    let _gone = http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

async fn answer(request: hyper::Request<Incoming>, router: &Router, member: bool) -> Reply {
    if !member {
        return status::unauthorized();
    }
    let (head, body) = request.into_parts();
    match Limited::new(body, MAX_BODY).collect().await {
        Ok(body) => router.answer(&Request {
            method: head.method,
            path: head.uri.path().to_owned(),
            query: head.uri.query().unwrap_or_default().to_owned(),
            body: body.to_bytes().to_vec(),
        }),
        Err(error) => status::bad_request(&error.to_string()),
    }
}

fn response(reply: Reply) -> hyper::Response<Full<Bytes>> {
    let mut response = hyper::Response::new(Full::new(Bytes::from(reply.body)));
    *response.status_mut() = reply.status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(reply.content_type));
    response
}
