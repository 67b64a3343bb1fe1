//! Colour, where it is wanted: it never changes what is said or where it stands.

use std::fmt;

use serde::Serialize;

/// What a piece of text means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Tone {
    /// Made or right.
    Good,
    /// Changed.
    Change,
    /// Lost or wrong.
    Bad,
    /// Held or unknown.
    Held,
    /// Less important.
    Dim,
    /// More important.
    Strong,
}

/// Whether to colour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Paint {
    /// Whether to.
    pub color: bool,
}

impl Paint {
    /// The text in its tone.
    pub fn tone(self, tone: Tone, text: impl fmt::Display) -> String {
        if !self.color {
            return text.to_string();
        }
        let code = match tone {
            Tone::Good => "32",
            Tone::Change => "36",
            Tone::Bad => "31",
            Tone::Held => "33",
            Tone::Dim => "2",
            Tone::Strong => "1",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }
}
