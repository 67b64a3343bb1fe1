//! The objects, their revision, and what happened to them lately.

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};
use tokio::sync::watch;

use super::disk::Disk;
use super::failure::Failure;
use super::kind::Kind;
use super::object::{self, Key};
use crate::error::{Error, chain};

/// How many changes a watch can look back on; the real one remembers five minutes.
pub(crate) const HISTORY: usize = 2000;

/// One change of one object.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    /// The revision it made.
    pub(crate) revision: u64,
    /// Whose change.
    pub(crate) key: Key,
    /// The object before; nothing if it is new.
    pub(crate) before: Option<Value>,
    /// The object afterwards; nothing if it is gone.
    pub(crate) after: Option<Value>,
}

/// All objects of the cluster.
#[derive(Debug)]
pub(crate) struct Store {
    objects: BTreeMap<Key, Value>,
    revision: u64,
    history: VecDeque<Change>,
    /// Changes up to this revision are forgotten.
    forgotten: u64,
    disk: Option<Disk>,
    changed: watch::Sender<u64>,
}

impl Store {
    /// Reads what `dir` holds; an empty or missing folder is a new cluster.
    pub(crate) fn open(dir: &Path) -> Result<Self, Error> {
        let disk = Disk::new(dir);
        let (objects, noted) = disk.load()?;
        let revisions = objects.iter().map(object::revision);
        let revision = revisions.max().unwrap_or_default().max(noted);
        let objects = objects
            .into_iter()
            .filter_map(|object| Some((Key::of(&object)?.1, object)));
        Ok(Self::new(objects.collect(), revision, Some(disk)))
    }

    /// A store that forgets.
    #[cfg(test)]
    pub(crate) fn memory() -> Self {
        Self::new(BTreeMap::new(), 0, None)
    }

    fn new(objects: BTreeMap<Key, Value>, revision: u64, disk: Option<Disk>) -> Self {
        Self {
            objects,
            revision,
            history: VecDeque::new(),
            forgotten: revision,
            disk,
            changed: watch::Sender::new(revision),
        }
    }

    /// The revision of the last write.
    pub(crate) fn revision(&self) -> u64 {
        self.revision
    }

    /// Tells of every further write.
    pub(crate) fn subscribe(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// One object.
    pub(crate) fn get(&self, key: &Key) -> Option<&Value> {
        self.objects.get(key)
    }

    /// One object, or the failure that says that there is none.
    pub(crate) fn find(&self, kind: &Kind, key: &Key) -> Result<&Value, Failure> {
        self.get(key)
            .ok_or_else(|| Failure::not_found(kind, &key.name))
    }

    /// The objects of a kind, in one namespace or in all, by namespace and name.
    pub(crate) fn list<'a>(
        &'a self,
        kind: &Kind,
        namespace: &'a str,
    ) -> impl Iterator<Item = (&'a Key, &'a Value)> {
        let first = Key::new(kind, namespace, "");
        let resource = first.resource.clone();
        self.objects.range(first..).take_while(move |(key, _)| {
            key.resource == resource && (namespace.is_empty() || key.namespace == namespace)
        })
    }

    /// Every object.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&Key, &Value)> {
        self.objects.iter()
    }

    /// Writes an object under a new revision, on disk first.
    pub(crate) fn put(&mut self, key: Key, mut object: Value) -> Result<Value, Failure> {
        let revision = self.revision + 1;
        object::set(&mut object, "resourceVersion", json!(revision.to_string()));
        if let Some(disk) = &self.disk {
            disk.write(&key, &object).map_err(|error| lost(&error))?;
        }
        let before = self.objects.insert(key.clone(), object.clone());
        self.note(revision, key, before, Some(object.clone()));
        Ok(object)
    }

    /// Removes an object under a new revision.
    pub(crate) fn remove(&mut self, key: &Key) -> Result<(), Failure> {
        let revision = self.revision + 1;
        if let Some(disk) = &self.disk {
            disk.remove(key, revision).map_err(|error| lost(&error))?;
        }
        let before = self.objects.remove(key);
        self.note(revision, key.clone(), before, None);
        Ok(())
    }

    fn note(&mut self, revision: u64, key: Key, before: Option<Value>, after: Option<Value>) {
        self.revision = revision;
        self.history.push_back(Change {
            revision,
            key,
            before,
            after,
        });
        if self.history.len() > HISTORY
            && let Some(oldest) = self.history.pop_front()
        {
            self.forgotten = oldest.revision;
        }
        self.changed.send_replace(revision);
    }

    /// The changes after `revision`; nothing if some of them are forgotten.
    pub(crate) fn since(&self, revision: u64) -> Option<impl Iterator<Item = &Change>> {
        (revision >= self.forgotten).then(|| {
            let later = move |change: &&Change| change.revision > revision;
            self.history.iter().filter(later)
        })
    }
}

/// The store in the hands of many.
#[derive(Clone, Debug)]
pub(crate) struct Shared(Arc<Mutex<Store>>);

impl Shared {
    /// Shares a store.
    pub(crate) fn new(store: Store) -> Self {
        Self(Arc::new(Mutex::new(store)))
    }

    /// Takes hold of it; nobody holds it while he waits for something else.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Store> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn lost(error: &Error) -> Failure {
    Failure::internal(&chain(error))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop")]

    use super::Store;
    use crate::apiserver::kind::{CONFIG_MAP, SECRET};
    use crate::apiserver::object::{Key, name, revision};
    use serde_json::{Value, json};

    fn config(name: &str) -> (Key, Value) {
        let object = json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": name, "namespace": "default"},
        });
        (Key::new(&CONFIG_MAP, "default", name), object)
    }

    #[test]
    fn what_was_written_is_there_after_a_restart_and_no_revision_is_given_twice() {
        let dir = std::env::temp_dir().join(format!("rollcall-store-{}", std::process::id()));
        let mut store = Store::open(&dir).unwrap();
        for each in ["a", "b"] {
            let (key, object) = config(each);
            store.put(key, object).unwrap();
        }
        store.remove(&config("b").0).unwrap();
        // A crash in the middle of a write.
        let left = dir.join("configmaps/default/c.json.tmp");
        std::fs::write(left, "{\"half").unwrap();
        let mut again = Store::open(&dir).unwrap();
        let names: Vec<&str> = again.all().map(|(_, object)| name(object)).collect();
        assert_eq!(names, ["a"]);
        assert_eq!(again.revision(), 3);
        assert!(again.since(2).is_none(), "a restart forgets what happened");
        let (key, object) = config("d");
        assert_eq!(revision(&again.put(key, object).unwrap()), 4);
        std::fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn a_list_is_of_one_kind_and_of_one_namespace_or_all() {
        let mut store = Store::memory();
        for (kind, namespace) in [(&CONFIG_MAP, "a"), (&CONFIG_MAP, "b"), (&SECRET, "a")] {
            let object = json!({"metadata": {"name": "x"}});
            store.put(Key::new(kind, namespace, "x"), object).unwrap();
        }
        assert_eq!(store.list(&CONFIG_MAP, "").count(), 2);
        assert_eq!(store.list(&CONFIG_MAP, "a").count(), 1);
        assert_eq!(store.list(&SECRET, "b").count(), 0);
    }
}
