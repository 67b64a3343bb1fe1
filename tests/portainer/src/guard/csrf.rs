//! Forged requests: gorilla/csrf up to 2.39, Go's `http.CrossOriginProtection` in 2.41, nothing in
//! 2.19. Its refusals are plain text, not JSON.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hyper::header::{HOST, HeaderName, ORIGIN, REFERER, SET_COOKIE, VARY};
use hyper::{Method, StatusCode, Uri};
use ring::hmac;

use super::bouncer::{API_KEY, COOKIE};
use crate::error::Error;
use crate::http::reply::{Failure, Reply};
use crate::http::request::Request;
use crate::options::Options;
use crate::random;
use crate::version::Forgery;

/// The cookie with the secret that tokens are made from.
const SECRET_COOKIE: &str = "_gorilla_csrf";

/// The header of a token.
const TOKEN: HeaderName = HeaderName::from_static("x-csrf-token");

type Secret = [u8; 32];

/// Recognises the secrets of this process.
#[derive(Debug)]
pub(crate) struct Csrf {
    key: hmac::Key,
}

/// What the answer must carry.
#[derive(Debug)]
pub(crate) enum Pass {
    /// Nothing.
    Plain,
    /// An empty token, as a request without the cookie is answered.
    Skipped,
    /// A token, and the secret it is made from if the client has none yet.
    Token {
        /// The secret.
        secret: Secret,
        /// Whether the client must be given it.
        fresh: bool,
    },
}

/// Why a request is not let through.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// The libraries' refusals are plain text.
    Text(String),
    /// Portainer's own are JSON.
    Json(Failure),
}

impl From<Refusal> for Reply {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Text(text) => Self::text(StatusCode::FORBIDDEN, &text),
            Refusal::Json(failure) => failure.into(),
        }
    }
}

impl Csrf {
    /// With a key of its own, as every process has (P `api/http/csrf/csrf.go:27-30`).
    pub(crate) fn new() -> Result<Self, Error> {
        Ok(Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, &random::bytes::<32>()?),
        })
    }

    /// Lets a request through, or refuses it.
    pub(crate) fn check(&self, request: &Request, options: &Options) -> Result<Pass, Refusal> {
        let cookie = request
            .cookie(COOKIE)
            .is_some_and(|value| !value.is_empty());
        if !cookie {
            refuse_two_credentials(request, options)?;
        }
        let forgery = options.version.forgery();
        match forgery {
            Forgery::Unchecked => Ok(Pass::Plain),
            Forgery::Headers => check_headers(request, &options.trusted_origins),
            Forgery::Token | Forgery::TokenAndOrigin if !cookie => Ok(Pass::Skipped),
            Forgery::Token | Forgery::TokenAndOrigin => {
                if forgery == Forgery::TokenAndOrigin && !is_safe(&request.method) {
                    check_origin(request, &options.trusted_origins)?;
                }
                self.check_token(request)
            }
        }
    }

    /// Adds what the answer must carry (P `api/http/csrf/csrf.go` `withSendCSRFToken`).
    pub(crate) fn decorate(&self, pass: &Pass, reply: Reply) -> Reply {
        let good = reply.status.is_success();
        match pass {
            Pass::Skipped if good => reply.with(TOKEN, ""),
            Pass::Plain | Pass::Skipped => reply,
            Pass::Token { secret, fresh } => {
                let mut reply = reply.with(VARY, "Cookie");
                if *fresh {
                    let line = format!(
                        "{SECRET_COOKIE}={}; Path=/; Max-Age=43200; HttpOnly; SameSite=Lax",
                        self.sealed(secret)
                    );
                    reply = reply.with(SET_COOKIE, &line);
                }
                match masked(secret) {
                    Ok(token) if good => reply.with(TOKEN, &token),
                    _ => reply,
                }
            }
        }
    }

    fn check_token(&self, request: &Request) -> Result<Pass, Refusal> {
        let known = request
            .cookie(SECRET_COOKIE)
            .and_then(|sealed| self.opened(sealed));
        let fresh = known.is_none();
        let secret = match known {
            Some(secret) => secret,
            None => random::bytes().map_err(|error| Refusal::Json(error.into()))?,
        };
        if !is_safe(&request.method) {
            let token = request.header(TOKEN.as_str());
            if token.is_empty() {
                return Err(forbidden("CSRF token not found in request"));
            }
            if unmasked(token) != Some(secret) {
                return Err(forbidden("CSRF token invalid"));
            }
        }
        Ok(Pass::Token { secret, fresh })
    }

    fn sealed(&self, secret: &Secret) -> String {
        let signature = hmac::sign(&self.key, secret);
        let parts = [
            URL_SAFE_NO_PAD.encode(secret),
            URL_SAFE_NO_PAD.encode(signature),
        ];
        parts.join(".")
    }

    fn opened(&self, sealed: &str) -> Option<Secret> {
        let (secret, signature) = sealed.split_once('.')?;
        let secret = URL_SAFE_NO_PAD.decode(secret).ok()?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        hmac::verify(&self.key, &secret, &signature).ok()?;
        secret.try_into().ok()
    }
}

/// P `bouncer.go:602-628` `ShouldSkipCSRFCheck`; 401 in P41.
fn refuse_two_credentials(request: &Request, options: &Options) -> Result<(), Refusal> {
    let both = !request.header(API_KEY).is_empty() && !request.header("authorization").is_empty();
    match options.version.refuses_two_credentials() {
        Some(status) if both => {
            let message = "api key and auth header are not allowed at the same time";
            Err(Refusal::Json(Failure::new(status, message)))
        }
        _ => Ok(()),
    }
}

/// gorilla/csrf from 1.7.3 on, in Portainer since 2.27.7 (portainer#12748): the origin must be the
/// server's own or trusted; through TLS there must be one, or a referer.
fn check_origin(request: &Request, trusted: &[String]) -> Result<(), Refusal> {
    let secure = request.secure || request.header("x-forwarded-proto") == "https";
    let own_scheme = if secure { "https" } else { "http" };
    let known = |address: &str| {
        address.parse::<Uri>().is_ok_and(|uri| {
            let host = uri.authority().map_or("", |authority| authority.as_str());
            let own = uri.scheme_str() == Some(own_scheme) && host == request.header(HOST.as_str());
            !host.is_empty() && (own || trusted.iter().any(|trusted| trusted == host))
        })
    };
    let origin = request.header(ORIGIN.as_str());
    let referer = request.header(REFERER.as_str());
    if !origin.is_empty() {
        return known(origin)
            .then_some(())
            .ok_or_else(|| forbidden("origin invalid"));
    }
    if !secure {
        return Ok(());
    }
    if referer.is_empty() {
        return Err(forbidden("referer not supplied"));
    }
    known(referer)
        .then_some(())
        .ok_or_else(|| forbidden("referer invalid"))
}

/// Go's `http.CrossOriginProtection`: cookies play no part (P41).
fn check_headers(request: &Request, trusted: &[String]) -> Result<Pass, Refusal> {
    let origin = request.header(ORIGIN.as_str());
    if is_safe(&request.method) || trusted.iter().any(|trusted| trusted == origin) {
        return Ok(Pass::Plain);
    }
    let refused = |why: &str| {
        let text = format!("cross-origin request detected{why}");
        Err(Refusal::Text(text))
    };
    match request.header("sec-fetch-site") {
        "same-origin" | "none" => Ok(Pass::Plain),
        "" => {
            let host = origin.split_once("://").map_or("", |(_, host)| host);
            if origin.is_empty() || host == request.header(HOST.as_str()) {
                return Ok(Pass::Plain);
            }
            refused(
                ", and/or browser is out of date: \
                 Sec-Fetch-Site is missing, and Origin does not match Host",
            )
        }
        _ => refused(" from Sec-Fetch-Site header"),
    }
}

fn is_safe(method: &Method) -> bool {
    matches!(
        *method,
        Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE
    )
}

fn forbidden(why: &str) -> Refusal {
    Refusal::Text(format!("Forbidden - {why}"))
}

/// A token that is another one every time: a pad, and the secret under it.
fn masked(secret: &Secret) -> Result<String, Error> {
    let pad: Secret = random::bytes()?;
    let mut token = pad.to_vec();
    token.extend(pad.iter().zip(secret).map(|(pad, byte)| pad ^ byte));
    Ok(STANDARD.encode(token))
}

fn unmasked(token: &str) -> Option<Secret> {
    let bytes = STANDARD.decode(token).ok()?;
    let (pad, hidden) = bytes.split_at_checked(32)?;
    let secret: Vec<u8> = pad
        .iter()
        .zip(hidden)
        .map(|(pad, byte)| pad ^ byte)
        .collect();
    (hidden.len() == 32).then_some(())?;
    secret.try_into().ok()
}
