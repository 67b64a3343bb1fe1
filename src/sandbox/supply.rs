//! Where identities, ports, networks and addresses come from. Everything follows from the seed and from what is
//! there: the same orders in the same world give the same answers.

use std::fmt::Write as _;
use std::net::Ipv4Addr;

use sha2::{Digest as _, Sha256};

use super::state::State;
use crate::model::{EngineId, NetworkId, Port, PortMap, Subnet, VolumeId};
use crate::provider::{Fault, ProviderError};

/// A digest as 64 hexadecimal digits.
pub(super) fn digest(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.len().to_be_bytes());
        hash.update(part);
    }
    hash.finalize()
        .iter()
        .fold(String::with_capacity(64), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}

impl State {
    /// An identity that nothing had before.
    pub(super) fn fresh_id(&mut self) -> String {
        self.given += 1;
        digest(&[&self.seed.to_string(), &self.given.to_string()])
    }

    /// An engine's identity, as `GET /info` spells it.
    pub(super) fn fresh_engine(&mut self) -> EngineId {
        let id = self.fresh_id();
        EngineId::new(format!("sandbox-{}", id.get(..12).unwrap_or(&id)))
    }

    /// A volume's identity: made now. The engine's clock never shows one moment twice.
    pub(super) fn fresh_volume(&mut self, name: &str) -> VolumeId {
        self.given += 1;
        let second = self.now.as_second();
        let made = jiff::Timestamp::new(
            second,
            i32::try_from(self.given % 1_000_000_000).unwrap_or(0),
        )
        .unwrap_or(self.now);
        VolumeId::of(name, &made.to_string())
    }

    /// A port of the host that nobody has or wants, and that is none of these.
    pub(super) fn fresh_port(&mut self, but: &PortMap) -> Result<Port, ProviderError> {
        let wanted = |port: Port| {
            but.values().any(|own| *own == port)
                || self.listeners.contains(&port)
                || self.containers.iter().any(|c| {
                    c.ports.values().any(|own| *own == port)
                        || c.api.is_some_and(|api| api.port == port)
                })
        };
        (40_000..60_000)
            .filter_map(|number| Port::parse(number).ok())
            .find(|port| !wanted(*port))
            .ok_or_else(|| ProviderError::new(Fault::Permanent, "no free port is left for an API"))
    }

    /// A network out of the engine's default pools.
    pub(super) fn fresh_subnet(&self) -> Result<Subnet, ProviderError> {
        let wide = (18..=31).map(|b| format!("172.{b}.0.0/16"));
        let narrow = (0..16).map(|n| format!("192.168.{}.0/20", n * 16));
        wide.chain(narrow)
            .filter_map(|text| Subnet::parse(&text).ok())
            .find(|subnet| self.overlapping(*subnet).is_none())
            .ok_or_else(|| {
                ProviderError::new(
                    Fault::Permanent,
                    "could not find an available, non-overlapping IPv4 address pool among the defaults to assign to \
                     the network",
                )
                .hint("give the row a subnet of its own, or remove networks that nobody needs")
            })
    }

    /// A network that shares an address with this subnet.
    pub(super) fn overlapping(&self, subnet: Subnet) -> Option<&str> {
        self.networks
            .iter()
            .find(|network| network.subnet.is_some_and(|own| own.overlaps(subnet)))
            .map(|network| network.name.as_str())
    }

    /// The lowest address of a network that no running container has, and another than `old`.
    pub(super) fn fresh_address(
        &self,
        network: &NetworkId,
        old: Option<Ipv4Addr>,
    ) -> Option<Ipv4Addr> {
        let subnet = self.networks.iter().find(|n| n.id == *network)?.subnet?;
        let gateway = u32::from(subnet.gateway());
        (1..1024)
            .map(|step| Ipv4Addr::from(gateway.saturating_add(step)))
            .filter(|address| Some(*address) != old)
            .find(|address| !self.containers.iter().any(|c| c.address == Some(*address)))
    }
}
