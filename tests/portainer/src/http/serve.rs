//! Connections: accept, read a request, ask the double, write the answer.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::StatusCode;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::reply::Reply;
use super::request::Request;
use crate::double::Double;
use crate::error::Error;

/// The longest body that is read.
const MAX_BODY: usize = 8 * 1024 * 1024;

/// How long a client may take to shake hands.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// How a request came.
#[derive(Clone, Copy)]
struct Way {
    peer: SocketAddr,
    secure: bool,
}

/// Opens a port.
pub(crate) async fn listen(address: SocketAddr) -> Result<TcpListener, Error> {
    TcpListener::bind(address)
        .await
        .map_err(|source| Error::Listen { address, source })
}

/// Serves plain HTTP.
pub(crate) async fn plain(listener: TcpListener, double: Arc<Double>) {
    loop {
        let (stream, peer) = accepted(&listener).await;
        let way = Way {
            peer,
            secure: false,
        };
        tokio::spawn(connection(stream, way, Arc::clone(&double)));
    }
}

/// Serves HTTP behind TLS.
pub(crate) async fn secure(listener: TcpListener, acceptor: TlsAcceptor, double: Arc<Double>) {
    loop {
        let (stream, peer) = accepted(&listener).await;
        let acceptor = acceptor.clone();
        let double = Arc::clone(&double);
        tokio::spawn(async move {
            // A client that breaks off, or trusts somebody else, has seen the reason itself.
            if let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await {
                connection(stream, Way { peer, secure: true }, double).await;
            }
        });
    }
}

async fn accepted(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                // Small answers in several writes would each wait for the other side's timer.
                let _as_it_is = stream.set_nodelay(true);
                return (stream, peer);
            }
            // Out of file descriptors, say: not a reason to die, but one to breathe.
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

async fn connection<S>(stream: S, way: Way, double: Arc<Double>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let service = service_fn(|request| {
        let double = Arc::clone(&double);
        async move { Ok::<_, Infallible>(response(answer(request, way, &double).await)) }
    });
    // An error here is a client that went away.
    let _gone = http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

async fn answer(request: hyper::Request<Incoming>, way: Way, double: &Double) -> Reply {
    let (head, body) = request.into_parts();
    match Limited::new(body, MAX_BODY).collect().await {
        Ok(body) => {
            let request = Request {
                method: head.method,
                uri: head.uri,
                headers: head.headers,
                body: body.to_bytes().to_vec(),
                peer: way.peer.ip(),
                secure: way.secure,
            };
            double.answer(&request).await
        }
        Err(error) => Reply::text(StatusCode::BAD_REQUEST, &error.to_string()),
    }
}

fn response(reply: Reply) -> hyper::Response<Full<Bytes>> {
    let mut response = hyper::Response::new(Full::new(Bytes::from(reply.body)));
    *response.status_mut() = reply.status;
    *response.headers_mut() = reply.headers;
    response
}
