//! Lets jobs come to their end, and takes those away that are to go by themselves after it
//! (kubernetes `pkg/controller/ttlafterfinished`).

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::delays::Delays;
use super::work::MANAGER;
use crate::apiserver::create::Writer;
use crate::apiserver::delete::{Options, delete};
use crate::apiserver::failure::Failure;
use crate::apiserver::kind::JOB;
use crate::apiserver::object::Key;
use crate::apiserver::stamp;
use crate::apiserver::store::Store;
use crate::apiserver::update::{self, Patch, Place};

/// How long a job's pod runs.
const RUNS: Duration = Duration::from_millis(200);

/// Ends jobs that ran long enough, and collects those whose time after that is over.
pub(super) fn advance(store: &mut Store, delays: &mut Delays, now: Instant) -> Result<(), Failure> {
    let jobs: Vec<(Key, Value)> = store
        .list(&JOB, "")
        .map(|(key, object)| (key.clone(), object.clone()))
        .collect();
    for (key, object) in jobs {
        if object["status"]["succeeded"].is_null() {
            if delays.over(&key, "runs", RUNS, now) {
                end(store, key)?;
            }
            continue;
        }
        let Some(seconds) = object["spec"]["ttlSecondsAfterFinished"].as_u64() else {
            continue;
        };
        if delays.over(&key, "stays", Duration::from_secs(seconds), now) {
            delete(store, &JOB, &key, &Options::default())?;
        }
    }
    Ok(())
}

fn end(store: &mut Store, key: Key) -> Result<(), Failure> {
    let time = stamp::now();
    let complete = json!({"type": "Complete", "status": "True", "lastTransitionTime": time});
    let status = json!({"succeeded": 1, "completionTime": time, "conditions": [complete]});
    let place = Place {
        kind: &JOB,
        key,
        status: true,
    };
    let body = json!({"status": status});
    update::patch(store, Writer::named(MANAGER), &place, Patch::Merge, &body)?;
    Ok(())
}
