//! Calls to environments that the server reaches itself: an agent's ping, or whether anybody is
//! there at all, which stands for a snapshot. Errors are worded as Go words them.

use std::sync::Arc;
use std::time::Duration;

use http_body_util::Empty;
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::HOST;
use hyper::{Request, Response, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsConnector;

use crate::store::endpoint::EndpointType;

/// How long an agent may take (P `api/agent/version.go:21`).
const PATIENCE: Duration = Duration::from_secs(3);

/// What an agent says of itself.
#[derive(Debug)]
pub(crate) struct Ping {
    platform: u32,
    /// Its version.
    pub(crate) version: String,
}

impl Ping {
    /// The type of its environment; an unknown platform is taken for Docker.
    pub(crate) fn kind(&self) -> EndpointType {
        match self.platform {
            1 => EndpointType::AGENT_DOCKER,
            2 => EndpointType::AGENT_KUBERNETES,
            _ => EndpointType::DOCKER,
        }
    }
}

/// Whose certificate is good.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Trust<'a> {
    /// That of nobody who signed it himself: there are no settings for TLS.
    Nobody,
    /// Everybody's.
    Everybody,
    /// That of whom this authority, in PEM, has signed.
    Authority(&'a [u8]),
}

/// GET `https://URL/ping`: 204, a version and a platform, within 3 s (P `api/agent/version.go`).
pub(crate) async fn ping(url: &str, trust: Trust<'_>) -> Result<Ping, String> {
    let address = url.split_once("://").map_or(url, |(_, address)| address);
    let whole = format!("https://{}/ping", address.trim_end_matches('/'));
    let failed = |why: String| format!("Get \"{whole}\": {why}");
    let config = trusting(trust).map_err(failed)?;
    let response = tokio::time::timeout(PATIENCE, get(&whole, config))
        .await
        .map_err(|_| failed("context deadline exceeded".to_owned()))?
        .map_err(failed)?;
    let header = |name: &str| {
        let value = response.headers().get(name);
        value
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    };
    if response.status() != StatusCode::NO_CONTENT {
        return Err(format!(
            "Failed request with status {}",
            response.status().as_u16()
        ));
    }
    let version = header("portainer-agent");
    if version.is_empty() {
        return Err("Version Header is missing".to_owned());
    }
    match header("portainer-agent-platform") {
        "" => Err("Agent Platform Header is missing".to_owned()),
        platform => match platform.parse() {
            Ok(0) => Err("Agent platform is invalid".to_owned()),
            Ok(platform) => Ok(Ping {
                platform,
                version: version.to_owned(),
            }),
            Err(_) => Err(format!(
                "strconv.Atoi: parsing {platform:?}: invalid syntax"
            )),
        },
    }
}

/// Whether anybody listens at an address of Docker's or an API's.
pub(crate) async fn reach(url: &str) -> Result<(), String> {
    let (scheme, address) = url.split_once("://").unwrap_or(("tcp", url));
    let reached = match scheme {
        "unix" => UnixStream::connect(address).await.map(drop),
        "tcp" | "https" => {
            let address = address.split('/').next().unwrap_or_default();
            let connect = TcpStream::connect(address);
            let late = || Err(std::io::ErrorKind::TimedOut.into());
            let connected = tokio::time::timeout(PATIENCE, connect).await;
            connected.unwrap_or_else(|_| late()).map(drop)
        }
        _ => return Err(format!("unsupported protocol scheme {scheme:?}")),
    };
    reached.map_err(|error| {
        format!(
            "Cannot connect to the Docker daemon at {url}. Is the docker daemon running? {error}"
        )
    })
}

async fn get(url: &str, config: ClientConfig) -> Result<Response<Incoming>, String> {
    let uri: Uri = url.parse().map_err(|error| format!("{error}"))?;
    let host = uri
        .host()
        .unwrap_or_default()
        .trim_matches(['[', ']'])
        .to_owned();
    let port = uri.port_u16().unwrap_or(443);
    let stream = TcpStream::connect((host.as_str(), port))
        .await
        .map_err(|error| dial(&format!("{host}:{port}"), &error))?;
    let name = ServerName::try_from(host).map_err(|error| error.to_string())?;
    let stream = TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await
        .map_err(|error| format!("tls: failed to verify certificate: {error}"))?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| error.to_string())?;
    // It ends with the sender, and its error is the sender's.
    tokio::spawn(connection);
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    let request = Request::get("/ping")
        .header(HOST, authority)
        .body(Empty::<Bytes>::new())
        .map_err(|error| error.to_string())?;
    let response = sender.send_request(request).await;
    response.map_err(|error| error.to_string())
}

fn dial(address: &str, error: &std::io::Error) -> String {
    let why = match error.kind() {
        std::io::ErrorKind::ConnectionRefused => "connect: connection refused".to_owned(),
        _ => error.to_string(),
    };
    format!("dial tcp {address}: {why}")
}

fn trusting(trust: Trust<'_>) -> Result<ClientConfig, String> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    let mut roots = RootCertStore::empty();
    match trust {
        Trust::Nobody => {}
        Trust::Everybody => {
            let everybody = Arc::new(Everybody(provider));
            let builder = builder.dangerous();
            let builder = builder.with_custom_certificate_verifier(everybody);
            return Ok(builder.with_no_client_auth());
        }
        Trust::Authority(pem) => {
            for certificate in CertificateDer::pem_slice_iter(pem) {
                let certificate = certificate.map_err(|error| error.to_string())?;
                roots.add(certificate).map_err(|error| error.to_string())?;
            }
        }
    }
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

/// `TLSSkipVerify`.
#[derive(Debug)]
struct Everybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Everybody {
    fn verify_server_cert(
        &self,
        _own: &CertificateDer<'_>,
        _others: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
