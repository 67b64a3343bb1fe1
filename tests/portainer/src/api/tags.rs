//! Tags.

use serde_json::{Map, Value, json};

use super::auth::required;
use super::call::Call;
use crate::http::reply::{Answer, Failure, Reply};
use crate::store::Database;
use crate::store::records::Tag;

/// GET /api/tags (P `api/http/handler/tags/tag_list.go:21`).
pub(crate) fn list(call: &mut Call<'_>) -> Answer {
    let database = call.database();
    let tags = database.kept().tags.iter();
    let documents: Vec<Value> = tags.map(|tag| shown(database, tag)).collect();
    Reply::json(&documents)
}

/// POST /api/tags (P `api/http/handler/tags/tag_create.go:39`): 200, or 409 if the name is taken.
pub(crate) fn create(call: &mut Call<'_>) -> Answer {
    let payload = call.payload()?;
    let name = required(payload.text("Name")?, "invalid tag name")?;
    let database = call.database();
    if database.kept().tags.iter().any(|tag| tag.name == name) {
        let message = "This name is already associated to a tag";
        return Err(Failure::conflict(message).because("a tag already exists with this name"));
    }
    let id = database.kept_mut().next_id("tags");
    let tag = Tag { id, name };
    let document = shown(database, &tag);
    database.kept_mut().tags.push(tag);
    Reply::json(&document)
}

/// DELETE /api/tags/{id} (P `api/http/handler/tags/tag_delete.go:30`): environments and groups
/// lose it.
pub(crate) fn delete(call: &mut Call<'_>) -> Answer {
    let id = call.id(0, "tag")?;
    let database = call.database();
    if !database.kept().has_tag(id) {
        let message = "Unable to find a tag with the specified identifier inside the database";
        return Err(Failure::not_found(message));
    }
    for mut endpoint in database.endpoints() {
        if endpoint.tag_ids.contains(&id) {
            endpoint.tag_ids.retain(|tag| *tag != id);
            database.put(endpoint);
        }
    }
    let kept = database.kept_mut();
    for group in &mut kept.groups {
        group.tag_ids.retain(|tag| *tag != id);
    }
    kept.tags.retain(|tag| tag.id != id);
    Ok(Reply::empty())
}

/// A tag with who has it.
fn shown(database: &Database, tag: &Tag) -> Value {
    let kept = database.kept();
    let endpoints = kept.endpoints.values();
    let of_endpoints = endpoints.filter(|endpoint| endpoint.tag_ids.contains(&tag.id));
    let of_groups = kept
        .groups
        .iter()
        .filter(|group| group.tag_ids.contains(&tag.id));
    json!({
        "ID": tag.id,
        "Name": tag.name,
        "Endpoints": set(of_endpoints.map(|endpoint| endpoint.id)),
        "EndpointGroups": set(of_groups.map(|group| group.id)),
    })
}

/// Go's `map[int]bool` in JSON.
fn set(ids: impl Iterator<Item = u32>) -> Map<String, Value> {
    ids.map(|id| (id.to_string(), Value::Bool(true))).collect()
}
