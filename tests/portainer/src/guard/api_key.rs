//! API keys: made once, shown once, found by their digest, good across restarts.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{SHA256, digest};

use crate::error::Error;
use crate::random;
use crate::store::records::ApiKey;

/// A new key and its record, whose number is still missing (P `api/apikey/service.go:63-84`).
pub(crate) fn make(user_id: u32, description: &str, now: i64) -> Result<(String, ApiKey), Error> {
    let raw = format!("ptr_{}", STANDARD.encode(random::bytes::<32>()?));
    let record = ApiKey {
        id: 0,
        user_id,
        description: description.to_owned(),
        prefix: raw.chars().take(7).collect(),
        date_created: now,
        last_used: 0,
        digest: digest_of(&raw),
    };
    Ok((raw, record))
}

/// What a key is found by (P `api/apikey/service.go:55-59`).
pub(crate) fn digest_of(raw: &str) -> String {
    STANDARD.encode(digest(&SHA256, raw.as_bytes()))
}
