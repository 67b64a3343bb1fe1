//! What Argo CD makes of an element: the keys that a set's templates use, and names as they will be.
//!
//! It must not guess: an expression that is no plain look-up uses nothing and has no value.

use std::collections::BTreeSet;

use serde_json::Value;

/// In which language a set's templates are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    /// `{{key}}`.
    Fast,
    /// Go's: `{{.key}}`, `{{index . "key"}}`, and all that is not understood here.
    Go,
}

impl Language {
    /// The language of a set.
    pub(super) fn of(spec: &Value) -> Self {
        if spec["goTemplate"] == true {
            Self::Go
        } else {
            Self::Fast
        }
    }

    /// The text with an element's values; `None`: it needs more than the element's texts.
    pub(super) fn fill(self, text: &str, element: &Value) -> Option<String> {
        let (mut filled, mut rest) = (String::new(), text);
        while let Some((before, after)) = rest.split_once("{{") {
            let (expression, behind) = after.split_once("}}")?;
            let key = self.key(expression)?;
            filled.push_str(before);
            filled.push_str(element.get(key)?.as_str()?);
            rest = behind;
        }
        filled.push_str(rest);
        Some(filled)
    }

    /// The keys that any text in a document uses, as far as that is plain.
    pub(super) fn used(self, document: &Value) -> BTreeSet<String> {
        let mut used = BTreeSet::new();
        self.collect(document, &mut used);
        used
    }

    fn collect(self, document: &Value, used: &mut BTreeSet<String>) {
        match document {
            Value::String(text) => used.extend(self.used_in(text)),
            Value::Array(items) => items.iter().for_each(|item| self.collect(item, used)),
            Value::Object(map) => {
                for (key, value) in map {
                    used.extend(self.used_in(key));
                    self.collect(value, used);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn used_in(self, text: &str) -> BTreeSet<String> {
        let expressions = || {
            let opened = text.split("{{").skip(1);
            opened.filter_map(|rest| Some(rest.split_once("}}")?.0))
        };
        // Inside of these a dot is something else.
        let moves = |expression: &str| {
            let first = trimmed(expression).split_whitespace().next();
            matches!(
                first,
                Some("range" | "with" | "define" | "template" | "block")
            )
        };
        if self == Self::Go && expressions().any(moves) {
            return BTreeSet::new();
        }
        let keys = expressions().filter_map(|expression| {
            let plain = expression.split('|').next().unwrap_or_default();
            self.key(plain).map(str::to_owned)
        });
        keys.collect()
    }

    /// The key that an expression looks up.
    fn key(self, expression: &str) -> Option<&str> {
        let key = match self {
            Self::Fast => expression.trim(),
            Self::Go => {
                let expression = trimmed(expression);
                match expression.strip_prefix("index . ") {
                    Some(quoted) => quoted.trim().strip_prefix('"')?.strip_suffix('"')?,
                    None => expression.strip_prefix('.')?,
                }
            }
        };
        let letter = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
        (!key.is_empty() && key.chars().all(letter)).then_some(key)
    }
}

/// A Go expression without the marks that eat white space.
fn trimmed(expression: &str) -> &str {
    let expression = expression.strip_prefix('-').unwrap_or(expression);
    let expression = expression.strip_suffix('-').unwrap_or(expression);
    expression.trim()
}
