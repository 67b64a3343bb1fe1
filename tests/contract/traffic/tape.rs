//! What was asked and answered while one fact was tried, one exchange for each line of a file.

use std::fs;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::redact::gives_away;
use super::wire::{Request, json};

/// Requests that are made at the same time may come in another order: so many of them at most.
const AT_ONCE: usize = 4;

/// Where the exchanges come from, and where they go.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Traffic {
    /// The place.
    pub(crate) place: &'static str,
    /// The fact.
    pub(crate) fact: &'static str,
    /// Whether who plays the API answers, and not the recording.
    pub(crate) live: bool,
}

impl Traffic {
    fn file(&self) -> PathBuf {
        folder()
            .join(self.place)
            .join(format!("{}.json", self.fact))
    }

    /// What was recorded; nothing: no fact needs it.
    pub(super) fn read(&self) -> Vec<Exchange> {
        match fs::read_to_string(self.file()) {
            Ok(text) => spelt_out(serde_json::from_str(&text).unwrap()),
            Err(_) => Vec::new(),
        }
    }

    /// Records anew, where somebody asked for it.
    pub(super) fn write(&self, exchanges: &[Exchange]) {
        if std::env::var_os("ROLLCALL_TEST_RECORD").is_none() || exchanges.is_empty() {
            return;
        }
        let lines = compact(exchanges).into_iter();
        let lines = lines.map(|one| serde_json::to_string(&one).unwrap());
        let text = format!("[\n{}\n]\n", lines.collect::<Vec<_>>().join(",\n"));
        assert_eq!(gives_away(&text), None, "{self:?}");
        let file = self.file();
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
}

/// Where all recordings are.
pub(crate) fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/traffic")
}

/// What was asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Question {
    /// `GET /PLACE/PATH?QUERY`.
    pub(super) ask: String,
    /// Who asked, where it was said.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    who: String,
    /// What sort of body, if it is not JSON.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    sort: String,
    #[serde(default, skip_serializing_if = "Value::is_null")]
    body: Value,
}

/// One request and its answer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Exchange {
    #[serde(flatten)]
    pub(super) question: Question,
    pub(super) status: u16,
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub(super) answer: Value,
    /// The line of the file, from 1 on, whose answer it is, where it was answered like this before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    as_in: Option<usize>,
}

/// Each answer as often as it was given.
fn spelt_out(mut exchanges: Vec<Exchange>) -> Vec<Exchange> {
    for at in 0..exchanges.len() {
        if let Some(line) = exchanges[at].as_in {
            exchanges[at].answer = exchanges[line - 1].answer.clone();
        }
    }
    exchanges
}

/// Each answer once.
fn compact(exchanges: &[Exchange]) -> Vec<Exchange> {
    let compact = exchanges.iter().enumerate().map(|(at, one)| {
        let same = |other: &Exchange| other.answer == one.answer && !one.answer.is_null();
        let as_in = exchanges[..at].iter().position(same);
        let answer = match as_in {
            Some(_) => Value::Null,
            None => one.answer.clone(),
        };
        Exchange {
            answer,
            as_in: as_in.map(|line| line + 1),
            ..one.clone()
        }
    });
    compact.collect()
}

impl Exchange {
    /// One that was seen.
    pub(super) fn new(question: Question, status: u16, answer: Value) -> Self {
        Self {
            question,
            status,
            answer,
            as_in: None,
        }
    }
}

impl Question {
    /// What this request asks.
    pub(super) fn of(request: &Request) -> Self {
        let shown = ["authorization", "x-api-key"].map(|name| request.header(name));
        let sort = request.header("content-type");
        Self {
            ask: format!("{} {}", request.method, request.path),
            who: shown.concat(),
            sort: sort.replace("application/json", ""),
            body: json(&request.body),
        }
    }
}

/// A recording that is played back.
#[derive(Debug)]
pub(super) struct Tape(Vec<Exchange>);

impl Tape {
    /// The recording from its beginning.
    pub(super) fn new(exchanges: Vec<Exchange>) -> Self {
        Self(exchanges)
    }

    /// The answer to what is asked now; `None`: that was not asked here.
    pub(super) fn play(&mut self, question: &Question) -> Option<Exchange> {
        let mut next = self.0.iter().take(AT_ONCE);
        let at = next.position(|one| one.question == *question)?;
        Some(self.0.remove(at))
    }

    /// What comes next in the recording.
    pub(super) fn next(&self) -> Option<&Question> {
        self.0.first().map(|one| &one.question)
    }
}
