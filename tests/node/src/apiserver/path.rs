//! From a path and a query to what is meant.

use super::failure::Failure;
use super::kind::{Kind, NAMESPACE};

/// What a request is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    /// The kind.
    pub(crate) kind: &'static Kind,
    /// The namespace; nothing for all of them, or for kinds without.
    pub(crate) namespace: String,
    /// The name; nothing for the whole list.
    pub(crate) name: Option<String>,
    /// Whether only its status is meant.
    pub(crate) status: bool,
}

impl Target {
    /// Reads a path below `/api/v1` or `/apis/GROUP/VERSION`.
    pub(crate) fn parse(path: &str) -> Result<Self, Failure> {
        let segments: Vec<String> = path.split('/').skip(1).map(decoded).collect();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let (group, version, rest) = match segments[..] {
            ["api", version, ref rest @ ..] => ("", version, rest),
            ["apis", group, version, ..] if !Kind::has_group(group, version) => {
                return Err(Failure::no_such_group());
            }
            ["apis", group, version, ref rest @ ..] => (group, version, rest),
            _ => return Err(Failure::no_such_path()),
        };
        let kind = |plural: &str| Kind::at(group, version, plural);
        let inner = match *rest {
            ["namespaces", namespace, plural, ref rest @ ..] => kind(plural)
                .filter(|kind| kind.namespaced && !namespace.is_empty())
                .map(|kind| (kind, namespace, rest)),
            _ => None,
        };
        let (kind, namespace, rest) = match (inner, rest) {
            (Some(inner), _) => inner,
            (None, [plural, rest @ ..]) => {
                let kind = kind(plural).ok_or_else(Failure::no_such_path)?;
                (kind, "", rest)
            }
            _ => return Err(Failure::no_such_path()),
        };
        let (name, status) = match *rest {
            [] => (None, false),
            [name] if !name.is_empty() => (Some(name), false),
            [name, "status"] if kind.status => (Some(name), true),
            _ => return Err(Failure::no_such_path()),
        };
        // A namespaced object has no path without its namespace.
        if name.is_some() && kind.namespaced && namespace.is_empty() {
            return Err(Failure::no_such_path());
        }
        let (namespace, name) = (namespace.to_owned(), name.map(str::to_owned));
        Ok(Self {
            kind,
            namespace,
            name,
            status,
        })
    }

    /// Whether the list of all namespaces is meant.
    pub(crate) fn is_everywhere(&self) -> bool {
        self.kind.namespaced && self.namespace.is_empty()
    }

    /// The path's last words, for messages.
    pub(crate) fn scope(&self) -> String {
        if self.namespace.is_empty() || self.kind == &NAMESPACE {
            "at the cluster scope".to_owned()
        } else {
            format!("in the namespace \"{}\"", self.namespace)
        }
    }
}

/// The parameters of a request.
#[derive(Debug, Default)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    /// Reads what follows the question mark.
    pub(crate) fn parse(text: &str) -> Self {
        let pairs = text.split('&').filter(|pair| !pair.is_empty());
        let pairs = pairs.map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (form(key), form(value))
        });
        Self(pairs.collect())
    }

    /// One parameter, or nothing.
    pub(crate) fn get(&self, key: &str) -> &str {
        let found = self.0.iter().find(|(name, _)| name == key);
        found.map_or("", |(_, value)| value)
    }

    /// Whether a parameter says yes.
    pub(crate) fn flag(&self, key: &str) -> bool {
        ["true", "1"].contains(&self.get(key))
    }

    /// A number, if there is one.
    pub(crate) fn number(&self, key: &str) -> Result<Option<u64>, Failure> {
        match self.get(key) {
            "" => Ok(None),
            text => text
                .parse()
                .map(Some)
                .map_err(|_| Failure::bad_request(&format!("invalid value for {key}: \"{text}\""))),
        }
    }
}

fn form(text: &str) -> String {
    decoded(&text.replace('+', " "))
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, more)) = rest.split_first() {
        let code = more
            .get(..2)
            .filter(|_| *first == b'%')
            .and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
        bytes.push(code.unwrap_or(*first));
        rest = if code.is_some() { &more[2..] } else { more };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop")]

    use super::{Query, Target};

    fn read(path: &str) -> Option<(&'static str, String, Option<String>, bool)> {
        let target = Target::parse(path).ok()?;
        let plural = target.kind.plural;
        Some((plural, target.namespace, target.name, target.status))
    }

    #[test]
    fn a_path_says_the_kind_the_namespace_and_the_name() {
        let some = |name: &str| Some(name.to_owned());
        let none = String::new;
        for (path, expected) in [
            ("/api/v1/namespaces", ("namespaces", none(), None, false)),
            (
                "/api/v1/namespaces/a",
                ("namespaces", none(), some("a"), false),
            ),
            (
                "/api/v1/namespaces/a/secrets",
                ("secrets", "a".to_owned(), None, false),
            ),
            ("/api/v1/secrets", ("secrets", none(), None, false)),
            (
                "/apis/argoproj.io/v1alpha1/namespaces/argocd/applicationsets/x/status",
                ("applicationsets", "argocd".to_owned(), some("x"), true),
            ),
            (
                "/apis/rbac.authorization.k8s.io/v1/clusterroles/system%3Ax",
                ("clusterroles", none(), some("system:x"), false),
            ),
        ] {
            assert_eq!(read(path).unwrap(), expected, "{path}");
        }
    }

    #[test]
    fn a_path_that_means_nothing_is_404() {
        for path in [
            "/",
            "/api/v1",
            "/api/v1/pods",
            "/api/v1/secrets/x",
            "/api/v1/namespaces/a/nodes",
            "/apis/apps/v1/namespaces/a/deployments/x/scale",
            "/apis/argoproj.io/v1alpha1/namespaces/argocd/applications/x/status",
        ] {
            assert_eq!(read(path), None, "{path}");
        }
    }

    #[test]
    fn parameters_are_decoded() {
        let query = Query::parse("labelSelector=a%2Fb+in+%28c%29&watch=true&limit=5");
        assert_eq!(query.get("labelSelector"), "a/b in (c)");
        assert!(query.flag("watch"));
        assert_eq!(query.number("limit").unwrap(), Some(5));
        assert!(Query::parse("limit=x").number("limit").is_err());
    }
}
