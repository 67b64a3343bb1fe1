//! What has to be done next so that a cluster's environment is as it should be: pure, one request at a time.

use reqwest::Url;
use serde_json::{Map, Value, json};

use super::observe::{Entry, Flaw, Look, numbers};
use super::wire::Environment;
use super::{Portainer, PortainerGroup};
use crate::model::ClusterId;
use crate::registrar::{Fault, RegistrarError};

/// `EndpointCreationType` of an edge agent. It is not `Endpoint.Type`.
const EDGE_AGENT: &str = "4";
/// The group of what has none.
const UNASSIGNED: u64 = 1;

/// What this attempt did already, and found.
#[derive(Default)]
pub(super) struct Done {
    /// The environments that it made.
    pub(super) made: Vec<u64>,
    /// Whether it set the environment free.
    pub(super) freed: bool,
    /// The name that the agent in the cluster goes by, if there is one.
    pub(super) agent: Option<String>,
}

/// What to do next.
#[derive(Debug, PartialEq)]
pub(super) enum Next {
    /// Make a tag.
    Tag(String),
    /// Make the environment, of this form.
    Make(Vec<(&'static str, String)>),
    /// Delete these environments.
    Drop(Vec<u64>),
    /// Delete these, which this attempt made, and fail.
    GiveUp(Vec<u64>, RegistrarError),
    /// Break with the agent that the environment is bound to.
    Free(u64),
    /// Change these fields of an environment.
    Change(u64, Value),
    /// Nothing: this environment is as it should be.
    Ready(u64),
}

impl Portainer {
    /// What to do next for a cluster.
    pub(super) fn next(
        &self,
        look: &Look,
        id: &ClusterId,
        done: &Done,
    ) -> Result<Next, RegistrarError> {
        let entry = self.entry(look, id);
        if let Some(rival) = self.rival(look, id).filter(|_| entry.is_none()) {
            return Err(not_ours(format!(
                "the environment {} is that of {rival}, and a name leads to one cluster alone",
                id.name
            )));
        }
        for tag in [self.settings.tag.clone(), self.provider_tag(&id.provider)] {
            if look.tag(&tag).is_none() {
                return Ok(Next::Tag(tag));
            }
        }
        let Some(entry) = entry.or_else(|| self.renamed(look, id, done)) else {
            return Ok(Next::Make(self.form(look, id, id.name.to_string())?));
        };
        let environment = entry.environment;
        if !entry.others.is_empty() {
            return self.without_twins(look, id, &entry, done);
        }
        let spare = self.spare(look, id).filter(|one| one.id != environment.id);
        if let Some(flaw) = self.flaws(environment).first() {
            return match spare {
                _ if done.made.contains(&environment.id) => Ok(done.in_vain(flaw)),
                None if environment.name == spare_name(id) => Ok(Next::Drop(vec![environment.id])),
                None => Ok(Next::Make(self.form(look, id, spare_name(id))?)),
                Some(spare) => Ok(self.exchange(environment, spare, done)),
            };
        }
        if look.is_anothers(id, environment, done) {
            return if done.freed {
                Err(robbed(environment.id))
            } else {
                Ok(Next::Free(environment.id))
            };
        }
        let change = self.change(look, id, environment)?;
        Ok(match spare {
            _ if !change.is_empty() => Next::Change(environment.id, Value::Object(change)),
            Some(spare) => Next::Drop(vec![spare.id]),
            None => Next::Ready(environment.id),
        })
    }

    /// What is of no use goes only when its successor is there and is of use.
    fn exchange(&self, old: &Environment, spare: &Environment, done: &Done) -> Next {
        match self.flaws(spare).first() {
            None => Next::Drop(vec![old.id]),
            Some(flaw) if done.made.contains(&spare.id) => done.in_vain(flaw),
            Some(_) => Next::Drop(vec![spare.id]),
        }
    }

    /// The successor of an environment of no use, until it gets its name.
    pub(super) fn spare<'l>(&self, look: &'l Look, id: &ClusterId) -> Option<&'l Environment> {
        let name = spare_name(id);
        let mut named = look.environments.iter().filter(|one| one.name == name);
        named.find(|one| self.is_ours(look, one) && look.has(one, &self.provider_tag(&id.provider)))
    }

    /// Of several of one name, all ours, one is left. Somebody else's stay, and what this attempt made beside them goes.
    fn without_twins(
        &self,
        look: &Look,
        id: &ClusterId,
        entry: &Entry<'_>,
        done: &Done,
    ) -> Result<Next, RegistrarError> {
        let others = entry.others.iter();
        let strange: Vec<&Environment> = others
            .filter(|one| !self.is_ours(look, one))
            .copied()
            .collect();
        if strange.is_empty() {
            return Ok(Next::Drop(entry.others.iter().map(|one| one.id).collect()));
        }
        if !done.made.is_empty() {
            let error = not_ours(format!("somebody else registered {id} at the same time"));
            return Ok(Next::GiveUp(
                done.made.clone(),
                error.hint("run rollcall again"),
            ));
        }
        Err(permanent(format!(
            "environments {} and {} have one name",
            entry.environment.id,
            numbers(&strange)
        ))
        .hint("rename or delete in Portainer those that are not this cluster's"))
    }

    /// The environment of a cluster that has another name: ours, of this provider, and bound to its agent; one that
    /// did not get its name yet; or one of the scripts before rollcall.
    fn renamed<'l>(&self, look: &'l Look, id: &ClusterId, done: &Done) -> Option<Entry<'l>> {
        let (own, provider) = (look.own_edge_id(id), self.provider_tag(&id.provider));
        let renamed = look
            .environments
            .iter()
            .find(|one| one.edge_id == own && self.is_ours(look, one) && look.has(one, &provider));
        Some(Entry {
            environment: renamed
                .or_else(|| self.spare(look, id))
                .or_else(|| self.alias(look, id, done))?,
            others: Vec::new(),
        })
    }

    /// The environment that the scripts before rollcall gave the cluster's name without its hyphens. That the agent in
    /// the cluster goes by the name that it is bound to proves that it is this cluster's.
    fn alias<'l>(&self, look: &'l Look, id: &ClusterId, done: &Done) -> Option<&'l Environment> {
        let alias = id.name.as_str().replace('-', "");
        let agent = done.agent.as_ref().filter(|agent| !agent.is_empty())?;
        let mut named = look.environments.iter().filter(|one| one.name == alias);
        named.find(|one| {
            let bound = one.edge_id == *agent;
            bound && !self.is_ours(look, one) && self.counts_for(look, one, &id.provider)
        })
    }

    /// The form of a new environment (portainer `endpoint_create.go:58-181`): no TLS, which 2.41 refuses for agents that
    /// poll, and no `ContainerEngine`, which would make it one of Docker's.
    fn form(
        &self,
        look: &Look,
        id: &ClusterId,
        name: String,
    ) -> Result<Vec<(&'static str, String)>, RegistrarError> {
        self.agent_host()?;
        let group = self.group(look)?.unwrap_or(UNASSIGNED);
        let mut form = vec![
            ("Name", name),
            ("EndpointCreationType", EDGE_AGENT.to_owned()),
            ("URL", self.settings.agent_url.clone()),
            ("GroupID", group.to_string()),
            ("TagIds", json!(self.tags(look, id)).to_string()),
        ];
        if let Some(seconds) = self.settings.checkin {
            form.push(("EdgeCheckinInterval", seconds.to_string()));
        }
        Ok(form)
    }

    /// The fields that differ, as `PUT` spells them. Whatever else a person set stays, other tags among it.
    fn change(
        &self,
        look: &Look,
        id: &ClusterId,
        environment: &Environment,
    ) -> Result<Map<String, Value>, RegistrarError> {
        let mut change = Map::new();
        if environment.name != id.name.as_str() {
            change.insert("Name".to_owned(), json!(id.name.as_str()));
        }
        let host = self.agent_host()?;
        let said = environment.url.trim_matches(['[', ']']);
        // Portainer changes it through the agent's tunnel, and fails without one (`api/chisel/tunnel.go:35-151`).
        let reached = environment.heartbeat && !environment.edge_id.is_empty();
        if reached && !said.eq_ignore_ascii_case(&host) {
            change.insert("URL".to_owned(), json!(host));
        }
        if let Some(group) = self.group(look)?.filter(|one| *one != environment.group_id) {
            change.insert("GroupID".to_owned(), json!(group));
        }
        let wanted = self.settings.checkin;
        if let Some(seconds) = wanted.filter(|one| *one != environment.edge_checkin_interval) {
            change.insert("EdgeCheckinInterval".to_owned(), json!(seconds));
        }
        let mut tags = environment.tag_ids.clone();
        tags.extend(
            self.tags(look, id)
                .iter()
                .filter(|tag| !environment.tag_ids.contains(tag)),
        );
        if tags.len() != environment.tag_ids.len() {
            change.insert("TagIDs".to_owned(), json!(tags));
        }
        Ok(change)
    }

    /// The numbers of our two tags.
    fn tags(&self, look: &Look, id: &ClusterId) -> Vec<u64> {
        let names = [self.settings.tag.clone(), self.provider_tag(&id.provider)];
        names.iter().filter_map(|name| look.tag(name)).collect()
    }

    /// The number of the group, where one is asked for.
    pub(super) fn group(&self, look: &Look) -> Result<Option<u64>, RegistrarError> {
        let name = match &self.settings.group {
            None => return Ok(None),
            Some(PortainerGroup::Id(id)) => return Ok(Some(*id)),
            Some(PortainerGroup::Name(name)) => name,
        };
        let group = look.groups.iter().find(|group| group.name == *name);
        match group {
            Some(group) => Ok(Some(group.id)),
            None => Err(permanent(format!("Portainer has no group {name}"))
                .hint("make it there, or change portainer.group")),
        }
    }

    /// The host in the address that agents use, which is an environment's `URL`.
    fn agent_host(&self) -> Result<String, RegistrarError> {
        let url = Url::parse(&self.settings.agent_url).ok();
        let host = url.as_ref().and_then(Url::host_str);
        // Portainer refuses localhost (portainer `api/internal/edge/url.go:10-31`).
        let host = host.filter(|host| !host.is_empty() && *host != "localhost");
        host.map(|host| host.trim_matches(['[', ']']).to_owned())
            .ok_or_else(|| {
                permanent("portainer.agent_url is no address that a cluster can reach")
                    .hint("set portainer.agent_url to http(s)://HOST:PORT, and never to localhost")
            })
    }
}

impl Done {
    /// What was made is no better than what it was made for.
    fn in_vain(&self, flaw: &Flaw) -> Next {
        let error = permanent(format!("Portainer made a new environment, and {flaw}")).hint(
            "look at portainer.agent_url and portainer.tunnel, and at Portainer's own settings",
        );
        Next::GiveUp(self.made.clone(), error)
    }
}

/// Under this name, which no cluster can have, an environment waits until its predecessor is gone.
fn spare_name(id: &ClusterId) -> String {
    format!("{}.new", id.name)
}

impl Look {
    /// Whether an agent polls that is neither the cluster's present one nor one that we would put there. One that is
    /// not heard of any more may have been the cluster's in an earlier life: its name is taken over.
    fn is_anothers(&self, id: &ClusterId, environment: &Environment, done: &Done) -> bool {
        let bound = &environment.edge_id;
        let known = bound.is_empty()
            || done.agent.as_ref() == Some(bound)
            || *bound == self.own_edge_id(id);
        !known && environment.last_check_in_date > 0 && environment.heartbeat
    }
}

/// An agent that is not the cluster's has the environment's key, and is faster.
pub(super) fn robbed(environment: u64) -> RegistrarError {
    permanent(format!("another agent polls for environment {environment}"))
        .hint("stop it: it is in a cluster that had this environment's key before")
}

fn permanent(message: impl Into<String>) -> RegistrarError {
    RegistrarError::new(Fault::Permanent, message)
}

fn not_ours(message: impl Into<String>) -> RegistrarError {
    RegistrarError::new(Fault::NotOurs, message)
}
