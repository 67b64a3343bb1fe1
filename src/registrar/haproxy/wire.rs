//! The generated file and the map as text: reading them, and changing one cluster's route in them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::model::{ClusterId, ClusterName, Fingerprint, ProviderId};

/// How the generated file begins: a file that does not is not ours.
const HEADER: &str = "# Written by rollcall, which writes it again. Put nothing of yours here.";
/// How the names of our backends begin.
const PREFIX: &str = "rollcall_";
/// How the name of the backend begins that tells which content HAProxy has loaded.
const REVISION: &str = "rollcall:";

/// Why a file is not touched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Foreign;

/// What one cluster's backend says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Route {
    /// `HOST:PORT` of its only server; empty: it has none.
    pub(super) target: String,
    /// What else stands in the backend, which is nothing unless somebody wrote it there.
    pub(super) more: Vec<String>,
}

/// Both files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Document {
    routes: BTreeMap<ClusterId, Route>,
    /// Sections that are not ours, as they stand.
    strange: Vec<String>,
    /// The lines of the map.
    map: Vec<String>,
}

impl Document {
    /// Reads both files; one that is not there is empty.
    pub(super) fn parse(
        config: Option<&str>,
        map: Option<&str>,
        providers: &[ProviderId],
    ) -> Result<Self, Foreign> {
        let mut document = Self {
            map: map.unwrap_or_default().lines().map(str::to_owned).collect(),
            ..Self::default()
        };
        let Some(config) = config.filter(|text| !text.trim().is_empty()) else {
            return Ok(document);
        };
        let rest = config.strip_prefix(HEADER).ok_or(Foreign)?;
        for section in sections(rest) {
            let name = section
                .lines()
                .next()
                .and_then(|line| line.strip_prefix("backend "));
            match name.map(str::trim) {
                Some(name) if name.starts_with(REVISION) => {}
                name => match name.and_then(|name| cluster_of(name, providers)) {
                    Some(id) => {
                        document.routes.insert(id, Route::parse(&section));
                    }
                    None => document.strange.push(section),
                },
            }
        }
        Ok(document)
    }

    /// The generated file.
    pub(super) fn config(&self) -> String {
        let mut text = format!("{HEADER}\n\n");
        for (id, route) in &self.routes {
            let _ = writeln!(text, "backend {}", backend(id));
            if !route.target.is_empty() {
                let _ = writeln!(text, "    server cluster {}", route.target);
            }
            for line in &route.more {
                let _ = writeln!(text, "    {line}");
            }
            text.push('\n');
        }
        for section in &self.strange {
            let _ = writeln!(text, "{section}\n");
        }
        // Nothing is ever routed there: its name alone tells that all of this was loaded.
        let _ = writeln!(text, "backend {}", self.revision());
        text
    }

    /// The map.
    pub(super) fn map(&self) -> String {
        self.map
            .iter()
            .fold(String::new(), |text, line| text + line + "\n")
    }

    /// The name of the backend that this content, and no other, has.
    pub(super) fn revision(&self) -> String {
        let content = format!("{:?}\n{:?}\n{:?}", self.routes, self.strange, self.map);
        Fingerprint::digest(&content).replacen("sha256:", REVISION, 1)
    }

    /// All clusters with a backend or a line in the map.
    pub(super) fn clusters(&self, providers: &[ProviderId]) -> Vec<ClusterId> {
        let mapped = self.map.iter().filter_map(|line| {
            let (key, value) = pair(line)?;
            cluster_of(value, providers).filter(|id| id.name.as_str() == key)
        });
        let mut all: Vec<ClusterId> = self.routes.keys().cloned().chain(mapped).collect();
        all.sort();
        all.dedup();
        all
    }

    /// One cluster's backend.
    pub(super) fn route(&self, id: &ClusterId) -> Option<&Route> {
        self.routes.get(id)
    }

    /// What the entry of one cluster says; `None`: it has none.
    pub(super) fn fingerprint(&self, id: &ClusterId) -> Option<Fingerprint> {
        let route = self.routes.get(id);
        let mapped = self.mapped(id.name.as_str());
        let own = mapped.is_some_and(|value| value == backend(id));
        if route.is_none() && !own {
            return None;
        }
        let none = || "none".to_owned();
        let mut fields = vec![
            (
                "target",
                route.map_or_else(none, |route| route.target.clone()),
            ),
            ("map", mapped.map_or_else(none, str::to_owned)),
        ];
        if let Some(route) = route.filter(|route| !route.more.is_empty()) {
            fields.push(("more", route.more.join("; ")));
        }
        Some(Fingerprint::of(fields))
    }

    /// Where requests for this name go, if they go to a cluster of another provider.
    pub(super) fn rival(&self, id: &ClusterId, providers: &[ProviderId]) -> Option<ClusterId> {
        let other = cluster_of(self.mapped(id.name.as_str())?, providers)?;
        (other != *id && self.routes.contains_key(&other)).then_some(other)
    }

    /// Routes requests for a cluster's name to it.
    pub(super) fn put(&mut self, id: &ClusterId, target: &str) {
        let route = Route {
            target: target.to_owned(),
            more: Vec::new(),
        };
        self.routes.insert(id.clone(), route);
        let line = format!("{} {}", id.name, backend(id));
        let mut first = Some(line);
        self.map.retain_mut(|old| {
            let same = pair(old).is_some_and(|(key, _)| key == id.name.as_str());
            match (same, first.take()) {
                (true, Some(line)) => {
                    *old = line;
                    true
                }
                // HAProxy takes the first line of a key: what follows is dead.
                (true, None) => false,
                (false, unused) => {
                    first = unused;
                    true
                }
            }
        });
        self.map.extend(first);
    }

    /// Routes nothing to it any more.
    pub(super) fn remove(&mut self, id: &ClusterId) {
        self.routes.remove(id);
        let name = backend(id);
        self.map
            .retain(|line| pair(line) != Some((id.name.as_str(), name.as_str())));
    }

    fn mapped(&self, key: &str) -> Option<&str> {
        let mut pairs = self.map.iter().filter_map(|line| pair(line));
        pairs.find(|(own, _)| *own == key).map(|(_, value)| value)
    }
}

impl Route {
    fn parse(section: &str) -> Self {
        let lines = section.lines().skip(1).map(str::trim);
        let (mut target, mut more) = (String::new(), Vec::new());
        for line in lines.filter(|line| !line.is_empty()) {
            match line.strip_prefix("server cluster ") {
                Some(address) if target.is_empty() => address.trim().clone_into(&mut target),
                _ => more.push(line.to_owned()),
            }
        }
        Self { target, more }
    }
}

/// The name of a cluster's backend.
pub(super) fn backend(id: &ClusterId) -> String {
    format!("{PREFIX}{}_{}", id.provider, id.name)
}

fn cluster_of(backend: &str, providers: &[ProviderId]) -> Option<ClusterId> {
    let rest = backend.strip_prefix(PREFIX)?;
    providers.iter().find_map(|provider| {
        let name = rest.strip_prefix(provider.as_str())?.strip_prefix('_')?;
        Some(ClusterId::new(
            provider.clone(),
            ClusterName::parse(name).ok()?,
        ))
    })
}

/// Key and value of a line of the map; a comment has none.
fn pair(line: &str) -> Option<(&str, &str)> {
    let line = line.trim();
    if line.starts_with('#') {
        return None;
    }
    let (key, value) = line.split_once(char::is_whitespace)?;
    Some((key, value.trim()))
}

/// The sections of a configuration: each begins at a line that is not indented.
fn sections(text: &str) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for line in text
        .lines()
        .map(str::trim_end)
        .filter(|line| !line.is_empty())
    {
        match all.last_mut() {
            Some(section) if line.starts_with(char::is_whitespace) => {
                section.push('\n');
                section.push_str(line);
            }
            _ => all.push(line.to_owned()),
        }
    }
    all
}
