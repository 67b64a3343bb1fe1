//! What a row asks of a cluster: ports and a subnet.

use std::collections::BTreeMap;
use std::fmt;
use std::net::Ipv4Addr;
use std::num::NonZeroU16;

use ipnet::Ipv4Net;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ClusterId, text};

/// Why a value cannot be what a row asks for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SpecError {
    /// No port.
    #[error("{0} is no port: 1 to 65535 are")]
    Port(i64),
    /// No subnet.
    #[error("'{0}' is no subnet: an IPv4 network such as 10.101.0.0/24, from /8 to /29, is")]
    Subnet(String),
}

/// A TCP port of the host or of a node, 1 to 65535.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct Port(NonZeroU16);

impl<'de> Deserialize<'de> for Port {
    /// From a number, or from a text as which JSON carries the keys of a map.
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl serde::de::Visitor<'_> for Reader {
            type Value = Port;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a port, 1 to 65535")
            }
            fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<Port, E> {
                Port::parse(number).map_err(E::custom)
            }
            fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Port, E> {
                self.visit_i64(i64::try_from(number).map_err(E::custom)?)
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Port, E> {
                self.visit_u64(text.parse().map_err(E::custom)?)
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

impl Port {
    /// Where a cluster's API is inside of it.
    pub const API: Self = known_port(6443);
    /// Where a HAProxy in a container says what it has loaded, on the container's own 127.0.0.1.
    pub const PROOF: Self = known_port(17404);

    /// Reads a port as SQLite holds it.
    pub fn parse(number: i64) -> Result<Self, SpecError> {
        u16::try_from(number)
            .ok()
            .and_then(NonZeroU16::new)
            .map(Self)
            .ok_or(SpecError::Port(number))
    }

    /// A port from a number that is known not to be 0.
    pub const fn new(number: NonZeroU16) -> Self {
        Self(number)
    }

    /// The port as a number.
    pub fn get(self) -> u16 {
        self.0.get()
    }
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An IPv4 network that a bridge can have: from /8 to /29, written by its first address.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Subnet(Ipv4Net);

impl Subnet {
    /// Reads a subnet. Host bits (`10.1.2.3/24`) are refused, so that what is written is what is made.
    pub fn parse(text: &str) -> Result<Self, SpecError> {
        let wrong = || SpecError::Subnet(text::one_line(text, 64));
        let net: Ipv4Net = text.trim().parse().map_err(|_| wrong())?;
        let usable = (8..=29).contains(&net.prefix_len()) && net.addr() == net.network();
        if usable { Ok(Self(net)) } else { Err(wrong()) }
    }

    /// Whether the two share an address.
    pub fn overlaps(self, other: Self) -> bool {
        self.0.contains(&other.0.network()) || other.0.contains(&self.0.network())
    }

    /// The first usable address, which the bridge gets as its gateway.
    pub fn gateway(self) -> Ipv4Addr {
        Ipv4Addr::from(u32::from(self.0.network()).saturating_add(1))
    }
}

impl fmt::Display for Subnet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl TryFrom<String> for Subnet {
    type Error = SpecError;
    fn try_from(text: String) -> Result<Self, SpecError> {
        Self::parse(&text)
    }
}

impl From<Subnet> for String {
    fn from(subnet: Subnet) -> Self {
        subnet.to_string()
    }
}

/// Published ports: the port inside the node, and the host's port that leads to it.
pub type PortMap = BTreeMap<Port, Port>;

/// The four port columns of a row. `None` means: not asked for, and so never drift.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Ports {
    /// Host port published to 80.
    pub http: Option<Port>,
    /// Host port published to 443.
    pub https: Option<Port>,
    /// Host port published to the in-cluster `node`.
    pub forward: Option<Port>,
    /// In-cluster port behind `forward`; never published as itself.
    pub node: Option<Port>,
}

const fn known_port(number: u16) -> Port {
    match NonZeroU16::new(number) {
        Some(number) => Port::new(number),
        None => Port::new(NonZeroU16::MIN),
    }
}

impl Ports {
    /// Inside port of `http_port`.
    pub const HTTP: Port = known_port(80);
    /// Inside port of `https_port`.
    pub const HTTPS: Port = known_port(443);
    /// Inside port of `pf_port` when the row has no `node_port`: what nearly every row says.
    pub const NODE: Port = known_port(30080);

    /// What the row wants published: inside port -> host port.
    pub fn published(&self) -> PortMap {
        let forward_to = self.node.unwrap_or(Self::NODE);
        [
            (Self::HTTP, self.http),
            (Self::HTTPS, self.https),
            (forward_to, self.forward),
        ]
        .into_iter()
        .filter_map(|(inside, host)| host.map(|host| (inside, host)))
        .collect()
    }

    /// The column that asks for this inside port.
    pub fn column(&self, inside: Port) -> &'static str {
        match inside {
            Self::HTTP => "http_port",
            Self::HTTPS => "https_port",
            _ => "pf_port",
        }
    }
}

/// A cluster as a row asks for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClusterSpec {
    /// Which cluster.
    pub id: ClusterId,
    /// Its network; `None` leaves the choice to the engine.
    pub subnet: Option<Subnet>,
    /// Its ports.
    pub ports: Ports,
}

impl ClusterSpec {
    /// Whether both ask for a host port or for an address that only one of them can have.
    pub fn rivals(&self, other: &Self) -> bool {
        let (ours, theirs) = (self.ports.published(), other.ports.published());
        let same_port = ours
            .values()
            .any(|port| theirs.values().any(|other| other == port));
        let subnets = self.subnet.zip(other.subnet);
        self.id.name != other.id.name
            && (same_port || subnets.is_some_and(|(ours, theirs)| ours.overlaps(theirs)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subnet_is_a_network_of_usable_size() {
        for good in [
            "10.101.0.0/24",
            "172.30.0.0/16",
            "10.0.0.0/8",
            " 10.1.0.0/29 ",
        ] {
            assert!(Subnet::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "10.101.0.1/24",
            "10.101.0.0",
            "10.0.0.0/30",
            "::/64",
            "10.0.0.0/33",
            "a/b",
        ] {
            assert!(Subnet::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn node_port_is_what_pf_port_leads_to_and_is_never_published_as_itself() {
        let port = |n| Port::parse(n).ok();
        let ports = Ports {
            http: port(18080),
            https: None,
            forward: port(19000),
            node: port(30081),
        };
        let published: Vec<_> = ports
            .published()
            .iter()
            .map(|(i, h)| (i.get(), h.get()))
            .collect();
        assert_eq!(published, [(80, 18080), (30081, 19000)]);
        assert_eq!(
            Ports {
                node: port(30080),
                ..Ports::default()
            }
            .published(),
            PortMap::new()
        );
    }

    #[test]
    fn overlap_is_symmetric() {
        let subnet = |t| Subnet::parse(t).unwrap_or_else(|e| unreachable!("{e}"));
        let (wide, narrow, other) = (
            subnet("10.0.0.0/8"),
            subnet("10.1.0.0/16"),
            subnet("172.30.0.0/16"),
        );
        assert!(wide.overlaps(narrow) && narrow.overlaps(wide) && !wide.overlaps(other));
        assert_eq!(narrow.gateway().to_string(), "10.1.0.1");
    }
}
