//! Routes that the scripts before rollcall wrote into the user's own file, between `# BEGIN DYNAMIC` and `# END DYNAMIC`.
//!
//! Those scripts lose the end of a block (they take away everything up to the next `backend be_`), so a marker alone
//! proves nothing: only lines of the very shape that they write are theirs, and where the end is missing, a block ends
//! at the first line that is not.

use std::collections::{BTreeMap, BTreeSet};

use super::MAP;
use crate::model::ClusterName;

const BEGIN: &str = "# BEGIN DYNAMIC ";
const END: &str = "# END DYNAMIC ";
/// The block of backends; all others hold rules of a frontend.
const BACKENDS: &str = "BACKENDS";

/// What a file has of those routes.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Leftovers<'t> {
    /// With their ends.
    lines: Vec<&'t str>,
    /// The lines of each route, by number from 0.
    routes: BTreeMap<ClusterName, BTreeSet<usize>>,
    /// The markers of each block, with the lines of routes in it.
    blocks: Vec<(BTreeSet<usize>, BTreeSet<usize>)>,
}

/// A file without some of those routes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Without {
    /// What is left.
    pub(super) text: String,
    /// What went, by number from 1.
    pub(super) gone: Vec<(usize, String)>,
    /// Frontends that had such rules and do not ask rollcall's map, with the word of the host that named the cluster.
    pub(super) deaf: Vec<(String, usize)>,
}

impl<'t> Leftovers<'t> {
    pub(super) fn of(text: &'t str) -> Self {
        let mut all = Self {
            lines: text.split_inclusive('\n').collect(),
            ..Self::default()
        };
        for start in 0..all.lines.len() {
            if let Some(block) = marker(all.lines[start], BEGIN) {
                all.read(start, block);
            }
        }
        all
    }

    /// The clusters that are routed to.
    pub(super) fn names(&self) -> impl Iterator<Item = &ClusterName> {
        self.routes.keys()
    }

    /// Whether other lines need what this route is made of.
    pub(super) fn is_needed(&self, name: &ClusterName) -> bool {
        let Some(own) = self.routes.get(name) else {
            return false;
        };
        let parts = [format!("be_{name}"), format!("host_{name}")];
        let others = self.lines.iter().enumerate();
        others
            .filter(|(number, _)| !own.contains(number))
            .map(|(_, line)| line.split('#').next().unwrap_or_default())
            .any(|line| {
                let mut words = line.split(|c: char| !(c.is_alphanumeric() || "_-.:".contains(c)));
                words.any(|word| parts.iter().any(|part| part == word))
            })
    }

    /// The file without these routes, and without the markers of blocks that have none left.
    pub(super) fn without(&self, names: &BTreeSet<ClusterName>) -> Without {
        let routes = names.iter().filter_map(|name| self.routes.get(name));
        let mut gone: BTreeSet<usize> = routes.flatten().copied().collect();
        let rules = gone.clone();
        for (markers, lines) in &self.blocks {
            if lines.is_subset(&rules) {
                gone.extend(markers);
            }
        }
        let kept = self.lines.iter().enumerate();
        let kept = kept.filter(|(number, _)| !gone.contains(number));
        Without {
            text: kept.fold(String::new(), |text, (_, line)| text + line),
            deaf: self.deaf(&rules, &gone),
            gone: gone
                .into_iter()
                .map(|number| (number + 1, self.lines[number].trim_end().to_owned()))
                .collect(),
        }
    }

    /// One block from its marker on.
    fn read(&mut self, start: usize, block: &str) {
        let end = self.end(start, block);
        let (mut markers, mut lines) = (BTreeSet::from([start]), BTreeSet::new());
        markers.extend(end);
        let mut at = start + 1;
        while at < end.unwrap_or(self.lines.len()) {
            let found = if block == BACKENDS {
                self.backend(at)
            } else {
                rule(self.lines[at]).map(|name| (name, 1))
            };
            match found {
                Some((name, count)) => {
                    lines.extend(at..at + count);
                    self.routes.entry(name).or_default().extend(at..at + count);
                    at += count;
                }
                None if end.is_some() || self.lines[at].trim().is_empty() => at += 1,
                None => break,
            }
        }
        self.blocks.push((markers, lines));
    }

    /// Where a block ends; `None`: its end is lost. What belongs to another block or frontend is no end of this one.
    fn end(&self, start: usize, block: &str) -> Option<usize> {
        for (number, line) in self.lines.iter().enumerate().skip(start + 1) {
            if marker(line, END) == Some(block) {
                return Some(number);
            }
            let other_section = block != BACKENDS && begins_section(line);
            if other_section || marker(line, BEGIN).is_some() || marker(line, END).is_some() {
                return None;
            }
        }
        None
    }

    /// `backend be_NAME` with the one line that the scripts write, and nothing else.
    fn backend(&self, at: usize) -> Option<(ClusterName, usize)> {
        let name = self.lines[at].strip_prefix("backend be_")?;
        let name = ClusterName::parse(name.trim()).ok()?;
        let server: Vec<&str> = self.lines.get(at + 1)?.split_whitespace().collect();
        let is_theirs =
            matches!(server.as_slice(), ["server", "s1", address] if address.contains(':'));
        let mut after = self.lines.iter().skip(at + 2);
        let next = after.find(|line| !line.trim().is_empty());
        let ends = next.is_none_or(|line| !line.starts_with(char::is_whitespace));
        (is_theirs && ends).then_some((name, 2))
    }

    /// Frontends that lose rules and do not ask the map.
    fn deaf(&self, rules: &BTreeSet<usize>, gone: &BTreeSet<usize>) -> Vec<(String, usize)> {
        let (mut all, mut section, mut word, mut asks) = (Vec::new(), String::new(), None, false);
        let mut close = |section: &str, word: Option<usize>, asks: bool| {
            if let Some(word) = word.filter(|_| !asks) {
                all.push((section.to_owned(), word));
            }
        };
        for (number, line) in self.lines.iter().enumerate() {
            if begins_section(line) {
                close(&section, word, asks);
                (section, word, asks) = (line.trim().to_owned(), None, false);
            }
            if rules.contains(&number) {
                word = word.or_else(|| place(line));
            } else if !gone.contains(&number) {
                let said = line.split('#').next().unwrap_or_default();
                asks |= said.contains("use_backend") && said.contains(MAP);
            }
        }
        close(&section, word, asks);
        all
    }
}

/// Which block a marker is of; the word behind it.
fn marker<'t>(line: &'t str, sort: &str) -> Option<&'t str> {
    line.trim().strip_prefix(sort)?.split_whitespace().next()
}

fn begins_section(line: &str) -> bool {
    !line.is_empty() && !line.starts_with(char::is_whitespace) && !line.starts_with('#')
}

/// The cluster of a rule as the scripts write it.
fn rule(line: &str) -> Option<ClusterName> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let name = match words.as_slice() {
        ["acl", acl, "hdr_reg(host)", "-i", _] => acl.strip_prefix("host_")?,
        ["use_backend", backend, "if", acl] => {
            let name = backend.strip_prefix("be_")?;
            (acl.strip_prefix("host_")? == name).then_some(name)?
        }
        _ => return None,
    };
    ClusterName::parse(name).ok()
}

/// The word of the host, from 1, that a rule compares with the cluster's name.
fn place(line: &str) -> Option<usize> {
    let pattern = line.split_whitespace().nth(4)?;
    let name = rule(line)?;
    let words: Vec<&str> = pattern.trim_start_matches('^').split("\\.").collect();
    let at = words.iter().position(|word| *word == name.as_str())?;
    Some(at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As the scripts leave it: a frontend with both blocks, and the backends.
    const FILE: &str = "\
frontend fe_http
  bind *:80
  # BEGIN DYNAMIC ACL (managed by scripts/haproxy_route.sh)
  acl host_dev  hdr_reg(host) -i ^[^.]+\\.k3d\\.dev\\.[^:]+
  use_backend be_dev if host_dev
  acl host_devops  hdr_reg(host) -i ^[^.]+\\.k3d\\.devops\\.[^:]+
  use_backend be_devops if host_devops
  # END DYNAMIC ACL
  use_backend %[var(txn.env),map_str(/etc/haproxy/rollcall.map)]
  # BEGIN DYNAMIC USE_BACKEND (managed by scripts/haproxy_route.sh)
  # END DYNAMIC USE_BACKEND
  default_backend be_none

# BEGIN DYNAMIC BACKENDS (managed by scripts/haproxy_route.sh)
backend be_dev
  server s1 10.100.0.7:30080
backend be_devops
  server s1 10.100.10.2:30800
# END DYNAMIC BACKENDS

backend be_none
  http-request return status 404
";

    fn taken(text: &str, names: &[&str]) -> Without {
        let names = names.iter().map(|name| ClusterName::parse(name).unwrap());
        Leftovers::of(text).without(&names.collect())
    }

    fn names(text: &str) -> Vec<String> {
        Leftovers::of(text)
            .names()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn the_routes_that_are_named_go_and_all_others_stay() {
        assert_eq!(names(FILE), ["dev", "devops"]);
        let without = taken(FILE, &["dev"]);
        let numbers: Vec<usize> = without.gone.iter().map(|(number, _)| *number).collect();
        assert_eq!(numbers, [4, 5, 10, 11, 15, 16]);
        assert_eq!(without.deaf, []);
        assert_eq!(names(&without.text), ["devops"]);
        let lines: BTreeSet<&str> = FILE.lines().collect();
        assert!(without.text.lines().all(|line| lines.contains(line)));
        let none = taken(FILE, &["dev", "devops"]).text;
        assert!(!none.contains("DYNAMIC") && !none.contains("s1"), "{none}");
        assert!(none.contains("backend be_none\n  http-request"), "{none}");
    }

    #[test]
    fn without_its_end_a_block_swallows_no_static_section() {
        let lost = FILE.replace("# END DYNAMIC BACKENDS\n", "");
        let without = taken(&lost, &["dev", "devops"]);
        assert!(
            without
                .text
                .ends_with("\nbackend be_none\n  http-request return status 404\n")
        );
        let lost = FILE.replace("  # END DYNAMIC ACL\n", "");
        let without = taken(&lost, &["dev", "devops"]);
        assert!(
            without.text.contains("use_backend %[var(txn.env)"),
            "{}",
            without.text
        );
        assert!(without.text.contains("default_backend be_none"));
    }

    #[test]
    fn what_stays_stays_to_the_byte() {
        let odd = FILE.replace('\n', "\r\n");
        let odd = odd.trim_end();
        assert_eq!(taken(odd, &[]).text.matches("\r\n").count(), 19);
        let left = taken(odd, &["dev"]).text;
        assert!(odd.contains(left.split("# BEGIN").next().unwrap()));
        assert!(left.ends_with("status 404"));
    }

    #[test]
    fn what_somebody_changed_is_not_theirs_any_more() {
        for (theirs, changed) in [
            (
                "  server s1 10.100.0.7:30080\n",
                "  server s1 10.100.0.7:30080 check\n",
            ),
            (
                "  server s1 10.100.0.7:30080\n",
                "  server s1 10.100.0.7:30080\n  timeout server 1h\n",
            ),
        ] {
            let text = FILE.replace(theirs, changed);
            let without = taken(&text, &["dev"]).text;
            assert!(without.contains(changed), "{without}");
            let dev = ClusterName::parse("dev").unwrap();
            assert!(!Leftovers::of(FILE).is_needed(&dev));
        }
    }

    #[test]
    fn what_other_lines_need_is_said() {
        let dev = ClusterName::parse("dev").unwrap();
        for more in [
            "  default_backend be_dev\n",
            "  http-request deny if !host_dev\n",
        ] {
            let text = FILE.replace("  default_backend be_none\n", more);
            assert!(Leftovers::of(&text).is_needed(&dev), "{more}");
        }
        let comment = FILE.replace("  default_backend be_none\n", "  # be_dev\n");
        assert!(!Leftovers::of(&comment).is_needed(&dev));
    }

    #[test]
    fn a_frontend_that_does_not_ask_the_map_is_named() {
        let text = FILE.replace("map_str(/etc/haproxy/rollcall.map)", "map_str(/etc/x)");
        assert_eq!(
            taken(&text, &["dev"]).deaf,
            [("frontend fe_http".to_owned(), 3)]
        );
        let old = text.replace("\\.k3d\\.dev\\.", "\\.dev\\.");
        assert_eq!(taken(&old, &["dev"]).deaf[0].1, 2);
    }
}
