//! Passwords. A salted digest is enough for a double; the original uses bcrypt.

use ring::digest::{Context, SHA256};

use crate::error::Error;
use crate::random;

/// What is kept of a password: salt and digest.
pub(crate) fn hash(password: &str) -> Result<String, Error> {
    let salt = random::hex(&random::bytes::<8>()?);
    Ok(format!("{salt}:{}", digest(&salt, password)))
}

/// Whether this is the password that `kept` was made from.
pub(crate) fn matches(kept: &str, password: &str) -> bool {
    kept.split_once(':')
        .is_some_and(|(salt, sum)| digest(salt, password) == sum)
}

fn digest(salt: &str, password: &str) -> String {
    let mut context = Context::new(&SHA256);
    context.update(salt.as_bytes());
    context.update(password.as_bytes());
    random::hex(context.finish().as_ref())
}

#[cfg(test)]
mod tests {
    use super::{hash, matches};

    #[test]
    fn a_password_matches_its_own_digest_alone() {
        let kept = hash("correct horse").unwrap();
        assert!(matches(&kept, "correct horse"));
        assert!(!matches(&kept, "correct horsf"));
        assert!(!matches("", ""));
    }
}
