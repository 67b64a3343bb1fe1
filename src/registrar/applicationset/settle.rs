//! Seeing a cluster in: kicking the set, and waiting until Argo CD has made of it what it should.

use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use super::look::Secrets;
use super::set::REFRESH;
use super::{APPLICATION_SET_KIND, ApplicationSet};
use crate::model::{ClusterId, Fingerprint};
use crate::registrar::api::Api;
use crate::registrar::{Fault, RegistrarError};

impl ApplicationSet {
    /// Has the set looked at now: a set of lists is told of nothing but its own changes.
    pub(super) async fn kick(&self, api: &Api) -> Result<(), RegistrarError> {
        let (namespace, name) = (&self.settings.namespace, &self.settings.name);
        let change = json!({"metadata": {"annotations": {REFRESH: "true"}}});
        let kicked = api.merge(APPLICATION_SET_KIND, Some(namespace), name, &change);
        kicked.await.map(drop)
    }

    /// Waits until Argo CD has made a sound Application, or says why it has not.
    pub(super) async fn settle(
        &self,
        api: &Api,
        id: &ClusterId,
        wanted: Option<&Fingerprint>,
    ) -> Result<Fingerprint, RegistrarError> {
        let mut last = "nothing was seen of it".to_owned();
        let settled = self.settled(api, id, wanted, &mut last);
        let told = tokio::time::timeout(self.patience, settled).await;
        told.unwrap_or_else(|_| {
            let seconds = self.patience.as_secs();
            let message = format!("{}: {id} after {seconds} s: {last}", self.shown());
            Err(RegistrarError::new(Fault::Deadline, message)
                .hint("mend what Argo CD complains of, and run rollcall again"))
        })
    }

    async fn settled(
        &self,
        api: &Api,
        id: &ClusterId,
        wanted: Option<&Fingerprint>,
        last: &mut String,
    ) -> Result<Fingerprint, RegistrarError> {
        let mut kicked = Instant::now();
        loop {
            match self.look(api, Secrets::IfNeeded).await {
                Err(error) if error.fault == Fault::Transient => *last = error.message,
                Err(error) => return Err(error),
                Ok(None) => return Err(self.failed("it went away").hint("run rollcall again")),
                Ok(Some(look)) => {
                    let found = look.fingerprint(id);
                    if wanted.is_some() && found.as_ref() != wanted {
                        return Err(self.contended(id, &look.set));
                    }
                    let trouble = look.trouble(id);
                    match (found, trouble, look.set.is_refreshing()) {
                        (None, _, _) => "it selects no cluster Secret of it".clone_into(last),
                        (Some(found), None, false) => return Ok(found),
                        (Some(_), None, true) => {
                            let silent = || "its controller has not looked at it".to_owned();
                            *last = look.set.error().unwrap_or_else(silent);
                        }
                        (Some(_), Some(trouble), _) => *last = trouble,
                    }
                    // What it lacked may be there now.
                    if kicked.elapsed() >= self.patience / 5 && !look.set.is_refreshing() {
                        self.kick(api).await?;
                        kicked = Instant::now();
                    }
                }
            }
            tokio::time::sleep(self.pause()).await;
        }
    }

    /// How long is waited between two looks.
    pub(super) fn pause(&self) -> Duration {
        let (least, most) = (Duration::from_millis(50), Duration::from_secs(1));
        (self.patience / 30).clamp(least, most)
    }
}
