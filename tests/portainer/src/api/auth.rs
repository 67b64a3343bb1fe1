//! Logins.

use std::time::{Duration, UNIX_EPOCH};

use hyper::StatusCode;
use hyper::header::SET_COOKIE;
use serde_json::json;

use super::call::Call;
use crate::guard::bouncer::COOKIE;
use crate::guard::password;
use crate::http::reply::{Answer, Failure, Reply};

/// The last second that a cookie's date can name, in the year 9999.
const LAST_SECOND: i64 = 253_402_300_799;

/// POST /api/auth: a token for 8 hours, in the body and in a cookie
/// (P `api/http/handler/auth/authenticate.go:56`, `api/http/security/bouncer.go` `AddAuthCookie`).
pub(crate) fn login(call: &mut Call<'_>) -> Answer {
    limited(call)?;
    let payload = call.payload()?;
    let name = required(payload.text("Username")?, "Invalid username")?;
    let text = required(payload.text("Password")?, "Invalid password")?;
    let now = call.now();
    let kept = call.inner.database.kept();
    let user = kept
        .users
        .iter()
        .find(|user| user.name == name && password::matches(&user.password, &text))
        .ok_or_else(|| {
            Failure::new(StatusCode::UNPROCESSABLE_ENTITY, "Invalid credentials")
                .because("Unauthorized")
        })?;
    let expires = now + kept.settings.session_seconds;
    let weak = text.len() < kept.settings.required_password_length as usize;
    let token = call.double.signer().sign(user, now, expires, weak)?;
    let until = u64::try_from(expires.min(LAST_SECOND)).unwrap_or(0);
    let until = UNIX_EPOCH + Duration::from_secs(until);
    let cookie = format!(
        "{COOKIE}={token}; Path=/; Expires={}; HttpOnly; SameSite=Strict",
        httpdate::fmt_http_date(until)
    );
    Ok(Reply::json(&json!({"jwt": token}))?.with(SET_COOKIE, &cookie))
}

/// Counts one against the address; over the limit it is 403 for an hour
/// (P `api/http/security/rate_limiter.go`).
pub(crate) fn limited(call: &mut Call<'_>) -> Result<(), Failure> {
    let now = call.double.clock().since_epoch();
    if call.inner.limiter.is_banned(call.request.peer, now) {
        return Err(Failure::forbidden("Access denied").because("Access denied to resource"));
    }
    Ok(())
}

/// A text that must not be empty.
pub(crate) fn required(text: Option<String>, otherwise: &str) -> Result<String, Failure> {
    text.filter(|text| !text.is_empty())
        .ok_or_else(|| Failure::payload(otherwise))
}
