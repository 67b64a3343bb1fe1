//! Text from outside, made safe to show: nothing reaches a terminal unescaped, nothing secret leaves.

use std::borrow::Cow;

/// The text with every control character, line end and invisible direction mark spelled out (`\u{1b}`), so that it
/// cannot move a cursor, colour a line or end it.
pub fn printable(text: &str) -> Cow<'_, str> {
    let hostile = |c: char| {
        c.is_control()
            || matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
    };
    if !text.chars().any(hostile) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().fold(String::new(), |mut out, c| {
        if hostile(c) {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
        out
    }))
}

/// A text of several lines with every control character spelled out but the ends of its lines and, where `colors` says
/// that there may be some, the colours that reports use.
pub fn printable_lines(text: &str, colors: bool) -> Cow<'_, str> {
    let mut out = String::with_capacity(text.len());
    for (number, line) in text.split('\n').enumerate() {
        if number > 0 {
            out.push('\n');
        }
        let mut parts = line.split('\u{1b}');
        out.push_str(&printable(parts.next().unwrap_or_default()));
        for part in parts {
            let known = part.strip_prefix('[').and_then(|rest| rest.split_once('m'));
            match known {
                Some((code, rest)) if colors && COLORS.contains(&code) => {
                    out.push_str("\u{1b}[");
                    out.push_str(code);
                    out.push('m');
                    out.push_str(&printable(rest));
                }
                _ => {
                    out.push_str("\\u{1b}");
                    out.push_str(&printable(part));
                }
            }
        }
    }
    if out == text {
        return Cow::Borrowed(text);
    }
    Cow::Owned(out)
}

/// The codes with which reports begin and end a colour.
const COLORS: [&str; 7] = ["0", "1", "2", "31", "32", "33", "36"];

/// A word as a shell takes it.
pub fn shell_word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@%=,".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

/// One printable, redacted line of at most `max` characters, with `…` where it was cut.
pub fn one_line(text: &str, max: usize) -> String {
    let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let clean = redact(&printable(&flat)).into_owned();
    if clean.chars().count() <= max {
        return clean;
    }
    clean
        .chars()
        .take(max.saturating_sub(1))
        .chain(['…'])
        .collect()
}

/// Words after which a value is secret. k3d keeps the join token in a label and in the environment of every
/// node and prints both (`k3d.cluster.token`, `K3S_TOKEN`).
const SECRET_KEYS: [&str; 9] = [
    "k3d.cluster.token",
    "k3s_token",
    "client-key-data",
    "client-certificate-data",
    "authorization",
    "password",
    "bearertoken",
    "api-key",
    "token",
];

/// The text with the values of secrets replaced by `[redacted]`: `KEY=VALUE`, `KEY: VALUE`, `"KEY":"VALUE"`,
/// PEM private keys, and what stands before the `@` of a URL.
pub fn redact(text: &str) -> Cow<'_, str> {
    let lower = text.to_ascii_lowercase();
    let suspicious = |word: &str| lower.contains(word);
    if !SECRET_KEYS.iter().any(|key| suspicious(key))
        && !suspicious("private key")
        && !suspicious("://")
    {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        match secret_at(text, &lower, at) {
            Some((value_start, value_end)) => {
                out.push_str(&text[at..value_start]);
                out.push_str("[redacted]");
                at = value_end;
            }
            None => {
                let step = text[at..].chars().next().map_or(1, char::len_utf8);
                out.push_str(&text[at..at + step]);
                at += step;
            }
        }
    }
    Cow::Owned(out)
}

/// Where the secret value begins and ends when a secret's key begins at `at`.
fn secret_at(text: &str, lower: &str, at: usize) -> Option<(usize, usize)> {
    const PEM: &str = "-----begin";
    if text[at..].starts_with(SCHEME_END) {
        return userinfo_at(text, at + SCHEME_END.len());
    }
    if lower[at..].starts_with(PEM)
        && lower[at..]
            .lines()
            .next()
            .is_some_and(|l| l.contains("private key"))
    {
        let end = lower[at..]
            .find("-----end")
            .map_or(text.len(), |end| at + end);
        return Some((at, end));
    }
    let key = SECRET_KEYS
        .iter()
        .find(|key| lower[at..].starts_with(**key))?;
    let mut value = at + key.len();
    let rest = |from: usize| text.as_bytes().get(from).copied();
    while matches!(rest(value), Some(b'"' | b'\'')) {
        value += 1;
    }
    if !matches!(rest(value), Some(b'=' | b':')) {
        return None;
    }
    value += 1;
    while matches!(rest(value), Some(b' ' | b'"' | b'\'')) {
        value += 1;
    }
    if lower[value..].starts_with("bearer ") {
        value += "bearer ".len();
    }
    let length = text[value..]
        .find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ',' | '}' | ']'));
    let end = length.map_or(text.len(), |length| value + length);
    (end > value && !text[value..end].starts_with("[redacted")).then_some((value, end))
}

/// What stands between a URL's scheme and its authority.
const SCHEME_END: &str = "://";

/// Where the user and the password of a URL begin and end when its authority begins at `start` (RFC 3986, 3.2.1).
fn userinfo_at(text: &str, start: usize) -> Option<(usize, usize)> {
    let ends_authority =
        |c: char| c.is_whitespace() || matches!(c, '/' | '?' | '#' | '"' | '<' | '>' | '`');
    let authority = text[start..].split(ends_authority).next()?;
    // A password may hold an `@` that nobody encoded: the host begins after the last one.
    let (userinfo, _) = authority.rsplit_once('@')?;
    (!matches!(userinfo, "" | "[redacted]")).then(|| (start, start + userinfo.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_redacted_in_every_spelling() {
        for (text, clean) in [
            ("K3S_TOKEN=abc123 next", "K3S_TOKEN=[redacted] next"),
            (
                r#"{"k3d.cluster.token":"abc","x":1}"#,
                r#"{"k3d.cluster.token":"[redacted]","x":1}"#,
            ),
            ("client-key-data: LS0tLS1C", "client-key-data: [redacted]"),
            (
                "Authorization: Bearer eyJh.x",
                "Authorization: Bearer [redacted]",
            ),
            ("a plain line about tokens", "a plain line about tokens"),
            (
                "dial ssh://u:geheim@h:22: refused",
                "dial ssh://[redacted]@h:22: refused",
            ),
            (
                r#"proxy "https://user:p@ss@host/x@y""#,
                r#"proxy "https://[redacted]@host/x@y""#,
            ),
            (
                "a tcp://me@one, b http://two:pw@three",
                "a tcp://[redacted]@one, b http://[redacted]@three",
            ),
            (
                "ask https://host:1/a@b, or me@host",
                "ask https://host:1/a@b, or me@host",
            ),
        ] {
            assert_eq!(redact(text), clean);
            assert_eq!(redact(&redact(text)), clean, "twice is once");
        }
        assert!(
            !redact("x -----BEGIN EC PRIVATE KEY-----\nMHc\n-----END EC PRIVATE KEY-----")
                .contains("MHc")
        );
    }

    #[test]
    fn lines_keep_their_ends_and_known_colours_alone() {
        let text = "\u{1b}[32mok\u{1b}[0m a\n\u{1b}]0;t\u{7}\u{1b}[2Jb\r\n";
        let clean = "\u{1b}[32mok\u{1b}[0m a\n\\u{1b}]0;t\\u{7}\\u{1b}[2Jb\\r\n";
        assert_eq!(printable_lines(text, true), clean);
        assert_eq!(printable_lines("\u{1b}[31mred", false), "\\u{1b}[31mred");
        assert_eq!(printable_lines("grün\n", false), "grün\n");
    }

    #[test]
    fn nothing_moves_the_cursor() {
        assert_eq!(printable("a\u{1b}[31mb\r\n\0"), "a\\u{1b}[31mb\\r\\n\\u{0}");
        assert_eq!(printable("grün"), "grün");
        assert_eq!(one_line("a\n b\t c", 100), "a b c");
        assert_eq!(one_line(&"x".repeat(600), 500).chars().count(), 500);
    }
}
