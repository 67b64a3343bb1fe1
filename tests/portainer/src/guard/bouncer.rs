//! Credentials: an API key, the login cookie, or a bearer token, in that order
//! (P `api/http/security/bouncer.go` `mwAuthenticatedUser`, `mwAuthenticateFirst`).

use super::api_key;
use super::jwt::{Claims, Signer};
use crate::http::reply::Failure;
use crate::http::request::Request;
use crate::store::Database;

/// The cookie of a login.
pub(crate) const COOKIE: &str = "portainer_api_key";

/// The header, and query parameter, of an API key.
pub(crate) const API_KEY: &str = "x-api-key";

/// Seconds after which the use of a key is worth noting.
const USE_NOTED: i64 = 60;

/// Who asks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Caller {
    /// The user's number.
    pub(crate) user: u32,
    /// Whether the password was too short when he logged in.
    pub(crate) force_change_password: bool,
}

/// Who asks, or why nobody is let in: the words are the same for a wrong key and a wrong token.
pub(crate) fn authenticate(
    request: &Request,
    database: &mut Database,
    signer: &Signer,
    now: i64,
) -> Result<Caller, Failure> {
    let caller = if let Some(key) = key_of(request) {
        by_key(&key, database, now)
    } else if let Some(token) = token_of(request) {
        by_token(&token, database, signer, now)
    } else {
        let missing = "A valid authorization token is missing";
        return Err(Failure::unauthorized(missing));
    };
    caller.ok_or_else(|| Failure::unauthorized("Invalid JWT token"))
}

/// Whether the request carries a good token, whatever else it carries: an API key cannot make
/// another one (P `user_create_access_token.go:61-68`).
pub(crate) fn has_token(request: &Request, database: &Database, signer: &Signer, now: i64) -> bool {
    let cookie = request.cookie(COOKIE).map(str::to_owned);
    [cookie, bearer_of(request)]
        .into_iter()
        .flatten()
        .any(|token| by_token(&token, database, signer, now).is_some())
}

fn by_key(key: &str, database: &mut Database, now: i64) -> Option<Caller> {
    let digest = api_key::digest_of(key);
    let kept = database.kept_mut();
    let record = kept.api_keys.iter_mut().find(|key| key.digest == digest)?;
    if now - record.last_used > USE_NOTED {
        record.last_used = now;
    }
    Some(Caller {
        user: record.user_id,
        force_change_password: false,
    })
}

fn by_token(token: &str, database: &Database, signer: &Signer, now: i64) -> Option<Caller> {
    let Claims {
        user,
        issued_at,
        force_change_password,
    } = signer.verify(token, now)?;
    let users = &database.kept().users;
    let known = users.iter().find(|known| known.id == user)?;
    (known.tokens_since <= issued_at).then_some(Caller {
        user,
        force_change_password,
    })
}

/// P `bouncer.go` `extractAPIKey`: the header, or the query parameter in any case.
fn key_of(request: &Request) -> Option<String> {
    let header = request.header(API_KEY);
    if !header.is_empty() {
        return Some(header.to_owned());
    }
    request
        .query()
        .find(|(name, _)| name.eq_ignore_ascii_case(API_KEY))
        .map(|(_, value)| value)
}

/// The cookie comes before the header, even if it is stale.
fn token_of(request: &Request) -> Option<String> {
    match request.cookie(COOKIE) {
        Some(cookie) => Some(cookie.to_owned()),
        None => bearer_of(request),
    }
}

/// P `bouncer.go` `extractBearerToken`: the query parameter, or the header, whose scheme may be
/// left out.
fn bearer_of(request: &Request) -> Option<String> {
    let parameter = request.parameter("token");
    if !parameter.is_empty() {
        return Some(parameter);
    }
    if !request.headers.contains_key("authorization") {
        return None;
    }
    let header = request.header("authorization");
    Some(header.strip_prefix("Bearer ").unwrap_or(header).to_owned())
}
