//! Bearer authentication (RFC 6750): reads the `Authorization` header field, and writes the challenge of a refusal.
//!
//! How a token is verified is up to `auth/`; which calls need one, to the route table.

use crate::domain::{Scope, Scopes};
use crate::http::auth::bad_token::BadToken;
use crate::http::auth::caller::Caller;
use crate::http::auth::client_tokens::ClientTokens;
use crate::http::auth::token_verifier::TokenVerifier;
use crate::metrics::AuthFailure;
use http::{HeaderMap, HeaderValue, header};
use std::sync::{Arc, LazyLock};

/// Whether a call needs an access token.
#[derive(Clone)]
pub enum Auth {
    /// No call needs a token: everyone may do everything. Only with `--auth disabled`.
    Disabled,
    /// Every call needs a valid token.
    Required(Arc<TokenVerifier>),
}

/// Why a call was refused; the display is the detail of the problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The request has no token.
    #[error("an access token is required: send it as 'Authorization: Bearer <token>'")]
    NoToken,
    /// The token is not valid.
    #[error("{0}")]
    BadToken(BadToken),
    /// The token lacks the scope of the operation.
    #[error("this operation requires the scope {}, which the token does not have", .0.as_str())]
    ScopeLacking(Scope),
    /// The token cannot be verified for now.
    #[error(
        "the token cannot be verified while the keys of its issuer, or the clients, cannot be read"
    )]
    Unverifiable,
}

static ANONYMOUS: LazyLock<Caller> = LazyLock::new(|| Caller {
    client: "anonymous".into(),
    scopes: Scopes::all(),
});

impl Auth {
    /// Whether tokens can be verified.
    pub fn is_ready(&self) -> bool {
        match self {
            Self::Disabled => true,
            Self::Required(verifier) => verifier.is_ready(),
        }
    }

    /// The caller of a request with these header fields. `may_ask`, called for a token that is not remembered, says whether
    /// its issuer may be asked for a key that is not known.
    ///
    /// # Errors
    /// When a token is required and there is no valid one.
    pub async fn caller(
        &self,
        headers: &HeaderMap,
        may_ask: impl FnOnce() -> bool,
    ) -> Result<Caller, Refusal> {
        let Self::Required(verifier) = self else {
            return Ok(ANONYMOUS.clone());
        };
        let token = bearer_token(headers)?;
        if let Some(caller) = verifier.recall(token) {
            return Ok(caller);
        }
        let token = str::from_utf8(token).map_err(|_| Refusal::BadToken(BadToken::Malformed))?;
        if ClientTokens::is_one(token) {
            if !may_ask() {
                return Err(Refusal::BadToken(BadToken::UnknownClientToken));
            }
            let found = Box::pin(verifier.client_tokens().verify(token)).await;
            return found.map_err(|bad| match bad {
                BadToken::IssuerAway => Refusal::Unverifiable,
                bad => Refusal::BadToken(bad),
            });
        }
        if !may_ask() {
            return verifier
                .verify_by_known_keys(token)
                .map_err(Refusal::BadToken);
        }
        // Boxed, so that the many requests whose token is remembered carry no room for this.
        Box::pin(verifier.verify(token))
            .await
            .map_err(|bad| match bad {
                BadToken::IssuerAway => Refusal::Unverifiable,
                bad => Refusal::BadToken(bad),
            })
    }
}

impl Caller {
    /// # Errors
    /// When the caller does not have `scope`.
    pub fn require(&self, scope: Scope) -> Result<(), Refusal> {
        if self.scopes.contains(scope) {
            Ok(())
        } else {
            Err(Refusal::ScopeLacking(scope))
        }
    }
}

impl Refusal {
    /// The word for it in the log and the metrics.
    pub(super) fn reason(self) -> AuthFailure {
        match self {
            Self::NoToken => AuthFailure::NoToken,
            Self::BadToken(bad) => bad.reason(),
            Self::ScopeLacking(_) => AuthFailure::ScopeLacking,
            Self::Unverifiable => AuthFailure::IssuerAway,
        }
    }

    /// The challenge for `WWW-Authenticate` (RFC 6750, 3); `None` when another token would not help.
    pub fn challenge(self) -> Option<HeaderValue> {
        let text = match self {
            // RFC 6750, 3.1: no error code for a request without authentication.
            Self::NoToken => r#"Bearer realm="roster""#.to_owned(),
            Self::BadToken(bad) => format!(
                r#"Bearer realm="roster", error="invalid_token", error_description="{bad}""#
            ),
            Self::ScopeLacking(scope) => {
                format!(
                    r#"Bearer realm="roster", error="insufficient_scope", scope="{}""#,
                    scope.as_str()
                )
            }
            Self::Unverifiable => return None,
        };
        HeaderValue::try_from(text).ok()
    }
}

/// The token of the one `Authorization` field with the scheme `Bearer`.
fn bearer_token(headers: &HeaderMap) -> Result<&[u8], Refusal> {
    let mut fields = headers.get_all(header::AUTHORIZATION).iter();
    let field = fields.next().ok_or(Refusal::NoToken)?;
    let malformed = Refusal::BadToken(BadToken::Malformed);
    if fields.next().is_some() {
        return Err(malformed);
    }
    let (scheme, mut token) = field
        .as_bytes()
        .split_at_checked(7)
        .ok_or(Refusal::NoToken)?;
    if !scheme.eq_ignore_ascii_case(b"Bearer ") {
        return Err(Refusal::NoToken);
    }
    while let [b' ', rest @ ..] | [rest @ .., b' '] = token {
        token = rest;
    }
    if token.is_empty() {
        Err(malformed)
    } else {
        Ok(token)
    }
}

#[cfg(test)]
mod tests {
    use super::{Auth, Refusal};
    use crate::domain::Scope;
    use crate::http::auth::bad_token::BadToken;
    use crate::http::auth::signing_keys::{KeyKind, SigningKeys, generate};
    use crate::http::auth::token_verifier::{OwnTokens, TokenVerifier};
    use crate::http::auth::trusted_keys::unix_now;
    use crate::metrics::{BuildInfo, Metrics};
    use http::{HeaderMap, header};
    use serde_json::json;

    #[tokio::test]
    async fn a_caller_is_read_from_exactly_one_bearer_field() {
        let keys = SigningKeys::from_pem(generate(KeyKind::Ed25519).unwrap().as_bytes()).unwrap();
        let own = OwnTokens {
            issuer: "roster".into(),
            audience: "users".into(),
        };
        let build = BuildInfo {
            version: "0",
            revision: "0",
        };
        let metrics = Metrics::new(&["/"], build).unwrap();
        let auth = Auth::Required(TokenVerifier::new(own, Some(&keys), None, metrics));
        let claims = json!({"iss": "roster", "aud": "users", "sub": "billing", "scope": "users:read", "exp": unix_now() + 600});
        let token = keys.sign(&claims).unwrap();
        let caller = |fields: Vec<String>| {
            let mut headers = HeaderMap::new();
            for field in fields {
                headers.append(header::AUTHORIZATION, field.parse().unwrap());
            }
            let auth = auth.clone();
            async move { auth.caller(&headers, || true).await }
        };
        assert!(caller(vec![format!("Bearer {token}")]).await.is_ok());
        assert!(caller(vec![format!("bearer  {token}")]).await.is_ok());
        assert_eq!(caller(vec![]).await, Err(Refusal::NoToken));
        assert_eq!(
            caller(vec!["Basic eDp5".into()]).await,
            Err(Refusal::NoToken)
        );
        assert_eq!(caller(vec!["Bearer".into()]).await, Err(Refusal::NoToken));
        assert_eq!(caller(vec![token.clone()]).await, Err(Refusal::NoToken));
        let malformed = Err(Refusal::BadToken(BadToken::Malformed));
        assert_eq!(caller(vec!["Bearer ".into()]).await, malformed);
        assert_eq!(caller(vec!["Bearer \u{e4}.b.c".into()]).await, malformed);
        assert_eq!(
            caller(vec![format!("Bearer {token}"), format!("Bearer {token}")]).await,
            malformed
        );
        let reader = caller(vec![format!("Bearer {token}")]).await.unwrap();
        assert_eq!(reader.require(Scope::UsersRead), Ok(()));
        let lacking = reader.require(Scope::UsersWrite).unwrap_err();
        let challenge = lacking.challenge().unwrap();
        assert_eq!(
            challenge,
            r#"Bearer realm="roster", error="insufficient_scope", scope="users:write""#
        );
    }
}
