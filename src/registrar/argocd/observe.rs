//! Looking at every cluster Secret of Argo CD's namespace.

use std::collections::BTreeMap;
use std::time::Duration;

use k8s_openapi::api::core::v1::Secret;
use kube::api::DynamicObject;

use super::wire::{ClusterSecret, IN_CLUSTER};
use super::{ARGOCD, ArgoCd, Other};
use crate::model::{
    ClusterId, ClusterName, ClusterView, Obstacle, RegistrarView, RegistrationView, Seen, Unseen,
    UnseenKind,
};
use crate::provider::{self, ApiAddress, Busy};
use crate::registrar::api::{NAMESPACE, SECRET};
use crate::registrar::{Fault, RegistrarError};

impl ArgoCd {
    /// All clusters that Argo CD knows. Without its namespace, it is not installed.
    pub(super) async fn seen(&self, deadline: Duration) -> Seen<RegistrarView> {
        let looked = tokio::time::timeout(deadline, self.secrets()).await;
        let error = match looked {
            Ok(Ok(Some(secrets))) => return Seen::Known(self.view(&secrets)),
            Ok(Ok(None)) => return Seen::Known(RegistrarView::default()),
            Ok(Err(error)) => error,
            Err(_) => {
                let seconds = deadline.as_secs();
                let message = format!(
                    "context {}: no answer within {seconds} s",
                    self.settings.context
                );
                RegistrarError::new(Fault::Transient, message)
            }
        };
        Seen::Unknown(Unseen {
            source: ARGOCD.to_owned(),
            kind: UnseenKind::Silent,
            error: error.message,
            hint: error.hint.or_else(|| {
                let context = &self.settings.context;
                Some(format!(
                    "see whether it answers: kubectl --context {context} get ns"
                ))
            }),
        })
    }

    /// The cluster Secrets; `None`: there is no such namespace.
    pub(super) async fn secrets(&self) -> Result<Option<Vec<ClusterSecret>>, RegistrarError> {
        let (api, namespace) = (self.api().await?, self.settings.namespace.as_str());
        let (there, secrets) = tokio::try_join!(
            api.get(NAMESPACE, None, namespace),
            // All of them: one that lost its label is still a cluster of ours.
            api.list(SECRET, Some(namespace), None),
        )?;
        let secrets = secrets.into_iter().filter_map(parsed);
        Ok(there.map(|_| secrets.collect()))
    }

    fn view(&self, secrets: &[ClusterSecret]) -> RegistrarView {
        let (mut entries, mut held) = (BTreeMap::new(), BTreeMap::new());
        let secrets: Vec<_> = secrets.iter().filter(|secret| !secret.is_own()).collect();
        for secret in &secrets {
            for id in secret.clusters(&self.providers) {
                held.extend(secret.credentials().map(|address| (id.clone(), address)));
                let view = RegistrationView {
                    fingerprint: secret.fingerprint(),
                    endpoint: secret.server(),
                    leads_to: BTreeMap::default(),
                    trouble: self.detour(secret),
                };
                entries.insert(id, view);
            }
        }
        *self.held() = held;
        // What says itself that it is the entry of a cluster is mended as that.
        let mut others = secrets;
        others.retain(|secret| secret.is_cluster() && !secret.is_marked());
        let seen = others.iter().map(|other| Other {
            secret: other.name().to_owned(),
            server: other.server(),
            name: other.cluster_name(),
        });
        *self.others() = seen.collect();
        RegistrarView {
            installed: true,
            after: self.settings.after.iter().cloned().collect(),
            obstacles: self.obstacles(&entries, &others),
            problems: self.problems(&others),
            entries,
            ..RegistrarView::default()
        }
    }

    /// Another way to the cluster than the settings ask for now.
    fn detour(&self, secret: &ClusterSecret) -> Option<String> {
        let (was, is) = (secret.reach()?, self.settings.reach.text());
        (was != is).then(|| format!("reached over {was}, not over {is}"))
    }

    /// What makes Argo CD confuse one of our clusters with another: which of two Secrets of one server, or of one name,
    /// it takes is left to chance.
    fn obstacles(
        &self,
        entries: &BTreeMap<ClusterId, RegistrationView>,
        others: &[&ClusterSecret],
    ) -> BTreeMap<ClusterId, Vec<Obstacle>> {
        let mut obstacles = BTreeMap::<ClusterId, Vec<Obstacle>>::new();
        for other in others {
            let (server, own) = (other.server(), other.clusters(&self.providers));
            let mut doubled = |ids: Vec<ClusterId>, what: &str| {
                for id in ids.into_iter().filter(|id| !own.contains(id)) {
                    obstacles.entry(id).or_default().push(Obstacle {
                        what: format!("Secret {} registers the same {what}", other.name()),
                        remedy: self.remedy(other),
                        of: own.clone(),
                    });
                }
            };
            let same = entries.iter().filter(|(_, entry)| entry.endpoint == server);
            doubled(same.map(|(id, _)| id.clone()).collect(), "server");
            if let Ok(name) = ClusterName::parse(&other.cluster_name()) {
                doubled(self.of_each_provider(&name), "name");
            }
        }
        let reserved = ClusterName::parse(IN_CLUSTER).into_iter();
        let reserved = reserved.flat_map(|name| self.of_each_provider(&name));
        for id in reserved {
            obstacles.entry(id).or_default().push(Obstacle {
                what: format!("{IN_CLUSTER} is Argo CD's name for its own cluster"),
                remedy: "give the cluster another name, or name it in argocd.except".to_owned(),
                of: Vec::new(),
            });
        }
        obstacles
    }

    fn of_each_provider(&self, name: &ClusterName) -> Vec<ClusterId> {
        let providers = self.providers.iter().cloned();
        providers
            .map(|provider| ClusterId::new(provider, name.clone()))
            .collect()
    }

    /// One Secret that cannot be read keeps every `ApplicationSet` from deleting anything.
    fn problems(&self, others: &[&ClusterSecret]) -> Vec<Obstacle> {
        let broken = others.iter().filter(|other| !other.is_readable());
        let broken = broken.map(|secret| Obstacle {
            what: format!(
                "the config of Secret {} is nothing that Argo CD can read: no ApplicationSet deletes anything",
                secret.name()
            ),
            remedy: self.remedy(secret),
            of: secret.clusters(&self.providers),
        });
        broken.collect()
    }

    fn remedy(&self, secret: &ClusterSecret) -> String {
        let (context, namespace) = (&self.settings.context, &self.settings.namespace);
        format!(
            "mend or delete it: kubectl --context {context} -n {namespace} edit secret {}",
            secret.name()
        )
    }

    /// Whether a running cluster takes the token that its Secret holds, with the CA and the name that it holds.
    pub(super) async fn proof(&self, cluster: &ClusterView) -> Option<Result<(), String>> {
        let (port, address) = (cluster.api_port?, self.held().get(&cluster.id)?.clone());
        let address = ApiAddress {
            server: format!("https://127.0.0.1:{port}"),
            ..address
        };
        match tried(&address).await {
            Tried::Good => Some(Ok(())),
            Tried::Refused(why) => Some(Err(why)),
            Tried::Silent(_) => None,
        }
    }
}

/// What came of trying credentials.
pub(super) enum Tried {
    /// They are good.
    Good,
    /// They are not.
    Refused(String),
    /// Nobody said.
    Silent(String),
}

/// Reads one object with these credentials: that proves address, certificate, token and rights at once.
pub(super) async fn tried(address: &ApiAddress) -> Tried {
    let client = match provider::client(address, Busy::Fail).await {
        Ok(client) => client,
        Err(why) => return Tried::Refused(why),
    };
    let namespaces = kube::Api::<k8s_openapi::api::core::v1::Namespace>::all(client);
    let one = kube::api::ListParams::default().limit(1);
    let Err(error) = namespaces.list(&one).await else {
        return Tried::Good;
    };
    let words = provider::words("its cluster", &error);
    match error {
        kube::Error::Api(status) if status.code == 401 => {
            Tried::Refused("its cluster refuses the token".to_owned())
        }
        kube::Error::Api(status) if status.code == 403 => {
            Tried::Refused("its cluster gives the token no rights".to_owned())
        }
        // rustls says so of every certificate that it does not accept.
        _ if words.contains("invalid peer certificate") => Tried::Refused(words),
        _ => Tried::Silent(words),
    }
}

fn parsed(object: DynamicObject) -> Option<ClusterSecret> {
    ClusterSecret::of(object.try_parse::<Secret>().ok()?)
}
