//! Mending what a half-done `k3d cluster edit` leaves.
//!
//! k3d (v5 `pkg/client/node.go`, `NodeReplace`) renames the old load balancer, makes a new one, stops the old one, starts
//! the new one and deletes the old one. Killed in between it leaves two, which want the same ports. When the new one
//! cannot start it deletes that and says "Rolled back", but takes the old one for running and leaves it stopped: the
//! whole cluster is unreachable (measured).

use super::observe::{K3dDialect, balancer_name};
use crate::model::{ClusterView, NodeRole, NodeState};
use crate::provider::docker::{Container, Dialect as _, DockerEngine};
use crate::provider::{Engine as _, Parts, ProviderError, StepLog};

/// Leaves the cluster one load balancer, under its right name; says which. Nothing that ever worked is taken away while
/// nothing else works.
pub(super) async fn settle(
    engine: &DockerEngine,
    view: &ClusterView,
    log: &dyn StepLog,
) -> Result<Option<Container>, ProviderError> {
    let right = balancer_name(view.id.name.as_str());
    let containers = engine.containers().await?;
    let Some((keep, others)) = choose(balancers(containers, view), &right) else {
        return Ok(None);
    };
    if !others.is_empty() {
        log.line("removing what an earlier edit of the load balancer left");
        let parts = Parts {
            of: Some(view.id.clone()),
            containers: others.into_iter().map(|other| other.id).collect(),
            ..Parts::default()
        };
        engine.remove(&parts, log).await?;
    }
    if keep.name != right {
        engine.rename(&keep.id, &right).await?;
    }
    Ok(Some(keep))
}

/// The same, and starts it.
pub(super) async fn revive(
    engine: &DockerEngine,
    view: &ClusterView,
    log: &dyn StepLog,
) -> Result<(), ProviderError> {
    match settle(engine, view, log).await? {
        Some(keep) if keep.state != NodeState::Running => {
            engine.run(&keep.id, &keep.name, log).await
        }
        _ => Ok(()),
    }
}

fn balancers(containers: Vec<Container>, view: &ClusterView) -> Vec<Container> {
    let is_one = |container: &Container| {
        K3dDialect.member(container).is_some_and(|member| {
            member.role == NodeRole::Balancer && member.cluster == view.id.name.as_str()
        })
    };
    containers.into_iter().filter(is_one).collect()
}

/// The one to keep, and the others: the rightly named one if it was ever started, else the one that it was to replace.
fn choose(mut all: Vec<Container>, right: &str) -> Option<(Container, Vec<Container>)> {
    all.sort_by_key(|one| (one.state == NodeState::Created, one.name != right));
    let mut all = all.into_iter();
    Some((all.next()?, all.collect()))
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::model::ContainerId;

    #[test]
    fn what_worked_is_kept() {
        use NodeState::{Created, Exited, Running};
        let one = |(name, state): &(&str, NodeState)| Container {
            id: ContainerId::new(*name),
            name: (*name).to_owned(),
            image: String::new(),
            state: *state,
            labels: BTreeMap::new(),
            ports: BTreeSet::new(),
            networks: BTreeMap::new(),
            mounts: Vec::new(),
        };
        let cases = [
            (vec![], None),
            (vec![("new", Exited)], Some("new")),
            (vec![("old", Running)], Some("old")),
            (vec![("new", Created), ("old", Running)], Some("old")),
            (vec![("new", Created), ("old", Exited)], Some("old")),
            (vec![("old", Exited), ("new", Running)], Some("new")),
        ];
        for (there, kept) in cases {
            let chosen = choose(there.iter().map(one).collect(), "new");
            assert_eq!(chosen.map(|(keep, _)| keep.name).as_deref(), kept);
        }
    }
}
