//! Reading: one object, or a page of many.

use serde_json::{Value, json};

use super::failure::Failure;
use super::object::{self, Key};
use super::page::Place;
use super::path::{Query, Target};
use super::selector::Selector;
use super::store::Store;

/// What the parameters of a list select.
pub(crate) fn selector(query: &Query) -> Result<Selector, Failure> {
    Selector::parse(query.get("labelSelector"), query.get("fieldSelector"))
}

/// One object.
pub(crate) fn get(store: &Store, target: &Target, name: &str) -> Result<Value, Failure> {
    let key = Key::new(target.kind, &target.namespace, name);
    store.find(target.kind, &key).cloned()
}

/// A page of a list.
pub(crate) fn list(store: &Store, target: &Target, query: &Query) -> Result<Value, Failure> {
    let selector = selector(query)?;
    let limit = query.number("limit")?.filter(|limit| *limit > 0);
    let place = match query.get("continue") {
        "" => None,
        token => Some(Place::parse(token, store.revision())?),
    };
    if place.is_some() && !query.get("resourceVersion").is_empty() {
        let why = "specifying resource version is not allowed when using continue";
        return Err(Failure::bad_request(why));
    }
    let mut rest = store
        .list(target.kind, &target.namespace)
        .skip_while(|(key, _)| {
            let place = place.as_ref();
            place.is_some_and(|place| {
                (&key.namespace, &key.name) <= (&place.after.0, &place.after.1)
            })
        });
    let revision = place
        .as_ref()
        .map_or(store.revision(), |place| place.revision);
    let limit = limit.and_then(|limit| usize::try_from(limit).ok());
    let selected = rest.by_ref().filter(|(_, object)| selector.selects(object));
    let page: Vec<(&Key, &Value)> = selected.take(limit.unwrap_or(usize::MAX)).collect();
    // Whether one of the others is selected, the real one does not know either: its last page may be empty.
    let remaining = rest.count();
    let mut metadata = json!({"resourceVersion": revision.to_string()});
    if let Some((key, _)) = page.last().filter(|_| remaining > 0) {
        let after = (key.namespace.clone(), key.name.clone());
        metadata["continue"] = json!(Place { revision, after }.token());
        if selector.is_empty() {
            metadata["remainingItemCount"] = json!(remaining);
        }
    }
    let items: Vec<Value> = page
        .into_iter()
        .map(|(_, object)| item(target, object))
        .collect();
    Ok(json!({
        "kind": format!("{}List", target.kind.title),
        "apiVersion": target.kind.api_version(),
        "metadata": metadata,
        "items": items,
    }))
}

/// In lists of built-in kinds the real one leaves out what the list says of all.
fn item(target: &Target, object: &Value) -> Value {
    let mut object = object.clone();
    if target.kind.built_in() {
        object::remove(&mut object, "kind");
        object::remove(&mut object, "apiVersion");
    }
    object
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop")]

    use super::list;
    use crate::apiserver::kind::CONFIG_MAP;
    use crate::apiserver::object::{Key, name};
    use crate::apiserver::page::Place;
    use crate::apiserver::path::{Query, Target};
    use crate::apiserver::store::Store;
    use hyper::StatusCode;
    use serde_json::{Value, json};

    fn target() -> Target {
        Target::parse("/api/v1/configmaps").unwrap()
    }

    fn five() -> Store {
        let mut store = Store::memory();
        for (namespace, name) in [("a", "1"), ("a", "2"), ("b", "1"), ("b", "2"), ("c", "1")] {
            let key = Key::new(&CONFIG_MAP, namespace, name);
            let metadata = json!({"name": format!("{namespace}{name}"), "labels": {"n": name}});
            store.put(key, json!({"metadata": metadata})).unwrap();
        }
        store
    }

    fn page(store: &Store, query: &str) -> (Vec<String>, Value) {
        let list = list(store, &target(), &Query::parse(query)).unwrap();
        let items = list["items"].as_array().unwrap();
        let names = items.iter().map(|item| name(item).to_owned()).collect();
        (names, list["metadata"].clone())
    }

    #[test]
    fn a_list_is_read_in_pages_up_to_its_end() {
        let store = five();
        let (names, metadata) = page(&store, "limit=2");
        assert_eq!(names, ["a1", "a2"]);
        assert_eq!(metadata["remainingItemCount"], 3);
        let mut token = metadata["continue"].as_str().unwrap().to_owned();
        let mut seen = Vec::new();
        while !token.is_empty() {
            let (names, metadata) = page(&store, &format!("limit=2&continue={token}"));
            seen.extend(names);
            assert_eq!(metadata["resourceVersion"], "5");
            token = metadata["continue"].as_str().unwrap_or_default().to_owned();
        }
        assert_eq!(seen, ["b1", "b2", "c1"]);
    }

    #[test]
    fn pages_count_what_is_selected_and_not_what_is_there() {
        let (names, metadata) = page(&five(), "limit=2&labelSelector=n%3D1");
        assert_eq!(names, ["a1", "b1"]);
        assert!(metadata["continue"].is_string());
        assert!(metadata["remainingItemCount"].is_null());
    }

    #[test]
    fn a_place_of_another_store_is_expired_and_one_that_is_none_makes_no_sense() {
        let refused = |query: &str| list(&five(), &target(), &Query::parse(query)).unwrap_err();
        assert_eq!(refused("continue=made-up").status, StatusCode::BAD_REQUEST);
        let place = Place {
            revision: 99,
            after: ("a".to_owned(), "1".to_owned()),
        };
        let query = format!("continue={}", place.token());
        let failure = refused(&query);
        assert_eq!(failure.status, StatusCode::GONE);
        assert_eq!(failure.reason, "Expired");
        let query = format!("{query}&resourceVersion=1");
        assert_ne!(refused(&query).status, StatusCode::OK);
    }

    #[test]
    fn the_last_page_may_be_empty_where_labels_are_asked_for() {
        let (names, metadata) = page(&five(), "limit=2&labelSelector=n%3D2");
        assert_eq!(names, ["a2", "b2"]);
        let token = metadata["continue"].as_str().unwrap();
        let query = format!("limit=2&labelSelector=n%3D2&continue={token}");
        let (names, metadata) = page(&five(), &query);
        assert_eq!(names, [""; 0]);
        assert!(metadata["continue"].is_null());
    }
}
