//! Mutual TLS as a Kubernetes API server does it: any client certificate may be shown, and the
//! one that is not of this cluster is refused with 401, not with a broken handshake.

use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, RootCertStore, ServerConfig};
use rustls::{Error as TlsError, SignatureScheme};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::message::User;
use crate::error::Error;
use crate::pki::{self, Authority, Identity};

/// Accepts connections and tells who is at the other end.
#[derive(Clone)]
pub(crate) struct Acceptor {
    tls: TlsAcceptor,
    members: Arc<dyn ClientCertVerifier>,
}

impl Acceptor {
    /// Serves with `identity` and knows its own by `authority`.
    pub(crate) fn new(authority: &Authority, identity: Identity) -> Result<Self, Error> {
        let provider = Arc::new(ring::default_provider());
        let mut roots = RootCertStore::empty();
        roots.add(authority.der().clone())?;
        let members =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
                .build()?;
        let anyone = Arc::new(Anyone {
            provider: Arc::clone(&provider),
        });
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_client_cert_verifier(anyone)
            .with_single_cert(
                vec![identity.certificate, authority.der().clone()],
                PrivatePkcs8KeyDer::from(identity.key).into(),
            )?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self {
            tls: TlsAcceptor::from(Arc::new(config)),
            members,
        })
    }

    /// Shakes hands; names the client if it has a certificate of this cluster.
    pub(crate) async fn accept(
        &self,
        stream: TcpStream,
    ) -> std::io::Result<(TlsStream<TcpStream>, Option<User>)> {
        let stream = self.tls.accept(stream).await?;
        let member = stream
            .get_ref()
            .1
            .peer_certificates()
            .and_then(<[_]>::split_first)
            .filter(|(own, others)| {
                self.members
                    .verify_client_cert(own, others, UnixTime::now())
                    .is_ok()
            })
            .map(|(own, _)| pki::subject(own));
        Ok((stream, member))
    }
}

/// Lets every certificate through the handshake; that its holder has the key is still proven.
#[derive(Debug)]
struct Anyone {
    provider: Arc<CryptoProvider>,
}

impl ClientCertVerifier for Anyone {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _own: &CertificateDer<'_>,
        _others: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, TlsError> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop")]

    use std::sync::Arc;

    use rustls::crypto::ring;
    use rustls::pki_types::{PrivatePkcs8KeyDer, ServerName};
    use rustls::{ClientConfig, RootCertStore};
    use tokio::net::{TcpListener, TcpStream};

    use super::{Acceptor, User};
    use crate::pki::{Authority, Identity};

    fn authority(name: &str) -> Authority {
        let dir = std::env::temp_dir().join(format!("rollcall-tls-{name}-{}", std::process::id()));
        let authority = Authority::open_or_create(&dir).unwrap();
        std::fs::remove_dir_all(dir).unwrap();
        authority
    }

    /// Who a client with this certificate is to `authority`, which he trusts.
    async fn member(authority: &Authority, client: Option<Identity>) -> Option<User> {
        let names = ["127.0.0.1".to_owned()];
        let acceptor = Acceptor::new(authority, authority.server(&names).unwrap()).unwrap();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(authority.der().clone()).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let config = match client {
            None => config.with_no_client_auth(),
            Some(own) => {
                let key = PrivatePkcs8KeyDer::from(own.key).into();
                config
                    .with_client_auth_cert(vec![own.certificate], key)
                    .unwrap()
            }
        };
        let connect = async {
            let stream = TcpStream::connect(address).await.unwrap();
            let name = ServerName::try_from("127.0.0.1").unwrap();
            let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
            connector.connect(name, stream).await.unwrap()
        };
        let accept = async {
            let (stream, _) = listener.accept().await.unwrap();
            acceptor.accept(stream).await.unwrap()
        };
        let (_client, (_server, member)) = tokio::join!(connect, accept);
        member
    }

    #[tokio::test]
    async fn only_a_certificate_of_this_cluster_makes_a_member_and_nobody_is_cut_off() {
        let (own, other) = (authority("own"), authority("other"));
        let client = |of: &Authority| of.client("admin", "system:masters").unwrap();
        let admin = User {
            name: "admin".to_owned(),
            uid: None,
            groups: vec!["system:masters".to_owned()],
        };
        assert_eq!(member(&own, Some(client(&own))).await, Some(admin));
        assert_eq!(member(&own, Some(client(&other))).await, None);
        assert_eq!(member(&own, None).await, None);
    }
}
