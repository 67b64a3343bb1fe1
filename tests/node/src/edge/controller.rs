//! Starts and ends agents as deployments come, change and go.

use std::collections::BTreeMap;

use serde_json::Value;
use tokio::task::JoinHandle;

use super::agent::Agent;
use super::pod::Pod;
use crate::apiserver::kind::DEPLOYMENT;
use crate::apiserver::object::Key;
use crate::apiserver::store::{Shared, Store};

/// An agent at work; it ends with this.
struct Running {
    pod: Pod,
    task: JoinHandle<()>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Works until the process ends.
pub(crate) async fn run(shared: Shared) {
    let mut changed = shared.lock().subscribe();
    let mut running = BTreeMap::new();
    loop {
        pass(&shared.lock(), &mut running);
        if changed.changed().await.is_err() {
            return;
        }
    }
}

fn pass(store: &Store, running: &mut BTreeMap<Key, Running>) {
    let wanted: BTreeMap<&Key, (Pod, &Value)> = store
        .list(&DEPLOYMENT, "")
        .filter_map(|(key, deployment)| Some((key, (Pod::of(deployment)?, deployment))))
        .collect();
    running.retain(|key, agent| wanted.get(key).is_some_and(|(pod, _)| *pod == agent.pod));
    for (key, (pod, deployment)) in wanted {
        if running.contains_key(key) || !is_rolled_out(deployment) {
            continue;
        }
        if let Some(started) = pod.start(store) {
            let task = tokio::spawn(Agent::new(started).run());
            running.insert(key.clone(), Running { pod, task });
        }
    }
}

/// Whether the keeper said of the deployment as it is now that its pods run.
fn is_rolled_out(deployment: &Value) -> bool {
    deployment["status"]["observedGeneration"] == deployment["metadata"]["generation"]
}
