//! The load balancer's configuration, as k3d writes it.
//!
//! ```yaml
//! ports:
//!   6443.tcp:
//!   - k3d-dev-server-0
//! settings:
//!   workerConnections: 1024
//! ```

use std::collections::BTreeMap;

use crate::error::Error;

/// Which port goes to which servers.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Config {
    /// TCP ports and the names of the servers behind each.
    pub(crate) tcp: BTreeMap<u16, Vec<String>>,
}

impl Config {
    /// Reads the subset of YAML that k3d's encoder makes: plain keys and block lists.
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        let mut config = Self::default();
        let mut in_ports = false;
        let mut port = None;
        for line in text.lines() {
            let entry = line.trim();
            if entry.is_empty() || entry.starts_with('#') {
                continue;
            }
            if let Some(server) = entry.strip_prefix("- ") {
                if let (true, Some(port)) = (in_ports, port) {
                    let servers: &mut Vec<String> = config.tcp.entry(port).or_default();
                    servers.push(unquoted(server).to_owned());
                }
            } else if line.starts_with(' ') {
                if in_ports {
                    port = tcp_port(entry)?;
                }
            } else {
                in_ports = entry == "ports:";
            }
        }
        Ok(config)
    }
}

/// `6443.tcp:` is a port; `53.udp:` is one that is not forwarded here.
fn tcp_port(entry: &str) -> Result<Option<u16>, Error> {
    let wrong = || Error::Other(format!("read the port '{entry}'"));
    let key = unquoted(entry.strip_suffix(':').ok_or_else(wrong)?);
    match key.split_once('.').ok_or_else(wrong)? {
        (port, "tcp") => port.parse().map(Some).map_err(|_| wrong()),
        _ => Ok(None),
    }
}

fn unquoted(text: &str) -> &str {
    text.trim().trim_matches(['"', '\''])
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop")]

    use super::Config;

    #[test]
    fn the_ports_of_a_real_file_are_read_and_udp_is_left_out() {
        let text = "ports:\n  \"80.tcp\":\n  - k3d-dev-server-0\n  53.udp:\n  - k3d-dev-server-0\n  \
                    6443.tcp:\n  - k3d-dev-server-0\n  - k3d-dev-server-1\nsettings:\n  \
                    workerConnections: 1026\n";
        let config = Config::parse(text).unwrap();
        assert_eq!(config.tcp.len(), 2);
        assert_eq!(config.tcp[&80], ["k3d-dev-server-0"]);
        assert_eq!(config.tcp[&6443], ["k3d-dev-server-0", "k3d-dev-server-1"]);
    }

    #[test]
    fn a_port_that_is_none_is_an_error() {
        assert!(Config::parse("ports:\n  http.tcp:\n  - a\n").is_err());
        assert!(Config::parse("ports:\n  80\n").is_err());
    }
}
