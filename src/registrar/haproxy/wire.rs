//! The generated file and the map as text: reading them, and changing one cluster's route in them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::model::{ClusterId, ClusterName, Fingerprint, Incarnation, Port, ProviderId};

/// How the generated file begins: a file that does not is not ours.
const HEADER: &str = "# Written by rollcall, which writes it again. Put nothing of yours here.";
/// How the names of our backends begin.
const PREFIX: &str = "rollcall_";
/// How the name of the backend begins that tells which content HAProxy has loaded, and those of other sections that are
/// ours and no cluster's.
pub(super) const REVISION: &str = "rollcall:";
/// How a server is found by a name that Docker gives. Without `none`, one container that is gone would make the whole
/// configuration invalid.
const BY_NAME: &str = "resolvers rollcall:docker resolve-prefer ipv4 init-addr libc,none";
/// Docker's own resolver, which every container on a network of a user's has at this address. An answer is good for
/// seconds: a container that is started again may have another address.
const RESOLVERS: &str = "resolvers rollcall:docker
    nameserver docker 127.0.0.11:53
    resolve_retries 3
    timeout resolve 1s
    timeout retry 1s
    hold valid 2s
    hold nx 5s
    hold other 5s
    hold refused 5s
    hold timeout 30s
    hold obsolete 30s
";
/// What every backend says, whatever `defaults` HAProxy has read before it, or has not read yet: without it a backend is of
/// TCP and waits for ever, and no frontend of HTTP hands requests to it. A developer's stream may be silent for long.
const SETTINGS: [&str; 3] = ["mode http", "timeout connect 5s", "timeout server 1h"];
/// How the line begins that says how often the user's files were loaded anew with the same routes.
const AGAIN: &str = "# Again: ";
/// How the line of a backend begins that says which life of its cluster it was written for.
const LIFE: &str = "# life ";

/// Why a file is not touched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Foreign;

/// How routes are written: for what HAProxy can see from its place.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Style {
    /// HAProxy is on this host, and reaches ports of it.
    #[default]
    Host,
    /// HAProxy is on the clusters' networks, and reaches nodes by name.
    Names {
        /// The port of its own 127.0.0.1 on which it says what it has loaded.
        proof: Option<Port>,
    },
}

impl Style {
    /// What follows a server's address.
    fn options(self) -> &'static str {
        match self {
            Self::Host => "",
            Self::Names { .. } => BY_NAME,
        }
    }
}

/// What one cluster's backend says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Route {
    /// Those of [`SETTINGS`] that it has.
    settings: Vec<String>,
    /// `HOST:PORT` of its only server; empty: it has none.
    pub(super) target: String,
    /// What follows the address.
    options: String,
    /// The life that it was written for, where a new life need not have another address.
    life: Option<String>,
    /// What else stands in the backend, which is nothing unless somebody wrote it there.
    pub(super) more: Vec<String>,
}

/// Both files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Document {
    style: Style,
    again: u32,
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
        style: Style,
    ) -> Result<Self, Foreign> {
        let mut document = Self {
            style,
            map: map.unwrap_or_default().lines().map(str::to_owned).collect(),
            ..Self::default()
        };
        let Some(config) = config.filter(|text| !text.trim().is_empty()) else {
            return Ok(document);
        };
        let rest = config.strip_prefix(HEADER).ok_or(Foreign)?;
        for section in sections(rest) {
            if let Some(again) = section.strip_prefix(AGAIN) {
                document.again = again.parse().unwrap_or_default();
                continue;
            }
            let mut words = section.split_whitespace();
            let (sort, name) = (words.next(), words.next().unwrap_or_default());
            if name.starts_with(REVISION) {
                continue;
            }
            let cluster = cluster_of(name, providers).filter(|_| sort == Some("backend"));
            match cluster {
                Some(id) => {
                    document.routes.insert(id, Route::parse(&section));
                }
                None => document.strange.push(section),
            }
        }
        Ok(document)
    }

    /// The generated file.
    pub(super) fn config(&self) -> String {
        let mut text = format!("{HEADER}\n\n");
        if self.again > 0 {
            let _ = writeln!(text, "{AGAIN}{}\n", self.again);
        }
        if let Style::Names { proof } = self.style {
            let _ = writeln!(text, "{RESOLVERS}");
            let _ = proof.map(|port| writeln!(text, "{}", self.proof(port)));
        }
        for (id, route) in &self.routes {
            let _ = writeln!(text, "backend {}", backend(id));
            for line in &route.settings {
                let _ = writeln!(text, "    {line}");
            }
            if let Some(life) = &route.life {
                let _ = writeln!(text, "    {LIFE}{life}");
            }
            if !route.target.is_empty() {
                let server = format!("server cluster {} {}", route.target, route.options);
                let _ = writeln!(text, "    {}", server.trim_end());
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

    /// Where HAProxy says what it has loaded: to nobody but its own container.
    fn proof(&self, port: Port) -> String {
        format!(
            "frontend rollcall:proof\n    mode http\n    no log\n    timeout client 5s\n    bind 127.0.0.1:{port}\n    \
             http-request return status 200 content-type text/plain string {}\n",
            self.revision()
        )
    }

    /// The name of the backend that this content, and no other, has.
    pub(super) fn revision(&self) -> String {
        let Self {
            style,
            again,
            routes,
            strange,
            map,
        } = self;
        let content = format!("{style:?}\n{again}\n{routes:?}\n{strange:?}\n{map:?}");
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
        if let Some(life) = route.and_then(|route| route.life.clone()) {
            fields.push(("life", life));
        }
        if let Some(route) = route.filter(|route| route.options != self.style.options()) {
            fields.push(("options", route.options.clone()));
        }
        if let Some(route) = route.filter(|route| route.settings != SETTINGS) {
            fields.push(("settings", route.settings.join("; ")));
        }
        if let Some(route) = route.filter(|route| !route.more.is_empty()) {
            fields.push(("more", route.more.join("; ")));
        }
        Some(Fingerprint::of(fields))
    }

    /// The same routes with another digest.
    pub(super) fn again(&self) -> Self {
        Self {
            again: self.again.wrapping_add(1),
            ..self.clone()
        }
    }

    /// Whether requests for its name go to this cluster.
    pub(super) fn leads(&self, id: &ClusterId) -> bool {
        self.routes.contains_key(id) && self.mapped(id.name.as_str()) == Some(&backend(id))
    }

    /// Where requests for this name go, if they go to a cluster of another provider.
    pub(super) fn rival(&self, id: &ClusterId, providers: &[ProviderId]) -> Option<ClusterId> {
        let other = cluster_of(self.mapped(id.name.as_str())?, providers)?;
        (other != *id && self.routes.contains_key(&other)).then_some(other)
    }

    /// Routes requests for a cluster's name to this life of it.
    pub(super) fn put(&mut self, id: &ClusterId, target: &str, life: Option<&Incarnation>) {
        // A port of the host is another one's only if that one is another's; a node's name outlives the node.
        let life = life.filter(|_| self.style != Style::Host);
        let route = Route {
            settings: SETTINGS.map(str::to_owned).to_vec(),
            target: target.to_owned(),
            options: self.style.options().to_owned(),
            life: life.map(|life| life.short().to_owned()),
            more: Vec::new(),
        };
        self.routes.insert(id.clone(), route);
        let mut first = Some(format!("{} {}", id.name, backend(id)));
        self.map.retain_mut(|old| {
            let same = pair(old).is_some_and(|(key, _)| key == id.name.as_str());
            match (same, first.take()) {
                (true, Some(new)) => {
                    *old = new;
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
        let mut route = Self::default();
        for line in lines.filter(|line| !line.is_empty()) {
            match (
                line.strip_prefix("server cluster "),
                line.strip_prefix(LIFE),
            ) {
                (Some(server), _) if route.target.is_empty() => {
                    let server = server.trim();
                    let (target, options) = server
                        .split_once(char::is_whitespace)
                        .unwrap_or((server, ""));
                    target.clone_into(&mut route.target);
                    options.trim().clone_into(&mut route.options);
                }
                (_, Some(life)) if route.life.is_none() => route.life = Some(life.to_owned()),
                _ if SETTINGS.contains(&line) => route.settings.push(line.to_owned()),
                _ => route.more.push(line.to_owned()),
            }
        }
        route
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
