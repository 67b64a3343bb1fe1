//! Credentials that lead nowhere: derived from a cluster's life, stored nowhere, and marked, so that a test can
//! look for them where they must not be.

use secrecy::SecretString;

use crate::model::{ClusterId, Fingerprint, Incarnation, Port};
use crate::provider::Access;

/// How every secret of a sandbox begins: `SANDBOXSECRE` in base64. Nothing that a run writes may contain it.
pub const SECRET_MARK: &str = "U0FOREJPWFNFQ1JF";

/// The client key of one life of a cluster.
pub(super) fn client_key(incarnation: &Incarnation) -> String {
    secret("client-key", incarnation)
}

/// A join token, as k3d prints it.
pub(super) fn join_token(incarnation: &Incarnation) -> String {
    secret("join-token", incarnation)
}

/// The CA's certificate of one life of a cluster; not secret.
pub(super) fn ca(incarnation: &Incarnation) -> String {
    base64(format!("sandbox ca of {}", incarnation.as_str()).as_bytes())
}

/// How to reach a cluster.
pub(super) fn access(id: &ClusterId, incarnation: &Incarnation, server: String) -> Access {
    Access {
        id: id.clone(),
        incarnation: incarnation.clone(),
        server,
        ca_data: ca(incarnation),
        client_certificate_data: SecretString::from(secret("client-certificate", incarnation)),
        client_key_data: SecretString::from(client_key(incarnation)),
    }
}

/// Where an API answers.
pub(super) fn server(port: Port) -> String {
    format!("https://127.0.0.1:{port}")
}

/// What a registrar's entry is known by.
pub(super) fn fingerprint(
    id: &ClusterId,
    endpoint: &str,
    incarnation: Option<&Incarnation>,
) -> Fingerprint {
    let key = incarnation.map(client_key).unwrap_or_default();
    Fingerprint::of([
        ("server", endpoint.to_owned()),
        ("credentials", Fingerprint::digest(&format!("{id} {key}"))),
    ])
}

fn secret(what: &str, incarnation: &Incarnation) -> String {
    base64(format!("SANDBOXSECRET {what} of {}", incarnation.as_str()).as_bytes())
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digit = |bits: u32| char::from(DIGITS[(bits & 63) as usize]);
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |n: usize| u32::from(chunk.get(n).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        out.push(digit(bits >> 18));
        out.push(digit(bits >> 12));
        out.push(if chunk.len() > 1 {
            digit(bits >> 6)
        } else {
            '='
        });
        out.push(if chunk.len() > 2 { digit(bits) } else { '=' });
    }
    out
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    #[test]
    fn base64_is_base64() {
        assert_eq!(base64(b""), "");
        assert_eq!(base64(b"f"), "Zg==");
        assert_eq!(base64(b"fo"), "Zm8=");
        assert_eq!(base64(b"foob"), "Zm9vYg==");
        assert_eq!(base64(b"foobar"), "Zm9vYmFy");
    }

    #[test]
    fn every_secret_begins_with_the_mark_and_none_is_in_debug() {
        let id: ClusterId = "k3d/dev".parse().unwrap();
        let access = access(&id, &Incarnation::new("abc"), "https://127.0.0.1:1".into());
        for secret in [&access.client_key_data, &access.client_certificate_data] {
            assert!(secret.expose_secret().starts_with(SECRET_MARK));
        }
        assert!(!format!("{access:?}").contains(SECRET_MARK));
        assert!(!access.ca_data.contains(SECRET_MARK));
        assert_ne!(
            client_key(&Incarnation::new("a")),
            client_key(&Incarnation::new("b"))
        );
    }
}
