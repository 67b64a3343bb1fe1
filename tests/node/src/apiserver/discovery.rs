//! What the API has: groups, versions, kinds.

use serde_json::{Value, json};

use super::kind::{ALL, Kind};

/// What the server can do with every kind.
const VERBS: [&str; 8] = [
    "create",
    "delete",
    "deletecollection",
    "get",
    "list",
    "patch",
    "update",
    "watch",
];

/// The group of the reviews, which are answered and not kept.
const REVIEWS: (&str, &str) = ("authentication.k8s.io", "v1");

/// The answer to a path of discovery, or nothing.
pub(crate) fn answer(path: &str) -> Option<Value> {
    let segments: Vec<&str> = path.trim_end_matches('/').split('/').skip(1).collect();
    match segments[..] {
        ["api"] => Some(json!({
            "kind": "APIVersions",
            "versions": ["v1"],
            "serverAddressByClientCIDRs": [],
        })),
        ["apis"] => Some(json!({
            "kind": "APIGroupList",
            "apiVersion": "v1",
            "groups": groups().into_iter().map(group).collect::<Value>(),
        })),
        ["apis", name] => {
            let known = groups().into_iter().find(|(group, _)| *group == name)?;
            let mut group = group(known);
            group["kind"] = json!("APIGroup");
            group["apiVersion"] = json!("v1");
            Some(group)
        }
        ["api", version] => resources("", version),
        ["apis", group, version] => resources(group, version),
        _ => None,
    }
}

fn groups() -> Vec<(&'static str, &'static str)> {
    let mut groups = vec![REVIEWS];
    for kind in ALL {
        let group = (kind.group, kind.version);
        if !kind.group.is_empty() && !groups.contains(&group) {
            groups.push(group);
        }
    }
    groups
}

fn group((name, version): (&str, &str)) -> Value {
    let version = json!({"groupVersion": format!("{name}/{version}"), "version": version});
    json!({"name": name, "versions": [version], "preferredVersion": version})
}

fn resources(group: &str, version: &str) -> Option<Value> {
    let mut resources = Vec::new();
    for kind in ALL
        .into_iter()
        .filter(|kind| (kind.group, kind.version) == (group, version))
    {
        resources.push(resource(kind, ""));
        if kind.status {
            resources.push(resource(kind, "/status"));
        }
    }
    if (group, version) == REVIEWS {
        resources.push(json!({
            "name": "selfsubjectreviews",
            "singularName": "selfsubjectreview",
            "namespaced": false,
            "kind": "SelfSubjectReview",
            "verbs": ["create"],
        }));
    }
    let group_version = if group.is_empty() {
        version.to_owned()
    } else {
        format!("{group}/{version}")
    };
    (!resources.is_empty()).then(|| {
        json!({
            "kind": "APIResourceList",
            "apiVersion": "v1",
            "groupVersion": group_version,
            "resources": resources,
        })
    })
}

fn resource(kind: &Kind, subresource: &str) -> Value {
    if !subresource.is_empty() {
        return json!({
            "name": format!("{}{subresource}", kind.plural),
            "singularName": "",
            "namespaced": kind.namespaced,
            "kind": kind.title,
            "verbs": ["get", "patch", "update"],
        });
    }
    json!({
        "name": kind.plural,
        "singularName": kind.singular,
        "namespaced": kind.namespaced,
        "kind": kind.title,
        "verbs": VERBS,
        "shortNames": kind.short,
    })
}
