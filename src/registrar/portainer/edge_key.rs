//! Edge keys: what an agent is given to find its server and its environment.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

/// `url|host:port|fingerprint|id` in base64 without padding (portainer `api/chisel/key.go:10-25`), without the
/// fingerprint of the tunnel's key, which is of no use here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct EdgeKey {
    /// Where the agent polls.
    pub(super) url: String,
    /// Where it opens its tunnel: `HOST:PORT`.
    pub(super) tunnel: String,
    /// The environment that it polls for.
    pub(super) environment: u64,
}

impl EdgeKey {
    /// Reads a key; `None`: it is none.
    pub(super) fn parse(key: &str) -> Option<Self> {
        let bytes = STANDARD_NO_PAD.decode(key.trim_end_matches('=')).ok()?;
        let text = String::from_utf8(bytes).ok()?;
        let mut parts = text.split('|');
        let (url, tunnel) = (parts.next()?, parts.next()?);
        let (_fingerprint, environment) = (parts.next()?, parts.next()?);
        let whole = parts.next().is_none() && !url.is_empty() && !tunnel.is_empty();
        whole.then_some(Self {
            url: url.to_owned(),
            tunnel: tunnel.to_owned(),
            environment: environment.parse().ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Option<EdgeKey> {
        EdgeKey::parse(&STANDARD_NO_PAD.encode(text))
    }

    #[test]
    fn a_key_says_where_it_leads_and_whose_it_is() {
        let read = key("http://p:9000|p:8000|aa:bb|12").unwrap();
        assert_eq!(
            (read.url.as_str(), read.tunnel.as_str(), read.environment),
            ("http://p:9000", "p:8000", 12)
        );
        // With padding, as somebody may have pasted it.
        let padded = base64::engine::general_purpose::STANDARD.encode("http://p:9000|p:8000|a|12");
        assert!(padded.ends_with('='), "{padded}");
        assert!(EdgeKey::parse(&padded).is_some());
    }

    #[test]
    fn what_is_no_key_is_none() {
        for text in [
            "",
            "http://p|p:8000|aa",
            "http://p|p:8000|aa|x",
            "http://p|p:8000|aa|1|2",
            "|p:8000|aa|1",
        ] {
            assert_eq!(key(text), None, "{text}");
        }
        assert_eq!(EdgeKey::parse("not base64!"), None);
    }
}
