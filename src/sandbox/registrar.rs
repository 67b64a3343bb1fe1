//! The registrar port, once for all of them: another registrar is one line in [`REGISTRARS`].

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use secrecy::ExposeSecret as _;

use super::Actor;
use super::clock::SandboxClock;
use super::credentials;
use super::instruction::{Health, Operation};
use super::journal::{Deed, Thing};
use super::operation::{Errand, PATIENCE, Run};
use super::state::{Noted, Registered, State};
use super::things::Label;
use super::vault::Vault;
use crate::clock::Clock as _;
use crate::model::{
    ClusterId, Fingerprint, Incarnation, NodeRole, Phase, Port, PortMap, Ports, RegistrarId,
    RegistrarView, RegistrationView, Seen, Unseen, UnseenKind,
};
use crate::provider::Access;
use crate::registrar::{Fault, RegisterOrder, Registrar, RegistrarError, Switched, context_of};

/// What an entry of a registrar leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LeadsTo {
    /// The API, with credentials that it gives back to whoever asks.
    Api,
    /// What a cluster serves on this port inside of it.
    Port(Port),
    /// The API by its node's name, with credentials that it keeps.
    Node,
    /// The cluster by its name in another registrar.
    Name,
}

/// A registrar of every sandbox.
#[derive(Debug, Clone, Copy)]
struct Place {
    name: &'static str,
    leads: LeadsTo,
    /// Where a cluster must be registered first.
    after: Option<&'static str>,
}

/// The registrars of every sandbox.
const REGISTRARS: [Place; 5] = [
    Place {
        name: "applicationset",
        leads: LeadsTo::Name,
        after: Some("argocd"),
    },
    Place {
        name: "argocd",
        leads: LeadsTo::Node,
        after: None,
    },
    Place {
        name: "haproxy",
        leads: LeadsTo::Port(Ports::HTTP),
        after: None,
    },
    Place {
        name: "kubeconfig",
        leads: LeadsTo::Api,
        after: None,
    },
    Place {
        name: "portainer",
        leads: LeadsTo::Node,
        after: None,
    },
];

const WRITE_TAKES: Duration = Duration::from_secs(4);

/// Their identities.
pub(super) fn ids() -> impl Iterator<Item = RegistrarId> {
    REGISTRARS.iter().map(|place| RegistrarId::new(place.name))
}

/// One of the sandbox's registrars.
pub(super) struct SandboxRegistrar {
    vault: Arc<Vault>,
    id: RegistrarId,
    leads: LeadsTo,
    after: Option<RegistrarId>,
}

impl SandboxRegistrar {
    /// All of them.
    pub(super) fn all(vault: &Arc<Vault>) -> impl Iterator<Item = Self> {
        REGISTRARS.iter().map(|place| Self {
            vault: Arc::clone(vault),
            id: RegistrarId::new(place.name),
            leads: place.leads,
            after: place.after.map(RegistrarId::new),
        })
    }

    /// Where an entry leads that is written now.
    fn endpoint(&self, order: &RegisterOrder) -> Result<String, RegistrarError> {
        match self.leads {
            LeadsTo::Api => Ok(order.access.server.clone()),
            LeadsTo::Name => Ok(order.cluster.id.name.to_string()),
            LeadsTo::Node => {
                let mut nodes = order.cluster.nodes.iter();
                let node = nodes.find(|node| node.role == NodeRole::Server);
                let name = node.map_or("", |node| node.name.as_str());
                Ok(format!("https://{name}"))
            }
            LeadsTo::Port(inside) => {
                let port = order.cluster.ports.get(&inside).ok_or_else(|| {
                    let id = &order.cluster.id;
                    let message = format!("{id} publishes no port that leads to {inside}");
                    RegistrarError::new(Fault::Permanent, message)
                })?;
                Ok(format!("127.0.0.1:{port}"))
            }
        }
    }

    fn unseen(&self, kind: UnseenKind, error: String) -> Seen<RegistrarView> {
        Seen::Unknown(Unseen {
            source: self.id.to_string(),
            kind,
            error,
            hint: Some(format!("rollcall sandbox say {} is up", self.id)),
        })
    }
}

#[async_trait]
impl Registrar for SandboxRegistrar {
    fn id(&self) -> RegistrarId {
        self.id.clone()
    }

    async fn observe(&self, deadline: Duration) -> Seen<RegistrarView> {
        match self.vault.read(|state| state.health(self.id.as_str())) {
            Ok(Health::Gone) => return Seen::Known(RegistrarView::default()),
            Ok(Health::Down) => {
                return self.unseen(UnseenKind::NotReady, "connection refused".to_owned());
            }
            Ok(Health::Silent) => {
                SandboxClock(Arc::clone(&self.vault)).sleep(deadline).await;
                let error = format!("no answer within {} s", deadline.as_secs());
                return self.unseen(UnseenKind::Silent, error);
            }
            Ok(Health::Up) | Err(_) => {}
        }
        let errand = Errand::new(Operation::Observe, None, Duration::ZERO)
            .at(&self.id)
            .within(deadline);
        let seen = match Run::begin(&self.vault, errand).await {
            Ok(mut run) => match run.pass().await {
                Ok(()) => run.change(|state| Ok(state.registrations(self))),
                Err(error) => Err(error),
            },
            Err(error) => Err(error),
        };
        match seen {
            Ok(view) => Seen::Known(view),
            Err(error) => self.unseen(UnseenKind::Silent, error.message),
        }
    }

    async fn register(
        &self,
        order: &RegisterOrder,
        expected: Option<&Fingerprint>,
    ) -> Result<Fingerprint, RegistrarError> {
        let access = &order.access;
        let errand = Errand::new(Operation::Register, Some(&access.id), WRITE_TAKES)
            .at(&self.id)
            .within(PATIENCE);
        let run = Run::begin(&self.vault, errand).await?;
        let endpoint = self.endpoint(order)?;
        let print = credentials::fingerprint(&access.id, &endpoint, Some(&access.incarnation));
        let entry = Registered {
            endpoint,
            incarnation: Some(access.incarnation.clone()),
            fingerprint: print.clone(),
            made_by: Actor::Rollcall,
        };
        run.simple(|state| state.register(self, access, expected, entry.clone()))
            .await?;
        Ok(print)
    }

    async fn deregister(
        &self,
        id: &ClusterId,
        expected: &Fingerprint,
    ) -> Result<(), RegistrarError> {
        let errand = Errand::new(Operation::Deregister, Some(id), WRITE_TAKES).at(&self.id);
        let run = Run::begin(&self.vault, errand).await?;
        run.simple(|state| state.deregister(&self.id, id, expected))
            .await
    }

    async fn switch(&self, id: &ClusterId) -> Result<Switched, RegistrarError> {
        if self.leads != LeadsTo::Api {
            let message = format!("no entry of {} is the current one", self.id);
            return Err(RegistrarError::new(Fault::Permanent, message));
        }
        let errand = Errand::new(Operation::Register, Some(id), Duration::ZERO).at(&self.id);
        let mut run = Run::begin(&self.vault, errand).await?;
        run.pass().await?;
        run.change(|state| state.switch(&self.id, id))
    }

    async fn access(&self, id: &ClusterId) -> Option<Access> {
        if self.leads != LeadsTo::Api {
            return None;
        }
        let held = self.vault.read(|state| {
            let answers = state.health(self.id.as_str()) == Health::Up;
            let entry = state.registrars.get(&self.id)?.get(id)?;
            answers.then(|| (entry.incarnation.clone(), entry.endpoint.clone()))
        });
        match held {
            Ok(Some((Some(life), endpoint))) => Some(credentials::access(id, &life, endpoint)),
            _ => None,
        }
    }
}

impl State {
    fn registrations(&self, registrar: &SandboxRegistrar) -> RegistrarView {
        let (inside, needs) = match registrar.leads {
            LeadsTo::Api | LeadsTo::Node | LeadsTo::Name => (Port::API, None),
            LeadsTo::Port(inside) => (inside, Some(inside)),
        };
        let entries = self.registrars.get(&registrar.id).into_iter().flatten();
        RegistrarView {
            installed: true,
            needs,
            early: registrar.leads == LeadsTo::Api,
            after: registrar.after.iter().cloned().collect(),
            entries: entries
                .map(|(id, entry)| {
                    let view = RegistrationView {
                        fingerprint: entry.fingerprint.clone(),
                        endpoint: entry.endpoint.clone(),
                        leads_to: leads_to(inside, &entry.endpoint),
                        trouble: None,
                    };
                    (id.clone(), view)
                })
                .collect(),
            ..RegistrarView::default()
        }
    }

    /// Only what has an entry can be current.
    fn switch(
        &mut self,
        registrar: &RegistrarId,
        id: &ClusterId,
    ) -> Result<Switched, RegistrarError> {
        let entries = self.registrars.get(registrar);
        let context = context_of(id);
        if entries.is_none_or(|entries| !entries.contains_key(id)) {
            let message = format!("{registrar} has no context {context}");
            return Err(RegistrarError::new(Fault::Permanent, message));
        }
        Ok(Switched {
            before: self.current.replace(context.clone()),
            context,
            file: None,
        })
    }

    fn register(
        &mut self,
        place: &SandboxRegistrar,
        access: &Access,
        expected: Option<&Fingerprint>,
        entry: Registered,
    ) -> Result<(), RegistrarError> {
        let (registrar, id) = (&place.id, &access.id);
        let there = self.registrars.get(registrar).and_then(|all| all.get(id));
        let made_by = there.map_or(self.actor, |entry| entry.made_by);
        if there.map(|entry| &entry.fingerprint) != expected {
            return Err(moved(registrar, id));
        }
        self.is_this_life(access)?;
        self.comes_first(place, id)?;
        let entry = Registered {
            made_by: self.actor,
            ..entry
        };
        let entries = self.registrars.entry(registrar.clone()).or_default();
        entries.insert(id.clone(), entry);
        self.note_registration(Deed::Register, registrar, id, made_by);
        Ok(())
    }

    fn deregister(
        &mut self,
        registrar: &RegistrarId,
        id: &ClusterId,
        expected: &Fingerprint,
    ) -> Result<(), RegistrarError> {
        let Some(entries) = self.registrars.get_mut(registrar) else {
            return Ok(());
        };
        let Some(entry) = entries.get(id) else {
            return Ok(());
        };
        if entry.fingerprint != *expected {
            return Err(moved(registrar, id));
        }
        let made_by = entry.made_by;
        entries.remove(id);
        self.note_registration(Deed::Deregister, registrar, id, made_by);
        Ok(())
    }

    fn note_registration(
        &mut self,
        deed: Deed,
        registrar: &RegistrarId,
        id: &ClusterId,
        made_by: super::Actor,
    ) {
        let what = Noted {
            thing: Thing::Registration,
            id: &format!("{registrar}/{id}"),
            name: registrar.as_str(),
            cluster: Some(id.clone()),
        };
        self.note(deed, what, made_by);
    }

    /// Nothing is made of a cluster that is not known where it has to be known first.
    fn comes_first(&self, place: &SandboxRegistrar, id: &ClusterId) -> Result<(), RegistrarError> {
        let missing = place.after.iter().find(|first| {
            let there = self.registrars.get(*first);
            self.health(first.as_str()) == Health::Up
                && there.is_none_or(|entries| !entries.contains_key(id))
        });
        missing.map_or(Ok(()), |first| {
            let message = format!("{id} is not registered in {first}: it would be an error there");
            Err(RegistrarError::new(Fault::Permanent, message))
        })
    }

    /// Only what runs is registered, and only with its own credentials.
    fn is_this_life(&self, access: &Access) -> Result<(), RegistrarError> {
        let id = &access.id;
        let refused = |message: String| Err(RegistrarError::new(Fault::Permanent, message));
        let view = self.cluster(id);
        if view.phase != Phase::Running {
            let why = view.detail.unwrap_or_default();
            return refused(format!("{id} does not run: {why}"));
        }
        let life = self.first_server(&Label::from(id)).map(|c| c.id.as_str());
        let key = credentials::client_key(&Incarnation::new(life.unwrap_or_default()));
        if life != Some(access.incarnation.as_str())
            || access.client_key_data.expose_secret() != key
        {
            return refused(format!(
                "the credentials are of another incarnation of {id}"
            ));
        }
        Ok(())
    }
}

/// The port of the host that an entry names.
fn leads_to(inside: Port, endpoint: &str) -> PortMap {
    let port = endpoint
        .rsplit_once(':')
        .and_then(|(_, port)| Port::parse(port.parse().ok()?).ok());
    port.map(|port| (inside, port)).into_iter().collect()
}

fn moved(registrar: &RegistrarId, id: &ClusterId) -> RegistrarError {
    let message = format!("the entry of {id} in {registrar} is not the one that was seen");
    RegistrarError::new(Fault::NotOurs, message)
}
