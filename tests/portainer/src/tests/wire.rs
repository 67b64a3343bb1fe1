//! The same over real connections, plain and with TLS.

use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

use super::client::{Server, folder};
use crate::clock::Clock;
use crate::double::Double;
use crate::http::{serve, tls};
use crate::options::Options;

const STATUS: &str = "GET /api/status HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

async fn talk(mut stream: impl AsyncRead + AsyncWrite + Unpin, text: &str) -> String {
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8(answer).unwrap()
}

fn open() -> Arc<Double> {
    let options = Options {
        data: folder(),
        ..Options::default()
    };
    Arc::new(Double::open(options, Clock::machine()).unwrap())
}

#[tokio::test]
async fn plain_http_is_answered() {
    let double = open();
    let listener = serve::listen(([127, 0, 0, 1], 0).into()).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(serve::plain(listener, Arc::clone(&double)));
    let answer = talk(TcpStream::connect(address).await.unwrap(), STATUS).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(
        answer.contains("content-type: application/json"),
        "{answer}"
    );
    assert!(answer.contains("\"Version\":\"2.33.2\""), "{answer}");
    let missing = STATUS.replace("GET /api/status", "POST /api/auth");
    let refused = talk(TcpStream::connect(address).await.unwrap(), &missing).await;
    assert!(refused.starts_with("HTTP/1.1 400 Bad Request"), "{refused}");
    std::fs::remove_dir_all(&double.options().data).unwrap();
}

#[tokio::test]
async fn the_certificate_is_for_localhost_kept_over_restarts_and_without_http_2() {
    let double = open();
    let dir = double.options().data.clone();
    let now = double.clock().now();
    tls::acceptor(&dir, now).unwrap();
    let pem = std::fs::read(dir.join("cert.pem")).unwrap();
    let acceptor = tls::acceptor(&dir, now).unwrap();
    assert_eq!(std::fs::read(dir.join("cert.pem")).unwrap(), pem);
    std::fs::remove_dir_all(&dir).unwrap();

    let listener = serve::listen(([127, 0, 0, 1], 0).into()).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(serve::secure(listener, acceptor, double));
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(&pem).unwrap())
        .unwrap();
    let mut config =
        ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    let connect = async |name: &str| {
        let stream = TcpStream::connect(address).await.unwrap();
        let name = ServerName::try_from(name.to_owned()).unwrap();
        connector.connect(name, stream).await
    };
    let stream = connect("localhost").await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
    let answer = talk(stream, STATUS).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    // By another name it cannot be verified.
    assert!(connect("portainer").await.is_err());
}

#[tokio::test]
async fn a_client_is_known_by_its_address_and_not_by_its_port() {
    let server = Server::with(|options| options.auth_limit = 2).await;
    let options = server.double.options().clone();
    let double = Arc::new(Double::open(options, Clock::stopped()).unwrap());
    let listener = serve::listen(([127, 0, 0, 1], 0).into()).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(serve::plain(listener, double));
    let login = STATUS.replace("GET /api/status", "POST /api/auth");
    let mut statuses = Vec::new();
    for _ in 0..3 {
        let answer = talk(TcpStream::connect(address).await.unwrap(), &login).await;
        statuses.push(answer[9..12].to_owned());
    }
    assert_eq!(statuses, ["400", "400", "403"]);
}
