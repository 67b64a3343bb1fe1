//! Groups of environments.

use serde_json::{Value, json};

use super::auth::required;
use super::call::{Call, find};
use crate::http::reply::{Answer, Failure, Reply};
use crate::store::Database;
use crate::store::records::Group;

/// The number of "Unassigned".
const UNASSIGNED: u32 = 1;

const NOT_FOUND: &str =
    "Unable to find an environment group with the specified identifier inside the database";

/// GET `/api/endpoint_groups` (P `api/http/handler/endpointgroups/endpointgroup_list.go:24`).
pub(crate) fn list(call: &mut Call<'_>) -> Answer {
    let groups = call.database().kept().groups.iter();
    let documents: Vec<Value> = groups.map(shown).collect();
    Reply::json(&documents)
}

/// GET `/api/endpoint_groups/{id}` (P `endpointgroup_inspect.go:26`).
pub(crate) fn inspect(call: &mut Call<'_>) -> Answer {
    let id = call.id(0, "environment group")?;
    Reply::json(&shown(group(call.database(), id)?))
}

/// POST `/api/endpoint_groups` (P `endpointgroup_create.go:50`). Names need not be unique.
pub(crate) fn create(call: &mut Call<'_>) -> Answer {
    let payload = call.payload()?;
    let name = required(payload.text("Name")?, "invalid environment group name")?;
    let description = payload.text("Description")?.unwrap_or_default();
    let tags = payload.numbers("TagIDs")?.unwrap_or_default();
    let members = payload.numbers("AssociatedEndpoints")?.unwrap_or_default();
    let database = call.database();
    check_tags(database, &tags)?;
    let id = database.kept_mut().next_id("groups");
    let new = Group::new(id, &name, &description, tags);
    let document = shown(&new);
    database.kept_mut().groups.push(new);
    for member in members {
        if let Some(mut endpoint) = database.endpoint(member) {
            endpoint.group_id = id;
            database.put(endpoint);
        }
    }
    Reply::json(&document)
}

/// PUT `/api/endpoint_groups/{id}` (P `endpointgroup_update.go:51`).
pub(crate) fn update(call: &mut Call<'_>) -> Answer {
    let id = call.id(0, "environment group")?;
    let payload = call.payload()?;
    let name = payload.text("Name")?.filter(|name| !name.is_empty());
    let description = payload.text("Description")?.filter(|text| !text.is_empty());
    let tags = payload.numbers("TagIDs")?;
    let database = call.database();
    let mut changed = group(database, id)?.clone();
    check_tags(database, tags.as_deref().unwrap_or_default())?;
    changed.name = name.unwrap_or(changed.name);
    changed.description = description.unwrap_or(changed.description);
    changed.tag_ids = tags.unwrap_or(changed.tag_ids);
    if let Some(policies) = payload.object("UserAccessPolicies")? {
        changed.user_access_policies = policies;
    }
    if let Some(policies) = payload.object("TeamAccessPolicies")? {
        changed.team_access_policies = policies;
    }
    let document = shown(&changed);
    let groups = database.kept_mut().groups.iter_mut();
    for kept in groups.filter(|kept| kept.id == id) {
        kept.clone_from(&changed);
    }
    Reply::json(&document)
}

/// DELETE `/api/endpoint_groups/{id}` (P `endpointgroup_delete.go:27`): its environments go to
/// "Unassigned", which cannot be deleted.
pub(crate) fn delete(call: &mut Call<'_>) -> Answer {
    let id = call.id(0, "environment group")?;
    if id == UNASSIGNED {
        let message = "Unable to remove the default 'Unassigned' group";
        let details = "Cannot remove the default environment group";
        return Err(Failure::forbidden(message).because(details));
    }
    let database = call.database();
    group(database, id)?;
    database.kept_mut().groups.retain(|group| group.id != id);
    for mut endpoint in database.endpoints() {
        if endpoint.group_id == id {
            endpoint.group_id = UNASSIGNED;
            database.put(endpoint);
        }
    }
    Ok(Reply::empty())
}

/// PUT `/api/endpoint_groups/{id}/endpoints/{endpointId}` (P `endpointgroup_endpoint_add.go:28`).
pub(crate) fn add(call: &mut Call<'_>) -> Answer {
    let id = call.id(0, "environment group")?;
    move_member(call, id)
}

/// DELETE `/api/endpoint_groups/{id}/endpoints/{endpointId}`
/// (P `endpointgroup_endpoint_delete.go:27`).
pub(crate) fn remove(call: &mut Call<'_>) -> Answer {
    move_member(call, UNASSIGNED)
}

fn move_member(call: &mut Call<'_>, to: u32) -> Answer {
    let (id, member) = (call.id(0, "environment group")?, call.id(1, "environment")?);
    let database = call.database();
    group(database, id)?;
    let mut endpoint = find(database, member)?;
    endpoint.group_id = to;
    database.put(endpoint);
    Ok(Reply::empty())
}

fn group(database: &Database, id: u32) -> Result<&Group, Failure> {
    let group = database.kept().group(id);
    group.ok_or_else(|| Failure::not_found(NOT_FOUND))
}

/// The whole of it fails if a tag is not there.
fn check_tags(database: &Database, tags: &[u32]) -> Result<(), Failure> {
    if tags.iter().all(|tag| database.kept().has_tag(*tag)) {
        return Ok(());
    }
    Err(Failure::missing("Unable to find a tag inside the database"))
}

fn shown(group: &Group) -> Value {
    let mut document = json!(group);
    for old in ["Labels", "AuthorizedUsers", "AuthorizedTeams", "Tags"] {
        document[old] = Value::Null;
    }
    document
}
