//! Edge keys: what an agent is given to find its server and itself.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;

/// `url|host:port|fingerprint|id` in base64 without padding (P `api/chisel/key.go:10-25`).
pub(crate) fn make(url: &str, host: &str, port: u16, fingerprint: &str, id: u32) -> String {
    STANDARD_NO_PAD.encode(format!("{url}|{host}:{port}|{fingerprint}|{id}"))
}

/// The key with plain HTTP on the default port turned into HTTPS on its own, or nothing if this
/// is no key (P `api/http/handler/endpoints/endpoint_association_delete.go:65`).
pub(crate) fn secured(key: &str, port: u16, port_tls: u16) -> Option<String> {
    let bytes = STANDARD_NO_PAD.decode(key).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let (url, rest) = text.split_once('|').unwrap_or((&text, ""));
    let suffix = format!(":{port}");
    let host = url
        .strip_prefix("http://")
        .and_then(|address| address.strip_suffix(suffix.as_str()));
    Some(STANDARD_NO_PAD.encode(match host {
        Some(host) => format!("https://{host}:{port_tls}|{rest}"),
        None => text,
    }))
}

/// The host in the address that agents reach the server by, or what is wrong with the address
/// (P `api/internal/edge/url.go:10-31`).
pub(crate) fn host_of(url: &str) -> Result<String, String> {
    let Some((scheme, rest)) = url.split_once("://") else {
        return Err(without_scheme(url));
    };
    if scheme.is_empty() {
        return Err(unparsable(url, "missing protocol scheme"));
    }
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let authority = &rest[..end];
    let address = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    if address.starts_with('[') && !address.contains(']') {
        return Err(unparsable(url, "missing ']' in host"));
    }
    let (host, port) = split_port(address);
    if !port.bytes().all(|byte| byte.is_ascii_digit()) {
        let why = format!("invalid port \":{port}\" after host");
        return Err(unparsable(url, &why));
    }
    match host {
        "" => Err("hostname cannot be empty".to_owned()),
        "localhost" => Err("cannot use localhost as environment URL".to_owned()),
        host => Ok(host.to_owned()),
    }
}

/// Go takes `name:9000` for a scheme, and `10.0.0.1:9000` for nothing at all.
fn without_scheme(url: &str) -> String {
    let first = url.split('/').next().unwrap_or_default();
    let letter = first.starts_with(|letter: char| letter.is_ascii_alphabetic());
    if first.contains(':') && !letter {
        return unparsable(url, "first path segment in URL cannot contain colon");
    }
    "hostname cannot be empty".to_owned()
}

fn unparsable(url: &str, why: &str) -> String {
    format!("Unable to parse Portainer URL: parse {url:?}: {why}")
}

/// Go's `net.SplitHostPort`; without a port, an address in brackets keeps them.
fn split_port(address: &str) -> (&str, &str) {
    match address.rsplit_once(':') {
        Some((host, port)) if host.starts_with('[') && host.ends_with(']') => {
            (host.trim_matches(['[', ']']), port)
        }
        Some((host, port)) if !host.contains(':') => (host, port),
        _ => (address, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::{host_of, make, secured};
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD_NO_PAD;

    fn decoded(key: &str) -> String {
        String::from_utf8(STANDARD_NO_PAD.decode(key).unwrap()).unwrap()
    }

    #[test]
    fn an_edge_key_is_unpadded_base64_of_url_tunnel_fingerprint_and_id() {
        for id in [1, 12, 123] {
            let key = make("http://p:9000", "p", 8000, "aa:bb", id);
            assert!(!key.contains('='));
            assert_eq!(decoded(&key), format!("http://p:9000|p:8000|aa:bb|{id}"));
        }
    }

    #[test]
    fn a_dissolved_key_is_moved_to_https_only_from_the_port_that_is_served() {
        let again = |url| {
            let key = make(url, "p", 8000, "aa", 7);
            decoded(&secured(&key, 9000, 9443).unwrap())
        };
        assert_eq!(again("http://p:9000"), "https://p:9443|p:8000|aa|7");
        assert_eq!(again("http://p:80"), "http://p:80|p:8000|aa|7");
        assert_eq!(again("https://p:9000"), "https://p:9000|p:8000|aa|7");
        assert_eq!(secured("not base64!", 9000, 9443), None);
    }

    #[test]
    fn the_host_is_that_of_a_whole_address_and_never_localhost() {
        let host = |url| host_of(url).map_err(|why| why.chars().take(24).collect());
        let no = |why: &str| Err::<String, String>(why.to_owned());
        assert_eq!(host("http://portainer:9000"), Ok("portainer".to_owned()));
        assert_eq!(host("https://10.0.0.1"), Ok("10.0.0.1".to_owned()));
        assert_eq!(host("http://[::1]:9000"), Ok("::1".to_owned()));
        assert_eq!(host("http://"), no("hostname cannot be empty"));
        assert_eq!(host("portainer:9000"), no("hostname cannot be empty"));
        assert_eq!(host("portainer"), no("hostname cannot be empty"));
        assert_eq!(
            host("http://localhost:9000"),
            no("cannot use localhost as ")
        );
        assert_eq!(host("10.0.0.1:9000"), no("Unable to parse Portaine"));
        assert_eq!(host("http://p:port"), no("Unable to parse Portaine"));
        assert_eq!(host("http://[::1"), no("Unable to parse Portaine"));
    }
}
