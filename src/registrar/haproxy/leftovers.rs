//! Routes that the scripts before rollcall wrote into the user's own file, between `# BEGIN DYNAMIC` and `# END DYNAMIC`.
//!
//! Those scripts lose the end of a block (they take away everything up to the next `backend be_`), so a marker alone
//! proves nothing: only lines of the very shape that they write are theirs, and where the end is missing, a block ends
//! at the first line that is not.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::asking::Section;
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

    /// What would route nothing to this cluster without its own rules: a section, and the word of the host, from 1, that
    /// says the cluster there. `None`: all sections that have rules of it ask rollcall's map.
    pub(super) fn deaf(
        &self,
        name: &ClusterName,
        is_map: impl Fn(&Path) -> bool,
    ) -> Option<(String, Option<usize>)> {
        let own = self.routes.get(name)?;
        for (start, section) in self.sections() {
            let rules = section.iter().enumerate();
            let rules = rules.filter(|(at, _)| own.contains(&(start + at)));
            let rules: Vec<&str> = rules.map(|(_, line)| *line).collect();
            if !rules
                .iter()
                .any(|line| line.trim_start().starts_with("use_backend"))
            {
                continue;
            }
            let words: BTreeSet<usize> = rules.iter().filter_map(|line| place(line)).collect();
            // The rules themselves are none that would be in the way.
            let others = section.iter().enumerate();
            let others = others.filter(|(at, _)| !own.contains(&(start + at)));
            let others: Vec<&str> = others.map(|(_, line)| *line).collect();
            let others = Section(&others);
            if words.is_empty() {
                return Some((others.name(), None));
            }
            let deaf = words.into_iter().find(|word| !others.asks(*word, &is_map));
            if let Some(word) = deaf {
                return Some((others.name(), Some(word)));
            }
        }
        None
    }

    /// Each section with the number of its first line.
    fn sections(&self) -> Vec<(usize, &[&'t str])> {
        let starts = self.lines.iter().enumerate();
        let starts = starts.filter(|(_, line)| begins_section(line));
        let mut starts: Vec<usize> = starts.map(|(number, _)| number).collect();
        starts.push(self.lines.len());
        let pairs = starts.iter().zip(starts.iter().skip(1));
        pairs
            .map(|(from, to)| (*from, &self.lines[*from..*to]))
            .collect()
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
    match words.as_slice() {
        ["acl", acl, "hdr_reg(host)", "-i", pattern] => {
            let name = ClusterName::parse(acl.strip_prefix("host_")?).ok()?;
            word_of(pattern, &name).map(|_| name)
        }
        ["use_backend", backend, "if", acl] => {
            let name = backend.strip_prefix("be_")?;
            (acl.strip_prefix("host_")? == name).then_some(())?;
            ClusterName::parse(name).ok()
        }
        _ => None,
    }
}

/// The word of the host, from 1, that an ACL compares with the cluster's name.
fn place(line: &str) -> Option<usize> {
    word_of(line.split_whitespace().nth(4)?, &rule(line)?)
}

/// The same of a pattern, which is one of those that the scripts write: with the provider before the name, or, by older
/// ones, without.
fn word_of(pattern: &str, name: &ClusterName) -> Option<usize> {
    let rest = pattern
        .strip_prefix(r"^[^.]+\.")?
        .strip_suffix(r"\.[^:]+")?;
    if rest == name.as_str() {
        return Some(2);
    }
    let mut providers = [r"k3d\.", r"kind\."].iter();
    let behind = providers.any(|provider| rest.strip_prefix(provider) == Some(name.as_str()));
    behind.then_some(3)
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
  http-request set-var(txn.env) req.hdr(host),field(1,:),lower,field(3,.)
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
        assert_eq!(numbers, [4, 5, 11, 12, 16, 17]);
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
        assert_eq!(taken(odd, &[]).text.matches("\r\n").count(), 20);
        let left = taken(odd, &["dev"]).text;
        assert!(odd.contains(left.split("# BEGIN").next().unwrap()));
        assert!(left.ends_with("status 404"));
    }

    #[test]
    fn what_somebody_changed_is_not_theirs_any_more() {
        let dev = ClusterName::parse("dev").unwrap();
        assert!(!Leftovers::of(FILE).is_needed(&dev));
        for (theirs, changed) in [
            ("10.100.0.7:30080\n", "10.100.0.7:30080 check\n"),
            (
                "10.100.0.7:30080\n",
                "10.100.0.7:30080\n  timeout server 1h\n",
            ),
            (r"^[^.]+\.k3d\.dev\.[^:]+", r"^www\.shop\.example$"),
            (r"^[^.]+\.k3d\.dev\.[^:]+", r"^[^.]+\.k3d\.devs\.[^:]+"),
            (r"^[^.]+\.k3d\.dev\.[^:]+", r"^.*\.dev\.[^:]+"),
        ] {
            let text = FILE.replacen(theirs, changed, 1);
            assert_ne!(text, FILE);
            let without = taken(&text, &["dev"]).text;
            assert!(without.contains(changed), "{without}");
            // What is left of it needs the rest, and so the whole route stays.
            assert!(Leftovers::of(&text).is_needed(&dev), "{changed}");
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
    fn a_frontend_that_does_not_ask_the_map_by_the_word_of_the_rule_is_named() {
        let dev = ClusterName::parse("dev").unwrap();
        let deaf = |text: &str| {
            let is_map = |map: &Path| map == Path::new("/etc/haproxy/rollcall.map");
            Leftovers::of(text).deaf(&dev, is_map)
        };
        let named = |word| Some(("frontend fe_http".to_owned(), word));
        assert_eq!(deaf(FILE), None);
        assert_eq!(
            deaf(&FILE.replace("field(3,.)", "field(2,.)")),
            named(Some(3))
        );
        let old = FILE.replace(r"\.k3d\.dev\.", r"\.dev\.");
        assert_eq!(deaf(&old), named(Some(2)));
        assert_eq!(deaf(&old.replace("field(3,.)", "field(2,.)")), None);
        assert_eq!(
            deaf(&FILE.replace("rollcall.map", "mine.map")),
            named(Some(3))
        );
        let acl = FILE
            .lines()
            .find(|line| line.contains("acl host_dev "))
            .unwrap();
        assert_eq!(deaf(&FILE.replace(acl, "")), named(None));
        let two = FILE.replace("\n# BEGIN DYNAMIC BACKENDS", "\nfrontend fe_https\n  # BEGIN DYNAMIC ACL\n  \
            acl host_dev  hdr_reg(host) -i ^[^.]+\\.k3d\\.dev\\.[^:]+\n  use_backend be_dev if host_dev\n# BEGIN DYNAMIC BACKENDS");
        assert_eq!(deaf(&two), Some(("frontend fe_https".to_owned(), Some(3))));
    }
}
