//! Which names Kubernetes allows.

use super::kind::{self, Kind};

/// What a name of an object must be, in the real one's words.
pub(super) const RULE_OF_OBJECTS: &str = "a lowercase RFC 1123 subdomain must consist of lower case \
    alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. \
    'example.com', regex used for validation is \
    '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
/// What the key of a label must be.
pub(super) const RULE_OF_KEYS: &str = "a qualified name must consist of alphanumeric characters, '-', \
    '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  \
    or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]') with an \
    optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')";
/// What the value of a label must be.
pub(super) const RULE_OF_LABELS: &str = "a valid label must be an empty string or consist of \
    alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character \
    (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is \
    '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
/// What a key of a Secret or a config map must be.
pub(super) const RULE_OF_DATA: &str = "a valid config key must consist of alphanumeric characters, '-', \
    '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is \
    '[-._a-zA-Z0-9]+')";

/// The longest name of an object, and the longest value of a label.
const LONGEST: (usize, usize) = (253, 63);

/// Whether an object of this kind may have this name.
pub(super) fn object(kind: &Kind, name: &str) -> bool {
    let path_like = kind.group == kind::ROLE.group;
    let letter = |byte: u8| {
        byte.is_ascii_lowercase()
            || byte.is_ascii_digit()
            || b"-.".contains(&byte)
            || path_like && byte != b'/' && byte != b'%'
    };
    let ends = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = name.as_bytes();
    let short = !bytes.is_empty() && bytes.len() <= LONGEST.0;
    let dots = name == "." || name == "..";
    short
        && !dots
        && name.bytes().all(letter)
        && (path_like || ends(bytes.first()) && ends(bytes.last()))
}

/// Whether this may be a label's value, or the name in a key.
pub(super) fn label(value: &str) -> bool {
    let ends = |byte: Option<&u8>| byte.is_none_or(u8::is_ascii_alphanumeric);
    let bytes = value.as_bytes();
    bytes.len() <= LONGEST.1
        && ends(bytes.first())
        && ends(bytes.last())
        && bytes
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
}

/// Whether this may be the key of a label or an annotation.
pub(super) fn key(key: &str) -> bool {
    let (prefix, name) = key.split_once('/').unwrap_or(("x", key));
    !name.is_empty() && label(name) && object(&kind::SECRET, prefix)
}

/// Whether this may be a key of a Secret or of a config map.
pub(super) fn datum(key: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    !key.is_empty() && key.len() <= LONGEST.0 && key.bytes().all(letter)
}
