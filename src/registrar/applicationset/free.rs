//! Seeing Applications off: waiting until they are gone, and freeing those that nobody frees any more.
//!
//! The safe order: the cluster Secret is gone, the Application is touched, Argo CD gets its time; then Argo CD's own
//! finalizers are taken off, if the Application has not changed, and no others.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use super::application::Application;
use super::cluster::Cluster;
use super::look::Generator;
use super::set::Set;
use super::{APPLICATION_KIND, ApplicationSet, cluster};
use crate::model::ClusterId;
use crate::registrar::api::Api;
use crate::registrar::{Fault, RegistrarError};

/// Whoever writes this wants an Application looked at now.
const REFRESH: &str = "argocd.argoproj.io/refresh";

/// Since when Applications are touched, by identity.
type Touched = BTreeMap<String, Instant>;

impl ApplicationSet {
    /// Waits until these Applications are gone, or says what keeps them.
    pub(super) async fn see_off(
        &self,
        api: &Api,
        id: &ClusterId,
        doomed: &BTreeSet<String>,
    ) -> Result<(), RegistrarError> {
        let mut last = String::new();
        let gone = self.gone(api, id, doomed, &mut last);
        let waited = tokio::time::timeout(self.patience, gone).await;
        waited.unwrap_or_else(|_| {
            let seconds = self.patience.as_secs();
            let message = format!("{}: {id} after {seconds} s: {last}", self.shown());
            Err(RegistrarError::new(Fault::Deadline, message)
                .hint("mend what it complains of, and run rollcall again"))
        })
    }

    async fn gone(
        &self,
        api: &Api,
        id: &ClusterId,
        doomed: &BTreeSet<String>,
        last: &mut String,
    ) -> Result<(), RegistrarError> {
        let mut touched = Touched::new();
        loop {
            let Some(set) = self.set(api).await? else {
                return Ok(());
            };
            if self.is_back(&set, id)? {
                return Err(self.contended(id, &set));
            }
            let apps = self.apps(api, &set).await?.into_iter();
            let left: Vec<Application> = apps
                .filter(|app| app.uid().is_some_and(|uid| doomed.contains(uid)))
                .collect();
            if left.is_empty() {
                return Ok(());
            }
            // Listed once, however many leave.
            let clusters = if left.iter().any(Application::is_deleting) {
                self.clusters(api).await?
            } else {
                Vec::new()
            };
            for app in &left {
                *last = if app.is_deleting() {
                    self.push(api, app, &clusters, &mut touched).await?
                } else {
                    let why = set.error();
                    let why = why.unwrap_or_else(|| "nobody deletes it".to_owned());
                    format!("application {} is still there: {why}", app.name())
                };
            }
            tokio::time::sleep(self.pause()).await;
        }
    }

    /// Whether somebody put the element back.
    fn is_back(&self, set: &Set, id: &ClusterId) -> Result<bool, RegistrarError> {
        let Generator::Elements(pattern, place) = self.generator(set)? else {
            return Ok(false);
        };
        let positions = place.positions(set.spec(), |element| pattern.is_of(element, id));
        Ok(!positions.is_empty())
    }

    /// Does what can be done for one Application that waits to go, and says what it waits for.
    async fn push(
        &self,
        api: &Api,
        app: &Application,
        clusters: &[Cluster],
        touched: &mut Touched,
    ) -> Result<String, RegistrarError> {
        let waits = app.trouble().unwrap_or_default();
        if cluster::knows(clusters, &app.destination) {
            return Ok(format!("{waits}; its cluster Secret is still there"));
        }
        let uid = app.uid().unwrap_or_default().to_owned();
        match touched.entry(uid) {
            Entry::Vacant(new) => {
                self.touch(api, app).await?;
                new.insert(Instant::now());
            }
            Entry::Occupied(since) if since.get().elapsed() >= self.given() => {
                if let Some(freed) = app.freed() {
                    // One that changed in between is looked at again.
                    api.replace(APPLICATION_KIND, &freed).await?;
                    return Ok(waits);
                }
            }
            Entry::Occupied(_) => {}
        }
        let foreign = app.foreign_finalizers();
        if foreign.is_empty() || app.freed().is_some() {
            return Ok(waits);
        }
        let (name, kept) = (app.name(), foreign.join(", "));
        Ok(format!(
            "application {name} is kept by finalizers that are not Argo CD's: {kept}"
        ))
    }

    /// How long Argo CD is given to free an Application that was touched, before it is freed by hand.
    fn given(&self) -> Duration {
        self.patience * 2 / 5
    }

    /// Has an Application looked at: that its cluster Secret went is told to nobody.
    async fn touch(&self, api: &Api, app: &Application) -> Result<(), RegistrarError> {
        let namespace = Some(self.settings.namespace.as_str());
        let change = json!({"metadata": {"annotations": {REFRESH: "normal"}}});
        let touched = api.merge(APPLICATION_KIND, namespace, app.name(), &change);
        let Err(error) = touched.await else {
            return Ok(());
        };
        match api.get(APPLICATION_KIND, namespace, app.name()).await? {
            None => Ok(()),
            Some(_) => Err(error),
        }
    }
}
