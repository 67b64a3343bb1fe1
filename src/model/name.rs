//! Names, identities and addresses. Parsed once, valid ever after.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// Why a text is no name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// The text breaks the rule that suits both kind and k3d.
    #[error(
        "{0:?} is no cluster name: 1 to 32 of a-z, 0-9 and '-', beginning and ending with a letter or digit"
    )]
    Cluster(String),
    /// A cluster without its provider.
    #[error("{0:?} is not PROVIDER/NAME, such as k3d/dev")]
    Qualified(String),
    /// An identity that is no lowercase word.
    #[error("{0:?} is no identity: only a-z, 0-9, '-' and '_' are")]
    Word(String),
}

/// The name of a cluster: `^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$`, what kind and k3d both accept
/// (k3d stops at 32 characters and reads dots as a pattern).
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct ClusterName(String);

impl ClusterName {
    /// The longest name that both tools accept, in characters.
    pub const MAX: usize = 32;

    /// Reads a name, or says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        let bytes = text.as_bytes();
        let fits = !bytes.is_empty()
            && bytes.len() <= Self::MAX
            && bytes.iter().all(|b| inner(*b) || *b == b'-')
            && bytes.first().is_some_and(|b| inner(*b))
            && bytes.last().is_some_and(|b| inner(*b));
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(NameError::Cluster(text.chars().take(64).collect()))
        }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ClusterName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for ClusterName {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::parse(text)
    }
}

impl TryFrom<String> for ClusterName {
    type Error = NameError;
    fn try_from(text: String) -> Result<Self, NameError> {
        Self::parse(&text)
    }
}

impl From<ClusterName> for String {
    fn from(name: ClusterName) -> Self {
        name.0
    }
}

/// Makes a newtype over text whose content nobody here interprets.
macro_rules! opaque {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Takes the text as it is.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The identity as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
    };
}

opaque! {
    /// Who makes a cluster. Which ones exist is the business of the provider layer alone.
    ProviderId
}
opaque! {
    /// A place where clusters are registered.
    RegistrarId
}
opaque! {
    /// The engine's own identity (`GET /info`, field `ID`), or a sandbox's.
    EngineId
}
opaque! {
    /// A container's full ID.
    ContainerId
}
opaque! {
    /// A network's full ID.
    NetworkId
}
opaque! {
    /// A volume's name and a stamp that tells two volumes of one name apart (`NAME@STAMP`): Docker gives volumes no
    /// identity of their own, and a name alone would take somebody's new volume for our old one.
    VolumeId
}
opaque! {
    /// One life of a cluster: the container ID of its lowest-numbered server or control-plane node.
    Incarnation
}
opaque! {
    /// What a registrar's entry for one cluster says, field by field, as a JSON object: what everybody may read as it is,
    /// everything else as a digest. Two entries that say the same have the same one.
    Fingerprint
}

impl Fingerprint {
    /// The fingerprint of an entry that says this.
    pub fn of<'f>(fields: impl IntoIterator<Item = (&'f str, String)>) -> Self {
        let fields: BTreeMap<&str, String> = fields.into_iter().collect();
        Self(serde_json::to_string(&fields).unwrap_or_default())
    }

    /// What stands for a value that not everybody may read.
    pub fn digest(value: &str) -> String {
        let digest = Sha256::digest(value);
        digest
            .iter()
            .take(8)
            .fold("sha256:".to_owned(), |hex, byte| {
                hex + &format!("{byte:02x}")
            })
    }

    /// The fields in which two entries differ, with what each says.
    pub fn differences(&self, other: &Self) -> Vec<(String, Option<String>, Option<String>)> {
        let (mine, theirs) = (self.fields(), other.fields());
        let names: BTreeSet<&String> = mine.keys().chain(theirs.keys()).collect();
        let both = names.into_iter().map(|name| {
            (
                name.clone(),
                mine.get(name).cloned(),
                theirs.get(name).cloned(),
            )
        });
        both.filter(|(_, mine, theirs)| mine != theirs).collect()
    }

    fn fields(&self) -> BTreeMap<String, String> {
        serde_json::from_str(&self.0)
            .unwrap_or_else(|_| BTreeMap::from([("entry".to_owned(), self.0.clone())]))
    }
}

impl VolumeId {
    /// The identity of a volume of this name. The stamp is rollcall's mark where it carries one; the time of its making
    /// is the last resort, because Docker 20.10 reports the last change of its folder instead.
    pub fn of(name: &str, stamp: &str) -> Self {
        Self(format!("{name}@{stamp}"))
    }

    /// The volume's name, which is how the engine is asked for it.
    pub fn name(&self) -> &str {
        self.0
            .split_once('@')
            .map_or(self.as_str(), |(name, _)| name)
    }
}

impl Incarnation {
    /// The first 12 characters, as Docker prints container IDs.
    pub fn short(&self) -> &str {
        self.0.get(..12).unwrap_or(&self.0)
    }
}

/// The random mark of one creation, 32 hexadecimal digits: what carries it was made for that ledger entry.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct Nonce(String);

impl Nonce {
    /// A new mark from 16 random bytes.
    pub fn from_random(bytes: [u8; 16]) -> Self {
        Self(format!("{:032x}", u128::from_be_bytes(bytes)))
    }

    /// Reads a mark as it stands on a container; anything that is not 32 hexadecimal digits is none.
    pub fn parse(text: &str) -> Option<Self> {
        (text.len() == 32
            && text
                .bytes()
                .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)))
        .then(|| Self(text.to_owned()))
    }

    /// The mark as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A cluster's identity: always provider and name, never the bare name.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct ClusterId {
    /// Who makes it.
    pub provider: ProviderId,
    /// What it is called there.
    pub name: ClusterName,
}

impl ClusterId {
    /// Puts the two halves together.
    pub fn new(provider: ProviderId, name: ClusterName) -> Self {
        Self { provider, name }
    }
}

impl fmt::Display for ClusterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}/{}", self.provider, self.name))
    }
}

impl FromStr for ClusterId {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        match text.split_once('/') {
            Some((provider, name)) if !provider.is_empty() => Ok(Self::new(
                ProviderId::new(provider),
                ClusterName::parse(name)?,
            )),
            _ => Err(NameError::Qualified(text.chars().take(64).collect())),
        }
    }
}

impl TryFrom<String> for ClusterId {
    type Error = NameError;
    fn try_from(text: String) -> Result<Self, NameError> {
        text.parse()
    }
}

impl From<ClusterId> for String {
    fn from(id: ClusterId) -> Self {
        id.to_string()
    }
}

/// How a person names a cluster on the command line: `NAME` or `PROVIDER/NAME`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub enum Selector {
    /// Every cluster of this name.
    Name(ClusterName),
    /// This one.
    Id(ClusterId),
}

impl Selector {
    /// Whether the selector means this cluster.
    pub fn matches(&self, id: &ClusterId) -> bool {
        match self {
            Self::Name(name) => *name == id.name,
            Self::Id(own) => own == id,
        }
    }

    /// The name without the provider.
    pub fn name(&self) -> &ClusterName {
        match self {
            Self::Name(name) => name,
            Self::Id(id) => &id.name,
        }
    }
}

impl TryFrom<String> for Selector {
    type Error = NameError;
    fn try_from(text: String) -> Result<Self, NameError> {
        text.parse()
    }
}

impl FromStr for Selector {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        if text.contains('/') {
            text.parse().map(Self::Id)
        } else {
            ClusterName::parse(text).map(Self::Name)
        }
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => name.fmt(f),
            Self::Id(id) => id.fmt(f),
        }
    }
}

/// What a step, a drift or a held item is about: `cluster/k3d/dev`, `kubeconfig/k3d/dev`, `row/dev`, `source/docker`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Address {
    /// A cluster.
    Cluster(ClusterId),
    /// One cluster in one registrar.
    Registration(RegistrarId, ClusterId),
    /// A row of the table, by its name as printable text.
    Row(String),
    /// A source of observations.
    Source(String),
}

impl Address {
    /// The cluster that the address belongs to, where there is one.
    pub fn cluster(&self) -> Option<&ClusterId> {
        match self {
            Self::Cluster(id) | Self::Registration(_, id) => Some(id),
            Self::Row(_) | Self::Source(_) => None,
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cluster(id) => write!(f, "cluster/{id}"),
            Self::Registration(registrar, id) => write!(f, "{registrar}/{id}"),
            Self::Row(name) => write!(f, "row/{name}"),
            Self::Source(name) => write!(f, "source/{name}"),
        }
    }
}

impl Serialize for Address {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl JsonSchema for Address {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Address".into()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        String::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_what_both_tools_accept() {
        for good in [
            "a",
            "dev",
            "dev-a",
            "0",
            "a-0-b",
            "abcdefghijklmnopqrstuvwxyz012345",
        ] {
            assert!(ClusterName::parse(good).is_ok(), "{good}");
        }
        let long = "a".repeat(33);
        for bad in [
            "",
            "-a",
            "a-",
            "Dev",
            "a.b",
            "a_b",
            "x;touch pwned",
            "a\0",
            "a b",
            "\u{1b}[31m",
            &long,
        ] {
            assert!(ClusterName::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_bare_name_selects_every_provider_and_a_full_one_exactly_one() {
        let id: ClusterId = "k3d/dev".parse().unwrap_or_else(|e| unreachable!("{e}"));
        assert!("dev".parse::<Selector>().is_ok_and(|s| s.matches(&id)));
        assert!(
            "kind/dev"
                .parse::<Selector>()
                .is_ok_and(|s| !s.matches(&id))
        );
        assert!("dev-a".parse::<Selector>().is_ok_and(|s| !s.matches(&id)));
    }

    #[test]
    fn a_volume_made_again_under_its_name_is_another_one() {
        assert_ne!(
            VolumeId::of("v", "2026-01-01"),
            VolumeId::of("v", "2026-01-02")
        );
        assert_eq!(VolumeId::of("v", "2026-01-01").name(), "v");
    }
}
