//! Whether a frontend asks rollcall's map by a word of the host: only then its own rules may go.

use std::path::Path;

/// The lines of one section, from its first on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Section<'t>(pub(super) &'t [&'t str]);

impl Section<'_> {
    /// Its name, for people.
    pub(super) fn name(self) -> String {
        let first = self.0.first().copied().unwrap_or_default();
        words(first).join(" ")
    }

    /// Whether every request reaches a rule that has this map say the backend for this word of its host, from 1.
    pub(super) fn asks(self, word: usize, is_map: impl Fn(&Path) -> bool) -> bool {
        for line in self.0 {
            let said = words(line);
            let [first, backend, condition @ ..] = said.as_slice() else {
                continue;
            };
            if first != "use_backend" {
                continue;
            }
            if let Some((variable, map)) = asked(backend)
                && is_map(Path::new(map))
                && is_harmless(condition, variable)
                && self.is_word(variable, word)
            {
                return true;
            }
            // What follows is never asked.
            if condition.is_empty() {
                return false;
            }
        }
        false
    }

    /// Whether this variable is this word of the host, whatever the request.
    fn is_word(self, variable: &str, word: usize) -> bool {
        let all = self.0.iter().map(|line| words(line));
        let mut setting = all.filter(|said| said.iter().any(|said| sets(said, variable)));
        let (Some(only), None) = (setting.next(), setting.next()) else {
            return false;
        };
        let [rules, set, value] = only.as_slice() else {
            return false;
        };
        let is_set = rules == "http-request" && *set == format!("set-var({variable})");
        is_set && is_word_of_host(&value.to_lowercase(), word)
    }
}

/// The variable and the map of `%[var(VARIABLE),map_str(PATH)]`.
fn asked(backend: &str) -> Option<(&str, &str)> {
    let inside = backend.strip_prefix("%[var(")?.strip_suffix(")]")?;
    let (variable, rest) = inside.split_once("),")?;
    let map = rest
        .strip_prefix("map_str(")
        .or_else(|| rest.strip_prefix("map("))?;
    // A backend for what the map does not have may follow.
    let map = map.split(',').next()?;
    (!map.contains(['(', ')'])).then_some((variable, map))
}

/// None, or that the variable is there at all.
fn is_harmless(condition: &[String], variable: &str) -> bool {
    let there = format!("if {{ var({variable}) -m found }}");
    condition.is_empty() || condition.join(" ") == there
}

/// Whether a word of a rule changes this variable.
fn sets(said: &str, variable: &str) -> bool {
    let rest = ["set-var(", "set-var-fmt(", "unset-var("].iter();
    let mut rest = rest.filter_map(|action| said.strip_prefix(action));
    rest.any(|rest| rest.split([',', ')']).next() == Some(variable))
}

/// Whether an expression is this word of the host, without its port, in small letters.
fn is_word_of_host(expression: &str, word: usize) -> bool {
    let host = ["req.hdr(host),", "hdr(host),"].iter();
    let mut rest = host.filter_map(|host| expression.strip_prefix(host));
    let field = format!("field({word},.)");
    let all = [
        format!("field(1,:),lower,{field}"),
        format!("lower,field(1,:),{field}"),
        format!("field(1,:),{field},lower"),
        format!("lower,{field}"),
        format!("{field},lower"),
    ];
    rest.any(|rest| all.iter().any(|one| one == rest))
}

/// The words of a line, without its comment and its quotes.
pub(super) fn words(line: &str) -> Vec<String> {
    let said = line.split('#').next().unwrap_or_default();
    let words = said.split_whitespace();
    words.map(|word| word.replace(['"', '\''], "")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SET: &str = "  http-request set-var(txn.env) req.hdr(host),field(1,:),lower,field(2,.)\n";
    const ASK: &str = "  use_backend %[var(txn.env),map_str(/m)]\n";
    const NONE: &str = "  default_backend none\n";

    fn asks(lines: &[&str]) -> bool {
        let all = [&["frontend http\n", "  bind :80\n"], lines].concat();
        Section(&all).asks(2, |map| map == Path::new("/m"))
    }

    #[test]
    fn the_two_lines_of_the_documents_ask() {
        assert!(asks(&[SET, ASK, NONE]));
        let found = ASK.replace(")]", ")] if { var(txn.env) -m found } # asked");
        assert!(asks(&["  use_backend a if b\n", &found, SET]));
        let quoted = ASK.replace("%[", "\"%[").replace(")]", ",none)]\"");
        assert!(asks(&[SET, &quoted]));
    }

    #[test]
    fn anything_else_does_not() {
        let other = |line: &str, theirs: &str, instead: &str| line.replace(theirs, instead);
        for (what, lines) in [
            ("another word", [&other(SET, "field(2", "field(3"), ASK]),
            (
                "a condition of its own",
                [SET, &other(ASK, ")]", ")] if { hdr(x-never) -m found }")],
            ),
            ("another map", [SET, &other(ASK, "/m", "/mine")]),
            (
                "a comment",
                [SET, &other(ASK, "use_backend", "# use_backend")],
            ),
            ("another variable", [SET, &other(ASK, "txn.env", "txn.enw")]),
            (
                "set at times",
                [&other(SET, "\n", " if { src 10.0.0.0/8 }\n"), ASK],
            ),
            ("capital letters", [&other(SET, "lower,", ""), ASK]),
            ("never reached", ["  use_backend all\n", ASK]),
            ("never set", [NONE, ASK]),
            ("no word for a backend", [SET, "  acl x map_str(/m)\n"]),
        ] {
            assert!(!asks(&lines), "{what}");
        }
        let again = "  http-request set-var(txn.env,ifexists) str(none)\n";
        assert!(!asks(&[SET, again, ASK]), "set twice");
        assert!(!asks(&[SET, "  use_backend all\n", ASK]), "never reached");
    }
}
