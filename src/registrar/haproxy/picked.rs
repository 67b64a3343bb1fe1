//! The backends that HAProxy picks by a name that only a request brings to light: no check misses them once they are gone.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::asking::words;

/// What may be picked.
#[derive(Debug, Default)]
pub(super) struct Picked {
    /// The words of the other configuration files, and the values of maps.
    names: BTreeSet<String>,
    /// How names begin that are put together.
    prefixes: BTreeSet<String>,
    /// Maps and files that cannot be read from here.
    unread: Vec<PathBuf>,
}

impl Picked {
    /// What one file and the others may pick. `read` reads a file by the name that HAProxy has for it.
    pub(super) fn of<'t>(
        one: &str,
        others: impl Iterator<Item = &'t str>,
        unseen: Vec<PathBuf>,
        read: impl Fn(&Path) -> Option<String>,
    ) -> Self {
        let mut picked = Self {
            unread: unseen,
            ..Self::default()
        };
        let mut maps = picked.rules(one);
        for other in others {
            maps.extend(picked.rules(other));
            let said = other.lines().flat_map(words);
            for word in said {
                let parts = word.split(not_of_names);
                picked.names.extend(parts.map(str::to_owned));
            }
        }
        for map in maps {
            let Some(text) = read(Path::new(&map)) else {
                picked.unread.push(map.into());
                continue;
            };
            let lines = text
                .lines()
                .filter(|line| !line.trim_start().starts_with('#'));
            let values = lines.filter_map(|line| line.split_whitespace().nth(1));
            picked.names.extend(values.map(str::to_owned));
        }
        picked
    }

    /// Learns what the rules of a file put together, and says the maps that they name.
    fn rules(&mut self, text: &str) -> BTreeSet<String> {
        let mut maps = BTreeSet::new();
        for said in text.lines().map(words) {
            let all = said.iter().flat_map(|word| maps_of(word));
            maps.extend(all.map(str::to_owned));
            if let [first, backend, ..] = said.as_slice()
                && first == "use_backend"
            {
                self.prefixes
                    .extend(put_together(backend).map(str::to_owned));
            }
        }
        maps
    }

    /// Why a backend may be picked, as a fragment.
    pub(super) fn why(&self, backend: &str) -> Option<String> {
        if self.names.contains(backend) {
            return Some(format!("another file or map of HAProxy's names {backend}"));
        }
        if self
            .prefixes
            .iter()
            .any(|prefix| backend.starts_with(prefix))
        {
            return Some("a rule picks backends by names that it puts together".to_owned());
        }
        let unread = self.unread.first()?.display();
        Some(format!(
            "HAProxy reads {unread} too, which cannot be read here"
        ))
    }
}

/// What no name of a section has.
fn not_of_names(c: char) -> bool {
    !(c.is_alphanumeric() || "_-.:".contains(c))
}

/// The paths of `map(PATH)`, `map_str(PATH,default)` and their like.
fn maps_of(word: &str) -> impl Iterator<Item = &str> {
    let calls = word.match_indices('(').filter_map(|(at, _)| {
        let (before, after) = (&word[..at], &word[at + 1..]);
        let name = before
            .rsplit(|c: char| !(c.is_alphanumeric() || c == '_'))
            .next()?;
        let is_map = name == "map" || name.starts_with("map_");
        is_map.then(|| after.split([',', ')']).next().unwrap_or_default())
    });
    // Such a map need not be there.
    calls.map(|path| path.strip_prefix("opt@").unwrap_or(path))
}

/// How the name begins that a rule puts together; `None`: the name stands there, or is a map's value as it is.
fn put_together(backend: &str) -> Option<&str> {
    let (prefix, rest) = backend.split_once("%[")?;
    let (inside, after) = rest.rsplit_once(']')?;
    let last = inside.rsplit_once("),").map_or(inside, |(_, last)| last);
    let is_map = last.starts_with("map(") || last.starts_with("map_");
    (!prefix.is_empty() || !after.is_empty() || !is_map).then_some(prefix)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn why(text: &str, unseen: &[&str]) -> Option<String> {
        let unseen: Vec<PathBuf> = unseen.iter().map(PathBuf::from).collect();
        let read = |path: &Path| {
            let own = "# x be_comment\nlegacy.example be_dev\n";
            (path == Path::new("/own.map")).then(|| own.to_owned())
        };
        Picked::of(text, std::iter::empty(), unseen, read).why("be_dev")
    }

    #[test]
    fn values_of_every_map_that_is_named_are_picked() {
        for call in [
            "use_backend %[hdr(host),lower,map_str(/own.map,none)]",
            "http-request set-var(txn.x) hdr(host),map(/own.map)",
            "use_backend \"%[hdr(host),map_dom(opt@/own.map)]\" if x",
        ] {
            assert!(
                why(call, &[]).is_some_and(|why| why.contains("be_dev")),
                "{call}"
            );
        }
        let gone = why("use_backend %[hdr(host),map(/gone.map)]", &[]);
        assert!(gone.is_some_and(|why| why.contains("/gone.map")));
        assert!(why("bind :80", &["/etc/conf.d"]).is_some());
        assert_eq!(why("# use_backend %[hdr(host),map(/own.map)]", &[]), None);
    }

    #[test]
    fn names_that_are_put_together_may_be_any() {
        for backend in [
            "be_%[hdr(x)]",
            "%[hdr(x)]",
            "%[hdr(x),map(/own.map),lower]",
            "%[hdr(x)]v",
        ] {
            assert!(
                why(&format!("use_backend {backend}"), &[]).is_some(),
                "{backend}"
            );
        }
        assert_eq!(why("use_backend web_%[hdr(x)]", &[]), None);
        let other = ["default_backend be_dev"].into_iter();
        let picked = Picked::of("bind :80", other, Vec::new(), |_| None);
        assert!(picked.why("be_dev").is_some());
        assert_eq!(picked.why("be_de"), None);
    }
}
