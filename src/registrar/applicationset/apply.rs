//! Changing the element of one cluster, and seeing what Argo CD makes of it.

use std::collections::BTreeSet;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::json;

use super::application::Application;
use super::element::document;
use super::look::{Generator, Look, Secrets, lacking};
use super::selector::{Selectors, labels};
use super::set::Set;
use super::{APPLICATION_SET_KIND, ApplicationSet, cluster};
use crate::model::{ClusterId, Fingerprint, RegistrarId, RegistrarView, Seen};
use crate::registrar::api::Api;
use crate::registrar::{Fault, RegisterOrder, Registrar, RegistrarError};

/// How often a change is tried that others outrun.
const TRIES: u32 = 6;
/// How long is waited before such a try.
const BACK_OFF: Duration = Duration::from_millis(100);
/// How long others that leave as well are waited for.
const OTHERS: Duration = Duration::from_millis(500);

#[async_trait]
impl Registrar for ApplicationSet {
    fn id(&self) -> RegistrarId {
        Self::registrar_id()
    }

    fn host(&self) -> Option<ClusterId> {
        self.settings.host.clone()
    }

    async fn observe(&self, deadline: Duration) -> Seen<RegistrarView> {
        self.seen(deadline).await
    }

    async fn register(
        &self,
        order: &RegisterOrder,
        expected: Option<&Fingerprint>,
    ) -> Result<Fingerprint, RegistrarError> {
        let (id, api) = (&order.cluster.id, self.api().await?);
        let look = self.look(&api, Secrets::IfNeeded).await?;
        let look = look.ok_or_else(|| {
            self.failed("it is not there")
                .hint("make it, or take applicationset out of the settings")
        })?;
        let wanted = match &look.generator {
            Generator::Labels => {
                self.check_selected(&look, id)?;
                None
            }
            Generator::Elements(pattern, _) => {
                let wanted = pattern.wanted_fingerprint(id);
                self.write(&api, &look, id, expected, &wanted).await?;
                Some(wanted)
            }
        };
        self.kick(&api).await?;
        self.settle(&api, id, wanted.as_ref()).await
    }

    async fn deregister(
        &self,
        id: &ClusterId,
        expected: &Fingerprint,
    ) -> Result<(), RegistrarError> {
        let api = self.api().await?;
        // A set that is gone took its Applications along.
        let Some(look) = self.look(&api, Secrets::Always).await? else {
            return Ok(());
        };
        let doomed = look.doomed(id);
        match &look.generator {
            Generator::Labels if look.is_selected(id) => {
                return Err(self
                    .failed(format!(
                        "it selects the cluster Secret of {id} by its labels"
                    ))
                    .hint(
                        "take the Secret away first (registrar argocd), or change the selector",
                    ));
            }
            Generator::Labels => {}
            Generator::Elements(..) => self.take_out(&api, look, id, expected).await?,
        }
        self.forget(id);
        if !doomed.is_empty() {
            self.kick(&api).await?;
        }
        self.see_off(&api, id, &doomed).await
    }
}

impl Look {
    /// The Applications of this cluster, those that are left over included.
    fn leaving(&self, id: &ClusterId) -> impl Iterator<Item = &Application> {
        let name = id.name.as_str();
        let left = self
            .left_over()
            .filter(move |app| app.destination.name.as_deref() == Some(name));
        self.apps_of(id).into_iter().chain(left)
    }

    /// The identities of the Applications that go with this cluster; those that a policy keeps are not among them.
    fn doomed(&self, id: &ClusterId) -> BTreeSet<String> {
        let going = self
            .leaving(id)
            .filter(|app| self.set.deletes() || app.is_deleting());
        going
            .filter_map(|app| app.uid().map(str::to_owned))
            .collect()
    }
}

impl ApplicationSet {
    /// Fails unless the set selects what a cluster Secret of ours bears.
    fn check_selected(&self, look: &Look, id: &ClusterId) -> Result<(), RegistrarError> {
        let labels = labels(id);
        if Selectors::of(look.set.spec()).is_some_and(|all| all.select(&labels)) {
            return Ok(());
        }
        let said: Vec<String> = labels
            .iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        Err(self
            .failed(format!("its cluster generator does not select {id}"))
            .hint(format!("let its selector match {}", said.join(", "))))
    }

    /// Makes the cluster's element say what it shall.
    async fn write(
        &self,
        api: &Api,
        look: &Look,
        id: &ClusterId,
        expected: Option<&Fingerprint>,
        wanted: &Fingerprint,
    ) -> Result<(), RegistrarError> {
        let found = look.fingerprint(id);
        let own = found.as_ref() == Some(wanted) && self.wrote(id);
        if found.as_ref() != expected && !own {
            return Err(self.changed_meanwhile(id));
        }
        let before = look.elements(id).len();
        let sent = AtomicBool::new(false);
        let told = self
            .edit(api, |set| {
                let Generator::Elements(pattern, place) = self.generator(set)? else {
                    return Ok(Edit::Nothing);
                };
                let positions = place.positions(set.spec(), |element| pattern.is_of(element, id));
                let named = place.positions(set.spec(), |element| {
                    pattern.name(element) == Some(id.name.as_str())
                });
                let position = match (&positions[..], named.len()) {
                    ([], 0) => None,
                    ([one], 1) => Some(*one),
                    _ => return Err(self.several(id, &pattern.key)),
                };
                let element = position.and_then(|at| place.elements(set.spec()).get(at));
                let now = element.map(|element| pattern.fingerprint(element));
                if now.as_ref() == Some(wanted) && sent.load(Ordering::Relaxed) {
                    // The answer to what was sent was lost, and not what was sent.
                    return Ok(Edit::Nothing);
                }
                if positions.len() != before || now.is_some() && now != found {
                    return Err(self.changed_meanwhile(id));
                }
                let said = pattern.wanted(id);
                let mut complete = element.cloned().unwrap_or_else(|| document(&said));
                for (key, text) in &said {
                    complete[key] = json!(text);
                }
                if let Some(key) = lacking(set, &pattern, &place, &complete) {
                    return Err(self.incomplete(&key));
                }
                if !place.put(set.spec_mut(), position, &said) {
                    return Ok(Edit::Nothing);
                }
                sent.store(true, Ordering::Relaxed);
                Ok(Edit::Write)
            })
            .await;
        let unclear = matches!(&told, Err(error) if error.fault == Fault::Transient);
        if sent.into_inner() && (told.is_ok() || unclear) {
            self.remember(id);
        }
        told
    }

    /// Takes the cluster's element out, if it is the one that was observed and nothing else goes with it. Others leave at
    /// the same time: who must not be the last one yet may be a moment later.
    async fn take_out(
        &self,
        api: &Api,
        mut look: Look,
        id: &ClusterId,
        expected: &Fingerprint,
    ) -> Result<(), RegistrarError> {
        for _ in 1..TRIES {
            let last = AtomicBool::new(false);
            let told = self.take_out_once(api, &look, id, expected, &last).await;
            if !last.into_inner() {
                return told;
            }
            tokio::time::sleep(OTHERS).await;
            match self.look(api, Secrets::Always).await? {
                Some(now) => look = now,
                None => return Ok(()),
            }
        }
        let last = AtomicBool::new(false);
        self.take_out_once(api, &look, id, expected, &last).await
    }

    /// One attempt; `last` tells whether it is refused because it is the last one.
    async fn take_out_once(
        &self,
        api: &Api,
        look: &Look,
        id: &ClusterId,
        expected: &Fingerprint,
        last: &AtomicBool,
    ) -> Result<(), RegistrarError> {
        self.edit(api, |set| {
            let Generator::Elements(pattern, place) = self.generator(set)? else {
                return Ok(Edit::Nothing);
            };
            let positions = place.positions(set.spec(), |element| pattern.is_of(element, id));
            let position = match positions[..] {
                [] => return Ok(Edit::Nothing),
                [one] => one,
                _ => return Err(self.several(id, &pattern.key)),
            };
            let element = place.elements(set.spec()).get(position);
            if element.map(|element| pattern.fingerprint(element)).as_ref() != Some(expected) {
                return Err(self.changed_meanwhile(id));
            }
            if place.is_emptied_by(set.spec(), 1) {
                let allowed = self.check_last(look, id, place.alone);
                last.store(allowed.is_err(), Ordering::Relaxed);
                allowed?;
            }
            place.drop_at(set.spec_mut(), position);
            Ok(Edit::Write)
        })
        .await
    }

    /// Fails unless a list may be left without elements: every Application of it goes then, and takes its workload along
    /// where the cluster is still registered.
    fn check_last(&self, look: &Look, id: &ClusterId, alone: bool) -> Result<(), RegistrarError> {
        let own: BTreeSet<Option<&str>> = look.leaving(id).map(Application::uid).collect();
        let registered = look.clusters.iter().any(|one| one.name == id.name.as_str())
            || look
                .leaving(id)
                .any(|app| cluster::knows(&look.clusters, &app.destination));
        let last = "it is the last element, and Argo CD deletes every application of an empty list";
        if registered {
            return Err(self
                .failed(format!("{id} stays: {last}, with all that runs there"))
                .hint(format!(
                    "take the cluster Secret of {} away first (registrar argocd), or its element by hand",
                    id.name
                )));
        }
        let mut others = look.apps.iter().filter(|app| !own.contains(&app.uid()));
        // What deploys to a cluster that is not registered takes nothing along.
        let stays = |app: &&Application| {
            !app.is_deleting() && cluster::knows(&look.clusters, &app.destination)
        };
        let other = others.find(|app| alone && stays(app));
        if let Some(other) = other {
            return Err(self
                .failed(format!("{id} stays: {last}, {} among them", other.name()))
                .hint("delete that application, or give its cluster an element again"));
        }
        Ok(())
    }

    /// Reads the set, changes it, and writes it if nothing else changed in between; else once more.
    async fn edit(
        &self,
        api: &Api,
        change: impl Fn(&mut Set) -> Result<Edit, RegistrarError> + Send,
    ) -> Result<(), RegistrarError> {
        let _alone = self.writing.lock().await;
        for attempt in 0..TRIES {
            tokio::time::sleep(BACK_OFF * attempt).await;
            let Some(mut set) = self.set(api).await? else {
                return Err(self.failed("it went away").hint("run rollcall again"));
            };
            if change(&mut set)? == Edit::Nothing {
                return Ok(());
            }
            if api.replace(APPLICATION_SET_KIND, &set.0).await?.is_some() {
                return Ok(());
            }
        }
        let message = format!("{}: others change it all the time", self.shown());
        Err(RegistrarError::new(Fault::Transient, message))
    }

    fn wrote(&self, id: &ClusterId) -> bool {
        let written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        written.contains(id)
    }

    fn remember(&self, id: &ClusterId) {
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        written.insert(id.clone());
    }

    fn forget(&self, id: &ClusterId) {
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        written.remove(id);
    }

    pub(super) fn failed(&self, what: impl std::fmt::Display) -> RegistrarError {
        RegistrarError::new(Fault::Permanent, format!("{}: {what}", self.shown()))
    }

    fn several(&self, id: &ClusterId, key: &str) -> RegistrarError {
        let name = &id.name;
        self.failed(format!(
            "other elements than that of {id} say {key}: {name}"
        ))
        .hint("leave one of them")
    }

    fn incomplete(&self, key: &str) -> RegistrarError {
        self.failed(format!(
            "its template uses {key}, which no element of ours has"
        ))
        .hint(format!(
            "give the element in the settings of applicationset a value for {key}"
        ))
    }

    fn changed_meanwhile(&self, id: &ClusterId) -> RegistrarError {
        let message = format!(
            "{}: the element of {id} is not the one that was observed: it is left alone",
            self.shown()
        );
        RegistrarError::new(Fault::NotOurs, message).hint("run rollcall again")
    }

    /// Somebody undid what was written a moment ago.
    pub(super) fn contended(&self, id: &ClusterId, set: &Set) -> RegistrarError {
        let who = set.other_writer();
        let who = who.map_or("another writer".to_owned(), |who| format!("{who:?}"));
        let message = format!(
            "{}: {who} undoes what is written about {id}: it is left alone",
            self.shown()
        );
        RegistrarError::new(Fault::NotOurs, message).hint(
            "let one of both write the elements: take them out of what the other one applies, or use labels",
        )
    }
}

/// What a change makes of the set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Edit {
    /// It is to be written.
    Write,
    /// It says so already.
    Nothing,
}
