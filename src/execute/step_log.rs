//! What a step says while it runs: into its file, redacted, and as events.

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::event::{Emitter, EventBody};
use crate::model::{Address, one_line, printable, redact};
use crate::provider::StepLog;

/// How many of the last lines are shown when a step fails.
const TAIL: usize = 20;

/// The log of one step.
pub(super) struct Log<'e> {
    emitter: &'e Emitter<'e>,
    step: usize,
    address: Address,
    path: Option<PathBuf>,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    file: Option<File>,
    tail: VecDeque<String>,
}

impl<'e> Log<'e> {
    /// A log in this directory (0700, files 0600). A log that cannot be written is no reason not to act.
    pub(super) fn open(
        emitter: &'e Emitter<'e>,
        step: usize,
        address: &Address,
        dir: Option<&Path>,
    ) -> Self {
        let path = dir.map(|dir| {
            dir.join(format!(
                "{step:03}-{}.log",
                address.to_string().replace('/', "-")
            ))
        });
        let file = path.as_ref().and_then(|path| open_private(path).ok());
        let path = file.as_ref().and(path);
        let inner = Mutex::new(Inner {
            file,
            tail: VecDeque::new(),
        });
        Self {
            emitter,
            step,
            address: address.clone(),
            path,
            inner,
        }
    }

    /// Where it is.
    pub(super) fn path(&self) -> Option<String> {
        self.path.as_ref().map(|path| path.display().to_string())
    }

    /// rollcall's own line.
    pub(super) fn note(&self, text: &str) {
        self.line(&format!("rollcall: {text}"));
    }

    /// The last lines.
    pub(super) fn tail(&self) -> Vec<String> {
        self.inner
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .tail
            .iter()
            .cloned()
            .collect()
    }
}

impl StepLog for Log<'_> {
    fn line(&self, line: &str) {
        let clean = redact(&printable(line.trim_end())).into_owned();
        {
            let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(file) = &mut inner.file {
                let _ = writeln!(file, "{clean}");
            }
            if inner.tail.len() == TAIL {
                inner.tail.pop_front();
            }
            inner.tail.push_back(one_line(&clean, 300));
        }
        let short = one_line(&clean, 200);
        let message = format!("{}: {short}", self.address);
        let address = self.address.to_string();
        self.emitter.emit(
            message,
            EventBody::StepProgress {
                step: self.step,
                address,
                line: short,
            },
        );
    }
}

fn open_private(path: &Path) -> std::io::Result<File> {
    if let Some(dir) = path.parent() {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(dir)?;
    }
    OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path)
}
