//! Changing what is registered: look, do the next thing, look again; then the agent.

use std::sync::PoisonError;
use std::time::Duration;

use async_trait::async_trait;
use reqwest::StatusCode;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::json;

use super::Portainer;
use super::agent::EdgeAgent;
use super::environment::{Done, Next, robbed};
use super::http::{Call, Http};
use super::observe::{self, Look};
use super::wire::Environment;
use crate::model::{ClusterId, Fingerprint, RegistrarId, RegistrarView, Seen};
use crate::registrar::{Fault, RegisterOrder, Registrar, RegistrarError};

/// More changes than one environment can ever need: two tags, a twin, freedom, a successor, deletion, fields.
const ROUNDS: usize = 12;
/// How often the heartbeat is looked for.
const LOOK: Duration = Duration::from_secs(1);

#[async_trait]
impl Registrar for Portainer {
    fn id(&self) -> RegistrarId {
        Self::registrar_id()
    }

    async fn observe(&self, deadline: Duration) -> Seen<RegistrarView> {
        self.seen(deadline).await
    }

    async fn register(
        &self,
        order: &RegisterOrder,
        expected: Option<&Fingerprint>,
    ) -> Result<Fingerprint, RegistrarError> {
        let (http, id) = (self.http()?, &order.cluster.id);
        // A cluster whose API does not answer gets no environment that nobody polls for.
        let namespace = &self.settings.namespace;
        let agent = self.agents.edge_id(&order.access, namespace).await?;
        let (look, number) = self.settle(http, id, expected, agent).await?;
        self.remember(id, self.found(&look, id));
        let environment = look.environments.iter().find(|one| one.id == number);
        let environment = environment.ok_or_else(|| changed_meanwhile(id))?;
        let agent = self.agent(&look, id, environment);
        self.agents.deploy(&order.access, &agent).await?;
        let edge_id = look.edge_id(id, environment);
        self.hear(http, id, environment, &edge_id).await?;
        let look = self.finish(http, id, edge_id).await?;
        let found = self.found(&look, id);
        self.remember(id, found.clone());
        found.ok_or_else(|| changed_meanwhile(id))
    }

    async fn deregister(
        &self,
        id: &ClusterId,
        expected: &Fingerprint,
    ) -> Result<(), RegistrarError> {
        let http = self.http()?;
        let look = self.look(http).await?;
        let Some(entry) = self.entry(&look, id) else {
            return Ok(());
        };
        self.demand(
            id,
            Some(&self.fingerprint(&look, id, &entry)),
            Some(expected),
        )?;
        let tag = &self.settings.tag;
        if !self.is_ours(&look, entry.environment) {
            let number = entry.environment.id;
            let message =
                format!("environment {number} does not bear the tag {tag}: it is left alone");
            return Err(RegistrarError::new(Fault::NotOurs, message).hint(format!(
                "give it the tag {tag} in Portainer, or delete it there"
            )));
        }
        let twins = entry.others.iter().filter(|one| self.is_ours(&look, one));
        let rest = self.spare(&look, id);
        for one in twins.copied().chain(rest).chain([entry.environment]) {
            drop_environment(http, one.id).await?;
        }
        self.remember(id, None);
        Ok(())
    }

    async fn withdraw(&self, order: &RegisterOrder) -> Result<(), RegistrarError> {
        let namespace = &self.settings.namespace;
        self.agents.remove(&order.access, namespace).await
    }
}

impl Portainer {
    /// Makes a cluster's environment what it should be, and says which one it is.
    async fn settle(
        &self,
        http: &Http,
        id: &ClusterId,
        expected: Option<&Fingerprint>,
        agent: Option<String>,
    ) -> Result<(Look, u64), RegistrarError> {
        let mut look = self.look(http).await?;
        self.demand(id, self.found(&look, id).as_ref(), expected)?;
        let mut done = Done {
            agent,
            ..Done::default()
        };
        let mut lost = None;
        for _ in 0..ROUNDS {
            match (self.next(&look, id, &done)?, lost.take()) {
                (Next::Ready(number), _) => return Ok((look, number)),
                // It was asked for, no answer came, and it is not there.
                (Next::Make(_), Some(error)) => return Err(error),
                (next, _) => {
                    let making = matches!(next, Next::Make(_));
                    match act(http, id, next, &mut done).await {
                        // It may have been made in spite of it.
                        Err(error) if making && error.fault == Fault::Transient => {
                            lost = Some(error);
                        }
                        acted => acted?,
                    }
                }
            }
            look = self.look(http).await?;
        }
        let message = format!("the environment of {id} changes as fast as it is put right");
        Err(RegistrarError::new(Fault::Transient, message).hint("look who else changes it"))
    }

    /// Changes what can be changed only while the agent is heard of, and looks.
    async fn finish(
        &self,
        http: &Http,
        id: &ClusterId,
        edge_id: String,
    ) -> Result<Look, RegistrarError> {
        let look = self.look(http).await?;
        let mut done = Done {
            agent: Some(edge_id),
            ..Done::default()
        };
        match self.next(&look, id, &done)? {
            change @ Next::Change(..) => {
                act(http, id, change, &mut done).await?;
                self.look(http).await
            }
            _ => Ok(look),
        }
    }

    fn agent(&self, look: &Look, id: &ClusterId, environment: &Environment) -> EdgeAgent {
        let settings = &self.settings;
        let unproven = settings.insecure_skip_verify || settings.ca_file.is_some();
        let image = || format!("portainer/agent:{}", look.status.version);
        EdgeAgent {
            edge_id: SecretString::from(look.edge_id(id, environment)),
            edge_key: SecretString::from(environment.edge_key.clone()),
            image: settings.agent_image.clone().unwrap_or_else(image),
            namespace: settings.namespace.clone(),
            insecure_poll: unproven && settings.agent_url.starts_with("https:"),
        }
    }

    /// Waits until the agent was heard of since the environment was looked at, by the server's own clock.
    async fn hear(
        &self,
        http: &Http,
        id: &ClusterId,
        before: &Environment,
        edge_id: &str,
    ) -> Result<(), RegistrarError> {
        let Some(patience) = self.settings.heartbeat else {
            return Ok(());
        };
        // Two check-ins, and what Portainer itself allows for.
        let interval = u64::from(before.edge_checkin_interval);
        let patience = patience.max(Duration::from_secs(2 * interval + 20));
        let since = match before.last_check_in_date {
            0 => 0,
            last => last.max(before.query_date),
        };
        let heard = tokio::time::timeout(patience, async {
            loop {
                let now = observe::one(http, before.id).await?;
                let now = now.ok_or_else(|| changed_meanwhile(id))?;
                if !now.edge_id.is_empty() && now.edge_id != edge_id {
                    return Err(robbed(now.id));
                }
                if now.last_check_in_date > since {
                    return Ok(());
                }
                tokio::time::sleep(LOOK).await;
            }
        });
        heard.await.unwrap_or_else(|_| {
            let seconds = patience.as_secs();
            let message = format!("the agent of {id} did not check in within {seconds} s");
            Err(RegistrarError::new(Fault::Transient, message).hint(format!(
                "look at its log, and whether {} is reached from inside the cluster: kubectl -n {} logs \
                 deployment/portainer-edge-agent",
                self.settings.agent_url, self.settings.namespace
            )))
        })
    }

    fn found(&self, look: &Look, id: &ClusterId) -> Option<Fingerprint> {
        let entry = self.entry(look, id)?;
        Some(self.fingerprint(look, id, &entry))
    }

    /// Fails if what is there is neither what the plan saw nor what this process put there since.
    fn demand(
        &self,
        id: &ClusterId,
        found: Option<&Fingerprint>,
        expected: Option<&Fingerprint>,
    ) -> Result<(), RegistrarError> {
        let written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        if found == expected || (found.is_some() && found == written.get(id)) {
            return Ok(());
        }
        Err(changed_meanwhile(id))
    }

    fn remember(&self, id: &ClusterId, wrote: Option<Fingerprint>) {
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        match wrote {
            Some(fingerprint) => written.insert(id.clone(), fingerprint),
            None => written.remove(id),
        };
    }
}

/// Does one thing.
async fn act(
    http: &Http,
    id: &ClusterId,
    next: Next,
    done: &mut Done,
) -> Result<(), RegistrarError> {
    match next {
        Next::Tag(name) => make_tag(http, &name).await,
        Next::Make(form) => make(http, id, form, done).await,
        Next::Drop(numbers) => drop_all(http, &numbers).await,
        Next::GiveUp(numbers, error) => {
            drop_all(http, &numbers).await?;
            Err(error)
        }
        Next::Free(number) => {
            done.freed = true;
            // The documentation calls it PUT; the route is DELETE.
            let path = format!("endpoints/{number}/association");
            let call = Call::delete(&path, &format!("set environment {number} free"));
            good(&http.ask(&call).await?)
        }
        Next::Change(number, fields) => {
            let path = format!("endpoints/{number}");
            let call = Call::put(&path, fields, &format!("change environment {number}"));
            let answer = http.ask(&call).await?;
            match answer.status {
                StatusCode::CONFLICT => Err(not_unique(id)),
                _ => good(&answer),
            }
        }
        Next::Ready(_) => Ok(()),
    }
}

async fn make_tag(http: &Http, name: &str) -> Result<(), RegistrarError> {
    let call = Call::post(
        "tags",
        json!({"Name": name}),
        &format!("make the tag {name}"),
    );
    let answer = http.ask(&call).await?;
    match answer.status {
        // Somebody else was faster.
        StatusCode::CONFLICT => Ok(()),
        _ => good(&answer),
    }
}

async fn make(
    http: &Http,
    id: &ClusterId,
    form: Vec<(&'static str, String)>,
    done: &mut Done,
) -> Result<(), RegistrarError> {
    #[derive(Deserialize)]
    struct Made {
        #[serde(rename = "Id")]
        id: u64,
    }
    let call = Call::form(
        "endpoints",
        form,
        &format!("make the environment {}", id.name),
    );
    let answer = http.ask(&call).await?;
    match answer.status {
        StatusCode::CONFLICT => Err(not_unique(id)),
        StatusCode::BAD_REQUEST => Err(answer.failed().hint(
            "portainer.agent_url must be a whole URL at which a cluster reaches Portainer, and never localhost",
        )),
        _ => {
            done.made.push(answer.json::<Made>()?.id);
            Ok(())
        }
    }
}

async fn drop_all(http: &Http, numbers: &[u64]) -> Result<(), RegistrarError> {
    for number in numbers {
        drop_environment(http, *number).await?;
    }
    Ok(())
}

/// The one way that every version has. Gone already is fine.
async fn drop_environment(http: &Http, number: u64) -> Result<(), RegistrarError> {
    let what = format!("delete environment {number}");
    let answer = http
        .ask(&Call::delete(&format!("endpoints/{number}"), &what))
        .await?;
    match answer.status {
        StatusCode::NOT_FOUND if answer.is_portainers() => Ok(()),
        _ => good(&answer),
    }
}

fn good(answer: &super::http::Answer) -> Result<(), RegistrarError> {
    if answer.status.is_success() {
        Ok(())
    } else {
        Err(answer.failed())
    }
}

fn not_unique(id: &ClusterId) -> RegistrarError {
    let message = format!("Portainer has another environment named {}", id.name);
    RegistrarError::new(Fault::NotOurs, message).hint("rename or delete it in Portainer")
}

fn changed_meanwhile(id: &ClusterId) -> RegistrarError {
    let message =
        format!("the environment of {id} is not the one that was observed: it is left alone");
    RegistrarError::new(Fault::NotOurs, message).hint("run rollcall again")
}
