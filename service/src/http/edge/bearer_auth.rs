//! Who calls, and whether it may: reads the `Authorization` header, and says what a refused client is told (RFC 6750).
//!
//! How tokens are verified is the business of `token_verifier`; when this is asked, that of the edge.

use crate::domain::{Scope, Scopes};
use crate::http::auth::token_verifier::{Caller, TokenVerifier};
use crate::http::auth::trusted_keys::BadToken;
use http::{HeaderMap, HeaderValue, header};
use std::sync::{Arc, LazyLock};

/// Whether callers have to prove themselves.
#[derive(Clone)]
pub enum Auth {
    /// Everybody may do everything; only asked for by name.
    Disabled,
    /// Every call needs a good token.
    Required(Arc<TokenVerifier>),
}

/// Why a call was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It brought no token.
    #[error("this call needs an access token: send it as 'Authorization: Bearer <token>'")]
    NoToken,
    /// Its token is not good.
    #[error("{0}")]
    BadToken(BadToken),
    /// Its token does not allow this.
    #[error("this call needs the scope {}, which the token does not have", .0.as_str())]
    ScopeLacking(Scope),
    /// Whether its token is good cannot be told for the time being.
    #[error("the token cannot be verified while its issuer does not answer")]
    Unverifiable,
}

static ANYBODY: LazyLock<Caller> = LazyLock::new(|| Caller {
    client: "anonymous".into(),
    scopes: Scopes::all(),
});

impl Auth {
    /// Whether tokens can be verified by now.
    pub fn is_ready(&self) -> bool {
        match self {
            Self::Disabled => true,
            Self::Required(verifier) => verifier.is_ready(),
        }
    }

    /// Who sends a request with these headers.
    ///
    /// # Errors
    /// When it brings no good token and needs one.
    pub async fn caller(&self, headers: &HeaderMap) -> Result<Caller, Refusal> {
        let Self::Required(verifier) = self else {
            return Ok(ANYBODY.clone());
        };
        let token = bearer_token(headers)?;
        if let Some(caller) = verifier.recall(token) {
            return Ok(caller);
        }
        let token = str::from_utf8(token).map_err(|_| Refusal::BadToken(BadToken::Malformed))?;
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
    /// Refuses when `scope` is not among what the caller may do.
    ///
    /// # Errors
    /// When it is not.
    pub fn require(&self, scope: Scope) -> Result<(), Refusal> {
        if self.scopes.contains(scope) {
            Ok(())
        } else {
            Err(Refusal::ScopeLacking(scope))
        }
    }
}

impl Refusal {
    /// The `WWW-Authenticate` field that goes with it.
    pub fn challenge(self) -> Option<HeaderValue> {
        let text = match self {
            // RFC 6750: who sent nothing is told no error.
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
