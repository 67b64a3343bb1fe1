//! Server-side apply: an intent is merged into an object field by field, and what its manager no
//! longer wants goes, unless somebody else wants it.

use serde_json::{Value, json};

use super::failure::Failure;
use super::fields::{self, Fields, Part};
use super::object;
use super::ownership::{Operation, Owner, Owners};

/// Somebody's intent.
pub(crate) struct Intent<'a> {
    /// What there shall be.
    pub(crate) document: &'a Value,
    /// Who wants it.
    pub(crate) manager: &'a str,
    /// Whether fields are taken from others.
    pub(crate) force: bool,
    /// Which part of the object is meant.
    pub(crate) part: Part,
}

impl Intent<'_> {
    /// The object and its owners once the intent has its way.
    pub(crate) fn merge_into(&self, live: &Value) -> Result<(Value, Owners), Failure> {
        let status = self.part == Part::Status;
        let wanted = fields::leaves(self.document, self.part);
        let mut owners = Owners::of(live);
        self.settle(&wanted, live, &mut owners)?;
        let before = owners.fields(self.manager, Operation::Apply, status);
        owners.give(self.manager, Operation::Apply, status, wanted.clone());
        let mut merged = live.clone();
        for path in &wanted {
            if let Some(value) = fields::at(self.document, path) {
                write(&mut merged, path, value);
            }
        }
        let owned: Fields = owners
            .0
            .iter()
            .flat_map(|owner| owner.fields.clone())
            .collect();
        for path in before.difference(&wanted).filter(|path| !owners.any(path)) {
            fields::prune(&mut merged, path, &owned);
        }
        Ok((merged, owners))
    }

    /// Finds the fields that others want otherwise; takes them if forced, else it is a failure.
    fn settle(&self, wanted: &Fields, live: &Value, owners: &mut Owners) -> Result<(), Failure> {
        let version = live["apiVersion"].as_str().unwrap_or_default();
        let own = |owner: &Owner| {
            owner.manager == self.manager
                && owner.operation == Operation::Apply
                && owner.status == (self.part == Part::Status)
        };
        let mut conflicts = Vec::new();
        for owner in owners.0.iter_mut().filter(|owner| !own(owner)) {
            let title = owner.title(version);
            owner.fields.retain(|owned| {
                let clash = wanted.iter().any(|path| self.clashes(path, owned, live));
                if clash {
                    conflicts.push((title.clone(), fields::dotted(owned)));
                }
                !clash
            });
        }
        if conflicts.is_empty() || self.force {
            owners.0.retain(|owner| !owner.fields.is_empty());
            return Ok(());
        }
        Err(Failure::fields_owned(&conflicts))
    }

    /// Whether wanting `path` means changing what somebody has in `owned`.
    fn clashes(&self, path: &[String], owned: &[String], live: &Value) -> bool {
        let wants = fields::at(self.document, path);
        let has = fields::at(live, owned);
        let empty = |value: Option<&Value>| *value.unwrap_or(&Value::Null) == json!({});
        if path == owned {
            has.is_some_and(|has| wants != Some(has) && !(empty(wants) && has.is_object()))
        } else if owned.starts_with(path) {
            !empty(wants)
        } else {
            path.starts_with(owned) && has.is_some_and(|has| !has.is_object())
        }
    }
}

/// Writes a leaf, making the maps around it; an empty map does not empty one that is there.
fn write(document: &mut Value, path: &[String], value: &Value) {
    let mut place = document;
    for key in path {
        if !place.is_object() {
            *place = json!({});
        }
        place = &mut place[key];
    }
    if !(place.is_object() && *value == json!({})) {
        *place = value.clone();
    }
}

/// What an apply must say, and what it must not.
pub(crate) fn check(document: &Value) -> Result<(), Failure> {
    if !document["metadata"]["managedFields"].is_null() {
        return Err(Failure::bad_request("metadata.managedFields must be nil"));
    }
    if document["apiVersion"].is_null() || document["kind"].is_null() {
        return Err(Failure::bad_request(
            "Object 'Kind' is missing in the body of an apply",
        ));
    }
    if object::name(document).is_empty() {
        return Err(Failure::bad_request("name must be provided"));
    }
    Ok(())
}
