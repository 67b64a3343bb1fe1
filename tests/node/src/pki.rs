//! The certificates of one cluster.
//!
//! The authority is written to disk, so that a node which is stopped and started again is still
//! the same cluster to whoever kept its kubeconfig. Leaf certificates are made anew at every
//! start, because a container's address may have changed.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, SanType,
};
use rustls::pki_types::CertificateDer;

use crate::error::Error;
use crate::http::message::User;

/// The object identifier of a common name, encoded: 2.5.4.3.
const COMMON_NAME: [u8; 5] = [0x06, 0x03, 0x55, 0x04, 0x03];
/// The object identifier of an organisation, encoded: 2.5.4.10.
const ORGANISATION: [u8; 5] = [0x06, 0x03, 0x55, 0x04, 0x0a];

/// A certificate authority.
pub(crate) struct Authority {
    pem: String,
    der: CertificateDer<'static>,
    fingerprint: String,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate with its key.
pub(crate) struct Identity {
    /// The certificate, PEM.
    pub(crate) certificate_pem: String,
    /// The certificate, DER.
    pub(crate) certificate: CertificateDer<'static>,
    /// The key, PKCS#8 PEM.
    pub(crate) key_pem: String,
    /// The key, PKCS#8 DER.
    pub(crate) key: Vec<u8>,
}

impl Authority {
    /// Reads the authority from `ca.crt` and `ca.key` in `dir`, or makes it.
    pub(crate) fn open_or_create(dir: &Path) -> Result<Self, Error> {
        let path = dir.join("ca.key");
        match std::fs::read_to_string(&path) {
            Ok(pem) => Self::from_key(KeyPair::from_pem(&pem)?),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let key = KeyPair::generate()?;
                let key_pem = key.serialize_pem();
                let authority = Self::from_key(key)?;
                write(&dir.join("ca.crt"), &authority.pem)?;
                // The key is written last: where it exists, everything does.
                write(&path, &key_pem)?;
                Ok(authority)
            }
            Err(error) => Err(Error::file(&path)(error)),
        }
    }

    /// Everything but the signature follows from the key, its name included, so that two
    /// lives of one cluster never have authorities of the same name.
    fn from_key(key: KeyPair) -> Result<Self, Error> {
        let mut params = CertificateParams::default();
        let fingerprint = hex(&params.key_identifier(&key));
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(
            DnType::CommonName,
            format!("rollcall-test-ca@{}", &fingerprint[..12]),
        );
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![
            KeyUsagePurpose::KeyCertSign,
            KeyUsagePurpose::CrlSign,
            KeyUsagePurpose::DigitalSignature,
        ];
        let certificate = params.self_signed(&key)?;
        Ok(Self {
            pem: certificate.pem(),
            der: certificate.der().clone(),
            fingerprint,
            issuer: Issuer::new(params, key),
        })
    }

    /// The authority's certificate, PEM.
    pub(crate) fn pem(&self) -> &str {
        &self.pem
    }

    /// The authority's certificate, DER.
    pub(crate) fn der(&self) -> &CertificateDer<'static> {
        &self.der
    }

    /// A name for this life of the cluster: a UUID made from the authority's key.
    pub(crate) fn uid(&self) -> String {
        let f = &self.fingerprint;
        format!(
            "{}-{}-4{}-8{}-{}",
            &f[0..8],
            &f[8..12],
            &f[13..16],
            &f[17..20],
            &f[20..32]
        )
    }

    /// A server's certificate for these names and addresses.
    pub(crate) fn server(&self, names: &[String]) -> Result<Identity, Error> {
        let mut params = CertificateParams::default();
        params.subject_alt_names = names
            .iter()
            .map(|name| match name.parse::<IpAddr>() {
                Ok(address) => Ok(SanType::IpAddress(address)),
                Err(_) => name.as_str().try_into().map(SanType::DnsName),
            })
            .collect::<Result<_, _>>()?;
        self.leaf(
            params,
            "kube-apiserver",
            None,
            ExtendedKeyUsagePurpose::ServerAuth,
        )
    }

    /// A client's certificate for this user and group.
    pub(crate) fn client(&self, user: &str, group: &str) -> Result<Identity, Error> {
        let params = CertificateParams::default();
        let purpose = ExtendedKeyUsagePurpose::ClientAuth;
        self.leaf(params, user, Some(group), purpose)
    }

    fn leaf(
        &self,
        mut params: CertificateParams,
        common_name: &str,
        organisation: Option<&str>,
        purpose: ExtendedKeyUsagePurpose,
    ) -> Result<Identity, Error> {
        params.distinguished_name = DistinguishedName::new();
        if let Some(organisation) = organisation {
            params
                .distinguished_name
                .push(DnType::OrganizationName, organisation);
        }
        params
            .distinguished_name
            .push(DnType::CommonName, common_name);
        params.key_usages = vec![
            KeyUsagePurpose::DigitalSignature,
            KeyUsagePurpose::KeyEncipherment,
        ];
        params.extended_key_usages = vec![purpose];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        Ok(Identity {
            certificate_pem: certificate.pem(),
            certificate: certificate.der().clone(),
            key_pem: key.serialize_pem(),
            key: key.serialize_der(),
        })
    }
}

/// Whom a leaf certificate of ours is about: its common name is the user, its organisation the
/// group. The issuer is named before the subject, so the last name of each sort is the subject's.
pub(crate) fn subject(certificate: &CertificateDer<'_>) -> User {
    let last = |sort: &[u8]| -> Option<String> {
        let at = certificate
            .windows(sort.len())
            .rposition(|window| window == sort)?;
        let value = certificate.get(at + sort.len() + 1..)?;
        let (length, text) = value.split_first()?;
        let text = text.get(..usize::from(*length))?;
        String::from_utf8(text.to_vec()).ok()
    };
    User {
        name: last(&COMMON_NAME).unwrap_or_default(),
        uid: None,
        groups: last(&ORGANISATION).into_iter().collect(),
    }
}

/// Writes a file so that a reader sees all of it or nothing, making its folder if need be.
pub(crate) fn write(path: &Path, text: &str) -> Result<(), Error> {
    if let Some(dir) = path.parent() {
        std::fs::create_dir_all(dir).map_err(Error::file(dir))?;
    }
    let mut name = path.as_os_str().to_owned();
    name.push(".tmp");
    let temporary = PathBuf::from(name);
    std::fs::write(&temporary, text).map_err(Error::file(&temporary))?;
    std::fs::rename(&temporary, path).map_err(Error::file(path))
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        for digit in [byte >> 4, byte & 0xf] {
            text.extend(char::from_digit(u32::from(digit), 16));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop")]

    use super::Authority;

    #[test]
    fn an_authority_read_again_is_the_same_and_another_one_is_not() {
        let dir = std::env::temp_dir().join(format!("rollcall-pki-{}", std::process::id()));
        let first = Authority::open_or_create(&dir.join("a")).unwrap();
        let again = Authority::open_or_create(&dir.join("a")).unwrap();
        let other = Authority::open_or_create(&dir.join("b")).unwrap();
        std::fs::remove_dir_all(&dir).unwrap();
        assert_eq!(first.uid(), again.uid());
        assert_ne!(first.uid(), other.uid());
        assert_eq!(first.uid().len(), 36);
    }
}
