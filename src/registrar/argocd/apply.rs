//! Writing one cluster's Secret, and taking it away.

use std::time::Duration;

use async_trait::async_trait;
use k8s_openapi::api::core::v1::Secret;
use kube::api::DynamicObject;

use super::observe::{Tried, tried};
use super::wire::{ClusterSecret, Entry, secret_name};
use super::{ArgoCd, Reach, account, failed};
use crate::model::{
    ClusterId, ClusterView, Fingerprint, NodeRole, Port, RegistrarId, RegistrarView, Seen,
};
use crate::provider::{Access, ApiAddress, Credentials};
use crate::registrar::api::{Api, SECRET};
use crate::registrar::{Fault, RegisterOrder, Registrar, RegistrarError};

#[async_trait]
impl Registrar for ArgoCd {
    fn id(&self) -> RegistrarId {
        Self::registrar_id()
    }

    fn host(&self) -> Option<ClusterId> {
        self.settings.host.clone()
    }

    async fn observe(&self, deadline: Duration) -> Seen<RegistrarView> {
        self.seen(deadline).await
    }

    async fn prove(&self, cluster: &ClusterView) -> Option<Result<(), String>> {
        self.proof(cluster).await
    }

    async fn register(
        &self,
        order: &RegisterOrder,
        expected: Option<&Fingerprint>,
    ) -> Result<Fingerprint, RegistrarError> {
        let (id, api) = (&order.cluster.id, self.api().await?);
        let entry = self.entry(order).await?;
        self.alone(&entry)?;
        // Looked at last: making the token takes a while.
        let (_, there) = self.read(&api, id).await?.unzip();
        let found = there.as_ref().map(ClusterSecret::fingerprint);
        let secret = entry.secret(&self.settings.namespace, there.as_ref());
        let wanted = serde_json::from_value(secret.clone()).ok();
        let wanted = wanted.and_then(ClusterSecret::of);
        if let Some(same) = found
            .clone()
            .filter(|_| found == wanted.map(|w| w.fingerprint()))
        {
            // The answer to an earlier attempt was lost: nobody else knows this token.
            return Ok(same);
        }
        if found.as_ref() != expected {
            return Err(changed_meanwhile(id));
        }
        let written = match there {
            Some(_) => api.apply(SECRET, secret).await?,
            None => api.create(SECRET, secret).await?,
        };
        let written = cluster_secret(written)
            .ok_or_else(|| failed(format!("the Secret of {id} was written and makes no sense")))?;
        Ok(written.fingerprint())
    }

    async fn deregister(
        &self,
        id: &ClusterId,
        expected: &Fingerprint,
    ) -> Result<(), RegistrarError> {
        let api = self.api().await?;
        match self.read(&api, id).await? {
            None => Ok(()),
            Some((_, there)) if there.fingerprint() != *expected => Err(changed_meanwhile(id)),
            Some((object, _)) => api.delete(SECRET, &object).await,
        }
    }

    async fn withdraw(&self, order: &RegisterOrder) -> Result<(), RegistrarError> {
        let id = order.cluster.id.to_string();
        let api = Api::at(&ApiAddress::from(&order.access), &id).await?;
        account::withdraw(&api).await
    }
}

impl ArgoCd {
    /// The Secret under a cluster's name, as it is now.
    async fn read(
        &self,
        api: &Api,
        id: &ClusterId,
    ) -> Result<Option<(DynamicObject, ClusterSecret)>, RegistrarError> {
        let (name, namespace) = (secret_name(&id.name), self.settings.namespace.as_str());
        let Some(object) = api.get(SECRET, Some(namespace), &name).await? else {
            return Ok(None);
        };
        match cluster_secret(object.clone()) {
            Some(secret) if secret.clusters(&self.providers).contains(id) => {
                Ok(Some((object, secret)))
            }
            _ => {
                let message = format!("Secret {namespace}/{name} is not of {id}");
                Err(RegistrarError::new(Fault::NotOurs, message)
                    .hint(format!("rename or delete Secret {name}")))
            }
        }
    }

    /// Fails if Argo CD could confuse the cluster with what somebody else registered.
    fn alone(&self, entry: &Entry) -> Result<(), RegistrarError> {
        let (own, name) = (secret_name(&entry.id.name), entry.id.name.as_str());
        let others = self.others();
        let mut others = others.iter().filter(|other| other.secret != own);
        let same = others.find(|other| other.server == entry.server || other.name == name);
        same.map_or(Ok(()), |other| {
            let message = format!(
                "Secret {} registers the server or the name of {}",
                other.secret, entry.id
            );
            Err(RegistrarError::new(Fault::NotOurs, message)
                .hint(format!("mend or delete Secret {}", other.secret)))
        })
    }

    /// What the Secret is to say, tried from here.
    async fn entry(&self, order: &RegisterOrder) -> Result<Entry, RegistrarError> {
        let (access, cluster) = (&order.access, &order.cluster);
        let front = front(cluster)
            .ok_or_else(|| failed(format!("{} has no node to be reached by", cluster.id)))?;
        let api = Api::at(&ApiAddress::from(access), &cluster.id.to_string()).await?;
        let address = |token| ApiAddress {
            server: access.server.clone(),
            server_name: Some(front.to_owned()),
            ca_data: access.ca_data.clone(),
            credentials: Credentials::Token(token),
        };
        let mut token = account::token(&api).await?;
        if let Tried::Refused(_) = tried(&address(token.clone())).await {
            account::forget(&api).await?;
            token = account::token(&api).await?;
        }
        match tried(&address(token.clone())).await {
            Tried::Good => Ok(Entry {
                id: cluster.id.clone(),
                reach: self.settings.reach.text().to_owned(),
                server: self.server(access, front)?,
                server_name: front.to_owned(),
                ca_data: access.ca_data.clone(),
                token,
            }),
            Tried::Refused(why) => Err(account::unusable(&why)),
            Tried::Silent(why) => Err(RegistrarError::new(Fault::Transient, why)),
        }
    }

    /// Where Argo CD reaches the cluster.
    fn server(&self, access: &Access, front: &str) -> Result<String, RegistrarError> {
        match &self.settings.reach {
            Reach::Network => Ok(format!("https://{front}:{}", Port::API)),
            Reach::Host(host) => {
                let port = access.server.rsplit_once(':').map(|(_, port)| port);
                let port = port.ok_or_else(|| failed("its API has no port"))?;
                Ok(format!("https://{host}:{port}"))
            }
        }
    }
}

/// The node that takes requests for the API: its name is in the certificate.
fn front(cluster: &ClusterView) -> Option<&str> {
    let of = |role| cluster.nodes.iter().find(move |node| node.role == role);
    let node = of(NodeRole::Balancer).or_else(|| of(NodeRole::Server));
    node.map(|node| node.name.as_str())
}

fn cluster_secret(object: DynamicObject) -> Option<ClusterSecret> {
    ClusterSecret::of(object.try_parse::<Secret>().ok()?)
}

fn changed_meanwhile(id: &ClusterId) -> RegistrarError {
    let message = format!("the Secret of {id} is not the one that was observed: it is left alone");
    RegistrarError::new(Fault::NotOurs, message).hint("run rollcall again")
}
