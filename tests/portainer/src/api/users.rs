//! The administrator and his API keys.

use hyper::StatusCode;
use serde_json::{Value, json};

use super::auth::{limited, required};
use super::call::Call;
use crate::guard::{api_key, bouncer, password};
use crate::http::reply::{Answer, Failure, Reply};
use crate::store::records::User;

/// The longest description of a key.
const MAX_DESCRIPTION: usize = 128;

/// GET /api/users/admin/check (P `api/http/handler/users/admin_check.go:20`).
pub(crate) fn admin_check(call: &mut Call<'_>) -> Answer {
    if call.database().kept().users.is_empty() {
        let message = "No administrator account found inside the database";
        return Err(Failure::not_found(message));
    }
    Ok(Reply::empty())
}

/// POST /api/users/admin/init (P `api/http/handler/users/admin_init.go:44`; the length
/// `api/datastore/init.go:38`). That there is one already is said before the password is looked at.
pub(crate) fn admin_init(call: &mut Call<'_>) -> Answer {
    let payload = call.payload()?;
    let whitespace = "Invalid username. Must not contain any whitespace";
    let name = required(payload.text("Username")?, whitespace)?;
    if name.contains(' ') {
        return Err(Failure::payload(whitespace));
    }
    let text = required(payload.text("Password")?, "Invalid password")?;
    let kept = call.database().kept_mut();
    if !kept.users.is_empty() {
        return Err(Failure::conflict("Unable to create administrator user")
            .because("An administrator user already exists"));
    }
    if is_short(&text, kept.settings.required_password_length) {
        return Err(Failure::bad_request(
            "Password does not meet the requirements",
        ));
    }
    let user = User {
        id: kept.next_id("users"),
        name,
        password: password::hash(&text)?,
        tokens_since: 0,
    };
    let document = shown(&user);
    kept.users.push(user);
    Reply::json(&document)
}

/// GET /api/users/me (P `api/http/handler/users/user_inspect_me.go:32`).
pub(crate) fn me(call: &mut Call<'_>) -> Answer {
    let force = call
        .caller
        .is_some_and(|caller| caller.force_change_password);
    let mut document = shown(find(call, caller(call))?);
    document["forceChangePassword"] = json!(force);
    Reply::json(&document)
}

/// GET /api/users/{id} (P `api/http/handler/users/user_inspect.go:30`).
pub(crate) fn inspect(call: &mut Call<'_>) -> Answer {
    let id = call.id(0, "user")?;
    Reply::json(&shown(find(call, id)?))
}

/// POST /api/users/{id}/tokens (P `api/http/handler/users/user_create_access_token.go:60`): with a
/// login alone, for oneself alone, with the password again, and counted as a login.
pub(crate) fn make_key(call: &mut Call<'_>) -> Answer {
    limited(call)?;
    let now = call.now();
    let signer = call.double.signer();
    if !bouncer::has_token(call.request, &call.inner.database, signer, now) {
        return Err(Failure::unauthorized("Auth not supported").because("Authentication required"));
    }
    let payload = call.payload()?;
    let description = payload.text("description")?.unwrap_or_default();
    check_description(&description)?;
    let id = call.id(0, "user")?;
    if id != caller(call) {
        let message = "Permission denied to create user access token";
        return Err(Failure::forbidden(message).because("Unauthorized"));
    }
    let text = required(
        payload.text("password")?,
        "invalid password: cannot be empty",
    )?;
    check_password(find(call, id)?, &text)?;
    let (raw, mut record) = api_key::make(id, &description, now)?;
    let kept = call.database().kept_mut();
    record.id = kept.next_id("api_keys");
    let document = json!({"rawAPIKey": raw, "apiKey": record});
    kept.api_keys.push(record);
    Reply::json_with(StatusCode::CREATED, &document)
}

/// GET /api/users/{id}/tokens (P `user_get_access_tokens.go:30`); digests are not shown.
pub(crate) fn keys(call: &mut Call<'_>) -> Answer {
    let id = call.id(0, "user")?;
    let own = call.inner.database.kept().api_keys.iter();
    let documents: Vec<Value> = own
        .filter(|key| key.user_id == id)
        .map(|key| {
            let mut document = json!(key);
            if let Some(fields) = document.as_object_mut() {
                fields.remove("digest");
            }
            document
        })
        .collect();
    Reply::json(&documents)
}

/// DELETE /api/users/{id}/tokens/{keyID} (P `user_remove_access_token.go:32`).
pub(crate) fn remove_key(call: &mut Call<'_>) -> Answer {
    let (user, id) = (call.id(0, "user")?, call.id(1, "api-key")?);
    let keys = &mut call.database().kept_mut().api_keys;
    let before = keys.len();
    keys.retain(|key| key.id != id || key.user_id != user);
    if keys.len() == before {
        let message = "Unable to find an api-key with the specified identifier inside the database";
        return Err(Failure::not_found(message));
    }
    Ok(Reply::empty())
}

/// PUT /api/users/{id}/passwd (P `user_update_password.go:50`), counted as a login. Every token
/// from before is void.
pub(crate) fn set_password(call: &mut Call<'_>) -> Answer {
    limited(call)?;
    let id = call.id(0, "user")?;
    let payload = call.payload()?;
    let old = required(payload.text("Password")?, "Invalid current password")?;
    let new = required(payload.text("NewPassword")?, "Invalid new password")?;
    check_password(find(call, id)?, &old)?;
    let now = call.now();
    let kept = call.database().kept_mut();
    if is_short(&new, kept.settings.required_password_length) {
        return Err(Failure::bad_request(
            "Password does not meet the minimum strength requirements",
        ));
    }
    let digest = password::hash(&new)?;
    for user in kept.users.iter_mut().filter(|user| user.id == id) {
        user.password.clone_from(&digest);
        user.tokens_since = now;
    }
    Ok(Reply::empty())
}

fn caller(call: &Call<'_>) -> u32 {
    call.caller.map_or(0, |caller| caller.user)
}

fn find<'a>(call: &'a Call<'_>, id: u32) -> Result<&'a User, Failure> {
    let mut users = call.inner.database.kept().users.iter();
    users.find(|user| user.id == id).ok_or_else(|| {
        Failure::not_found(
            "Unable to find a user with the specified identifier inside the database",
        )
    })
}

fn check_password(user: &User, text: &str) -> Result<(), Failure> {
    if password::matches(&user.password, text) {
        return Ok(());
    }
    Err(Failure::forbidden("Current password doesn't match")
        .because("Current password does not match the password provided. Please try again"))
}

fn check_description(text: &str) -> Result<(), Failure> {
    let wrong = |why| Err(Failure::payload(&format!("invalid description: {why}")));
    if text.is_empty() {
        return wrong("cannot be empty");
    }
    if text.trim().is_empty() {
        return wrong("cannot contain only whitespaces");
    }
    if text.chars().count() >= MAX_DESCRIPTION {
        return wrong("cannot be longer than 128 characters");
    }
    Ok(())
}

fn is_short(text: &str, least: u32) -> bool {
    text.len() < least as usize
}

fn shown(user: &User) -> Value {
    json!({
        "Id": user.id,
        "Username": user.name,
        "Role": 1,
        "TokenIssueAt": user.tokens_since,
        "ThemeSettings": {"color": ""},
        "UseCache": true,
    })
}
