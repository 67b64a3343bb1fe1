//! The only map from errors to message, hints and exit code.

use crate::model::{NameError, Unseen, UnseenKind, printable, redact};
use crate::observe::Observation;
use crate::provider::{Fault, ProviderError};
use crate::reconcile::RunError;
use crate::registrar::ImportError;
use crate::report::{ErrorDoc, Exit, ExitCode, Flags};
use crate::sandbox::SandboxError;
use crate::store::{FailureClass, StoreError};

/// What a command ends with when it cannot do its work.
#[derive(Debug, Clone)]
pub struct CliError {
    /// What to return.
    pub code: ExitCode,
    /// What went wrong, with its causes.
    pub message: String,
    /// What to do about it.
    pub hints: Vec<String>,
}

impl CliError {
    /// An error of this kind.
    pub fn new(code: ExitCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            hints: Vec::new(),
        }
    }

    /// A wrong command line.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(ExitCode::Usage, message)
    }

    /// The same with a way out.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// The same with the flags of this call in every command that a hint names.
    #[must_use]
    pub fn with_flags(mut self, flags: &Flags) -> Self {
        self.hints
            .iter_mut()
            .for_each(|hint| *hint = flags.apply(hint));
        self
    }

    /// A file that could not be read or written.
    pub fn file(doing: &str, path: &std::path::Path, error: &std::io::Error) -> Self {
        Self::new(
            ExitCode::NotReady,
            format!("failed to {doing} {}: {error}", path.display()),
        )
    }

    /// The error as text.
    pub fn text(&self) -> String {
        let mut out = format!("error: {}\n", self.shown());
        for hint in &self.hints {
            out.push_str(&format!("  -> {}\n", redact(&printable(hint))));
        }
        out
    }

    /// The error as a document.
    pub fn document(&self) -> ErrorDoc {
        ErrorDoc {
            schema: "rollcall.error/v1".to_owned(),
            message: self.shown(),
            hints: self
                .hints
                .iter()
                .map(|hint| redact(&printable(hint)).into_owned())
                .collect(),
            exit: Exit::of([(self.code, self.shown())]),
        }
    }

    /// The message as anybody may see it.
    pub fn shown(&self) -> String {
        redact(&printable(&self.message)).into_owned()
    }
}

/// An error and all its causes, each said once.
fn with_causes(error: &dyn std::error::Error) -> String {
    let mut message = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let text = cause.to_string();
        if !says(&message, &text) {
            message.push_str(": ");
            message.push_str(&text);
        }
        source = cause.source();
    }
    message
}

/// Whether a message says what its cause says. SQLite's causes repeat their parents behind a number: what is behind the
/// last colon counts, whatever its case and article.
fn says(message: &str, cause: &str) -> bool {
    let end = cause.rsplit(": ").next().unwrap_or(cause);
    let end = end.to_lowercase();
    let end = end.strip_prefix("the ").unwrap_or(&end);
    message.contains(cause) || message.to_lowercase().contains(end)
}

impl From<&clap::Error> for CliError {
    /// A wrong command line, without the layout that clap gives it on a terminal.
    fn from(error: &clap::Error) -> Self {
        if error.kind() == clap::error::ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
            return Self::usage("a command or an argument is missing").hint("rollcall --help");
        }
        let text = error.render().to_string();
        let mut told = Self::usage("");
        for part in text.split("\n\n") {
            let line: Vec<_> = part.lines().map(str::trim).collect();
            let line = line.join(" ");
            let line = line.trim();
            if let Some(message) = line.strip_prefix("error: ") {
                message.clone_into(&mut told.message);
            } else if let Some(tip) = line.strip_prefix("tip: ") {
                told.hints.push(tip.to_owned());
            } else if let Some(usage) = line.strip_prefix("Usage: ") {
                told.hints.push(format!("usage: {usage}"));
            }
        }
        told
    }
}

impl From<StoreError> for CliError {
    fn from(error: StoreError) -> Self {
        let code = match error.class() {
            FailureClass::NotReady => ExitCode::NotReady,
            FailureClass::Unobserved => ExitCode::Unknown,
            FailureClass::Locked => ExitCode::Locked,
            FailureClass::Stale => ExitCode::Stale,
            FailureClass::Refused => ExitCode::Refused,
            FailureClass::Conflict => ExitCode::Conflict,
            FailureClass::Usage => ExitCode::Usage,
            FailureClass::Failed => ExitCode::Failed,
        };
        let hints = match &error {
            StoreError::NoTombstone { .. } => {
                vec!["rollcall cluster list   (shows the rows that were pruned)".to_owned()]
            }
            _ => error.hint().into_iter().collect(),
        };
        Self {
            code,
            message: with_causes(&error),
            hints,
        }
    }
}

impl From<RunError> for CliError {
    fn from(error: RunError) -> Self {
        match error {
            RunError::Store(error) => error.into(),
            RunError::Bug(_) | RunError::Torn => Self::new(ExitCode::Bug, error.to_string())
                .hint("nothing of that plan was done; please report this with the file of --save-observation"),
        }
    }
}

impl From<SandboxError> for CliError {
    fn from(error: SandboxError) -> Self {
        let code = match &error {
            SandboxError::Instruction { .. } => ExitCode::Usage,
            SandboxError::Refused(_) => ExitCode::Conflict,
            _ => ExitCode::NotReady,
        };
        let told = Self::new(code, format!("failed to {}", with_causes(&error)));
        match error {
            SandboxError::Instruction { .. } => told.hint("rollcall sandbox say --help"),
            _ => told,
        }
    }
}

impl From<NameError> for CliError {
    fn from(error: NameError) -> Self {
        Self::usage(error.to_string())
    }
}

impl From<ProviderError> for CliError {
    fn from(error: ProviderError) -> Self {
        let code = match error.fault {
            Fault::ToolMissing => ExitCode::NotReady,
            Fault::LeaseLost => ExitCode::Locked,
            _ => ExitCode::Failed,
        };
        Self {
            code,
            message: error.message,
            hints: error.hint.into_iter().collect(),
        }
    }
}

impl From<&Unseen> for CliError {
    /// A source without which there is no answer.
    fn from(unseen: &Unseen) -> Self {
        let code = match unseen.kind {
            UnseenKind::NotReady => ExitCode::NotReady,
            _ => ExitCode::Unknown,
        };
        Self {
            code,
            message: format!("{}: {}", unseen.source, unseen.error),
            hints: unseen.hint.iter().cloned().collect(),
        }
    }
}

impl From<ImportError> for CliError {
    fn from(error: ImportError) -> Self {
        let code = match &error {
            ImportError::Usage(_) => ExitCode::Usage,
            ImportError::NotReady(_) => ExitCode::NotReady,
            ImportError::Unknown(_) => ExitCode::Unknown,
            ImportError::Refused(_) => ExitCode::Refused,
            ImportError::Failed(_) => ExitCode::Failed,
        };
        let why = error.why();
        Self {
            code,
            message: why.message.clone(),
            hints: why.hint.iter().cloned().collect(),
        }
    }
}

/// Reads a saved observation.
pub(crate) fn read_observation(path: &std::path::Path) -> Result<Observation, CliError> {
    let text =
        std::fs::read_to_string(path).map_err(|error| CliError::file("read", path, &error))?;
    let wrong =
        |why: String| CliError::usage(format!("{} is no observation: {why}", path.display()));
    let observation: Observation =
        serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
    if observation.schema != Observation::SCHEMA {
        return Err(wrong(format!("its schema is {:?}", observation.schema)));
    }
    Ok(observation)
}
