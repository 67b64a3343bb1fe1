//! One thing that was looked at.

use crate::cli::error::CliError;
use crate::cli::session::Session;
use crate::model::{Unseen, UnseenKind, printable, redact};
use crate::report::{ExitCode, FindingDoc, Level};

#[derive(Debug)]
pub(super) struct Finding {
    pub(super) what: String,
    pub(super) level: Level,
    code: ExitCode,
    pub(super) said: String,
    pub(super) remedy: Option<String>,
}

impl Finding {
    /// As it should be.
    pub(super) fn good(what: &str, said: impl Into<String>) -> Self {
        Self {
            what: what.to_owned(),
            level: Level::Good,
            code: ExitCode::Ok,
            said: said.into(),
            remedy: None,
        }
    }

    /// Nothing is wrong, and a person may want to know it.
    pub(super) fn note(what: &str, said: impl Into<String>, remedy: Option<String>) -> Self {
        Self {
            level: Level::Note,
            remedy,
            ..Self::good(what, said)
        }
    }

    /// It could not be found out: that is never as it should be.
    pub(super) fn unknown(what: &str, said: impl Into<String>, remedy: Option<String>) -> Self {
        Self {
            level: Level::Unknown,
            remedy,
            ..Self::good(what, said)
        }
    }

    /// Missing or wrong.
    pub(super) fn bad(
        what: &str,
        code: ExitCode,
        said: impl Into<String>,
        remedy: Option<String>,
    ) -> Self {
        Self {
            level: Level::Bad,
            code,
            remedy,
            ..Self::good(what, said)
        }
    }

    /// What an error says.
    pub(super) fn of_error(what: &str, error: impl Into<CliError>) -> Self {
        let error = error.into();
        let remedy = Some(error.hints.join("; ")).filter(|hints| !hints.is_empty());
        Self::bad(what, error.code, error.message, remedy)
    }

    /// A source that gave no answer.
    pub(super) fn of_silence(what: &str, unseen: &Unseen) -> Self {
        let code = match unseen.kind {
            UnseenKind::NotReady => ExitCode::NotReady,
            _ => ExitCode::Unknown,
        };
        Self::bad(what, code, &unseen.error, unseen.hint.clone())
    }

    /// What speaks for an exit code.
    pub(super) fn reason(&self) -> Option<(ExitCode, String)> {
        let bad = self.level == Level::Bad;
        bad.then(|| (self.code, format!("{}: {}", self.what, self.said)))
    }

    pub(super) fn doc(&self, session: &Session) -> FindingDoc {
        let clean = |text: &str| redact(&printable(text)).into_owned();
        FindingDoc {
            what: self.what.clone(),
            ok: matches!(self.level, Level::Good | Level::Note),
            level: self.level,
            message: clean(&self.said),
            remedy: self
                .remedy
                .as_deref()
                .map(|remedy| clean(&session.command(remedy))),
        }
    }
}
