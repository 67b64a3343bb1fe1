//! Creating an object.

use serde_json::{Value, json};

use super::admission;
use super::failure::Failure;
use super::fields::Part;
use super::kind::{Generation, Kind, NAMESPACE};
use super::object::{self, Key};
use super::ownership::Owners;
use super::stamp;
use super::store::Store;

/// Who writes, and whether in earnest.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Writer<'a> {
    /// The field manager.
    pub(crate) manager: &'a str,
    /// Whether nothing is kept (`dryRun=All`).
    pub(crate) dry_run: bool,
}

impl<'a> Writer<'a> {
    /// One who means it.
    pub(crate) fn named(manager: &'a str) -> Self {
        Self {
            manager,
            dry_run: false,
        }
    }

    /// Writes the object, or only says what it would be.
    pub(crate) fn put(self, store: &mut Store, key: Key, object: Value) -> Result<Value, Failure> {
        if self.dry_run {
            return Ok(object);
        }
        store.put(key, object)
    }
}

/// Creates an object in a namespace, or at the cluster's scope.
pub(crate) fn create(
    store: &mut Store,
    writer: Writer<'_>,
    kind: &Kind,
    namespace: &str,
    mut document: Value,
) -> Result<Value, Failure> {
    admission::identify(kind, namespace, &mut document)?;
    if !object::text(&document, "resourceVersion").is_empty() {
        return Err(Failure::unforeseen(
            "resourceVersion should not be set on objects to be created",
        ));
    }
    let prefix = object::text(&document, "generateName").to_owned();
    if object::name(&document).is_empty() && !prefix.is_empty() {
        let name = format!("{prefix}{}", stamp::suffix());
        object::set(&mut document, "name", json!(name));
    }
    object::set(&mut document, "managedFields", Value::Null);
    insert(store, writer, kind, document, |document, part| {
        let mut owners = Owners::default();
        owners.update(writer.manager, false, part, &Value::Null, document);
        owners
    })
}

/// Keeps a new object, whose owners are as `owners` says.
pub(crate) fn insert(
    store: &mut Store,
    writer: Writer<'_>,
    kind: &Kind,
    mut document: Value,
    owners: impl FnOnce(&Value, Part) -> Owners,
) -> Result<Value, Failure> {
    let key = Key::new(
        kind,
        object::text(&document, "namespace"),
        object::name(&document),
    );
    admit_into(store, kind, &key)?;
    if let Some(there) = store.get(&key) {
        let going = object::deleting(there);
        return Err(Failure::already_exists(kind, &key.name, going));
    }
    if kind.status {
        object::remove(&mut document, "status");
    }
    for field in [
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "selfLink",
    ] {
        object::set(&mut document, field, Value::Null);
    }
    object::set(&mut document, "uid", json!(stamp::uid()));
    object::set(&mut document, "creationTimestamp", json!(stamp::now()));
    let generation = match kind.generation {
        Generation::None => Value::Null,
        Generation::Content => json!(1),
    };
    object::set(&mut document, "generation", generation);
    admission::prepare(kind, &mut document, None)?;
    owners(&document, Part::of(kind, false)).write(&mut document);
    writer.put(store, key, document)
}

/// A namespace must be there, and must not be about to go.
fn admit_into(store: &Store, kind: &Kind, key: &Key) -> Result<(), Failure> {
    if !kind.namespaced {
        return Ok(());
    }
    let namespace = Key::new(&NAMESPACE, "", &key.namespace);
    if object::deleting(store.find(&NAMESPACE, &namespace)?) {
        return Err(Failure::terminating(kind, &key.name, &key.namespace));
    }
    Ok(())
}
