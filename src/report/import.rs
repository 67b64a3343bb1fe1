//! What an import took out of a file of the user's, or would take.

use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::Serialize;

use super::exit::Exit;
use crate::model::shell_word;

/// An import.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ImportDoc {
    /// Always `rollcall.import/v1`.
    pub schema: String,
    /// The file, behind all links.
    pub file: String,
    /// Whether it was written.
    pub written: bool,
    /// The file as it was, where it was written.
    pub backup: Option<String>,
    /// The clusters whose entries go.
    pub taken: Vec<String>,
    /// Those whose entries stay.
    pub kept: Vec<ImportKept>,
    /// The lines that go.
    pub lines: Vec<ImportLine>,
    /// How the call ended.
    pub exit: Exit,
}

/// An entry that stays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ImportKept {
    /// The cluster.
    pub name: String,
    /// Why, as a fragment.
    pub why: String,
}

/// A line that goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ImportLine {
    /// Its number, from 1.
    pub number: usize,
    /// What it says.
    pub text: String,
}

/// The import for people.
pub fn import_text(doc: &ImportDoc) -> String {
    let (file, names) = (&doc.file, doc.taken.join(", "));
    let mut text = match (doc.taken.is_empty(), &doc.backup) {
        (true, _) if doc.exit.code != 0 => format!("nothing can be taken out of {file} yet\n"),
        (true, _) => format!("{file} has nothing that rollcall has too\n"),
        (false, Some(backup)) => {
            format!("taken out of {file}: {names}; as it was, it is {backup}\n")
        }
        (false, None) => format!("to be taken out of {file}: {names}\n"),
    };
    for line in &doc.lines {
        let _ = writeln!(text, "  - {:>4}  {}", line.number, line.text);
    }
    for kept in &doc.kept {
        let _ = writeln!(text, "  = {} stays: {}", kept.name, kept.why);
    }
    if !doc.taken.is_empty() && !doc.written {
        let file = shell_word(file);
        let _ = writeln!(text, "\nto do it: rollcall import haproxy {file} --write");
    }
    text
}
