//! Taking those routes out of the user's file that rollcall has in its own: the one time that such a file is written.
//!
//! Rollcall's own file gets another digest before the user's is touched: whatever is killed in between, its routes are
//! `not loaded` then, and the next repair has HAProxy load all files.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::Haproxy;
use super::apply::not_loaded;
use super::leftovers::Leftovers;
use super::observe::text;
use super::picked::Picked;
use super::seat::{Loaded, ReloadError, Trial};
use super::staging::{back_up, keep, stage_for};
use super::wire::Document;
use crate::model::ClusterName;
use crate::registrar::{Fault, Import, ImportError, Imported, RegistrarError};

/// The user's file.
struct Theirs {
    /// Behind all links.
    real: PathBuf,
    text: String,
}

impl Haproxy {
    /// Shows what goes out of a file of the user's, and takes it out where it is to act: checked before, with a backup beside
    /// it, and put back where HAProxy does not load what is left.
    pub(super) async fn take_over(
        &self,
        file: &Path,
        act: Import,
    ) -> Result<Imported, ImportError> {
        let _alone = self.writing.lock().await;
        let theirs = Theirs::read(file)?;
        let document = self.read();
        let document =
            document.map_err(|(error, hint)| ImportError::NotReady(failed(error).hint(hint)))?;
        let loaded = self.seat.loaded().await.map_err(of_seat)?;
        let loaded = loaded.ok_or_else(|| ImportError::NotReady(self.seat.absent()))?;
        if !loaded.files.iter().any(|own| same(own, &theirs.real)) {
            return Err(ImportError::Usage(self.strange(file, &loaded).await));
        }
        if !loaded.has(&document.revision()) {
            return Err(ImportError::Refused(
                failed("HAProxy has not loaded rollcall's own routes")
                    .hint("rollcall reconcile --repair"),
            ));
        }
        let (mut imported, left) = self.sorted_out(&theirs, &document, &loaded);
        if act == Import::Write && !imported.taken.is_empty() {
            imported.backup = Some(self.replace(&theirs, &left, &document).await?);
        }
        Ok(imported)
    }

    async fn strange(&self, file: &Path, loaded: &Loaded) -> RegistrarError {
        let mut hint = format!("its files: {}", self.seat.shown_files().await);
        if let Some(unseen) = loaded.unseen.first() {
            let unseen = unseen.display();
            hint = format!("{hint}; {unseen} is in no folder of this host that is mounted there");
        }
        let file = file.display();
        failed(format!("{file} is no file that HAProxy is started with")).hint(hint)
    }

    /// The routes that rollcall has too go, where requests reach them without the file's own rules; all others stay.
    fn sorted_out(
        &self,
        theirs: &Theirs,
        document: &Document,
        loaded: &Loaded,
    ) -> (Imported, String) {
        let leftovers = Leftovers::of(&theirs.text);
        let picked = picked(theirs, loaded);
        let routed: BTreeSet<ClusterName> = self.routed(document);
        let (mut taken, mut imported) = (BTreeSet::new(), Imported::default());
        for name in leftovers.names() {
            if !routed.contains(name) {
                let why = "rollcall routes nothing to it".to_owned();
                imported.kept.push((name.to_string(), why));
                continue;
            }
            let why = if leftovers.is_needed(name) {
                Some("other lines of the file need it".to_owned())
            } else {
                let asked = || self.unasked(&leftovers, name, loaded);
                picked.why(&format!("be_{name}")).or_else(asked)
            };
            match why {
                None => {
                    taken.insert(name.clone());
                }
                Some(why) => {
                    imported.twice.push(name.to_string());
                    imported.kept.push((name.to_string(), why));
                }
            }
        }
        let without = leftovers.without(&taken);
        imported.file.clone_from(&theirs.real);
        if !taken.is_empty() {
            imported.lines = without.gone;
        }
        imported.taken = taken.iter().map(ToString::to_string).collect();
        (imported, without.text)
    }

    /// Why requests for this cluster would go nowhere without the file's own rules, as a fragment.
    fn unasked(
        &self,
        leftovers: &Leftovers<'_>,
        name: &ClusterName,
        loaded: &Loaded,
    ) -> Option<String> {
        let map = self.map();
        let is_map = |place: &Path| loaded.here(place).is_some_and(|here| same(&here, &map));
        let (section, word) = leftovers.deaf(name, is_map)?;
        let Some(word) = word else {
            return Some(format!(
                "{section} has no rule for its name as the scripts write it"
            ));
        };
        let map = loaded.there(&map).unwrap_or(map);
        Some(format!(
            "{section} does not ask rollcall's map for word {word} of every host; it does with: http-request \
             set-var(txn.env) req.hdr(host),field(1,:),lower,field({word},.) and use_backend \
             %[var(txn.env),map_str({})]",
            map.display()
        ))
    }

    /// The clusters that requests really go to.
    pub(super) fn routed(&self, document: &Document) -> BTreeSet<ClusterName> {
        let all = document.clusters(&self.providers).into_iter();
        all.filter(|id| document.leads(id))
            .map(|id| id.name)
            .collect()
    }

    async fn replace(
        &self,
        theirs: &Theirs,
        left: &str,
        document: &Document,
    ) -> Result<PathBuf, ImportError> {
        let again = document.again();
        let staged = stage_for(&theirs.real, left).map_err(ImportError::Failed)?;
        let ours = self.staged(&again.config()).map_err(ImportError::Failed)?;
        let trial = Trial {
            ours: Some(ours.path()),
            instead: Some((&theirs.real, staged.path())),
        };
        let accepted = self.seat.accepts(&trial).await.map_err(of_seat)?;
        accepted.map_err(|complaint| {
            let file = theirs.real.display();
            let message = format!("HAProxy refuses {file} without those routes: {complaint}");
            ImportError::Refused(failed(message).hint("nothing was changed"))
        })?;
        drop(ours);
        let backup = back_up(&theirs.real, &theirs.text).map_err(ImportError::Failed)?;
        match self.swap(theirs, staged, document, &again).await {
            Ok(()) => Ok(backup),
            Err(error) => Err(theirs.settled(&backup, error)),
        }
    }

    /// Puts both files in place and has them loaded; else both are as they were, as far as that can be.
    async fn swap(
        &self,
        theirs: &Theirs,
        staged: NamedTempFile,
        before: &Document,
        again: &Document,
    ) -> Result<(), ImportError> {
        if !theirs.is_unchanged() {
            let message = format!("{} changed meanwhile", theirs.real.display());
            return Err(ImportError::Refused(
                failed(message).hint("run rollcall again"),
            ));
        }
        let placed = self.write(again).and_then(|()| keep(staged, &theirs.real));
        let error = match placed {
            Err(error) => ImportError::Failed(error),
            Ok(()) => match self.seat.reload(&again.revision()).await {
                Ok(()) => return Ok(()),
                Err(error @ ReloadError::Silent(_)) => ImportError::Unknown(not_loaded(error)),
                Err(error) => ImportError::Failed(not_loaded(error)),
            },
        };
        // The user's first: until rollcall's own is back, the next repair loads everything.
        let back = if theirs.is_unchanged() {
            Ok(())
        } else {
            theirs.put_back()
        };
        let back = back.and_then(|()| self.write(before));
        Err(match back {
            Ok(()) => error,
            Err(torn) => error.map(|why| RegistrarError {
                message: format!("{}; and putting back failed: {torn}", why.message),
                hint: Some("rollcall reconcile --repair".to_owned()),
                ..why
            }),
        })
    }
}

impl Theirs {
    fn read(file: &Path) -> Result<Self, ImportError> {
        let unreadable = |error: &std::io::Error| {
            ImportError::Usage(failed(format!("{}: {error}", file.display())))
        };
        let real = fs::canonicalize(file).map_err(|error| unreadable(&error))?;
        let text = text(&real).map_err(|error| unreadable(&error))?;
        Ok(Self {
            real,
            text: text.unwrap_or_default(),
        })
    }

    fn is_unchanged(&self) -> bool {
        text(&self.real).is_ok_and(|now| now.as_ref() == Some(&self.text))
    }

    fn put_back(&self) -> Result<(), RegistrarError> {
        keep(stage_for(&self.real, &self.text)?, &self.real)
    }

    /// The backup of a file that is as it was goes; any other is named.
    fn settled(&self, backup: &Path, error: ImportError) -> ImportError {
        if self.is_unchanged() && fs::remove_file(backup).is_ok() {
            return error;
        }
        error.map(|why| RegistrarError {
            message: format!(
                "{}; {} as it was is {}",
                why.message,
                self.real.display(),
                backup.display()
            ),
            ..why
        })
    }
}

/// What HAProxy may pick by names that no check sees.
fn picked(theirs: &Theirs, loaded: &Loaded) -> Picked {
    let (mut others, mut unseen) = (Vec::new(), loaded.unseen.clone());
    for file in loaded.files.iter().filter(|file| !same(file, &theirs.real)) {
        match text(file) {
            Ok(Some(text)) => others.push(text),
            _ => unseen.push(file.clone()),
        }
    }
    let others = others.iter().map(String::as_str);
    Picked::of(&theirs.text, others, unseen, |place| {
        text(&loaded.here(place)?).ok()?
    })
}

fn same(one: &Path, other: &Path) -> bool {
    let other = fs::canonicalize(other);
    fs::canonicalize(one).is_ok_and(|one| other.is_ok_and(|other| one == other))
}

/// Whoever is silent may answer next time; anything else has to be mended.
fn of_seat(error: RegistrarError) -> ImportError {
    match error.fault {
        Fault::Transient | Fault::Deadline => ImportError::Unknown(error),
        _ => ImportError::NotReady(error),
    }
}

fn failed(message: impl Into<String>) -> RegistrarError {
    RegistrarError::new(Fault::Permanent, message)
}
