//! The formats of answers, and which command has which.

use clap::ValueEnum;

use super::args::Command;
use super::error::CliError;
use crate::report::{ExitCode, Sheet, html, junit, markdown};

/// A format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For a person at a terminal.
    Table,
    /// For a program.
    Json,
    /// The events of a run.
    Ndjson,
    /// A result, for a pull request.
    Markdown,
    /// A result, for a browser.
    Html,
    /// A result, for a CI.
    Junit,
}

impl Format {
    /// All names, for people.
    pub(crate) fn names() -> String {
        let names: Vec<_> = Self::value_variants()
            .iter()
            .map(|one| one.name())
            .collect();
        names.join(", ")
    }

    /// As it is typed.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Json => "json",
            Self::Ndjson => "ndjson",
            Self::Markdown => "markdown",
            Self::Html => "html",
            Self::Junit => "junit",
        }
    }

    /// Whether it is written from a sheet: only what has a result has one.
    pub(crate) fn is_of_results(self) -> bool {
        matches!(self, Self::Markdown | Self::Html | Self::Junit)
    }

    /// Whether it tells an error, so that who reads nothing else learns of it.
    pub(crate) fn tells_errors(self) -> bool {
        self == Self::Json || self.is_of_results()
    }

    /// Whether a command has it.
    pub(crate) fn is_of(self, command: Option<&Command>) -> bool {
        match self {
            Self::Table | Self::Json => true,
            Self::Ndjson => command.is_some_and(Command::has_events),
            Self::Markdown | Self::Html | Self::Junit => command.is_none_or(Command::has_result),
        }
    }

    /// A result in this format, if it is one of results.
    pub(crate) fn written(self, sheet: &Sheet) -> Result<Option<String>, CliError> {
        let bug = |error: String| {
            CliError::new(
                ExitCode::Bug,
                format!("failed to write {}: {error}", self.name()),
            )
        };
        match self {
            Self::Table | Self::Json | Self::Ndjson => Ok(None),
            Self::Markdown => Ok(Some(markdown(sheet))),
            Self::Html => html(sheet)
                .map(Some)
                .map_err(|error| bug(error.to_string())),
            Self::Junit => junit(sheet)
                .map(Some)
                .map_err(|error| bug(error.to_string())),
        }
    }
}

/// A command without results has no such format.
pub(crate) fn refuse_unless_had(format: Format, command: Option<&Command>) -> Result<(), CliError> {
    if format.is_of(command) {
        return Ok(());
    }
    let had = Format::value_variants()
        .iter()
        .filter(|one| one.is_of(command));
    let had: Vec<_> = had.map(|one| one.name()).collect();
    Err(CliError::usage(format!(
        "this command has no result for -o {}",
        format.name()
    ))
    .hint(format!("its formats: {}", had.join(", ")))
    .hint("commands that have it: reconcile, plan, verify, ensure, clean, start, stop, status, doctor, cluster adopt, last-run, history RUN"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_is_named_as_it_is_typed() {
        for format in Format::value_variants() {
            let typed = format.to_possible_value();
            assert_eq!(
                typed.as_ref().map(|typed| typed.get_name()),
                Some(format.name())
            );
        }
        assert_eq!(
            Format::names(),
            "table, json, ndjson, markdown, html, junit"
        );
    }
}
