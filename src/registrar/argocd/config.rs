//! A cluster Secret's `config`, as strictly as Argo CD reads it: one that its parser refuses keeps every `ApplicationSet`
//! from deleting anything (argo-cd `pkg/apis/application/v1alpha1/types.go`, `ClusterConfig`; `util/db/cluster.go`).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// What a field must be. `null` and nothing are always fine.
#[derive(Debug, Clone, Copy)]
enum Sort {
    Text,
    Truth,
    /// Bytes: base64.
    Bytes,
    Texts,
    TextsByName,
    Group(&'static [(&'static str, Sort)]),
}

const CONFIG: &[(&str, Sort)] = &[
    ("username", Sort::Text),
    ("password", Sort::Text),
    ("bearerToken", Sort::Text),
    ("tlsClientConfig", Sort::Group(TLS)),
    ("awsAuthConfig", Sort::Group(AWS)),
    ("execProviderConfig", Sort::Group(EXEC)),
    ("disableCompression", Sort::Truth),
    ("proxyUrl", Sort::Text),
];
const TLS: &[(&str, Sort)] = &[
    ("insecure", Sort::Truth),
    ("serverName", Sort::Text),
    ("certData", Sort::Bytes),
    ("keyData", Sort::Bytes),
    ("caData", Sort::Bytes),
];
const AWS: &[(&str, Sort)] = &[
    ("clusterName", Sort::Text),
    ("roleARN", Sort::Text),
    ("profile", Sort::Text),
];
const EXEC: &[(&str, Sort)] = &[
    ("command", Sort::Text),
    ("args", Sort::Texts),
    ("env", Sort::TextsByName),
    ("apiVersion", Sort::Text),
    ("installHint", Sort::Text),
];

/// The text as Argo CD takes it; `None`: it cannot. Without any text it takes an empty one.
pub(super) fn read(text: &str) -> Option<Value> {
    let text = if text.trim().is_empty() { "{}" } else { text };
    let config: Value = serde_json::from_str(text).ok()?;
    fits(&config, Sort::Group(CONFIG)).then_some(config)
}

fn fits(value: &Value, sort: Sort) -> bool {
    if value.is_null() {
        return true;
    }
    match sort {
        Sort::Text => value.is_string(),
        Sort::Truth => value.is_boolean(),
        Sort::Bytes => value.as_str().is_some_and(is_base64),
        Sort::Texts => value
            .as_array()
            .is_some_and(|all| all.iter().all(|one| fits(one, Sort::Text))),
        Sort::TextsByName => value
            .as_object()
            .is_some_and(|all| all.values().all(|one| fits(one, Sort::Text))),
        // Go finds a field whatever the case of its letters.
        Sort::Group(fields) => value.as_object().is_some_and(|all| {
            all.iter().all(|(key, value)| {
                let mut fields = fields.iter();
                let field = fields.find(|(name, _)| name.eq_ignore_ascii_case(key));
                field.is_none_or(|(_, sort)| fits(value, *sort))
            })
        }),
    }
}

/// Go passes over line ends in it.
fn is_base64(text: &str) -> bool {
    let text: String = text.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
    STANDARD.decode(text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_argo_cd_reads_is_read_and_nothing_else() {
        for good in [
            "",
            " \n",
            "{}",
            r#"{"bearerToken":null,"tlsClientConfig":{"insecure":false,"caData":"Y2E=","more":[1]},"further":3}"#,
            r#"{"BearerToken":"t","execProviderConfig":{"args":["a"],"env":{"A":"b"}}}"#,
            "{\"tlsClientConfig\":{\"caData\":\"Y2\\nE=\"}}",
        ] {
            assert!(read(good).is_some(), "{good}");
        }
        for bad in [
            "[]",
            "3",
            "{",
            r#"{"bearerToken":3}"#,
            r#"{"BEARERTOKEN":["t"]}"#,
            r#"{"tlsClientConfig":"x"}"#,
            r#"{"tlsClientConfig":{"insecure":"false"}}"#,
            r#"{"tlsClientConfig":{"caData":"no base64"}}"#,
            r#"{"tlsClientConfig":{"caData":"Y2E"}}"#,
            r#"{"execProviderConfig":{"args":"a"}}"#,
            r#"{"execProviderConfig":{"env":{"A":1}}}"#,
        ] {
            assert!(read(bad).is_none(), "{bad}");
        }
    }
}
