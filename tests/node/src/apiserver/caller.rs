//! Who asks, and whether he may.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::admission::{ACCOUNT, TOKEN_SECRET};
use super::failure::Failure;
use super::kind::{CLUSTER_ROLE, CLUSTER_ROLE_BINDING, SECRET, SERVICE_ACCOUNT};
use super::object::{self, Key};
use super::stamp;
use super::store::Store;
use crate::http::message::{Request, User};

/// The annotation that says which life of a service account a token is for.
pub(crate) const ACCOUNT_UID: &str = "kubernetes.io/service-account.uid";

const AUTHENTICATED: &str = "system:authenticated";

/// Who asks: by certificate, else by token.
pub(crate) fn identify(store: &Store, request: &Request) -> Result<User, Failure> {
    let mut user = match (&request.member, &request.bearer) {
        (Some(member), _) => Some(member.clone()),
        (None, Some(token)) => holder(store, token),
        (None, None) => None,
    }
    .ok_or_else(Failure::unauthorized)?;
    user.groups.push(AUTHENTICATED.to_owned());
    Ok(user)
}

/// The service account whose token this is, while both it and its Secret are there.
fn holder(store: &Store, token: &str) -> Option<User> {
    let encoded = STANDARD.encode(token);
    let (key, secret) = store.list(&SECRET, "").find(|(_, secret)| {
        secret["type"] == TOKEN_SECRET && secret["data"]["token"] == *encoded
    })?;
    let name = object::annotation(secret, ACCOUNT)?;
    let namespace = &key.namespace;
    let account = store.get(&Key::new(&SERVICE_ACCOUNT, namespace, name))?;
    let uid = object::text(account, "uid");
    (object::annotation(secret, ACCOUNT_UID) == Some(uid)).then(|| User {
        name: format!("system:serviceaccount:{namespace}:{name}"),
        uid: Some(uid.to_owned()),
        groups: vec![
            "system:serviceaccounts".to_owned(),
            format!("system:serviceaccounts:{namespace}"),
        ],
    })
}

/// Whether he may do everything: a certificate of this cluster says so, and so does a cluster role
/// that is bound to his service account, whatever is in it. Roles are not read.
pub(crate) fn may(store: &Store, user: &User) -> bool {
    let Some(account) = user.name.strip_prefix("system:serviceaccount:") else {
        return true;
    };
    store.list(&CLUSTER_ROLE_BINDING, "").any(|(_, binding)| {
        let role = binding["roleRef"]["name"].as_str().unwrap_or_default();
        let bound = binding["subjects"].as_array();
        bound
            .into_iter()
            .flatten()
            .any(|subject| means(subject, account, user))
            && binding["roleRef"]["kind"] == "ClusterRole"
            && store.get(&Key::new(&CLUSTER_ROLE, "", role)).is_some()
    })
}

fn means(subject: &Value, account: &str, user: &User) -> bool {
    let text = |field: &str| subject[field].as_str().unwrap_or_default();
    match text("kind") {
        "ServiceAccount" => account == format!("{}:{}", text("namespace"), text("name")),
        "User" => text("name") == user.name,
        "Group" => user.groups.iter().any(|group| group == text("name")),
        _ => false,
    }
}

/// The answer to `selfsubjectreviews`.
pub(crate) fn review(user: &User) -> Value {
    let mut info = json!({"username": user.name, "groups": user.groups});
    if let Some(uid) = &user.uid {
        info["uid"] = json!(uid);
    }
    json!({
        "kind": "SelfSubjectReview",
        "apiVersion": "authentication.k8s.io/v1",
        "metadata": {"creationTimestamp": stamp::now()},
        "status": {"userInfo": info},
    })
}
