//! Removes what its owners left behind, and what is in a namespace that goes.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::apiserver::delete::{self, Options};
use crate::apiserver::failure::Failure;
use crate::apiserver::kind::{Kind, NAMESPACE};
use crate::apiserver::object::{self, Key};
use crate::apiserver::store::Store;

/// Deletes what should be gone, in the way of everybody else: finalizers are waited for.
pub(super) fn collect(store: &mut Store) -> Result<(), Failure> {
    let going: BTreeSet<String> = store
        .list(&NAMESPACE, "")
        .filter(|(_, namespace)| object::deleting(namespace))
        .map(|(key, _)| key.name.clone())
        .collect();
    let living: BTreeSet<&str> = store
        .all()
        .map(|(_, object)| object::text(object, "uid"))
        .collect();
    let abandoned = |object: &Value| {
        let owners = object::owners(object);
        !owners.is_empty() && !owners.iter().any(|owner| living.contains(owner))
    };
    let doomed: Vec<(&'static Kind, Key)> = store
        .all()
        .filter(|(key, object)| going.contains(&key.namespace) || abandoned(object))
        .filter(|(_, object)| !object::deleting(object))
        .filter_map(|(_, object)| Key::of(object))
        .collect();
    for (kind, key) in doomed {
        delete::delete(store, kind, &key, &Options::default())?;
    }
    for name in going {
        let key = Key::new(&NAMESPACE, "", &name);
        let empty = store.all().all(|(key, _)| key.namespace != name);
        let free = store
            .get(&key)
            .is_some_and(|object| object::finalizers(object).is_empty());
        if empty && free {
            store.remove(&key)?;
        }
    }
    Ok(())
}
