//! Where the engine is: `DOCKER_HOST`, else the current Docker context, else the socket, as the `docker` command does it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use crate::model::{Unseen, UnseenKind, redact};

/// The name under which the engine is known as a source.
pub(super) const SOURCE: &str = "docker";
/// The socket where nobody says anything else.
const SOCKET: &str = "/var/run/docker.sock";

/// How to reach the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Endpoint {
    /// A socket of this machine.
    Unix(PathBuf),
    /// A TCP address, `HOST:PORT`, without encryption.
    Tcp(String),
    /// A TCP address, `HOST:PORT`, with `ca.pem`, `cert.pem` and `key.pem` in this folder.
    Tls(String, PathBuf),
}

impl Endpoint {
    /// Finds the engine. `env` is the user's environment.
    pub(super) fn find(env: &BTreeMap<String, String>) -> Result<Self, Unseen> {
        let set = |name: &str| env.get(name).filter(|value| !value.is_empty());
        let folder = config_folder(env);
        if let Some(host) = set("DOCKER_HOST") {
            let verified = set("DOCKER_TLS_VERIFY").is_some();
            let certs = set("DOCKER_CERT_PATH").map_or_else(|| folder.clone(), PathBuf::from);
            return Self::parse(host, verified.then_some(certs), "DOCKER_HOST");
        }
        let current = || current_context(&folder);
        match set("DOCKER_CONTEXT").cloned().or_else(current) {
            Some(name) if name != "default" => context(&folder, &name),
            _ => Ok(Self::Unix(socket(env))),
        }
    }

    /// How `DOCKER_HOST` spells it.
    pub(super) fn host(&self) -> String {
        match self {
            Self::Unix(path) => format!("unix://{}", path.display()),
            Self::Tcp(address) | Self::Tls(address, _) => format!("tcp://{address}"),
        }
    }

    /// The same for people: whatever stands before an `@` is nobody's business.
    pub(super) fn shown(&self) -> String {
        redact(&self.host()).into_owned()
    }

    /// What a tool's environment must say, so that it speaks to this engine and to no other.
    pub(super) fn apply(&self, env: &mut BTreeMap<String, String>) {
        for name in ["DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"] {
            env.remove(name);
        }
        env.insert("DOCKER_HOST".to_owned(), self.host());
        if let Self::Tls(_, folder) = self {
            env.insert("DOCKER_TLS_VERIFY".to_owned(), "1".to_owned());
            let folder = folder.display().to_string();
            env.insert("DOCKER_CERT_PATH".to_owned(), folder);
        }
    }

    fn parse(host: &str, certs: Option<PathBuf>, from: &str) -> Result<Self, Unseen> {
        if let Some(path) = host.strip_prefix("unix://") {
            return Ok(Self::Unix(PathBuf::from(path)));
        }
        let address = ["tcp://", "http://", "https://"]
            .iter()
            .find_map(|scheme| host.strip_prefix(scheme))
            .map(|rest| rest.trim_end_matches('/'));
        match (address, certs) {
            (Some(address), None) if !host.starts_with("https://") => {
                Ok(Self::Tcp(with_port(address, 2375)))
            }
            (Some(address), Some(certs)) => Ok(Self::Tls(with_port(address, 2376), certs)),
            _ => Err(unusable(host, from)),
        }
    }
}

fn with_port(address: &str, port: u16) -> String {
    if address
        .rsplit(']')
        .next()
        .is_some_and(|tail| tail.contains(':'))
    {
        address.to_owned()
    } else {
        format!("{address}:{port}")
    }
}

/// An address that means nothing here, without the password that may stand in it.
fn unusable(host: &str, from: &str) -> Unseen {
    let said = format!("{from} says {host:?}");
    let said = redact(&said);
    if host.starts_with("https://") {
        return not_ready(
            format!("{said}, and there are no certificates for it"),
            "set DOCKER_TLS_VERIFY and DOCKER_CERT_PATH",
        );
    }
    let hint = if host.starts_with("ssh://") {
        "forward the engine's socket (ssh -L) and point DOCKER_HOST at it"
    } else {
        "set DOCKER_HOST to unix:///PATH/TO/SOCKET or tcp://HOST:PORT"
    };
    not_ready(format!("{said}, which is neither unix:// nor tcp://"), hint)
}

/// The engine cannot be reached at all.
pub(super) fn not_ready(error: String, hint: &str) -> Unseen {
    Unseen {
        source: SOURCE.to_owned(),
        kind: UnseenKind::NotReady,
        error,
        hint: Some(hint.to_owned()),
    }
}

/// The folder of Docker's client.
fn config_folder(env: &BTreeMap<String, String>) -> PathBuf {
    let home = || Path::new(env.get("HOME").map_or("/", String::as_str)).join(".docker");
    env.get("DOCKER_CONFIG").map_or_else(home, PathBuf::from)
}

/// The system's socket, or the one that Docker Desktop makes for its user.
fn socket(env: &BTreeMap<String, String>) -> PathBuf {
    let system = PathBuf::from(SOCKET);
    let own = env
        .get("HOME")
        .map(|home| Path::new(home).join(".docker/run/docker.sock"));
    match own {
        Some(own) if !system.exists() && own.exists() => own,
        _ => system,
    }
}

/// `config.json`, as far as it concerns us.
#[derive(Debug, Deserialize)]
struct ClientConfig {
    #[serde(rename = "currentContext")]
    current_context: Option<String>,
}

fn current_context(folder: &Path) -> Option<String> {
    let text = fs::read(folder.join("config.json")).ok()?;
    let config: ClientConfig = serde_json::from_slice(&text).ok()?;
    config.current_context.filter(|name| !name.is_empty())
}

/// `meta.json` of a context, as far as it concerns us (docker/cli `cli/context/store`).
#[derive(Debug, Deserialize)]
struct Meta {
    #[serde(rename = "Endpoints")]
    endpoints: BTreeMap<String, MetaEndpoint>,
}

#[derive(Debug, Deserialize)]
struct MetaEndpoint {
    #[serde(rename = "Host")]
    host: String,
}

fn context(folder: &Path, name: &str) -> Result<Endpoint, Unseen> {
    let id = Sha256::digest(name.as_bytes())
        .iter()
        .fold(String::new(), |mut id, byte| {
            let _ = write!(id, "{byte:02x}");
            id
        });
    let unusable = |why: String| {
        let error = format!("Docker context {name:?}: {why}");
        not_ready(error, "docker context ls shows those that there are")
    };
    let path = folder.join("contexts/meta").join(&id).join("meta.json");
    let text = fs::read(&path).map_err(|error| unusable(error.to_string()))?;
    let meta: Meta = serde_json::from_slice(&text).map_err(|error| unusable(error.to_string()))?;
    let docker = meta.endpoints.get("docker");
    let docker = docker.ok_or_else(|| unusable("it has no Docker endpoint".to_owned()))?;
    let certs = folder.join("contexts/tls").join(&id).join("docker");
    let certs = certs.join("ca.pem").exists().then_some(certs);
    Endpoint::parse(&docker.host, certs, &format!("Docker context {name:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        let own = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        pairs.iter().map(own).collect()
    }

    fn find(pairs: &[(&str, &str)]) -> Result<Endpoint, Unseen> {
        Endpoint::find(&env(pairs))
    }

    #[test]
    fn docker_host_wins() {
        let host = |text| find(&[("DOCKER_HOST", text), ("DOCKER_CONTEXT", "other")]);
        assert_eq!(
            host("unix:///x/y.sock"),
            Ok(Endpoint::Unix("/x/y.sock".into()))
        );
        assert_eq!(host("tcp://h:1"), Ok(Endpoint::Tcp("h:1".to_owned())));
        let shown = host("tcp://me:geheim@h:1").map(|endpoint| endpoint.shown());
        assert_eq!(shown.as_deref(), Ok("tcp://[redacted]@h:1"));
        assert_eq!(
            host("tcp://[::1]"),
            Ok(Endpoint::Tcp("[::1]:2375".to_owned()))
        );
        for (wrong, said, way_out) in [
            ("ssh://there", "ssh://there", "ssh -L"),
            ("ssh://me:geheim@there", "ssh://[redacted]@there", "ssh -L"),
            ("npipe:////./pipe/x", "npipe:////./pipe/x", "unix:///"),
            ("https://h", "https://h", "DOCKER_CERT_PATH"),
            ("nonsense", "nonsense", "unix:///"),
        ] {
            let error = host(wrong).unwrap_err();
            assert_eq!(error.kind, UnseenKind::NotReady);
            assert!(error.error.contains(said), "{error:?}");
            assert!(!error.error.contains("geheim"), "{error:?}");
            let hint = error.hint.unwrap_or_default();
            assert!(hint.contains(way_out), "{wrong}: {hint}");
        }
    }

    #[test]
    fn certificates_come_from_where_the_environment_says() {
        let tls = [
            ("DOCKER_HOST", "tcp://h"),
            ("DOCKER_TLS_VERIFY", "1"),
            ("DOCKER_CERT_PATH", "/c"),
        ];
        let endpoint = find(&tls).unwrap();
        assert_eq!(endpoint, Endpoint::Tls("h:2376".to_owned(), "/c".into()));
        let mut tool = env(&[("DOCKER_CONTEXT", "other"), ("HOME", "/h")]);
        endpoint.apply(&mut tool);
        let said: Vec<_> = tool
            .iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        assert_eq!(
            said,
            [
                "DOCKER_CERT_PATH=/c",
                "DOCKER_HOST=tcp://h:2376",
                "DOCKER_TLS_VERIFY=1",
                "HOME=/h"
            ]
        );
    }

    #[test]
    fn the_current_context_is_followed() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join(".docker");
        // printf colima | sha256sum
        let id = "f24fd3749c1368328e2b149bec149cb6795619f244c5b584e844961215dadd16";
        fs::create_dir_all(folder.join("contexts/meta").join(id)).unwrap();
        fs::write(
            folder.join("config.json"),
            r#"{"auths":{},"currentContext":"colima"}"#,
        )
        .unwrap();
        let meta = r#"{"Name":"colima","Metadata":{},"Endpoints":{"docker":{"Host":"unix:///c.sock","SkipTLSVerify":false}}}"#;
        fs::write(
            folder.join("contexts/meta").join(id).join("meta.json"),
            meta,
        )
        .unwrap();
        let path = home.path().to_string_lossy().into_owned();
        assert_eq!(
            find(&[("HOME", &path)]),
            Ok(Endpoint::Unix("/c.sock".into()))
        );
        let default = find(&[("HOME", &path), ("DOCKER_CONTEXT", "default")]);
        assert_eq!(default, Ok(Endpoint::Unix(SOCKET.into())));
        let missing = find(&[("HOME", &path), ("DOCKER_CONTEXT", "gone")]);
        assert!(missing.is_err_and(|unseen| unseen.error.contains("gone")));
    }
}
