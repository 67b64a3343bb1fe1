//! Argo CD's service account in a cluster, under the names that `argocd cluster add` uses
//! (argo-cd `util/clusterauth/clusterauth.go`).

use std::time::Duration;

use k8s_openapi::api::core::v1::Secret;
use kube::api::DynamicObject;
use secrecy::SecretString;
use serde_json::json;

use super::failed;
use super::wire::OWNER;
use crate::registrar::api::{Api, CLUSTER_ROLE, CLUSTER_ROLE_BINDING, SECRET, SERVICE_ACCOUNT};
use crate::registrar::{Fault, RegistrarError};

const NAMESPACE: &str = "kube-system";
const ACCOUNT: &str = "argocd-manager";
const ROLE: &str = "argocd-manager-role";
const BINDING: &str = "argocd-manager-role-binding";
const TOKEN: &str = "argocd-manager-long-lived-token";
/// Which service account a token is for, by name and by identity.
const OF_ACCOUNT: &str = "kubernetes.io/service-account.name";
const OF_UID: &str = "kubernetes.io/service-account.uid";
/// How often a token is looked for, and how long after the first look and after each further one.
const LOOKS: u32 = 40;
const PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Makes sure of the service account with its rights, and gives its token.
pub(super) async fn token(api: &Api) -> Result<SecretString, RegistrarError> {
    let account = json!({"metadata": {"name": ACCOUNT, "namespace": NAMESPACE}});
    let everything = json!([
        {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]},
        {"nonResourceURLs": ["*"], "verbs": ["*"]},
    ]);
    let role = json!({"metadata": {"name": ROLE}, "rules": everything});
    let group = "rbac.authorization.k8s.io";
    let binding = json!({
        "metadata": {"name": BINDING},
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": ROLE},
        "subjects": [{"kind": "ServiceAccount", "name": ACCOUNT, "namespace": NAMESPACE}],
    });
    let (account, _, _) = tokio::try_join!(
        api.apply_marked(SERVICE_ACCOUNT, account, OWNER),
        api.apply_marked(CLUSTER_ROLE, role, OWNER),
        api.apply_marked(CLUSTER_ROLE_BINDING, binding, OWNER),
    )?;
    let uid = account.metadata.uid.unwrap_or_default();
    let mut secret = Some(asked_for(api).await?);
    let mut pause = PAUSE;
    for _ in 0..LOOKS {
        match secret.and_then(|secret| given(secret, &uid)) {
            Some(token) => return Ok(token),
            None => tokio::time::sleep(pause).await,
        }
        pause = LONGEST_PAUSE.min(pause * 2);
        secret = match api.get(SECRET, Some(NAMESPACE), TOKEN).await? {
            Some(secret) => Some(secret),
            // The cluster took it away with an earlier service account of that name.
            None => Some(asked_for(api).await?),
        };
    }
    let message = format!("the cluster gave {NAMESPACE}/{TOKEN} no token in time");
    Err(RegistrarError::new(Fault::Transient, message)
        .hint("look whether its controller manager works"))
}

/// Takes a token away that the cluster does not accept: the next one is made anew.
pub(super) async fn forget(api: &Api) -> Result<(), RegistrarError> {
    match api.get(SECRET, Some(NAMESPACE), TOKEN).await? {
        Some(secret) => api.delete(SECRET, &secret).await,
        None => Ok(()),
    }
}

/// Takes the service account with its rights and its token away, where rollcall made them.
pub(super) async fn withdraw(api: &Api) -> Result<(), RegistrarError> {
    let all = [
        (CLUSTER_ROLE_BINDING, None, BINDING),
        (CLUSTER_ROLE, None, ROLE),
        (SECRET, Some(NAMESPACE), TOKEN),
        (SERVICE_ACCOUNT, Some(NAMESPACE), ACCOUNT),
    ];
    for (kind, namespace, name) in all {
        api.withdraw(kind, namespace, name, OWNER).await?;
    }
    Ok(())
}

async fn asked_for(api: &Api) -> Result<DynamicObject, RegistrarError> {
    let secret = json!({
        "metadata": {
            "name": TOKEN,
            "namespace": NAMESPACE,
            "annotations": {OF_ACCOUNT: ACCOUNT},
        },
        "type": "kubernetes.io/service-account-token",
    });
    api.apply_marked(SECRET, secret, OWNER).await
}

/// The token, if it is there and of this very service account.
fn given(secret: DynamicObject, uid: &str) -> Option<SecretString> {
    let annotations = secret.metadata.annotations.as_ref()?;
    if annotations.get(OF_UID)? != uid {
        return None;
    }
    let secret: Secret = secret.try_parse().ok()?;
    let token = secret.data?.remove("token")?.0;
    let token = String::from_utf8(token)
        .ok()
        .filter(|token| !token.is_empty())?;
    Some(SecretString::from(token))
}

/// A cluster whose API rejects what it just gave out.
pub(super) fn unusable(why: &str) -> RegistrarError {
    failed(format!("a new token of {ACCOUNT} does not work: {why}"))
}
