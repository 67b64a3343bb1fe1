//! What a registrar is answered in place of secrets: whoever it shows them to gets the real ones.
//!
//! So nothing secret is in what the registrar sees, sends and says, and nothing in what is recorded of it.

use std::sync::Mutex;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use serde_json::{Map, Value, json};

/// Fields that say nothing about what a registrar does, and are most of what is answered.
const CHATTER: [&str; 16] = [
    "managedFields",
    "creationTimestamp",
    "lastTransitionTime",
    "resourcesCount",
    "AuthorizedTeams",
    "AuthorizedUsers",
    "AzureCredentials",
    "ComposeSyntaxMaxVersion",
    "Edge",
    "Gpus",
    "Kubernetes",
    "SecuritySettings",
    "Snapshots",
    "TLSConfig",
    "TeamAccessPolicies",
    "UserAccessPolicies",
];
/// What only a secret contains: a token, an API key, a private key.
const MARKS: [&str; 3] = ["eyJhbGci", "ptr_", "PRIVATE KEY"];
/// Texts of this length may hide one in base64.
const HIDDEN: usize = 16;

/// The secrets that were met, by the number in what took their place.
#[derive(Debug, Default)]
pub(super) struct Redact(Mutex<Vec<String>>);

impl Redact {
    /// The secret that a stand-in stands for; what is none stays.
    pub(super) fn real(&self, shown: &str) -> String {
        let met = self.0.lock().unwrap();
        let number = shown.strip_prefix("token-");
        let number = number.and_then(|number| number.parse::<usize>().ok());
        let real = number.and_then(|number| met.get(number - 1));
        real.cloned().unwrap_or_else(|| shown.to_owned())
    }

    /// Takes the secrets out of an answer.
    pub(super) fn answer(&self, said: &mut Value) {
        match said {
            Value::Array(all) => all.iter_mut().for_each(|one| self.answer(one)),
            Value::Object(object) => self.object(object),
            _ => {}
        }
    }

    fn object(&self, object: &mut Map<String, Value>) {
        CHATTER.iter().for_each(|name| drop(object.remove(*name)));
        if object.get("type") == Some(&json!("kubernetes.io/service-account-token"))
            && let Some(Value::Object(data)) = object.get_mut("data")
        {
            data.remove("ca.crt");
            if let Some(Value::String(token)) = data.get_mut("token") {
                *token = self.stand_in(token);
            }
        }
        if let Some(Value::String(key)) = object.get_mut("EdgeKey") {
            *key = without_tunnels_key(key);
        }
        object.values_mut().for_each(|value| self.answer(value));
    }

    /// What stands for a token, both in base64.
    fn stand_in(&self, token: &str) -> String {
        let real = String::from_utf8(STANDARD.decode(token).unwrap()).unwrap();
        let mut met = self.0.lock().unwrap();
        let known = met.iter().position(|one| *one == real);
        let number = known.unwrap_or_else(|| {
            met.push(real);
            met.len() - 1
        });
        STANDARD.encode(format!("token-{}", number + 1))
    }
}

/// An edge key in which nobody can find the tunnel's.
fn without_tunnels_key(key: &str) -> String {
    let Ok(text) = STANDARD_NO_PAD.decode(key) else {
        return key.to_owned();
    };
    let text = String::from_utf8(text).unwrap();
    let mut parts: Vec<&str> = text.split('|').collect();
    if let [_, _, fingerprint, _] = &mut parts[..] {
        *fingerprint = "aa:bb";
    }
    STANDARD_NO_PAD.encode(parts.join("|"))
}

/// The secret's mark in a text, if it contains one, in base64 or not.
pub(crate) fn gives_away(text: &str) -> Option<&'static str> {
    let letter = |c: char| c.is_ascii_alphanumeric() || c == '+' || c == '/';
    let hidden = text
        .split(|c| !letter(c))
        .filter(|part| part.len() >= HIDDEN);
    let decoded = hidden.filter_map(|part| STANDARD_NO_PAD.decode(part).ok());
    let decoded = decoded.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let plain: Vec<String> = decoded.chain([text.to_owned()]).collect();
    let shown = |mark: &&str| plain.iter().any(|text| text.contains(*mark));
    MARKS.into_iter().find(shown)
}
