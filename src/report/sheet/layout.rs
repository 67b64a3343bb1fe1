//! The parts of a sheet.

use serde::Serialize;

use super::cases::{Case, CaseEnd, Suite};
use super::shown::shown;
use crate::report::exit::Exit;
use crate::report::flags::begins_command;
use crate::report::paint::Tone;

/// A result, whatever it will be written as.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Sheet {
    /// `plan`, `run`, `status`, `doctor` or `error`.
    pub(in crate::report) kind: &'static str,
    /// Whether the world is a sandbox.
    pub(in crate::report) sandbox: bool,
    /// The verdict with its counts.
    pub(in crate::report) verdict: String,
    /// How it ended.
    pub(in crate::report) ending: Ending,
    /// What it is about.
    pub(in crate::report) facts: Vec<Fact>,
    /// What else is to be said at once.
    pub(in crate::report) notes: Vec<String>,
    /// The way on.
    pub(in crate::report) ways: Vec<Way>,
    /// The rest.
    pub(in crate::report) tables: Vec<Table>,
    /// What failed, with what its log says.
    pub(in crate::report) failures: Vec<Failure>,
    /// The same as cases of a test report.
    #[serde(skip)]
    pub(in crate::report) suites: Vec<Suite>,
    /// When it was observed, or began, RFC 3339 UTC.
    #[serde(skip)]
    pub(in crate::report) at: Option<String>,
    /// How long all of it took.
    #[serde(skip)]
    pub(in crate::report) duration_ms: u64,
}

/// How it ended: the word that colours only repeat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(in crate::report) struct Ending {
    /// The exit code, if it came to one.
    pub(in crate::report) code: Option<u8>,
    /// What it means.
    pub(in crate::report) word: String,
    /// Whether that is good.
    pub(in crate::report) tone: Tone,
    /// Everything that speaks for it.
    pub(in crate::report) reasons: Vec<String>,
}

/// One thing that a result is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(in crate::report) struct Fact {
    pub(in crate::report) name: &'static str,
    pub(in crate::report) value: String,
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(in crate::report) struct Way {
    /// For what.
    pub(in crate::report) label: &'static str,
    /// How.
    pub(in crate::report) line: Line,
}

/// A table. The first cell of a row says what the row is about.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(in crate::report) struct Table {
    pub(in crate::report) title: &'static str,
    pub(in crate::report) columns: Vec<&'static str>,
    pub(in crate::report) rows: Vec<Vec<Cell>>,
}

/// The lines of one cell.
pub(in crate::report) type Cell = Vec<Line>;

/// The parts of one line.
pub(in crate::report) type Line = Vec<Part>;

/// A part of a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(in crate::report) enum Part {
    /// What a person reads.
    Text {
        /// It.
        text: String,
    },
    /// What a person types, or a name.
    Code {
        /// It.
        text: String,
    },
    /// One of a few words of ours that say how something is.
    Word {
        /// It.
        text: String,
        /// What it means.
        tone: Tone,
    },
}

/// One failure, with what its log says.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(in crate::report) struct Failure {
    /// `create`.
    pub(in crate::report) word: &'static str,
    /// `cluster/k3d/dev`.
    pub(in crate::report) address: String,
    /// What went wrong.
    pub(in crate::report) message: String,
    /// What to do about it.
    pub(in crate::report) hint: Option<Line>,
    /// The last lines of its log.
    pub(in crate::report) tail: Vec<String>,
    /// Where its log is.
    pub(in crate::report) log: Option<String>,
}

impl Sheet {
    /// A sheet that says how something ended, and nothing else yet.
    pub(super) fn new(kind: &'static str, verdict: &str, ending: Ending) -> Self {
        Self {
            kind,
            sandbox: false,
            verdict: shown(verdict),
            ending,
            facts: Vec::new(),
            notes: Vec::new(),
            ways: Vec::new(),
            tables: Vec::new(),
            failures: Vec::new(),
            suites: Vec::new(),
            at: None,
            duration_ms: 0,
        }
    }

    /// The same with a fact.
    pub(super) fn fact(mut self, name: &'static str, value: &str) -> Self {
        let value = shown(value);
        self.facts.push(Fact { name, value });
        self
    }

    /// The same with a way on.
    pub(super) fn way(mut self, label: &'static str, how: &str) -> Self {
        let line = hint(how);
        self.ways.push(Way { label, line });
        self
    }

    /// The same with those tables that have rows.
    pub(super) fn with_tables(mut self, tables: impl IntoIterator<Item = Table>) -> Self {
        let tables = tables.into_iter().filter(|table| !table.rows.is_empty());
        self.tables.extend(tables.map(Table::without_empty_columns));
        self
    }

    /// The same with those suites that have cases. A report is never empty, and never better than the exit code: where
    /// no case says how it ended, one more does.
    pub(super) fn with_suites(mut self, suites: impl IntoIterator<Item = Suite>) -> Self {
        let suites = suites.into_iter();
        self.suites = suites.filter(|suite| !suite.cases.is_empty()).collect();
        let mut cases = self.suites.iter().flat_map(|suite| &suite.cases);
        let told = match self.ending.tone {
            Tone::Good => cases.next().is_some(),
            _ => cases.any(Case::is_bad),
        };
        if !told {
            let verdict = self.verdict_case();
            self.suites.push(Suite::new("verdict", [verdict]));
        }
        self
    }

    fn verdict_case(&self) -> Case {
        let message = self.verdict.clone();
        let end = match self.ending.tone {
            Tone::Good => CaseEnd::Passed,
            Tone::Dim => CaseEnd::Skipped { message },
            _ => CaseEnd::Failed {
                kind: self.ending.word.replace(' ', "_"),
                message,
                detail: self.ending.reasons.clone(),
            },
        };
        Case {
            said: Some(self.verdict.clone()),
            ..Case::new("verdict", end)
        }
    }
}

impl Ending {
    /// What an exit object says.
    pub(super) fn of(exit: &Exit) -> Self {
        let reasons = exit.reasons.iter().map(|reason| shown(&reason.message));
        Self {
            code: Some(exit.code),
            word: exit.name.replace('_', " "),
            tone: Self::tone(exit.code),
            reasons: reasons.collect(),
        }
    }

    /// What an exit code means.
    pub(super) fn tone(code: u8) -> Tone {
        match code {
            0 => Tone::Good,
            3..=12 => Tone::Held,
            _ => Tone::Bad,
        }
    }
}

impl Table {
    /// A table without rows.
    pub(super) fn new(title: &'static str, columns: &[&'static str]) -> Self {
        Self {
            title,
            columns: columns.to_vec(),
            rows: Vec::new(),
        }
    }

    /// The same with these rows.
    pub(super) fn rows(mut self, rows: impl IntoIterator<Item = Vec<Cell>>) -> Self {
        self.rows.extend(rows);
        self
    }

    /// A column in which no row says anything is none.
    fn without_empty_columns(mut self) -> Self {
        let said = |place: usize| {
            let cell = |row: &Vec<Cell>| row.get(place).is_some_and(|cell| !cell.is_empty());
            self.rows.iter().any(cell)
        };
        let said: Vec<bool> = (0..self.columns.len()).map(said).collect();
        let keeps = |place: usize| said.get(place).copied().unwrap_or(false);
        let mut place = 0..;
        self.columns.retain(|_| place.next().is_some_and(keeps));
        for row in &mut self.rows {
            let mut place = 0..;
            row.retain(|_| place.next().is_some_and(keeps));
        }
        self
    }
}

/// A line that a person reads; none, where there is nothing to read.
pub(super) fn text(said: &str) -> Option<Line> {
    let text = shown(said);
    (!text.is_empty()).then(|| vec![Part::Text { text }])
}

/// A line that is a name.
pub(super) fn code(said: &str) -> Line {
    vec![Part::Code { text: shown(said) }]
}

/// A line that is one of our words.
pub(super) fn word(tone: Tone, said: &str) -> Line {
    let text = said.to_owned();
    vec![Part::Word { text, tone }]
}

/// What lifts or mends something: a command, a sentence, or one with the other.
pub(super) fn hint(said: &str) -> Line {
    let said = shown(said);
    let starts = said.match_indices("rollcall ").map(|(place, _)| place);
    let mut starts = starts.filter(|place| begins_command(&said[*place..]));
    let Some(start) = starts.next() else {
        return vec![Part::Text { text: said }];
    };
    let (before, rest) = said.split_at(start);
    let ends = ["   (", "; "].iter().filter_map(|end| rest.find(end));
    let (command, after) = rest.split_at(ends.min().unwrap_or(rest.len()));
    let text = |text: &str| Part::Text {
        text: text.trim().to_owned(),
    };
    let command = Part::Code {
        text: command.to_owned(),
    };
    let line = [text(before), command, text(after)].into_iter();
    line.filter(|part| !matches!(part, Part::Text { text } if text.is_empty()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(said: &str) -> String {
        let part = |part: Part| match part {
            Part::Text { text } | Part::Word { text, .. } => text,
            Part::Code { text } => format!("[{text}]"),
        };
        hint(said)
            .into_iter()
            .map(part)
            .collect::<Vec<_>>()
            .join(" ")
    }

    #[test]
    fn the_command_in_a_hint_is_found() {
        for (said, found) in [
            (
                "rollcall cluster adopt k3d/dev",
                "[rollcall cluster adopt k3d/dev]",
            ),
            (
                "rollcall --sandbox=/w reconcile --repair --replace dev   (deletes it)",
                "[rollcall --sandbox=/w reconcile --repair --replace dev] (deletes it)",
            ),
            (
                "remove it, then: rollcall reconcile --repair; or not",
                "remove it, then: [rollcall reconcile --repair] ; or not",
            ),
            (
                "remove it: rollcall did not make it",
                "remove it: rollcall did not make it",
            ),
            ("correct the row's columns", "correct the row's columns"),
        ] {
            assert_eq!(shape(said), found);
        }
    }

    #[test]
    fn a_column_that_says_nothing_is_none() {
        let cell = |said: &str| text(said).into_iter().collect::<Cell>();
        let table = Table::new("t", &["A", "B", "C"])
            .rows([
                vec![cell("1"), cell(""), cell("")],
                vec![cell("2"), cell(""), cell("3")],
            ])
            .without_empty_columns();
        assert_eq!(table.columns, ["A", "C"]);
        assert!(table.rows.iter().all(|row| row.len() == 2), "{table:?}");
    }
}
