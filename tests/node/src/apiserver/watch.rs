//! Watching: changes as they happen, one JSON document per line.

use std::time::Duration;

use hyper::body::Bytes;
use serde_json::{Value, json};
use tokio::sync::mpsc::{self, UnboundedSender};
use tokio::time::Instant;

use super::failure::Failure;
use super::kind::Kind;
use super::path::{Query, Target};
use super::read;
use super::selector::Selector;
use super::store::{Change, Shared, Store};
use crate::http::message::Reply;

/// How long a watch lasts that does not say so; the real one takes 30 to 60 minutes.
const LASTS: u64 = 1800;

/// How often a quiet watch tells how far it is; the real one does it every minute.
const BOOKMARK: Duration = Duration::from_secs(10);

/// What somebody watches.
pub(crate) struct Watch {
    kind: &'static Kind,
    namespace: String,
    selector: Selector,
    /// Nothing: first what is there.
    since: Option<u64>,
    bookmarks: bool,
    /// Whether the end of what was there at first is marked.
    marks_initial: bool,
    lasts: Duration,
}

impl Watch {
    /// Reads the parameters.
    pub(crate) fn parse(target: &Target, query: &Query) -> Result<Self, Failure> {
        let mut selector = read::selector(query)?;
        if let Some(name) = &target.name {
            selector = Selector::parse("", &format!("metadata.name={name}"))?;
        }
        let since = query.number("resourceVersion")?;
        let initial = query.flag("sendInitialEvents");
        Ok(Self {
            kind: target.kind,
            namespace: target.namespace.clone(),
            selector,
            since: since.filter(|since| *since > 0 && !initial),
            bookmarks: query.flag("allowWatchBookmarks"),
            marks_initial: initial,
            lasts: Duration::from_secs(query.number("timeoutSeconds")?.unwrap_or(LASTS)),
        })
    }

    /// Answers with a body that flows until the time is over or the client has gone.
    pub(crate) fn start(self, shared: &Shared) -> Reply {
        let (sender, receiver) = mpsc::unbounded_channel();
        let shared = shared.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = self.run(&shared, &sender) => {}
                () = sender.closed() => {}
            }
        });
        Reply::flow(receiver)
    }

    async fn run(&self, shared: &Shared, sender: &UnboundedSender<Bytes>) {
        let mut changed = shared.lock().subscribe();
        let end = Instant::now() + self.lasts;
        let mut seen = self.since;
        loop {
            let events = self.events(&shared.lock(), &mut seen);
            let over = events.iter().any(|event| event["type"] == "ERROR");
            for event in events {
                send(sender, &event);
            }
            if over {
                return;
            }
            tokio::select! {
                _ = changed.changed() => {}
                () = tokio::time::sleep(BOOKMARK) => {
                    self.bookmark(sender, seen, false);
                }
                () = tokio::time::sleep_until(end) => {
                    self.bookmark(sender, seen, false);
                    return;
                }
            }
        }
    }

    fn bookmark(&self, sender: &UnboundedSender<Bytes>, seen: Option<u64>, initial: bool) {
        if self.bookmarks {
            send(sender, &self.mark(seen.unwrap_or_default(), initial));
        }
    }

    fn mark(&self, revision: u64, initial: bool) -> Value {
        let mut metadata = json!({"resourceVersion": revision.to_string()});
        if initial {
            metadata["annotations"] = json!({"k8s.io/initial-events-end": "true"});
        }
        json!({"type": "BOOKMARK", "object": {
            "kind": self.kind.title,
            "apiVersion": self.kind.api_version(),
            "metadata": metadata,
        }})
    }

    /// What happened after `seen`, which moves on.
    fn events(&self, store: &Store, seen: &mut Option<u64>) -> Vec<Value> {
        let now = store.revision();
        let since = seen.replace(now);
        let Some(since) = since else {
            let objects = store.list(self.kind, &self.namespace);
            let objects = objects.filter(|(_, object)| self.selector.selects(object));
            let mut events: Vec<Value> = objects
                .map(|(_, object)| json!({"type": "ADDED", "object": object}))
                .collect();
            if self.marks_initial {
                events.push(self.mark(now, true));
            }
            return events;
        };
        let Some(changes) = store.since(since) else {
            let message = format!("too old resource version: {since} ({now})");
            let failure = Failure::expired(&message);
            return vec![json!({"type": "ERROR", "object": failure.document()})];
        };
        changes.filter_map(|change| self.event(change)).collect()
    }

    /// What a change is to somebody who sees only what is selected.
    fn event(&self, change: &Change) -> Option<Value> {
        let elsewhere = !self.namespace.is_empty() && change.key.namespace != self.namespace;
        if change.key.resource != self.kind.resource() || elsewhere {
            return None;
        }
        let selected = |object: &Option<Value>| {
            let object = object.as_ref();
            object
                .filter(|object| self.selector.selects(object))
                .cloned()
        };
        match (selected(&change.before), selected(&change.after)) {
            (None, None) => None,
            (None, Some(after)) => Some(json!({"type": "ADDED", "object": after})),
            (Some(_), Some(after)) => Some(json!({"type": "MODIFIED", "object": after})),
            (Some(mut before), None) => {
                let revision = json!(change.revision.to_string());
                super::object::set(&mut before, "resourceVersion", revision);
                Some(json!({"type": "DELETED", "object": before}))
            }
        }
    }
}

fn send(sender: &UnboundedSender<Bytes>, event: &Value) {
    // Who does not listen any more ends the watch by that.
    let _gone = sender.send(Bytes::from(format!("{event}\n")));
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop")]

    use super::Watch;
    use crate::apiserver::kind::CONFIG_MAP;
    use crate::apiserver::object::Key;
    use crate::apiserver::path::{Query, Target};
    use crate::apiserver::store::Store;
    use serde_json::json;

    fn put(store: &mut Store, name: &str, label: &str) {
        let key = Key::new(&CONFIG_MAP, "default", name);
        let object = json!({"metadata": {"name": name, "labels": {"l": label}}});
        store.put(key, object).unwrap();
    }

    fn seen(store: &Store, query: &str) -> Vec<String> {
        let target = Target::parse("/api/v1/configmaps").unwrap();
        let watch = Watch::parse(&target, &Query::parse(query)).unwrap();
        let mut seen = watch.since;
        let events = watch.events(store, &mut seen);
        let events = events.iter().map(|event| {
            let name = event["object"]["metadata"]["name"].as_str();
            let version = event["object"]["metadata"]["resourceVersion"].as_str();
            let kind = event["type"].as_str().unwrap();
            format!("{kind} {} {}", name.unwrap_or("-"), version.unwrap_or("-"))
        });
        events.collect()
    }

    #[test]
    fn a_watch_tells_what_happened_since_its_revision() {
        let mut store = Store::memory();
        put(&mut store, "a", "x");
        put(&mut store, "b", "x");
        put(&mut store, "a", "y");
        store
            .remove(&Key::new(&CONFIG_MAP, "default", "b"))
            .unwrap();
        assert_eq!(
            seen(&store, "resourceVersion=1"),
            ["ADDED b 2", "MODIFIED a 3", "DELETED b 4"]
        );
        assert_eq!(seen(&store, "resourceVersion=0"), ["ADDED a 3"]);
    }

    #[test]
    fn an_object_that_is_no_longer_selected_is_deleted_to_a_watch() {
        let mut store = Store::memory();
        put(&mut store, "a", "x");
        put(&mut store, "a", "y");
        put(&mut store, "a", "x");
        let query = "resourceVersion=1&labelSelector=l%3Dx";
        assert_eq!(seen(&store, query), ["DELETED a 2", "ADDED a 3"]);
    }

    #[test]
    fn a_watch_from_a_forgotten_revision_is_expired() {
        let mut store = Store::memory();
        for _ in 0..=super::super::store::HISTORY {
            put(&mut store, "a", "x");
        }
        assert_eq!(
            seen(&store, "resourceVersion=1").len(),
            super::super::store::HISTORY
        );
        put(&mut store, "a", "x");
        assert_eq!(seen(&store, "resourceVersion=1"), ["ERROR - -"]);
    }
}
