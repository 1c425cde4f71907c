//! The claims of a token (RFC 7519, 9068): what they must say, who the caller is, what it may do.
//!
//! Must not know keys or signatures: it judges claims whose signature has been verified.

use super::bad_token::BadToken;
use super::caller::Caller;
use crate::domain::{Scope, Scopes};
use serde::Deserialize;
use std::sync::Arc;

/// The difference between two clocks that is tolerated, in seconds.
const LEEWAY_S: f64 = 30.0;
/// The longest subject: what OpenID Connect allows.
const MAX_SUBJECT_BYTES: usize = 255;

/// Where an issuer's tokens name what they allow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScopeClaims {
    /// The claims that are read, such as `scope`, `scp`, `roles` or `permissions`: a string with spaces, or a list.
    pub names: Vec<String>,
    /// What stands before each scope, such as `roster/` of a resource server; scopes without it are ignored.
    pub prefix: String,
}

impl Default for ScopeClaims {
    /// `scope` (RFC 8693, RFC 9068) and `scp`, as several issuers call it.
    fn default() -> Self {
        Self {
            names: vec!["scope".into(), "scp".into()],
            prefix: String::new(),
        }
    }
}

/// What the claims of a token must say, and how they are read.
#[derive(Clone, Debug)]
pub(super) struct Expected {
    pub(super) issuer: Arc<str>,
    pub(super) audience: Arc<str>,
    pub(super) scope_claims: Arc<ScopeClaims>,
    /// Whether they are Roster's own access tokens, which are held to all of RFC 9068: `typ` is `at+jwt`, and `sub` is there.
    /// Many issuers write `JWT`, and name the client in other claims.
    pub(super) is_own: bool,
    /// Put before the subject, so that two issuers' subjects are never the same client.
    pub(super) client_prefix: &'static str,
}

/// The claims that are looked at. Those of scopes are read by their configured names.
#[derive(Deserialize)]
pub(super) struct Claims {
    // Optional, so that a missing claim is reported as such; of one type, so that any other form is refused.
    iss: Option<String>,
    aud: Option<Names>,
    exp: Option<f64>,
    nbf: Option<f64>,
    sub: Option<String>,
    client_id: Option<String>,
    azp: Option<String>,
    #[serde(flatten)]
    others: serde_json::Map<String, serde_json::Value>,
}

/// One string, or a list of them.
#[derive(Deserialize)]
#[serde(untagged)]
enum Names {
    One(String),
    Several(Vec<String>),
}

impl Claims {
    /// The caller, and the last second in which the token is valid, leeway included.
    pub(super) fn judge(self, expected: &Expected, now: u64) -> Result<(Caller, u64), BadToken> {
        let (Some(expires), Some(issuer), Some(audience)) = (self.exp, &self.iss, &self.aud) else {
            return Err(BadToken::BadClaims);
        };
        if expires < 0.0 || self.nbf.is_some_and(|nbf| nbf < 0.0) {
            return Err(BadToken::BadClaims);
        }
        #[expect(
            clippy::cast_precision_loss,
            reason = "exact for the next hundred million years"
        )]
        let now = now as f64;
        if expires < now - LEEWAY_S {
            return Err(BadToken::Expired);
        }
        if self.nbf.is_some_and(|nbf| nbf > now + LEEWAY_S) {
            return Err(BadToken::NotYet);
        }
        if **issuer != *expected.issuer {
            return Err(BadToken::WrongIssuer);
        }
        if !audience.contains(&expected.audience) {
            return Err(BadToken::WrongAudience);
        }
        let caller = self.caller(expected).ok_or(BadToken::BadClaims)?;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "not negative, and a cast saturates"
        )]
        let ends_at = (expires + LEEWAY_S) as u64;
        Ok((caller, ends_at))
    }

    fn caller(&self, expected: &Expected) -> Option<Caller> {
        let others = [&self.client_id, &self.azp].into_iter();
        let others = others.filter(|_| !expected.is_own);
        let mut named = std::iter::once(&self.sub).chain(others);
        let subject = named.find_map(Option::as_deref)?;
        let usable = (1..=MAX_SUBJECT_BYTES).contains(&subject.len())
            && !subject.chars().any(char::is_control);
        usable.then(|| Caller {
            client: format!("{}{subject}", expected.client_prefix).into(),
            scopes: self.scopes(&expected.scope_claims),
        })
    }

    /// The scopes that mean something here; an issuer may grant others for other services.
    fn scopes(&self, claims: &ScopeClaims) -> Scopes {
        let scope = |name: &str| Scope::parse(name.strip_prefix(claims.prefix.as_str())?);
        let mut scopes = Vec::new();
        for value in claims.names.iter().filter_map(|name| self.others.get(name)) {
            match value {
                serde_json::Value::String(text) => scopes.extend(text.split(' ').filter_map(scope)),
                serde_json::Value::Array(list) => {
                    let names = list.iter().filter_map(serde_json::Value::as_str);
                    scopes.extend(names.filter_map(scope));
                }
                _ => {}
            }
        }
        scopes.into_iter().collect()
    }
}

impl Names {
    fn contains(&self, name: &str) -> bool {
        match self {
            Self::One(one) => one == name,
            Self::Several(list) => list.iter().any(|one| one == name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Claims, Expected, ScopeClaims};
    use crate::domain::{Scope, Scopes};
    use serde_json::{Value, json};
    use std::sync::Arc;

    fn scopes_of(claims: &Value, names: &[&str], prefix: &str) -> Scopes {
        let expected = Expected {
            issuer: "i".into(),
            audience: "a".into(),
            scope_claims: Arc::new(ScopeClaims {
                names: names.iter().map(ToString::to_string).collect(),
                prefix: prefix.into(),
            }),
            is_own: false,
            client_prefix: "",
        };
        let mut all = json!({"iss": "i", "aud": "a", "exp": 10, "sub": "s"});
        for (name, value) in claims.as_object().unwrap() {
            all[name] = value.clone();
        }
        let claims: Claims = serde_json::from_value(all).unwrap();
        claims.judge(&expected, 5).unwrap().0.scopes
    }

    #[test]
    fn scopes_are_read_from_the_claims_that_are_configured() {
        let read: Scopes = [Scope::UsersRead].into_iter().collect();
        let none: Scopes = [].into_iter().collect();
        let all: Scopes = [Scope::UsersRead, Scope::UsersWrite].into_iter().collect();
        let roles = json!({"roles": ["users:read", "other"]});
        assert_eq!(scopes_of(&roles, &["roles"], ""), read);
        assert_eq!(scopes_of(&roles, &["scope", "scp"], ""), none);
        let permissions = json!({"permissions": ["users:read", "users:write"]});
        assert_eq!(scopes_of(&permissions, &["permissions"], ""), all);
        let prefixed = json!({"scope": "openid roster/users:read users:write"});
        assert_eq!(scopes_of(&prefixed, &["scope"], "roster/"), read);
        let both = json!({"scp": "users:read", "roles": ["users:write"]});
        assert_eq!(scopes_of(&both, &["scp", "roles"], ""), all);
        assert_eq!(scopes_of(&json!({"roles": 7}), &["roles"], ""), none);
    }
}
