//! The edge agent in a cluster: putting it there, and reading by which name it goes.

use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kube::api::DynamicObject;
use secrecy::SecretString;
use serde_json::Value;

use super::manifest::{self, AGENT, DEPLOYMENT, EDGE_ID, SECRET_NAME, SERVICE};
use crate::provider::{Access, ApiAddress};
use crate::registrar::api::{Api, CLUSTER_ROLE_BINDING, Kind, NAMESPACE, SECRET, SERVICE_ACCOUNT};
use crate::registrar::{Fault, RegistrarError};

/// How long a deployment may take: a fresh cluster pulls the agent's image first.
const PATIENCE: Duration = Duration::from_secs(180);
/// How often it is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// An edge agent as it should run in a cluster. A `Debug` shows no secret.
#[derive(Debug, Clone)]
pub struct EdgeAgent {
    /// The name that it goes by, which is what lets it in.
    pub edge_id: SecretString,
    /// What tells it where Portainer is.
    pub edge_key: SecretString,
    /// Its image.
    pub image: String,
    /// Its namespace.
    pub namespace: String,
    /// Whether it takes every certificate of Portainer's.
    pub insecure_poll: bool,
}

/// Where agents run.
#[async_trait]
pub trait AgentHost: Send + Sync {
    /// The name that the agent in a cluster goes by; `None`: there is no agent.
    async fn edge_id(
        &self,
        access: &Access,
        namespace: &str,
    ) -> Result<Option<String>, RegistrarError>;

    /// Makes the agent in a cluster what it should be, and waits until it runs. What is so already is not touched.
    async fn deploy(&self, access: &Access, agent: &EdgeAgent) -> Result<(), RegistrarError>;

    /// Takes rollcall's agent out of a cluster. The namespace stays: others may have put something into it.
    async fn remove(&self, access: &Access, namespace: &str) -> Result<(), RegistrarError>;
}

/// Agents in the clusters themselves.
#[derive(Debug, Clone, Copy, Default)]
pub struct ClusterAgents;

#[async_trait]
impl AgentHost for ClusterAgents {
    async fn edge_id(
        &self,
        access: &Access,
        namespace: &str,
    ) -> Result<Option<String>, RegistrarError> {
        let secret = api(access)
            .await?
            .get(SECRET, Some(namespace), SECRET_NAME)
            .await?;
        Ok(secret.and_then(|secret| {
            let encoded = secret.data.get("data")?.get(EDGE_ID)?.as_str()?;
            String::from_utf8(STANDARD.decode(encoded).ok()?).ok()
        }))
    }

    async fn deploy(&self, access: &Access, agent: &EdgeAgent) -> Result<(), RegistrarError> {
        let api = api(access).await?;
        api.apply(NAMESPACE, manifest::namespace(agent)).await?;
        let account = manifest::service_account(agent);
        api.apply(SERVICE_ACCOUNT, account).await?;
        place(&api, CLUSTER_ROLE_BINDING, manifest::binding(agent)).await?;
        let secret = api.apply(SECRET, manifest::secret(agent)).await?;
        let revision = secret.metadata.resource_version.unwrap_or_default();
        place(&api, SERVICE, manifest::service(agent)).await?;
        let deployment = manifest::deployment(agent, &revision);
        place(&api, DEPLOYMENT, deployment).await?;
        let runs = tokio::time::timeout(PATIENCE, runs(&api, agent)).await;
        runs.unwrap_or_else(|_| {
            let (id, seconds) = (&access.id, PATIENCE.as_secs());
            let message = format!("the edge agent in {id} does not run after {seconds} s");
            Err(RegistrarError::new(Fault::Transient, message).hint(format!(
                "can {} be pulled there? kubectl -n {} describe pods",
                agent.image, agent.namespace
            )))
        })
    }

    async fn remove(&self, access: &Access, namespace: &str) -> Result<(), RegistrarError> {
        let api = api(access).await?;
        for (kind, namespace, name) in manifest::parts(namespace) {
            api.withdraw(kind, namespace, name, manifest::OWNER).await?;
        }
        Ok(())
    }
}

async fn api(access: &Access) -> Result<Api, RegistrarError> {
    Api::at(&ApiAddress::from(access), &access.id.to_string()).await
}

/// Applies an object, after one of its name is taken away that cannot become it.
async fn place(api: &Api, kind: Kind, object: Value) -> Result<(), RegistrarError> {
    let meta = &object["metadata"];
    let (namespace, name) = (
        meta["namespace"].as_str(),
        meta["name"].as_str().unwrap_or_default(),
    );
    let there = api.get(kind, namespace, name).await?;
    if let Some(there) = there.filter(|there| manifest::is_in_the_way(&there.data, &object)) {
        api.delete(kind, &there).await?;
    }
    api.apply(kind, object).await.map(|_| ())
}

/// Waits until the agent runs as it was applied last.
async fn runs(api: &Api, agent: &EdgeAgent) -> Result<(), RegistrarError> {
    loop {
        let there = api.get(DEPLOYMENT, Some(&agent.namespace), AGENT).await?;
        if there.is_some_and(|deployment| is_rolled_out(&deployment)) {
            return Ok(());
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// What `kubectl rollout status` waits for.
fn is_rolled_out(deployment: &DynamicObject) -> bool {
    let status = &deployment.data["status"];
    let count = |field: &str| status[field].as_i64().unwrap_or(0);
    let generation = deployment.metadata.generation.unwrap_or(0);
    count("observedGeneration") >= generation
        && count("updatedReplicas") >= 1
        && count("replicas") == count("updatedReplicas")
        && count("availableReplicas") >= 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn deployment(status: &Value) -> DynamicObject {
        let object = json!({"metadata": {"name": AGENT, "generation": 3}, "status": status});
        serde_json::from_value(object).unwrap()
    }

    #[test]
    fn an_agent_runs_when_its_last_template_does() {
        let rolled = |observed, replicas, updated, available| {
            is_rolled_out(&deployment(&json!({
                "observedGeneration": observed, "replicas": replicas,
                "updatedReplicas": updated, "availableReplicas": available,
            })))
        };
        assert!(rolled(3, 1, 1, 1));
        assert!(!rolled(2, 1, 1, 1), "an earlier template");
        assert!(!rolled(3, 2, 1, 1), "the old pod is there still");
        assert!(!rolled(3, 1, 1, 0), "it does not run");
        assert!(!is_rolled_out(&deployment(&json!({}))));
    }
}
