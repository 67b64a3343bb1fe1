//! How alive a cluster is, from what its nodes do: one rule for every engine and every provider.

use crate::model::{NodeRole, NodeState, NodeView, Phase};

/// Whether a cluster of this make has a load balancer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Balancer {
    /// It has: without it nobody reaches the cluster.
    Expected,
    /// It need not.
    Optional,
}

/// The phase that follows from the nodes, and why it is not `running`. Helpers do not count: they come and go.
/// Whether the API answers is another question, so the answer is never `ready`.
pub fn phase_of(nodes: &[NodeView], balancer: Balancer) -> (Phase, Option<String>) {
    let lasting: Vec<&NodeView> = nodes
        .iter()
        .filter(|node| node.role != NodeRole::Helper)
        .collect();
    let has = |role| lasting.iter().any(|node| node.role == role);
    if lasting.is_empty() {
        return (Phase::Residue, Some("no node is left".to_owned()));
    }
    if !has(NodeRole::Server) {
        return (Phase::Partial, Some("no server node is left".to_owned()));
    }
    if balancer == Balancer::Expected && !has(NodeRole::Balancer) {
        return (Phase::Partial, Some("the load balancer is gone".to_owned()));
    }
    if lasting.iter().all(|node| node.state == NodeState::Created) {
        return (Phase::Created, Some("no node was ever started".to_owned()));
    }
    let resting = |states: &[NodeState]| lasting.iter().find(|node| states.contains(&node.state));
    let idle = [
        NodeState::Created,
        NodeState::Exited,
        NodeState::Dead,
        NodeState::Removing,
    ];
    if let Some(node) = resting(&[NodeState::Restarting]) {
        let why = format!("{} restarts again and again", node.name);
        return (Phase::Restarting, Some(why));
    }
    if let Some(node) = resting(&idle) {
        return (Phase::Stopped, Some(format!("{} does not run", node.name)));
    }
    if let Some(node) = resting(&[NodeState::Paused]) {
        return (Phase::Paused, Some(format!("{} is paused", node.name)));
    }
    (Phase::Running, None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ContainerId;

    fn node(role: NodeRole, state: NodeState) -> NodeView {
        NodeView {
            id: ContainerId::new(format!("{role:?}")),
            name: format!("{role:?}"),
            role,
            state,
            image: String::new(),
            nonce: None,
        }
    }

    #[test]
    fn the_phase_follows_from_the_nodes() {
        use NodeRole::{Balancer as Lb, Helper, Server, Worker};
        use NodeState::{Created, Dead, Exited, Paused, Restarting, Running};
        let cases: [(&[(NodeRole, NodeState)], Phase); 13] = [
            (&[], Phase::Residue),
            (&[(Helper, Running)], Phase::Residue),
            (&[(Worker, Running), (Lb, Running)], Phase::Partial),
            (&[(Server, Running)], Phase::Partial),
            (&[(Server, Created), (Lb, Created)], Phase::Created),
            (&[(Server, Running), (Lb, Created)], Phase::Stopped),
            (&[(Server, Exited), (Lb, Running)], Phase::Stopped),
            (&[(Server, Dead), (Lb, Running)], Phase::Stopped),
            (&[(Server, Paused), (Lb, Running)], Phase::Paused),
            (&[(Server, Paused), (Lb, Exited)], Phase::Stopped),
            (&[(Server, Restarting), (Lb, Exited)], Phase::Restarting),
            (&[(Server, Running), (Lb, Running)], Phase::Running),
            (
                &[(Server, Running), (Lb, Running), (Helper, Exited)],
                Phase::Running,
            ),
        ];
        for (nodes, phase) in cases {
            let views: Vec<_> = nodes
                .iter()
                .map(|(role, state)| node(*role, *state))
                .collect();
            assert_eq!(phase_of(&views, Balancer::Expected).0, phase, "{nodes:?}");
        }
        let alone = [node(Server, Running)];
        assert_eq!(phase_of(&alone, Balancer::Optional), (Phase::Running, None));
    }
}
