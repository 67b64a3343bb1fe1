//! Login tokens: HS256, signed with a key that no other process has (P `api/jwt/jwt.go:57`).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use serde_json::{Value, json};

use crate::error::Error;
use crate::random;
use crate::store::records::User;

/// Signs and checks tokens.
#[derive(Debug)]
pub(crate) struct Signer {
    key: hmac::Key,
}

/// What a token says, once it is proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Claims {
    /// Whose it is.
    pub(crate) user: u32,
    /// When it was made, in seconds since 1970.
    pub(crate) issued_at: i64,
    /// Whether the password was too short.
    pub(crate) force_change_password: bool,
}

impl Signer {
    /// A signer with a key of its own.
    pub(crate) fn new() -> Result<Self, Error> {
        Ok(Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, &random::bytes::<32>()?),
        })
    }

    /// A token for the administrator that is good until `expires`.
    pub(crate) fn sign(
        &self,
        user: &User,
        now: i64,
        expires: i64,
        force_change_password: bool,
    ) -> Result<String, Error> {
        let header = json!({"alg": "HS256", "typ": "JWT"});
        let claims = json!({
            "id": user.id,
            "username": user.name,
            "role": 1,
            "scope": "default",
            "forceChangePassword": force_change_password,
            "exp": expires,
            "iat": now,
            "jti": random::uuid()?,
        });
        let signed = format!("{}.{}", encoded(&header), encoded(&claims));
        let signature = hmac::sign(&self.key, signed.as_bytes());
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    /// What the token says, if this process signed it and it is still good.
    pub(crate) fn verify(&self, token: &str, now: i64) -> Option<Claims> {
        let (signed, signature) = token.rsplit_once('.')?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        hmac::verify(&self.key, signed.as_bytes(), &signature).ok()?;
        let (_, claims) = signed.split_once('.')?;
        let claims = URL_SAFE_NO_PAD.decode(claims).ok()?;
        let claims: Value = serde_json::from_slice(&claims).ok()?;
        if now >= claims["exp"].as_i64()? {
            return None;
        }
        Some(Claims {
            user: u32::try_from(claims["id"].as_u64()?).ok()?,
            issued_at: claims["iat"].as_i64()?,
            force_change_password: claims["forceChangePassword"].as_bool()?,
        })
    }
}

fn encoded(document: &Value) -> String {
    URL_SAFE_NO_PAD.encode(document.to_string())
}

#[cfg(test)]
mod tests {
    use super::Signer;
    use crate::store::records::User;

    fn admin() -> User {
        User {
            id: 1,
            name: "admin".to_owned(),
            password: String::new(),
            tokens_since: 0,
        }
    }

    #[test]
    fn a_token_is_good_until_it_expires_and_in_this_process_alone() {
        let signer = Signer::new().unwrap();
        let token = signer.sign(&admin(), 100, 200, false).unwrap();
        assert_eq!(signer.verify(&token, 199).unwrap().user, 1);
        assert!(signer.verify(&token, 200).is_none());
        assert!(Signer::new().unwrap().verify(&token, 199).is_none());
    }

    #[test]
    fn a_token_with_other_claims_is_no_token() {
        let signer = Signer::new().unwrap();
        let one = signer.sign(&admin(), 100, 200, false).unwrap();
        let other = signer.sign(&admin(), 100, 900, false).unwrap();
        let parts: Vec<_> = one.split('.').zip(other.split('.')).collect();
        let forged = format!("{}.{}.{}", parts[0].0, parts[1].1, parts[2].0);
        assert!(signer.verify(&forged, 150).is_none());
        assert!(signer.verify("", 150).is_none());
    }
}
