//! Stopping: a cluster of ours is put to rest and keeps all that it holds.

use super::context::{Context, cluster_in};
use super::step_log::Log;
use crate::model::{ClusterId, Incarnation, NodeRole, NodeState};
use crate::plan::ActionKind;
use crate::provider::{Fault, ProviderError};

/// Stops every node of a cluster of ours, and sees that none is up.
pub(super) async fn stop(
    cx: &Context<'_>,
    id: &ClusterId,
    life: &Incarnation,
    log: &Log<'_>,
) -> Result<(), ProviderError> {
    let view = cx.ours(id, life).await?;
    cx.still_mine().await?;
    let stopped = cx.world.engine.stop(&view, log).await;
    if let Err(error) = &stopped {
        log.note(&format!("the stop failed: {error}"));
    }
    cx.point(ActionKind::Stop, "stopped");
    let engine = cx.look().await?;
    let nodes = cluster_in(&engine, id)
        .into_iter()
        .flat_map(|view| &view.nodes);
    let up: Vec<&str> = nodes
        .filter(|node| node.role != NodeRole::Helper)
        .filter(|node| {
            matches!(
                node.state,
                NodeState::Running | NodeState::Restarting | NodeState::Paused
            )
        })
        .map(|node| node.name.as_str())
        .collect();
    if up.is_empty() {
        return Ok(());
    }
    let message = format!("{} still run", up.join(", "));
    Err(stopped
        .err()
        .unwrap_or_else(|| ProviderError::new(Fault::Transient, message)))
}
