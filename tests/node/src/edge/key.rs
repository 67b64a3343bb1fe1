//! Edge keys: what tells an agent where its server is, and which environment it is.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;

/// `url|host:port|fingerprint|id` in base64 without padding (portainer `api/chisel/key.go:10-25`);
/// of the tunnel nothing is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct EdgeKey {
    /// Where the agent polls, without a slash at the end.
    pub(super) url: String,
    /// The environment that it polls for.
    pub(super) environment: u64,
}

impl EdgeKey {
    /// Reads a key; nothing if it is none.
    pub(super) fn parse(key: &str) -> Option<Self> {
        let bytes = STANDARD_NO_PAD.decode(key).ok()?;
        let text = String::from_utf8(bytes).ok()?;
        let [url, _tunnel, _fingerprint, environment] =
            text.split('|').collect::<Vec<_>>().try_into().ok()?;
        Some(Self {
            url: url.trim_end_matches('/').to_owned(),
            environment: environment.parse().ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::EdgeKey;
    use base64::Engine;
    use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};

    #[test]
    fn a_key_is_unpadded_and_has_four_parts() {
        let text = "http://p:9000/|p:8000|aa:bb|12";
        let key = EdgeKey::parse(&STANDARD_NO_PAD.encode(text));
        let wanted = EdgeKey {
            url: "http://p:9000".to_owned(),
            environment: 12,
        };
        assert_eq!(key, Some(wanted));
        let padded = STANDARD.encode("http://p:9000|p:8000|aa|12");
        assert!(padded.ends_with('='), "{padded}");
        assert_eq!(EdgeKey::parse(&padded), None);
        for text in ["http://p|p:8000|12", "http://p|p:8000|aa|x", "a|b|c|1|2"] {
            assert_eq!(EdgeKey::parse(&STANDARD_NO_PAD.encode(text)), None);
        }
    }
}
