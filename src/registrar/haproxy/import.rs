//! Taking those routes out of the user's file that rollcall has in its own: the one time that such a file is written.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, fchown};
use std::path::{Path, PathBuf};

use super::leftovers::{Leftovers, Without};
use super::observe::text;
use super::seat::Trial;
use super::wire::Document;
use super::{Haproxy, MAP};
use crate::model::ClusterName;
use crate::registrar::{Fault, Import, Imported, RegistrarError};

impl Haproxy {
    /// Shows what goes out of a file of the user's, and takes it out where it is to act: checked before, with a backup beside
    /// it, and put back where HAProxy does not load what is left.
    pub(super) async fn take_over(
        &self,
        file: &Path,
        act: Import,
    ) -> Result<Imported, RegistrarError> {
        let _alone = self.writing.lock().await;
        let real = fs::canonicalize(file).map_err(|error| unreadable(file, &error))?;
        let before = text(&real).map_err(|error| unreadable(file, &error))?;
        let before = before.unwrap_or_default();
        let document = self.read();
        let document = document.map_err(|(error, hint)| failed(error).hint(hint))?;
        let loaded = self.seat.loaded().await?;
        let loaded = loaded.ok_or_else(|| failed("there is no HAProxy"))?;
        if !loaded.files.iter().any(|own| same(own, &real)) {
            return Err(failed(format!(
                "{} is no file that HAProxy is started with",
                file.display()
            ))
            .hint(format!("its files: {}", self.seat.shown_files().await)));
        }
        if !loaded.has(&document.revision()) {
            return Err(failed("HAProxy has not loaded rollcall's own routes")
                .hint("rollcall reconcile --repair"));
        }
        let (mut imported, without) = self.sorted_out(&real, &before, &document);
        if imported.taken.is_empty() {
            return Ok(imported);
        }
        if let Some((frontend, word)) = without.deaf.first() {
            return Err(failed(format!(
                "{frontend} of {} does not ask rollcall's map: without these lines it would route nothing",
                file.display()
            ))
            .hint(format!(
                "put two lines into it: http-request set-var(txn.env) req.hdr(host),field(1,:),lower,field({word},.) \
                 and use_backend %[var(txn.env),map_str(PATH/{MAP})] if {{ var(txn.env) -m found }}",
            )));
        }
        if act == Import::Write {
            let backup = self
                .replace(&real, &before, &without.text, &document)
                .await?;
            imported.backup = Some(backup);
        }
        Ok(imported)
    }

    /// The routes that rollcall has too go; all others stay.
    fn sorted_out(&self, file: &Path, before: &str, document: &Document) -> (Imported, Without) {
        let leftovers = Leftovers::of(before);
        let routed: BTreeSet<ClusterName> = self.routed(document);
        let (mut taken, mut kept) = (BTreeSet::new(), Vec::new());
        for name in leftovers.names() {
            if !routed.contains(name) {
                kept.push((name.to_string(), "rollcall routes nothing to it".to_owned()));
            } else if leftovers.is_needed(name) {
                kept.push((
                    name.to_string(),
                    "other lines of the file need it".to_owned(),
                ));
            } else {
                taken.insert(name.clone());
            }
        }
        let without = leftovers.without(&taken);
        let imported = Imported {
            file: file.to_owned(),
            lines: without
                .gone
                .iter()
                .filter(|_| !taken.is_empty())
                .cloned()
                .collect(),
            taken: taken.iter().map(ToString::to_string).collect(),
            kept,
            backup: None,
        };
        (imported, without)
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
        real: &Path,
        before: &str,
        after: &str,
        document: &Document,
    ) -> Result<PathBuf, RegistrarError> {
        let wrong =
            |error: io::Error| failed(format!("{} cannot be written: {error}", real.display()));
        let staged = staged(real, after).map_err(wrong)?;
        let trial = Trial {
            ours: None,
            instead: Some((real, staged.path())),
        };
        if let Err(complaint) = self.seat.accepts(&trial).await? {
            return Err(failed(format!(
                "HAProxy refuses {} without those routes: {complaint}",
                real.display()
            ))
            .hint("nothing was changed"));
        }
        let backup = back_up(real).map_err(wrong)?;
        if text(real).map_err(wrong)?.as_deref() != Some(before) {
            return Err(
                failed(format!("{} changed meanwhile", real.display())).hint("run rollcall again")
            );
        }
        staged.persist(real).map_err(|error| wrong(error.error))?;
        // Another digest: only then is it proven that HAProxy loaded all files anew.
        let loaded = self.put_in_place(document, &document.again()).await;
        if let Err(error) = loaded {
            let back = self::staged(real, before).map_err(wrong)?;
            back.persist(real).map_err(|error| wrong(error.error))?;
            return Err(error);
        }
        Ok(backup)
    }
}

/// The file's successor beside it, with its owner and mode.
fn staged(real: &Path, text: &str) -> io::Result<tempfile::NamedTempFile> {
    let dir = real.parent().unwrap_or(Path::new("/"));
    let mut staged = tempfile::Builder::new()
        .prefix(".rollcall-")
        .tempfile_in(dir)?;
    let (file, was) = (staged.as_file(), fs::metadata(real)?);
    let now = file.metadata()?;
    if (now.uid(), now.gid()) != (was.uid(), was.gid()) {
        fchown(file, Some(was.uid()), Some(was.gid()))?;
    }
    file.set_permissions(was.permissions())?;
    staged.write_all(text.as_bytes())?;
    staged.as_file().sync_all()?;
    Ok(staged)
}

/// A copy beside it, under a name that HAProxy does not read and nothing has.
fn back_up(real: &Path) -> io::Result<PathBuf> {
    let name = real.file_name().unwrap_or_default().to_string_lossy();
    let mut number = 0;
    loop {
        let more = match number {
            0 => String::new(),
            number => format!(".{number}"),
        };
        let backup = real.with_file_name(format!("{name}.before-rollcall{more}"));
        match staged(real, &fs::read_to_string(real)?)?.persist_noclobber(&backup) {
            Ok(_) => return Ok(backup),
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => number += 1,
            Err(error) => return Err(error.error),
        }
    }
}

fn same(one: &Path, other: &Path) -> bool {
    fs::canonicalize(one).is_ok_and(|one| one == other)
}

fn unreadable(file: &Path, error: &io::Error) -> RegistrarError {
    failed(format!("{}: {error}", file.display()))
}

fn failed(message: impl Into<String>) -> RegistrarError {
    RegistrarError::new(Fault::Permanent, message)
}
