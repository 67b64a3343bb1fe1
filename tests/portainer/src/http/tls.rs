//! The self-signed certificate, and TLS without HTTP/2, as Portainer has them.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::sync::Arc;

use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, SanType};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use time::{Duration, OffsetDateTime};
use tokio_rustls::TlsAcceptor;

use crate::error::Error;
use crate::store::file;

/// How long a certificate is good (P `api/internal/ssl/ssl.go:64-82`: five years).
const VALID: Duration = Duration::days(5 * 365);

/// Accepts connections with the certificate in `dir`, which is made at the first start and kept
/// (P `api/internal/ssl/ssl.go:36-62`).
pub(crate) fn acceptor(dir: &Path, now: i64) -> Result<TlsAcceptor, Error> {
    let (certificate, key) = read_or_make(dir, now)?;
    let provider = Arc::new(ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

fn read_or_make(
    dir: &Path,
    now: i64,
) -> Result<(CertificateDer<'static>, PrivateKeyDer<'static>), Error> {
    let (certificate_path, key_path) = (dir.join("cert.pem"), dir.join("key.pem"));
    let key_pem = match std::fs::read(&key_path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let (certificate, key) = make(now)?;
            file::write(&certificate_path, &certificate)?;
            // The key is written last: where it exists, everything does.
            file::write(&key_path, &key)?;
            key.into_bytes()
        }
        read => read.map_err(Error::file(&key_path))?,
    };
    let certificate_pem =
        std::fs::read(&certificate_path).map_err(Error::file(&certificate_path))?;
    Ok((
        CertificateDer::from_pem_slice(&certificate_pem)?,
        PrivateKeyDer::from_pem_slice(&key_pem)?,
    ))
}

/// A certificate for localhost and the address it binds to, both as PEM; nobody who reaches it by
/// another name can verify it.
fn make(now: i64) -> Result<(String, String), Error> {
    let mut params = CertificateParams::new(vec!["localhost".to_owned()])?;
    params
        .subject_alt_names
        .push(SanType::IpAddress(IpAddr::V4(Ipv4Addr::UNSPECIFIED)));
    params.distinguished_name = DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::CommonName, "localhost");
    let start = OffsetDateTime::from_unix_timestamp(now).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    params.not_before = start - Duration::days(1);
    params.not_after = start + VALID;
    let key = KeyPair::generate()?;
    let certificate = params.self_signed(&key)?;
    Ok((certificate.pem(), key.serialize_pem()))
}
