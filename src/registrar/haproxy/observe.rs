//! Looking at the two files, and at what HAProxy has loaded of them.

use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use super::wire::{Document, Route};
use super::{HAPROXY, Haproxy, master};
use crate::model::{Port, PortMap, RegistrarView, RegistrationView, Seen, Unseen, UnseenKind};

/// A file of this size is none of ours.
const LARGEST: u64 = 32 * 1024 * 1024;

impl Haproxy {
    /// What is routed. A folder that is not there, files that cannot be read and a master that does not answer are
    /// unknown: what HAProxy has loaded nobody can tell then.
    pub(super) async fn seen(&self, deadline: Duration) -> Seen<RegistrarView> {
        let looked = tokio::time::timeout(deadline, async {
            let document = self.read()?;
            let socket = &self.settings.socket;
            let loaded = master::backends(socket).await.map_err(|error| {
                let hint = "start HAProxy with -W -S SOCKET, or set haproxy.socket";
                (format!("{}: {error}", socket.display()), hint.to_owned())
            })?;
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
            Ok((document, loaded)) => Seen::Known(self.view(&document, &loaded)),
            Err((error, hint)) => Seen::Unknown(Unseen {
                source: HAPROXY.to_owned(),
                kind: UnseenKind::Silent,
                error,
                hint: Some(hint),
            }),
        }
    }

    fn view(&self, document: &Document, loaded: &[String]) -> RegistrarView {
        let current = loaded.contains(&document.revision());
        let clusters = document.clusters(&self.providers).into_iter();
        let entries = clusters.filter_map(|id| {
            let route = document.route(&id);
            let view = RegistrationView {
                fingerprint: document.fingerprint(&id)?,
                endpoint: route.map(|route| route.target.clone()).unwrap_or_default(),
                leads_to: route.map(|route| self.leads_to(route)).unwrap_or_default(),
                trouble: (!current).then(|| "not loaded".to_owned()),
            };
            Some((id, view))
        });
        RegistrarView {
            installed: true,
            needs: Some(self.settings.inside),
            entries: entries.collect(),
            ..RegistrarView::default()
        }
    }

    /// The port of this host that a route leads to, if it leads to this host at all.
    fn leads_to(&self, route: &Route) -> PortMap {
        let port = route.target.rsplit_once(':').and_then(|(host, port)| {
            let port = Port::parse(port.parse().ok()?).ok()?;
            (host == self.settings.address).then_some(port)
        });
        let inside = self.settings.inside;
        port.map(|port| (inside, port)).into_iter().collect()
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
        if !self.settings.dir.is_dir() {
            return Err((
                format!("there is no folder {}", self.settings.dir.display()),
                "make it, or set haproxy.dir".to_owned(),
            ));
        }
        let (written, mapped) = (file(&config)?, file(&map)?);
        Document::parse(written.as_deref(), mapped.as_deref(), &self.providers).map_err(|_| {
            (
                format!("{} was not written by rollcall", config.display()),
                format!("move {} away, or set haproxy.dir", config.display()),
            )
        })
    }
}

/// A file's text; `None`: it is not there.
fn text(path: &Path) -> io::Result<Option<String>> {
    match fs::metadata(path) {
        Ok(meta) if !meta.is_file() => Err(io::Error::other("it is no regular file")),
        Ok(meta) if meta.len() > LARGEST => Err(io::Error::other("it is too large")),
        Ok(_) => fs::read_to_string(path).map(Some),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
