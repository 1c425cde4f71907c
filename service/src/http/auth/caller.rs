//! Who sent a token, once it is verified.

use crate::domain::Scopes;
use std::sync::Arc;

/// The client that a token was issued to, and what it may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The client's id; of an OIDC issuer's token, `oidc:` and the subject.
    pub client: Arc<str>,
    /// The scopes of the token.
    pub scopes: Scopes,
}
