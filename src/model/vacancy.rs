//! What is free: ports of this host and subnets that no row asks for, nobody has, and nothing leads to.

use std::collections::BTreeSet;

use super::{Desired, EngineFacts, Port, Subnet};

/// The ports and subnets that are taken; what is handed out is taken from then on.
#[derive(Debug, Clone, Default)]
pub struct Vacancy {
    ports: BTreeSet<Port>,
    subnets: Vec<Subnet>,
}

/// The second byte of the subnets that are dealt: `10.101.0.0/24` to `10.250.0.0/24`.
const DEALT: std::ops::RangeInclusive<u8> = 101..=250;

impl Vacancy {
    /// What rows ask for, also those that say absent, what the engine's containers and networks have, who listens on
    /// this host, and where this host's routes lead.
    pub fn of(desired: &Desired, engine: &EngineFacts, routes: &[Subnet]) -> Self {
        let specs = || desired.intents().map(|(_, intent)| &intent.spec);
        let asked = specs().flat_map(|spec| spec.ports.published().into_values());
        let bound = engine.bindings.iter().map(|binding| binding.port);
        let listening = engine.listeners.iter().flatten().copied();
        let networks = engine.networks.iter().filter_map(|network| network.subnet);
        Self {
            ports: asked.chain(bound).chain(listening).collect(),
            subnets: specs()
                .filter_map(|spec| spec.subnet)
                .chain(networks)
                .chain(routes.iter().copied())
                .collect(),
        }
    }

    /// The lowest free port from this one on.
    pub fn take_port(&mut self, from: u16) -> Option<Port> {
        let mut ports = (from..=u16::MAX).filter_map(|port| Port::parse(port.into()).ok());
        let port = ports.find(|port| !self.ports.contains(port))?;
        self.ports.insert(port);
        Some(port)
    }

    /// The first free subnet of those that are dealt.
    pub fn take_subnet(&mut self) -> Option<Subnet> {
        let mut all = DEALT.filter_map(|byte| Subnet::parse(&format!("10.{byte}.0.0/24")).ok());
        let subnet =
            all.find(|subnet| self.subnets.iter().all(|other| !other.overlaps(*subnet)))?;
        self.subnets.push(subnet);
        Some(subnet)
    }

    /// Whether nobody has this port.
    pub fn has_port(&self, port: Port) -> bool {
        !self.ports.contains(&port)
    }

    /// Whether nobody has an address of this subnet.
    pub fn has_subnet(&self, subnet: Subnet) -> bool {
        self.subnets.iter().all(|other| !other.overlaps(subnet))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn port(number: i64) -> Port {
        Port::parse(number).unwrap_or_else(|error| unreachable!("{error}"))
    }

    #[test]
    fn what_is_handed_out_is_taken() {
        let mut vacancy = Vacancy {
            ports: [port(18080), port(18082)].into(),
            subnets: Vec::new(),
        };
        let taken: Vec<_> = (0..3).filter_map(|_| vacancy.take_port(18080)).collect();
        assert_eq!(taken, [port(18081), port(18083), port(18084)]);
        assert_eq!(Vacancy::default().take_port(65535), Some(port(65535)));
        let mut full = Vacancy {
            ports: [port(65535)].into(),
            subnets: Vec::new(),
        };
        assert_eq!(full.take_port(65535), None);
    }

    #[test]
    fn a_subnet_that_anything_leads_to_is_not_dealt() {
        let routes = ["10.101.0.0/16", "10.102.0.128/25"].map(|text| Subnet::parse(text).ok());
        let mut vacancy = Vacancy {
            ports: BTreeSet::new(),
            subnets: routes.into_iter().flatten().collect(),
        };
        let dealt: Vec<_> = (0..2).filter_map(|_| vacancy.take_subnet()).collect();
        let dealt: Vec<_> = dealt.iter().map(ToString::to_string).collect();
        assert_eq!(dealt, ["10.103.0.0/24", "10.104.0.0/24"]);
        while vacancy.take_subnet().is_some() {}
        assert!(
            !vacancy
                .has_subnet(Subnet::parse("10.250.0.0/24").unwrap_or_else(|e| unreachable!("{e}")))
        );
    }
}
