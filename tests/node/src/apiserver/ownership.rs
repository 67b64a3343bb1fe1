//! Who owns which field of an object: `metadata.managedFields`.

use serde_json::{Value, json};

use super::fields::{self, Fields, Part};
use super::{object, stamp};

/// How an owner came by its fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    /// By server-side apply.
    Apply,
    /// By anything else.
    Update,
}

/// One manager's fields, of one operation and one part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Owner {
    /// Who calls himself so.
    pub(crate) manager: String,
    /// How.
    pub(crate) operation: Operation,
    /// Whether through `/status`.
    pub(crate) status: bool,
    /// When the set changed last.
    pub(crate) time: String,
    /// Which fields.
    pub(crate) fields: Fields,
}

impl Owner {
    /// As messages about conflicts call it.
    pub(crate) fn title(&self, api_version: &str) -> String {
        match self.operation {
            Operation::Apply => format!("\"{}\"", self.manager),
            Operation::Update => format!("\"{}\" using {api_version}", self.manager),
        }
    }

    fn is(&self, manager: &str, operation: Operation, status: bool) -> bool {
        self.manager == manager && self.operation == operation && self.status == status
    }
}

/// All owners of an object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Owners(pub(crate) Vec<Owner>);

impl Owners {
    /// Reads them from an object.
    pub(crate) fn of(object: &Value) -> Self {
        let list = object["metadata"]["managedFields"].as_array();
        let owners = list.into_iter().flatten().map(|entry| Owner {
            manager: entry["manager"].as_str().unwrap_or_default().to_owned(),
            operation: match entry["operation"].as_str() {
                Some("Apply") => Operation::Apply,
                _ => Operation::Update,
            },
            status: entry["subresource"] == "status",
            time: entry["time"].as_str().unwrap_or_default().to_owned(),
            fields: fields::parse(&entry["fieldsV1"]),
        });
        Self(owners.collect())
    }

    /// Writes them into an object.
    pub(crate) fn write(&self, object: &mut Value) {
        // As the real one sorts them: applied before updated, then by time and name.
        let mut sorted: Vec<&Owner> = self.0.iter().collect();
        sorted.sort_by_key(|owner| {
            let updated = owner.operation == Operation::Update;
            (updated, &owner.time, &owner.manager)
        });
        let entries: Vec<Value> = sorted
            .into_iter()
            .map(|owner| {
                let mut entry = json!({
                    "manager": owner.manager,
                    "operation": match owner.operation {
                        Operation::Apply => "Apply",
                        Operation::Update => "Update",
                    },
                    "apiVersion": object["apiVersion"],
                    "time": owner.time,
                    "fieldsType": "FieldsV1",
                    "fieldsV1": fields::render(&owner.fields),
                });
                if owner.status {
                    entry["subresource"] = json!("status");
                }
                entry
            })
            .collect();
        let entries = if entries.is_empty() {
            Value::Null
        } else {
            Value::Array(entries)
        };
        object::set(object, "managedFields", entries);
    }

    /// The fields of one owner.
    pub(crate) fn fields(&self, manager: &str, operation: Operation, status: bool) -> Fields {
        let mut owners = self.0.iter();
        owners
            .find(|owner| owner.is(manager, operation, status))
            .map(|owner| owner.fields.clone())
            .unwrap_or_default()
    }

    /// Makes these the fields of one owner.
    pub(crate) fn give(
        &mut self,
        manager: &str,
        operation: Operation,
        status: bool,
        fields: Fields,
    ) {
        let known = self
            .0
            .iter_mut()
            .find(|owner| owner.is(manager, operation, status));
        match known {
            Some(owner) if owner.fields == fields => {}
            Some(owner) => {
                owner.fields = fields;
                owner.time = stamp::now();
            }
            None => self.0.push(Owner {
                manager: manager.to_owned(),
                operation,
                status,
                time: stamp::now(),
                fields,
            }),
        }
        self.0.retain(|owner| !owner.fields.is_empty());
    }

    /// Whether anybody owns this field or something in it.
    pub(crate) fn any(&self, path: &[String]) -> bool {
        let mut all = self.0.iter().flat_map(|owner| &owner.fields);
        all.any(|owned| owned.starts_with(path))
    }

    /// After a write that was no apply: what it changed is now its manager's alone, and what it
    /// removed is nobody's.
    pub(crate) fn update(
        &mut self,
        manager: &str,
        status: bool,
        part: Part,
        before: &Value,
        after: &Value,
    ) {
        let present = fields::leaves(after, part);
        let gone: Fields = fields::leaves(before, part)
            .difference(&present)
            .cloned()
            .collect();
        let changed: Fields = present
            .into_iter()
            .filter(|path| fields::at(before, path) != fields::at(after, path))
            .collect();
        for owner in &mut self.0 {
            owner
                .fields
                .retain(|path| !gone.contains(path) && !changed.contains(path));
        }
        let mut own = self.fields(manager, Operation::Update, status);
        own.extend(changed);
        self.give(manager, Operation::Update, status, own);
    }
}
