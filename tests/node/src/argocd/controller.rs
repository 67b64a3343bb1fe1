//! The loop around both controllers: who is looked at, and when.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::mpsc::{self, UnboundedSender};
use tokio::time::Instant;

use super::registry::{NAMESPACE, Registry};
use super::{application, application_set};
use crate::apiserver::kind::{self, APPLICATION, APPLICATION_SET};
use crate::apiserver::object::Key;
use crate::apiserver::store::{Shared, Store};
use crate::say;

/// When an application set with an error is tried again; the real one takes 3 minutes
/// (`applicationset_controller.go:71`).
const RETRY: Duration = Duration::from_secs(1);

/// How often every Application is looked at; the real one takes 120 seconds and up to 60 more
/// (docs/operator-manual/argocd-cm.yaml:355-362).
const RECONCILE: Duration = Duration::from_secs(2);

/// What was seen of an object when it was looked at last.
#[derive(Debug)]
struct Seen {
    inputs: Value,
    again: Option<Instant>,
}

/// Both controllers' memory.
#[derive(Debug, Default)]
struct Memory {
    seen: BTreeMap<Key, Seen>,
    /// Applications that are being looked at.
    busy: BTreeSet<Key>,
}

/// Works until the process ends; idle without a namespace `argocd`.
pub(crate) async fn run(shared: Shared) {
    let mut changed = shared.lock().subscribe();
    let mut memory = Memory::default();
    let (done, mut finished) = mpsc::unbounded_channel();
    loop {
        let now = Instant::now();
        memory.pass(&shared, &done, now);
        let next = memory.next(now);
        let sleep = async {
            match next {
                Some(next) => tokio::time::sleep_until(next).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = changed.changed() => {}
            Some(key) = finished.recv() => {
                memory.busy.remove(&key);
            }
            () = sleep => {}
        }
    }
}

impl Memory {
    fn pass(&mut self, shared: &Shared, done: &UnboundedSender<Key>, now: Instant) {
        let apps = {
            let mut store = shared.lock();
            let home = Key::new(&kind::NAMESPACE, "", NAMESPACE);
            if store.get(&home).is_none() {
                self.seen.clear();
                return;
            }
            self.seen.retain(|key, _| store.get(key).is_some());
            self.sets(&mut store, now);
            self.due_apps(&store, now)
        };
        for (key, app) in apps {
            self.busy.insert(key.clone());
            let (shared, done) = (shared.clone(), done.clone());
            tokio::spawn(async move {
                if let Err(failure) = application::reconcile(&shared, &app).await {
                    say::complain(&format!("application {}: {failure}", key.name));
                }
                // The loop lives as long as the process.
                let _over = done.send(key);
            });
        }
    }

    fn sets(&mut self, store: &mut Store, now: Instant) {
        let registry = Registry::read(store);
        let sets: Vec<(Key, Value)> = store
            .list(&APPLICATION_SET, NAMESPACE)
            .map(|(key, set)| (key.clone(), set.clone()))
            .collect();
        for (key, set) in sets {
            let inputs = application_set::inputs(store, &set, &registry);
            if !self.due(&key, &inputs, now) {
                continue;
            }
            let retry = application_set::reconcile(store, &set).unwrap_or_else(|failure| {
                say::complain(&format!("application set {}: {failure}", key.name));
                true
            });
            let again = retry.then_some(now + RETRY);
            self.seen.insert(key, Seen { inputs, again });
        }
    }

    fn due_apps(&mut self, store: &Store, now: Instant) -> Vec<(Key, Value)> {
        let mut found = Vec::new();
        for (key, app) in store.list(&APPLICATION, NAMESPACE) {
            let inputs = application::inputs(app);
            if self.busy.contains(key) || !self.due(key, &inputs, now) {
                continue;
            }
            let again = Some(now + RECONCILE);
            self.seen.insert(key.clone(), Seen { inputs, again });
            found.push((key.clone(), app.clone()));
        }
        found
    }

    fn due(&self, key: &Key, inputs: &Value, now: Instant) -> bool {
        self.seen.get(key).is_none_or(|seen| {
            seen.inputs != *inputs || seen.again.is_some_and(|again| again <= now)
        })
    }

    fn next(&self, now: Instant) -> Option<Instant> {
        let times = self.seen.values().filter_map(|seen| seen.again);
        times.filter(|time| *time > now).min()
    }
}
