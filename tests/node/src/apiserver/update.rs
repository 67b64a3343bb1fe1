//! Changing an object: replace, patch, apply. All of them end in `succeed`.

use serde_json::{Value, json};

use super::apply::{self, Intent};
use super::create::{self, Writer};
use super::failure::Failure;
use super::fields::Part;
use super::kind::{Generation, Kind};
use super::object::{self, Key};
use super::ownership::Owners;
use super::store::Store;
use super::{admission, patch};

/// Metadata that only the server writes.
const SERVERS: [&str; 7] = [
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generation",
    "managedFields",
    "selfLink",
    "uid",
];

/// What is written to.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// The kind.
    pub(crate) kind: &'static Kind,
    /// Where the object is.
    pub(crate) key: Key,
    /// Whether only its status is written.
    pub(crate) status: bool,
}

impl Place {
    /// The object itself.
    pub(crate) fn new(kind: &'static Kind, namespace: &str, name: &str) -> Self {
        Self {
            kind,
            key: Key::new(kind, namespace, name),
            status: false,
        }
    }

    fn part(&self) -> Part {
        Part::of(self.kind, self.status)
    }
}

/// The two patches that need no owners.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Patch {
    /// RFC 6902.
    Json,
    /// RFC 7386.
    Merge,
}

/// Replaces an object.
pub(crate) fn replace(
    store: &mut Store,
    writer: Writer<'_>,
    place: &Place,
    document: Value,
) -> Result<Value, Failure> {
    let before = store.find(place.kind, &place.key)?.clone();
    let part = place.part();
    succeed(store, writer, place, &before, document, |after| {
        let mut owners = Owners::of(&before);
        owners.update(writer.manager, place.status, part, &before, after);
        owners
    })
}

/// Patches an object.
pub(crate) fn patch(
    store: &mut Store,
    writer: Writer<'_>,
    place: &Place,
    sort: Patch,
    body: &Value,
) -> Result<Value, Failure> {
    let before = store.find(place.kind, &place.key)?;
    let after = match sort {
        Patch::Json => patch::json(before, body)?,
        Patch::Merge => {
            let mut after = before.clone();
            patch::merge(&mut after, body);
            after
        }
    };
    replace(store, writer, place, after)
}

/// Applies an intent; true if the object is new.
pub(crate) fn apply(
    store: &mut Store,
    writer: Writer<'_>,
    place: &Place,
    mut document: Value,
    force: bool,
) -> Result<(Value, bool), Failure> {
    apply::check(&document)?;
    admission::identify(place.kind, &place.key.namespace, &mut document)?;
    same_name(place, &document)?;
    if place.kind == &super::kind::SECRET {
        // Its owner owns what it becomes.
        admission::fold(&mut document);
    }
    let before = store.get(&place.key).cloned();
    let intent = Intent {
        document: &document,
        manager: writer.manager,
        force,
        part: place.part(),
    };
    let Some(before) = before else {
        if place.status {
            return Err(Failure::not_found(place.kind, &place.key.name));
        }
        // Whoever names a version alone makes a new one all the same.
        same_life(place, &document, "")?;
        let mut empty = json!({
            "apiVersion": document["apiVersion"],
            "kind": document["kind"],
            "metadata": {"name": place.key.name},
        });
        let namespace = document["metadata"]["namespace"].clone();
        object::set(&mut empty, "namespace", namespace);
        let (merged, owners) = intent.merge_into(&empty)?;
        let made = create::insert(store, writer, place.kind, merged, |_, _| owners)?;
        return Ok((made, true));
    };
    let (mut merged, owners) = intent.merge_into(&before)?;
    let version = document["metadata"]["resourceVersion"].clone();
    if !version.is_null() {
        object::set(&mut merged, "resourceVersion", version);
        preconditions(place.kind, &before, &merged)?;
    }
    same_life(place, &document, object::text(&before, "uid"))?;
    let after = succeed(store, writer, place, &before, merged, |_| owners)?;
    Ok((after, false))
}

/// Fails if an apply means another object than the one that is there, or one where there is none.
fn same_life(place: &Place, document: &Value, there: &str) -> Result<(), Failure> {
    let meant = object::text(document, "uid");
    if meant.is_empty() || meant == there {
        return Ok(());
    }
    let why = format!("Invalid value: \"{meant}\": field is immutable");
    let name = &place.key.name;
    Err(Failure::invalid(place.kind, name, "metadata.uid", &why))
}

fn same_name(place: &Place, document: &Value) -> Result<(), Failure> {
    let said = object::name(document);
    if !said.is_empty() && said != place.key.name {
        let message = format!(
            "the name of the object ({said}) does not match the name on the URL ({})",
            place.key.name
        );
        return Err(Failure::bad_request(&message));
    }
    Ok(())
}

/// The next version of an object, if it may be; the last one of an object that waits to go.
fn succeed(
    store: &mut Store,
    writer: Writer<'_>,
    place: &Place,
    before: &Value,
    mut after: Value,
    owners: impl FnOnce(&Value) -> Owners,
) -> Result<Value, Failure> {
    let (kind, name) = (place.kind, place.key.name.as_str());
    same_name(place, &after)?;
    admission::identify(kind, &place.key.namespace, &mut after)?;
    preconditions(kind, before, &after)?;
    if place.status {
        let status = after["status"].take();
        after = before.clone();
        after["status"] = status;
        object::remove_if_null(&mut after, "status");
    } else if kind.status {
        after["status"] = before["status"].clone();
        object::remove_if_null(&mut after, "status");
    }
    object::set(&mut after, "name", json!(name));
    for field in SERVERS.into_iter().chain(["resourceVersion"]) {
        let value = before["metadata"][field].clone();
        object::set(&mut after, field, value);
    }
    admission::prepare(kind, &mut after, Some(before))?;
    owners(&after).write(&mut after);
    if same(before, &after) {
        return Ok(before.clone());
    }
    if kind.generation == Generation::Content && content(kind, before) != content(kind, &after) {
        let generation = before["metadata"]["generation"].as_u64().unwrap_or(1) + 1;
        object::set(&mut after, "generation", json!(generation));
    }
    let over = object::deleting(&after) && object::finalizers(&after).is_empty();
    if over && kind != &super::kind::NAMESPACE {
        if !writer.dry_run {
            store.remove(&place.key)?;
        }
        return Ok(after);
    }
    writer.put(store, place.key.clone(), after)
}

fn preconditions(kind: &Kind, before: &Value, after: &Value) -> Result<(), Failure> {
    let name = object::name(before);
    let said = object::text(after, "uid");
    if !said.is_empty() && said != object::text(before, "uid") {
        let why = format!(
            "StorageError: invalid object, Code: 4, Key: {}, ResourceVersion: 0, \
             AdditionalErrorMsg: Precondition failed: UID in precondition: {said}, UID in object \
             meta: {}",
            registry_key(kind, before),
            object::text(before, "uid")
        );
        return Err(Failure::conflict(kind, name, &why));
    }
    let said = object::text(after, "resourceVersion");
    if !said.is_empty() && said != object::text(before, "resourceVersion") {
        let why = "the object has been modified; please apply your changes to the latest version \
                   and try again";
        return Err(Failure::conflict(kind, name, why));
    }
    Ok(())
}

/// Where the real one keeps an object.
fn registry_key(kind: &Kind, object: &Value) -> String {
    let plural = if kind.built_in() {
        kind.plural.to_owned()
    } else {
        format!("{}/{}", kind.group, kind.plural)
    };
    let namespace = object::text(object, "namespace");
    let place = [plural.as_str(), namespace, object::name(object)];
    let place = place.into_iter().filter(|part| !part.is_empty());
    let place: Vec<&str> = place.collect();
    format!("/registry/{}", place.join("/"))
}

/// Whether nothing changed, but perhaps the times at which somebody wrote it.
fn same(before: &Value, after: &Value) -> bool {
    let timeless = |object: &Value| {
        let mut object = object.clone();
        let entries = object["metadata"]["managedFields"].as_array_mut();
        for entry in entries.into_iter().flatten() {
            entry["time"] = Value::Null;
        }
        object
    };
    timeless(before) == timeless(after)
}

fn content(kind: &Kind, object: &Value) -> Value {
    let mut object = object.clone();
    object::remove(&mut object, "metadata");
    if kind.status {
        object::remove(&mut object, "status");
    }
    object
}
