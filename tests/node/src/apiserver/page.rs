//! Where the next page of a list begins.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::failure::Failure;

/// What the real one writes into its tokens as their version.
const VERSION: &str = "meta.k8s.io/v1";

/// A place in a list.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The revision of the first page.
    pub(crate) revision: u64,
    /// The namespace and the name of the last object that was given out.
    pub(crate) after: (String, String),
}

impl Place {
    /// The place as a token.
    pub(crate) fn token(&self) -> String {
        let (namespace, name) = &self.after;
        let place =
            json!({"v": VERSION, "rv": self.revision, "start": format!("{namespace}/{name}")});
        URL_SAFE_NO_PAD.encode(place.to_string())
    }

    /// Reads a token; one that is none makes no sense, one of a later store is expired.
    pub(crate) fn parse(token: &str, newest: u64) -> Result<Self, Failure> {
        let read = || {
            let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
            let place: Value = serde_json::from_slice(&bytes).ok()?;
            let (namespace, name) = place["start"].as_str()?.split_once('/')?;
            Some(Self {
                revision: place["rv"].as_u64().filter(|_| place["v"] == VERSION)?,
                after: (namespace.to_owned(), name.to_owned()),
            })
        };
        let place = read().ok_or_else(|| {
            Failure::bad_request("invalid continue token: continue key is not valid")
        })?;
        Some(place).filter(|place| place.revision <= newest).ok_or_else(|| {
            Failure::expired(
                "The provided continue parameter is too old to display a consistent list result. \
                 You must start a new list without the continue parameter.",
            )
        })
    }
}
