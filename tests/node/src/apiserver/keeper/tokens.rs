//! Fills the Secrets of service accounts, and removes those whose account is gone.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::delays::Delays;
use super::work::MANAGER;
use crate::apiserver::admission::{ACCOUNT, TOKEN_SECRET};
use crate::apiserver::caller::ACCOUNT_UID;
use crate::apiserver::create::Writer;
use crate::apiserver::delete::{self, Options};
use crate::apiserver::failure::Failure;
use crate::apiserver::kind::{SECRET, SERVICE_ACCOUNT};
use crate::apiserver::object::{self, Key};
use crate::apiserver::stamp;
use crate::apiserver::store::Store;
use crate::apiserver::update::{self, Patch, Place};

/// How long a token takes: whoever reads the Secret once, and at once, reads nothing.
const TAKES: Duration = Duration::from_millis(200);

/// Looks at every such Secret.
pub(super) fn fill(
    store: &mut Store,
    authority: &str,
    delays: &mut Delays,
    now: Instant,
) -> Result<(), Failure> {
    let secrets: Vec<(Key, Value)> = store
        .list(&SECRET, "")
        .filter(|(_, secret)| secret["type"] == TOKEN_SECRET && !object::deleting(secret))
        .map(|(key, secret)| (key.clone(), secret.clone()))
        .collect();
    for (key, secret) in secrets {
        let name = object::annotation(&secret, ACCOUNT).unwrap_or_default();
        let account = store.get(&Key::new(&SERVICE_ACCOUNT, &key.namespace, name));
        let uid = account.map(|account| object::text(account, "uid").to_owned());
        let meant = object::annotation(&secret, ACCOUNT_UID);
        let full = secret["data"]["token"].is_string();
        let dead = uid.is_none() || meant.is_some() && meant != uid.as_deref();
        if full && !dead && meant.is_some() {
            continue;
        }
        let mark = format!("{} {uid:?}", object::text(&secret, "uid"));
        if !delays.over(&key, &mark, TAKES, now) {
            continue;
        }
        match uid {
            Some(uid) if !dead => {
                let body = content(&key, name, &uid, authority);
                let place = Place::new(&SECRET, &key.namespace, &key.name);
                update::patch(store, Writer::named(MANAGER), &place, Patch::Merge, &body)?;
            }
            _ => {
                delete::delete(store, &SECRET, &key, &Options::default())?;
            }
        }
    }
    Ok(())
}

fn content(key: &Key, account: &str, uid: &str, authority: &str) -> Value {
    let namespace = &key.namespace;
    let claims = json!({
        "iss": "kubernetes/serviceaccount",
        "kubernetes.io/serviceaccount/namespace": namespace,
        "kubernetes.io/serviceaccount/secret.name": key.name,
        "kubernetes.io/serviceaccount/service-account.name": account,
        "kubernetes.io/serviceaccount/service-account.uid": uid,
        "sub": format!("system:serviceaccount:{namespace}:{account}"),
    });
    let token = stamp::token(&claims.to_string());
    json!({
        "metadata": {"annotations": {ACCOUNT_UID: uid}},
        "data": {
            "token": STANDARD.encode(token),
            "ca.crt": STANDARD.encode(authority),
            "namespace": STANDARD.encode(namespace),
        },
    })
}
