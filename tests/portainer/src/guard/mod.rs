//! Who is let in: forged requests (`csrf`), credentials (`bouncer`, `jwt`, `password`, `api_key`)
//! and too many logins (`limiter`).

pub(crate) mod api_key;
pub(crate) mod bouncer;
pub(crate) mod csrf;
pub(crate) mod jwt;
pub(crate) mod limiter;
pub(crate) mod password;
