//! Changing routes: all that is wished for at one time with one check and one reload.

use std::path::Path;
use std::sync::PoisonError;
use std::time::Duration;

use async_trait::async_trait;
use tempfile::NamedTempFile;
use tokio::sync::oneshot;

use super::Haproxy;
use super::seat::ReloadError;
use super::staging::{keep, stage};
use super::wire::Document;
use crate::model::{ClusterId, Fingerprint, Incarnation, RegistrarId, RegistrarView, Seen};
use crate::registrar::{
    Fault, Import, ImportError, Imported, RegisterOrder, Registrar, RegistrarError,
};

/// What one caller wants, and where the answer goes.
#[derive(Debug)]
pub(super) struct Wish {
    id: ClusterId,
    change: Change,
    answer: oneshot::Sender<Result<Option<Fingerprint>, RegistrarError>>,
}

#[derive(Debug)]
enum Change {
    /// Route it there, to this life; this is what the plan saw.
    Put(String, Option<Incarnation>, Option<Fingerprint>),
    /// Route nothing to it; this is what the plan saw.
    Remove(Fingerprint),
}

#[async_trait]
impl Registrar for Haproxy {
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
        let cluster = &order.cluster;
        let target = self.seat.target(cluster)?;
        let change = Change::Put(target, cluster.incarnation.clone(), expected.cloned());
        let written = self.wish(&cluster.id, change).await?;
        written.ok_or_else(|| failed("the route was written and is not there"))
    }

    async fn deregister(
        &self,
        id: &ClusterId,
        expected: &Fingerprint,
    ) -> Result<(), RegistrarError> {
        let change = Change::Remove(expected.clone());
        self.wish(id, change).await.map(|_| ())
    }

    async fn version(&self, deadline: Duration) -> Option<Result<String, RegistrarError>> {
        Some(self.seat.version(deadline).await)
    }

    async fn import(&self, file: &Path, act: Import) -> Result<Imported, ImportError> {
        self.take_over(file, act).await
    }
}

impl Haproxy {
    /// Has it done: by this caller, or by one who writes already and takes it along.
    async fn wish(
        &self,
        id: &ClusterId,
        change: Change,
    ) -> Result<Option<Fingerprint>, RegistrarError> {
        let (answer, told) = oneshot::channel();
        let wish = Wish {
            id: id.clone(),
            change,
            answer,
        };
        self.lock_wishes().push(wish);
        let alone = self.writing.lock().await;
        let all = std::mem::take(&mut *self.lock_wishes());
        // Whoever is not waited for any more changes nothing.
        let all: Vec<Wish> = all
            .into_iter()
            .filter(|wish| !wish.answer.is_closed())
            .collect();
        if !all.is_empty() {
            self.fulfil(all).await;
        }
        drop(alone);
        told.await.unwrap_or_else(|_| {
            let torn = "another writer took this route along and was torn down";
            Err(RegistrarError::new(Fault::Transient, torn))
        })
    }

    fn lock_wishes(&self) -> std::sync::MutexGuard<'_, Vec<Wish>> {
        self.wishes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes all of it, or nothing; and answers everybody.
    async fn fulfil(&self, wishes: Vec<Wish>) {
        let before = match self.read() {
            Ok(document) => document,
            Err((error, hint)) => return answer_all(wishes, &failed(error).hint(hint)),
        };
        let mut document = before.clone();
        let mut granted = Vec::new();
        for wish in wishes {
            match self.change(&mut document, &wish) {
                Ok(()) => granted.push(wish),
                Err(error) => answer(wish, Err(error)),
            }
        }
        match self.put_in_place(&before, &document).await {
            Ok(()) => {
                for wish in granted {
                    let now = document.fingerprint(&wish.id);
                    answer(wish, Ok(now));
                }
            }
            Err(error) => answer_all(granted, &error),
        }
    }

    fn change(&self, document: &mut Document, wish: &Wish) -> Result<(), RegistrarError> {
        let (id, found) = (&wish.id, document.fingerprint(&wish.id));
        match &wish.change {
            Change::Put(_, _, expected) if found != *expected => Err(changed_meanwhile(id)),
            Change::Put(target, life, _) => {
                if let Some(rival) = document.rival(id, &self.providers) {
                    return Err(failed(format!(
                        "requests for {} go to {rival}, and can go to one cluster alone",
                        id.name
                    )));
                }
                document.put(id, target, life.as_ref());
                Ok(())
            }
            Change::Remove(expected) if found.as_ref().is_some_and(|found| found != expected) => {
                Err(changed_meanwhile(id))
            }
            Change::Remove(_) => {
                document.remove(id);
                Ok(())
            }
        }
    }

    /// Checks, renames and loads. What is in place and loaded already is left alone; what HAProxy does not load is taken
    /// back, or its next start would fail of it.
    pub(super) async fn put_in_place(
        &self,
        before: &Document,
        now: &Document,
    ) -> Result<(), RegistrarError> {
        let revision = now.revision();
        let loaded = self.seat.loaded().await?;
        let loaded = loaded.ok_or_else(|| self.seat.absent())?;
        if before == now && loaded.has(&revision) {
            return Ok(());
        }
        if !self.map().exists() {
            // The user's own file names it, and the check demands that it is there.
            keep(self.staged("")?, &self.map())?;
        }
        self.check(self.staged(&now.config())?.path()).await?;
        self.write(now)?;
        let Err(error) = self.seat.reload(&revision).await else {
            return Ok(());
        };
        self.write(before)?;
        Err(not_loaded(error))
    }

    /// Renames both files into place. A backend without a line in the map is never asked for, and a line without a
    /// backend leads to the default one: whichever comes first, nothing breaks in between.
    pub(super) fn write(&self, document: &Document) -> Result<(), RegistrarError> {
        keep(self.staged(&document.config())?, &self.config())?;
        keep(self.staged(&document.map())?, &self.map())
    }

    pub(super) fn staged(&self, text: &str) -> Result<NamedTempFile, RegistrarError> {
        stage(&self.dir, text)
    }
}

/// Why nothing new runs, once everything is as it was.
pub(super) fn not_loaded(error: ReloadError) -> RegistrarError {
    let goes_on = "nothing was changed; HAProxy goes on with what it loaded before";
    let late = |message: &str| RegistrarError::new(Fault::Transient, message);
    match error {
        ReloadError::Silent(error) => error,
        ReloadError::Refused(None) => failed("HAProxy could not load the routes")
            .hint(format!("{goes_on}: its log says why")),
        ReloadError::Refused(Some(why)) => {
            failed(format!("HAProxy could not load the routes: {why}")).hint(goes_on)
        }
        ReloadError::Late => late("HAProxy has not loaded the routes in time")
            .hint(format!("{goes_on}: look whether it hangs")),
        ReloadError::Deaf => late("HAProxy does nothing when it gets the signal USR2").hint(format!(
            "{goes_on}: it needs a master to hear it, so add -W to its command and make the container again"
        )),
    }
}

fn answer(wish: Wish, told: Result<Option<Fingerprint>, RegistrarError>) {
    // Nobody waits any more: then nobody needs to know.
    let _ = wish.answer.send(told);
}

fn answer_all(wishes: Vec<Wish>, error: &RegistrarError) {
    for wish in wishes {
        answer(wish, Err(error.clone()));
    }
}

fn failed(message: impl Into<String>) -> RegistrarError {
    RegistrarError::new(Fault::Permanent, message)
}

fn changed_meanwhile(id: &ClusterId) -> RegistrarError {
    let message = format!("the route of {id} is not the one that was observed: it is left alone");
    RegistrarError::new(Fault::NotOurs, message).hint("run rollcall again")
}
