//! Makes deployments available: their pods are only numbers here.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::delays::Delays;
use super::work::MANAGER;
use crate::apiserver::create::Writer;
use crate::apiserver::failure::Failure;
use crate::apiserver::kind::DEPLOYMENT;
use crate::apiserver::object::Key;
use crate::apiserver::stamp;
use crate::apiserver::store::Store;
use crate::apiserver::update::{self, Patch, Place};

/// How long pods take to start.
const STARTS: Duration = Duration::from_millis(300);

/// Says of every deployment that was written a moment ago that its pods run.
pub(super) fn advance(store: &mut Store, delays: &mut Delays, now: Instant) -> Result<(), Failure> {
    let written: Vec<(Key, Value)> = store
        .list(&DEPLOYMENT, "")
        .filter(|(_, object)| {
            object["status"]["observedGeneration"] != object["metadata"]["generation"]
        })
        .map(|(key, object)| (key.clone(), object.clone()))
        .collect();
    for (key, object) in written {
        let generation = object["metadata"]["generation"].to_string();
        if delays.over(&key, &generation, STARTS, now) {
            let place = Place {
                kind: &DEPLOYMENT,
                key,
                status: true,
            };
            let body = json!({"status": status(&object)});
            update::patch(store, Writer::named(MANAGER), &place, Patch::Merge, &body)?;
        }
    }
    Ok(())
}

fn status(object: &Value) -> Value {
    let replicas = &object["spec"]["replicas"];
    let time = stamp::now();
    let condition = |kind: &str, reason: &str, message: &str| {
        json!({
            "type": kind,
            "status": "True",
            "reason": reason,
            "message": message,
            "lastUpdateTime": time,
            "lastTransitionTime": time,
        })
    };
    json!({
        "observedGeneration": object["metadata"]["generation"],
        "replicas": replicas,
        "updatedReplicas": replicas,
        "readyReplicas": replicas,
        "availableReplicas": replicas,
        "conditions": [
            condition("Available", "MinimumReplicasAvailable", "Deployment has minimum availability."),
            condition("Progressing", "NewReplicaSetAvailable", "ReplicaSet has successfully progressed."),
        ],
    })
}
