//! The flags of this call that the next one needs too: a hint that is pasted must speak of the same world.

use crate::model::shell_word;

/// The commands that a hint may name.
const COMMANDS: [&str; 26] = [
    "reconcile",
    "plan",
    "verify",
    "ensure",
    "clean",
    "bootstrap",
    "watch",
    "start",
    "stop",
    "use",
    "kubeconfig",
    "backup",
    "help",
    "status",
    "explain",
    "history",
    "last-run",
    "cluster",
    "import",
    "init",
    "doctor",
    "lock",
    "schema",
    "completions",
    "man",
    "sandbox",
];

/// What stands before a command in a text.
const CALL: &str = "rollcall ";

/// Whether a text begins with a command of rollcall's, flags before its name included.
pub(super) fn begins_command(text: &str) -> bool {
    let word = text
        .strip_prefix(CALL)
        .and_then(|rest| rest.split(' ').next());
    word.is_some_and(|word| word.starts_with("--") || COMMANDS.contains(&word))
}

/// Flags that every command takes, each a word as a shell takes it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Flags {
    db: Option<String>,
    others: Vec<String>,
}

impl Flags {
    /// The flags of a call: its database, and all else that says which world it is about.
    pub fn new(db: Option<&str>, others: impl IntoIterator<Item = String>) -> Self {
        Self {
            db: db.map(|db| format!("--db {}", shell_word(db))),
            others: others.into_iter().map(|word| shell_word(&word)).collect(),
        }
    }

    /// The text with these flags after every `rollcall` that begins a command. A database that the text names stays.
    pub fn apply(&self, text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some(place) = rest.find(CALL) {
            let (before, after) = rest.split_at(place + CALL.len());
            out.push_str(before);
            let word = after.split([' ', '\n', ';']).next().unwrap_or_default();
            if word == "--db" {
                self.push(&mut out, None);
            } else if COMMANDS.contains(&word) {
                self.push(&mut out, self.db.as_ref());
            }
            rest = after;
        }
        out.push_str(rest);
        out
    }

    fn push(&self, out: &mut String, db: Option<&String>) {
        for flag in db.into_iter().chain(&self.others) {
            out.push_str(flag);
            out.push(' ');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_gets_the_flags_and_a_sentence_does_not() {
        let flags = Flags::new(Some("/x y/it's.db"), ["--sandbox=/w".to_owned()]);
        assert_eq!(
            flags.apply("see: rollcall lock show; rollcall did not make it"),
            r"see: rollcall --db '/x y/it'\''s.db' --sandbox=/w lock show; rollcall did not make it"
        );
        assert_eq!(
            flags.apply("rollcall --db /other init"),
            "rollcall --sandbox=/w --db /other init"
        );
        assert_eq!(Flags::default().apply("rollcall status"), "rollcall status");
    }
}
