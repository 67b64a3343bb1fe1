//! A request to somebody else, on a connection of its own.

use std::net::SocketAddr;
use std::sync::Arc;

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::dns;
use crate::error::words;

/// A connection to a port of a host, by whatever name it is called.
pub(crate) async fn connect(host: &str, port: u16) -> Result<TcpStream, String> {
    let address = SocketAddr::new(dns::address(host).await?, port);
    TcpStream::connect(address).await.map_err(words)
}

/// The same behind TLS: who answers must be `name`.
pub(crate) async fn secure(
    stream: TcpStream,
    config: ClientConfig,
    name: ServerName<'static>,
) -> Result<TlsStream<TcpStream>, String> {
    let connector = TlsConnector::from(Arc::new(config));
    connector.connect(name, stream).await.map_err(words)
}

/// One request and its whole answer.
pub(crate) async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: Request<Full<Bytes>>,
) -> Result<Response<Bytes>, String> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(words)?;
    let asked = async {
        let (head, body) = sender.send_request(request).await?.into_parts();
        let body = body.collect().await?.to_bytes();
        Ok(Response::from_parts(head, body))
    };
    // Whichever ends first: with the last of these a broken connection ends too.
    tokio::select! {
        answer = asked => answer.map_err(|error: hyper::Error| words(error)),
        Err(error) = connection => Err(words(error)),
    }
}
