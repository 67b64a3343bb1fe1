//! Deleting an object: at once, or when its finalizers are gone.

use serde_json::{Value, json};

use super::failure::Failure;
use super::kind::{Kind, NAMESPACE, SERVICE_ACCOUNT};
use super::object::{self, Key};
use super::stamp;
use super::store::Store;

/// Namespaces that cannot be deleted.
const ETERNAL: [&str; 2] = ["default", "kube-system"];

/// What becomes of the objects that an object owns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Dependents {
    /// They go some time later.
    #[default]
    Background,
    /// They stay, and are nobody's.
    Orphan,
}

/// How to delete.
#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
    /// Only if it is this one.
    pub(crate) uid: Option<String>,
    /// Only if it is at this revision.
    pub(crate) revision: Option<String>,
    /// What becomes of what it owns.
    pub(crate) dependents: Dependents,
    /// Whether nothing is done.
    pub(crate) dry_run: bool,
}

impl Options {
    /// Reads a `DeleteOptions` document, and the parameter that may take its place.
    pub(crate) fn parse(document: &Value, propagation: &str) -> Self {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let policy = document["propagationPolicy"]
            .as_str()
            .unwrap_or(propagation);
        let orphan = policy == "Orphan" || document["orphanDependents"] == true;
        Self {
            uid: text(&document["preconditions"]["uid"]),
            revision: text(&document["preconditions"]["resourceVersion"]),
            // Foreground would keep the owner until its dependents are gone: nobody asks for it.
            dependents: if orphan {
                Dependents::Orphan
            } else {
                Dependents::Background
            },
            dry_run: document["dryRun"].is_array(),
        }
    }
}

/// Deletes an object. The result is the object if it waits for its finalizers, else a `Status`.
pub(crate) fn delete(
    store: &mut Store,
    kind: &Kind,
    key: &Key,
    options: &Options,
) -> Result<Value, Failure> {
    let mut object = store.find(kind, key)?.clone();
    check(kind, &object, options)?;
    let uid = object["metadata"]["uid"].clone();
    let waits = kind == &NAMESPACE || !object::finalizers(&object).is_empty();
    if options.dry_run {
        return Ok(if waits { object } else { gone(kind, key, &uid) });
    }
    if options.dependents == Dependents::Orphan {
        release(store, uid.as_str().unwrap_or_default())?;
    }
    if !waits {
        store.remove(key)?;
        // A service account is answered as it was.
        return Ok(if kind == &SERVICE_ACCOUNT {
            object
        } else {
            gone(kind, key, &uid)
        });
    }
    if object::deleting(&object) {
        return Ok(object);
    }
    object::set(&mut object, "deletionTimestamp", json!(stamp::now()));
    if kind != &NAMESPACE {
        object::set(&mut object, "deletionGracePeriodSeconds", json!(0));
    }
    if let Some(generation) = object["metadata"]["generation"].as_u64() {
        object::set(&mut object, "generation", json!(generation + 1));
    }
    if kind == &NAMESPACE {
        object["status"]["phase"] = json!("Terminating");
    }
    store.put(key.clone(), object)
}

fn check(kind: &Kind, object: &Value, options: &Options) -> Result<(), Failure> {
    let name = object::name(object);
    if kind == &NAMESPACE && ETERNAL.contains(&name) {
        let why = "this namespace may not be deleted";
        return Err(Failure::forbidden_object(kind, name, why));
    }
    for (title, field, wanted, perhaps) in [
        ("UID", "uid", &options.uid, "deleted and then recreated"),
        (
            "ResourceVersion",
            "resourceVersion",
            &options.revision,
            "modified",
        ),
    ] {
        let found = object::text(object, field);
        if let Some(wanted) = wanted.as_deref().filter(|wanted| *wanted != found) {
            let why = format!(
                "the {title} in the precondition ({wanted}) does not match the {title} in record \
                 ({found}). The object might have been {perhaps}"
            );
            return Err(Failure::precondition(kind, name, &why));
        }
    }
    Ok(())
}

fn gone(kind: &Kind, key: &Key, uid: &Value) -> Value {
    let mut details = json!({"name": key.name, "kind": kind.plural, "uid": uid});
    if !kind.group.is_empty() {
        details["group"] = json!(kind.group);
    }
    json!({
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
        "details": details,
    })
}

/// Takes an owner off everything that it owns.
fn release(store: &mut Store, owner: &str) -> Result<(), Failure> {
    let dependents: Vec<(Key, Value)> = store
        .all()
        .filter(|(_, object)| object::owners(object).contains(&owner))
        .map(|(key, object)| (key.clone(), object.clone()))
        .collect();
    for (key, mut object) in dependents {
        if let Some(list) = object["metadata"]["ownerReferences"].as_array_mut() {
            list.retain(|reference| reference["uid"] != owner);
        }
        if object::owners(&object).is_empty() {
            object::set(&mut object, "ownerReferences", Value::Null);
        }
        store.put(key, object)?;
    }
    Ok(())
}
