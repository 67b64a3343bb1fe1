//! Looking at the set: who is in it, and what Argo CD made of that.

use std::collections::BTreeMap;
use std::time::Duration;

use super::element::provider;
use super::look::{Generator, Look, Secrets};
use super::selector::Selectors;
use super::{APPLICATIONSET, ApplicationSet, Way};
use crate::model::{
    ClusterId, ClusterName, PortMap, ProviderId, RegistrarView, RegistrationView, Seen, Unseen,
    UnseenKind,
};
use crate::registrar::{ArgoCd, Fault, RegistrarError};

impl ApplicationSet {
    /// Who is in the set. A set that is proven not to be there is known; an API that does not answer, or refuses, is not.
    pub(super) async fn seen(&self, deadline: Duration) -> Seen<RegistrarView> {
        let looked = tokio::time::timeout(deadline, async {
            let api = self.api().await?;
            self.look(&api, Secrets::IfNeeded).await
        });
        let told = looked.await.unwrap_or_else(|_| {
            let context = &self.settings.context;
            let message = format!(
                "context {context}: no answer within {} s",
                deadline.as_secs()
            );
            Err(RegistrarError::new(Fault::Deadline, message)
                .hint("look whether the cluster of Argo CD runs"))
        });
        match told {
            Ok(look) => Seen::Known(self.view(look.as_ref())),
            Err(error) => Seen::Unknown(Unseen {
                source: APPLICATIONSET.to_owned(),
                kind: UnseenKind::Silent,
                hint: error.hint.or_else(|| {
                    Some("look whether the cluster of Argo CD runs, and answers".to_owned())
                }),
                error: error.message,
            }),
        }
    }

    fn view(&self, look: Option<&Look>) -> RegistrarView {
        let Some(look) = look else {
            return RegistrarView::default();
        };
        let entries = self.ids(look).into_iter();
        let entries = entries.filter_map(|id| {
            let view = RegistrationView {
                fingerprint: look.fingerprint(&id)?,
                endpoint: self.endpoint(look, &id),
                leads_to: PortMap::new(),
                trouble: look.trouble(&id),
            };
            Some((id, view))
        });
        RegistrarView {
            installed: true,
            after: [ArgoCd::registrar_id()].into(),
            // What is selected by its labels goes with them.
            attached: self.settings.way == Way::Labels,
            entries: entries.collect::<BTreeMap<_, _>>(),
            ..RegistrarView::default()
        }
    }

    /// The clusters that are in the set, and those whose Applications are left over.
    fn ids(&self, look: &Look) -> Vec<ClusterId> {
        let mut found: Vec<(Option<&str>, Option<&str>)> = Vec::new();
        match &look.generator {
            Generator::Labels => {
                let selectors = Selectors::of(look.set.spec());
                let selected = |labels| selectors.as_ref().is_some_and(|all| all.select(labels));
                for cluster in &look.clusters {
                    let provider = cluster.labels.get("provider").map(String::as_str);
                    if selected(&cluster.labels) {
                        found.push((Some(&cluster.name), provider));
                    }
                }
            }
            Generator::Elements(pattern, place) => {
                let elements = place.elements(look.set.spec()).iter();
                found.extend(elements.map(|element| (pattern.name(element), provider(element))));
            }
        }
        found.extend(
            look.left_over()
                .map(|app| (app.destination.name.as_deref(), None)),
        );
        let named = found.into_iter().filter_map(|(name, provider)| {
            let name = ClusterName::parse(name?).ok()?;
            Some((name, provider.map(ProviderId::new)))
        });
        named
            .flat_map(|(name, provider)| {
                let providers = provider.map_or_else(|| self.providers.clone(), |one| vec![one]);
                providers
                    .into_iter()
                    .map(move |provider| ClusterId::new(provider, name.clone()))
            })
            .collect()
    }

    fn endpoint(&self, look: &Look, id: &ClusterId) -> String {
        let names: Vec<&str> = look.apps_of(id).iter().map(|app| app.name()).collect();
        if names.is_empty() {
            return "no application".to_owned();
        }
        format!("{}/{}", self.settings.namespace, names.join(", "))
    }
}
