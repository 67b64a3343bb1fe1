//! Text from outside, as a sheet may have it.

use crate::model::{printable, redact};

/// What a text may take at most, in characters.
const LONGEST: usize = 500;

/// The text, printable, redacted and of bounded length, with `…` where it was cut.
pub(super) fn shown(text: &str) -> String {
    let text = printable(text);
    let text = redact(&text);
    let mut chars = text.char_indices();
    match (chars.nth(LONGEST - 1), chars.next()) {
        (Some((end, _)), Some(_)) => format!("{}…", &text[..end]),
        _ => text.into_owned(),
    }
}

/// A time as people say it.
pub(super) fn took(ms: u64) -> String {
    let (seconds, rest) = (ms / 1000, ms % 1000);
    match seconds {
        0..60 => format!("{seconds}.{} s", rest / 100),
        _ => format!("{} min {} s", seconds / 60, seconds % 60),
    }
}

/// A moment of RFC 3339 without its fraction of a second.
pub(super) fn moment(at: &str) -> String {
    match at.split_once('.') {
        Some((seconds, rest)) => {
            seconds.to_owned() + rest.trim_start_matches(|c: char| c.is_ascii_digit())
        }
        None => at.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_printable_redacted_and_short() {
        let text = shown(&format!(
            "a\u{202e}\u{1b}[31m\nTOKEN=abc {}",
            "é".repeat(1 << 20)
        ));
        assert!(
            text.starts_with("a\\u{202e}\\u{1b}[31m\\nTOKEN=[redacted] é"),
            "{text}"
        );
        assert_eq!(
            (text.chars().count(), text.chars().last()),
            (LONGEST, Some('…'))
        );
        assert_eq!(shown(&"x".repeat(LONGEST)), "x".repeat(LONGEST));
        assert_eq!(shown(""), "");
    }

    #[test]
    fn a_moment_has_no_fraction() {
        assert_eq!(moment("2026-01-02T03:04:05.678Z"), "2026-01-02T03:04:05Z");
        assert_eq!(moment("2026-01-02T03:04:05Z"), "2026-01-02T03:04:05Z");
    }

    #[test]
    fn a_time_is_said_in_seconds_until_it_is_minutes() {
        assert_eq!(
            (took(40), took(59_990), took(125_000)),
            ("0.0 s".into(), "59.9 s".into(), "2 min 5 s".into())
        );
    }
}
