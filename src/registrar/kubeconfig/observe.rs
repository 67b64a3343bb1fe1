//! Looking at the file.

use std::fs;
use std::io::{ErrorKind, Read};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;
use std::time::Duration;

use rustix::fs::OFlags;

use super::Kubeconfig;
use super::wire::Document;
use crate::model::{
    Port, PortMap, ProviderId, RegistrarView, RegistrationView, Seen, Unseen, UnseenKind,
};

/// A kubeconfig of this size is none.
const LARGEST: u64 = 32 * 1024 * 1024;

impl Kubeconfig {
    /// What the file holds. A missing one holds nothing; one that cannot be read is unknown.
    pub(super) async fn seen(&self, deadline: Duration) -> Seen<RegistrarView> {
        let (path, providers) = (self.path.clone(), self.providers.clone());
        let reading = tokio::task::spawn_blocking(move || view(&path, &providers));
        let read = match tokio::time::timeout(deadline, reading).await {
            Ok(Ok(read)) => read,
            Ok(Err(_)) => Err("reading it was torn down".to_owned()),
            Err(_) => Err(format!(
                "it could not be read within {} s",
                deadline.as_secs()
            )),
        };
        match read {
            Ok(view) => Seen::Known(view),
            Err(error) => Seen::Unknown(Unseen {
                source: super::KUBECONFIG.to_owned(),
                kind: UnseenKind::Silent,
                error: format!("{}: {error}", self.path.display()),
                hint: Some(format!("mend or move {}", self.path.display())),
            }),
        }
    }
}

fn view(path: &Path, providers: &[ProviderId]) -> Result<RegistrarView, String> {
    let document = read(path)?.unwrap_or_else(Document::empty);
    let entries = document.entries(providers).into_iter();
    let entries = entries.map(|(id, (fingerprint, endpoint))| {
        (
            id,
            RegistrationView {
                fingerprint,
                leads_to: leads_to(&endpoint),
                endpoint,
                trouble: None,
            },
        )
    });
    Ok(RegistrarView {
        installed: true,
        needs: None,
        early: true,
        entries: entries.collect(),
        ..RegistrarView::default()
    })
}

/// The port of this host that a server is, if it says one.
fn leads_to(server: &str) -> PortMap {
    let port = server
        .rsplit_once(':')
        .map(|(_, port)| port.trim_end_matches('/'));
    let port = port.and_then(|port| Port::parse(port.parse().ok()?).ok());
    port.map(|port| (Port::API, port)).into_iter().collect()
}

/// The file's content; `None`: there is no file.
pub(super) fn read(path: &Path) -> Result<Option<Document>, String> {
    // Opening a pipe would wait for its writer, and opening a terminal could make it ours.
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = fs::OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path);
    let file = match file {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound && !is_dangling(path) => return Ok(None),
        Err(error) => return Err(error.to_string()),
    };
    let kind = file.metadata().map_err(|error| error.to_string())?;
    if let Some(other) = not_regular(kind.file_type()) {
        return Err(format!("it is {other}, not a regular file"));
    }
    let mut text = String::new();
    file.take(LARGEST + 1)
        .read_to_string(&mut text)
        .map_err(|error| error.to_string())?;
    if u64::try_from(text.len()).unwrap_or(u64::MAX) > LARGEST {
        return Err(format!("it is larger than {LARGEST} bytes"));
    }
    Document::parse(&text).map(Some)
}

/// What it is, if it is no regular file.
fn not_regular(kind: fs::FileType) -> Option<&'static str> {
    if kind.is_file() {
        None
    } else if kind.is_dir() {
        Some("a directory")
    } else if kind.is_fifo() {
        Some("a pipe")
    } else {
        Some("a device")
    }
}

/// A link into nowhere is not a file that is not there: what it leads to may be on a disk that is not mounted.
fn is_dangling(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|meta| meta.file_type().is_symlink())
}
