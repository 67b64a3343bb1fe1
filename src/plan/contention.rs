//! Who may have a host port or a subnet, when several want it: observed, never tried by binding.
//!
//! The live owner wins, then the lowest name. What a leaving cluster of ours holds is free as soon as it is gone, and
//! who waits for that is told so.

use std::collections::{BTreeMap, BTreeSet};

use super::HeldReason;
use super::situation::{Live, Situation};
use crate::model::{
    Binding, ClusterId, ClusterSpec, ClusterView, NodeState, NodeView, Port, Ports, Presence,
    Subnet,
};

/// For each present row: the clusters that must leave first, or why it cannot have what it asks for.
pub(super) type Verdicts<'a> = BTreeMap<&'a ClusterId, Result<BTreeSet<&'a ClusterId>, HeldReason>>;

/// Settles every contention, given who leaves in this plan.
pub(super) fn settle<'a>(s: &Situation<'a>, leaving: &BTreeSet<&'a ClusterId>) -> Verdicts<'a> {
    let rows: Vec<&ClusterSpec> = s
        .input
        .desired
        .intents()
        .filter(|(_, intent)| intent.presence == Presence::Present)
        .map(|(_, intent)| &intent.spec)
        .collect();
    let court = Court {
        s,
        leaving,
        ports: winners_of_ports(s, &rows),
        rows,
    };
    court
        .rows
        .iter()
        .map(|spec| (&spec.id, court.judge(spec)))
        .collect()
}

struct Court<'s, 'a> {
    s: &'s Situation<'a>,
    leaving: &'s BTreeSet<&'a ClusterId>,
    ports: BTreeMap<Port, &'a ClusterId>,
    rows: Vec<&'a ClusterSpec>,
}

impl<'a> Court<'_, 'a> {
    fn judge(&self, spec: &'a ClusterSpec) -> Result<BTreeSet<&'a ClusterId>, HeldReason> {
        let mut first = BTreeSet::new();
        for (inside, host) in spec.ports.published() {
            let column = spec.ports.column(inside);
            self.port(spec, column, host, &mut first)?;
        }
        if let Some(subnet) = spec.subnet {
            self.subnet(spec, subnet, &mut first)?;
        }
        Ok(first)
    }

    fn port(
        &self,
        spec: &'a ClusterSpec,
        column: &str,
        port: Port,
        first: &mut BTreeSet<&'a ClusterId>,
    ) -> Result<(), HeldReason> {
        let taken = |by: Option<String>| HeldReason::PortTaken {
            column: column.to_owned(),
            port: port.get(),
            by,
        };
        if let Some(winner) = self.ports.get(&port).filter(|winner| **winner != &spec.id) {
            return Err(taken(Some(format!("row {}", winner.name))));
        }
        let bindings: Vec<_> = self
            .s
            .engine
            .facts
            .bindings
            .iter()
            .filter(|b| b.port == port)
            .collect();
        // What a cluster of ours has, it keeps; what it only would have if it ran, somebody else may have taken since.
        let own = |b: &Binding| b.cluster.as_ref() == Some(&spec.id);
        let holds = |b: &Binding| {
            let view = self.s.input.observed.cluster(&spec.id);
            view.is_some_and(|view| is_up(view, &b.container))
        };
        if bindings.iter().any(|b| own(b) && holds(b)) {
            return Ok(());
        }
        for binding in bindings.iter().filter(|b| !own(b)) {
            let Some(holder) = &binding.cluster else {
                return Err(taken(Some(format!("container {}", binding.container))));
            };
            self.wait_for(holder, first).map_err(|orphan| {
                orphan.unwrap_or_else(|| taken(Some(format!("cluster {holder}"))))
            })?;
        }
        let listening = self
            .s
            .engine
            .facts
            .listeners
            .as_ref()
            .is_some_and(|ports| ports.contains(&port));
        if bindings.iter().all(|b| own(b)) && listening {
            return Err(taken(None));
        }
        Ok(())
    }

    fn subnet(
        &self,
        spec: &'a ClusterSpec,
        subnet: Subnet,
        first: &mut BTreeSet<&'a ClusterId>,
    ) -> Result<(), HeldReason> {
        let taken = |by: String| HeldReason::SubnetTaken {
            subnet: subnet.to_string(),
            by,
        };
        let has = |id: &ClusterId| {
            self.s
                .input
                .observed
                .cluster(id)
                .and_then(|view| view.subnet)
        };
        if has(&spec.id) == Some(subnet) {
            return Ok(());
        }
        let rival = self.rows.iter().find(|other| {
            let wants = other.subnet.is_some_and(|wanted| wanted.overlaps(subnet));
            wants
                && other.id != spec.id
                && (other.id.name < spec.id.name
                    || has(&other.id).is_some_and(|s| s.overlaps(subnet)))
        });
        if let Some(rival) = rival {
            return Err(taken(format!("row {}", rival.id.name)));
        }
        for network in self
            .s
            .engine
            .facts
            .networks
            .iter()
            .filter(|n| n.subnet.is_some_and(|s| s.overlaps(subnet)))
        {
            match self.s.network_owner(&network.id) {
                Some(owner) if *owner == spec.id => {}
                Some(owner) => self.wait_for(owner, first).map_err(|orphan| {
                    orphan.unwrap_or_else(|| taken(format!("network {} of {owner}", network.name)))
                })?,
                None => return Err(taken(format!("network {}", network.name))),
            }
        }
        Ok(())
    }

    /// Waits for a holder that leaves; else says whether our own orphan is in the way.
    fn wait_for(
        &self,
        holder: &'a ClusterId,
        first: &mut BTreeSet<&'a ClusterId>,
    ) -> Result<(), Option<HeldReason>> {
        if self.leaving.contains(holder) {
            first.insert(holder);
            return Ok(());
        }
        let orphan = self.s.is_orphan(holder);
        Err(orphan.then(|| HeldReason::BlockedByOrphan {
            orphan: holder.clone(),
        }))
    }
}

/// Whether a node is up and so has its ports, rather than only asking for them at its next start.
fn is_up(view: &ClusterView, container: &str) -> bool {
    let up = |node: &NodeView| {
        matches!(
            node.state,
            NodeState::Running | NodeState::Paused | NodeState::Restarting
        )
    };
    view.nodes
        .iter()
        .any(|node| node.name == container && up(node))
}

/// Why a cluster that rests cannot be started now: somebody else took one of its ports meanwhile. Where nobody could see
/// who listens, the start itself finds out.
pub(super) fn in_the_way_of_start(s: &Situation<'_>, view: &ClusterView) -> Option<HeldReason> {
    let facts = &s.engine.facts;
    let listeners = facts.listeners.as_ref()?;
    let (inside, port) = view.ports.iter().find(|(_, port)| {
        let own = |b: &Binding| b.cluster.as_ref() == Some(&view.id) && is_up(view, &b.container);
        listeners.contains(port) && !facts.bindings.iter().any(|b| b.port == **port && own(b))
    })?;
    let other = facts
        .bindings
        .iter()
        .find(|b| b.port == *port && b.cluster.as_ref() != Some(&view.id));
    let by = match other {
        Some(Binding {
            cluster: Some(holder),
            ..
        }) => Some(format!("cluster {holder}")),
        Some(binding) => Some(format!("container {}", binding.container)),
        None => None,
    };
    Some(HeldReason::PortTaken {
        column: Ports::default().column(*inside).to_owned(),
        port: port.get(),
        by,
    })
}

/// Who of all present rows gets each port: the management cluster's row, then the row whose own live cluster has it
/// already, then the lowest name. A foreign cluster of a row's name is no owner.
fn winners_of_ports<'a>(
    s: &Situation<'a>,
    rows: &[&'a ClusterSpec],
) -> BTreeMap<Port, &'a ClusterId> {
    let mut claims: BTreeMap<Port, Vec<&'a ClusterId>> = BTreeMap::new();
    for spec in rows {
        for host in spec.ports.published().into_values() {
            claims.entry(host).or_default().push(&spec.id);
        }
    }
    let owners: BTreeSet<(Port, &ClusterId)> = s
        .engine
        .facts
        .bindings
        .iter()
        .filter_map(|b| b.cluster.as_ref().map(|id| (b.port, id)))
        .collect();
    let rank = |port: Port, id: &'a ClusterId| {
        let owns = owners.contains(&(port, id)) && matches!(s.live(id), Live::Ours(..));
        (!s.is_management(id), !owns, &id.name, &id.provider)
    };
    claims
        .into_iter()
        .filter_map(|(port, ids)| {
            ids.into_iter()
                .min_by_key(|id| rank(port, id))
                .map(|id| (port, id))
        })
        .collect()
}
