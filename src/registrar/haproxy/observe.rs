//! Looking at the two files, and at what HAProxy has loaded of them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::leftovers::Leftovers;
use super::seat::Loaded;
use super::wire::Document;
use super::{HAPROXY, Haproxy};
use crate::model::{
    Obstacle, RegistrarView, RegistrationView, Seen, Unseen, UnseenKind, shell_word,
};

/// A file of this size is none of ours.
const LARGEST: u64 = 32 * 1024 * 1024;

impl Haproxy {
    /// What is routed. A folder that is not there, files that cannot be read and a HAProxy that does not answer are
    /// unknown: what HAProxy has loaded nobody can tell then. One that is proven gone has nothing.
    pub(super) async fn seen(&self, deadline: Duration) -> Seen<RegistrarView> {
        let looked = tokio::time::timeout(deadline, async {
            let (document, loaded) = (self.read(), self.seat.loaded().await);
            if matches!(loaded, Ok(None)) {
                return Ok((Document::default(), None));
            }
            let document = document?;
            let loaded = loaded.map_err(|error| (error.message, error.hint.unwrap_or_default()))?;
            Ok((document, loaded))
        });
        let told = match looked.await {
            Ok(told) => told,
            Err(_) => Err((
                format!("no answer within {} s", deadline.as_secs()),
                "look whether HAProxy hangs".to_owned(),
            )),
        };
        match told {
            Ok((document, Some(loaded))) => Seen::Known(self.view(&document, &loaded)),
            Ok((_, None)) => Seen::Known(RegistrarView::default()),
            Err((error, hint)) => Seen::Unknown(Unseen {
                source: HAPROXY.to_owned(),
                kind: UnseenKind::Silent,
                error,
                hint: Some(hint).filter(|hint| !hint.is_empty()),
            }),
        }
    }

    fn view(&self, document: &Document, loaded: &Loaded) -> RegistrarView {
        let current = loaded.has(&document.revision());
        let clusters = document.clusters(&self.providers).into_iter();
        let entries = clusters.filter_map(|id| {
            let target = document.route(&id).map(|route| route.target.as_str());
            let view = RegistrationView {
                fingerprint: document.fingerprint(&id)?,
                endpoint: target.unwrap_or_default().to_owned(),
                leads_to: target
                    .map(|target| self.seat.leads_to(target))
                    .unwrap_or_default(),
                trouble: (!current).then(|| "not loaded".to_owned()),
            };
            Some((id, view))
        });
        RegistrarView {
            installed: true,
            problems: self.leftovers(document, loaded),
            needs: self.seat.needs(),
            after: self.seat.after().into_iter().collect(),
            entries: entries.collect(),
            ..RegistrarView::default()
        }
    }

    /// Routes that the scripts before rollcall left in the user's files, of clusters that rollcall routes to by now.
    fn leftovers(&self, document: &Document, loaded: &Loaded) -> Vec<Obstacle> {
        let routed = self.routed(document);
        let problem = |file: &PathBuf| {
            let text = text(file).ok()??;
            let leftovers = Leftovers::of(&text);
            let names = leftovers.names().filter(|name| routed.contains(*name));
            let names: Vec<String> = names.map(ToString::to_string).collect();
            let (shown, word) = (file.display(), shell_word(&file.to_string_lossy()));
            (!names.is_empty()).then(|| Obstacle {
                what: format!("{shown} has routes of its own to {}", names.join(", ")),
                remedy: format!("rollcall import haproxy {word}"),
                of: Vec::new(),
            })
        };
        loaded.files.iter().filter_map(problem).collect()
    }

    /// Both files as they are.
    pub(super) fn read(&self) -> Result<Document, (String, String)> {
        let (config, map) = (self.config(), self.map());
        let file = |path: &Path| {
            text(path).map_err(|error| {
                let hint = format!("mend or move {}", path.display());
                (format!("{}: {error}", path.display()), hint)
            })
        };
        if !self.dir.is_dir() {
            return Err((
                format!("there is no folder {}", self.dir.display()),
                "make it, or set haproxy.dir".to_owned(),
            ));
        }
        let (written, mapped) = (file(&config)?, file(&map)?);
        let style = self.seat.style();
        let document = Document::parse(
            written.as_deref(),
            mapped.as_deref(),
            &self.providers,
            style,
        );
        document.map_err(|_| {
            (
                format!("{} was not written by rollcall", config.display()),
                format!("move {} away, or set haproxy.dir", config.display()),
            )
        })
    }
}

/// A file's text; `None`: it is not there.
pub(super) fn text(path: &Path) -> io::Result<Option<String>> {
    match fs::metadata(path) {
        Ok(meta) if !meta.is_file() => Err(io::Error::other("it is no regular file")),
        Ok(meta) if meta.len() > LARGEST => Err(io::Error::other("it is too large")),
        Ok(_) => fs::read_to_string(path).map(Some),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
