//! The token endpoint (client credentials, RFC 6749 §4.4) and the key set that verifies its tokens.
//!
//! Reads requests and writes responses; `auth/token_issuer.rs` makes the tokens.

use super::oauth_error::OauthError;
use super::service::Service;
use crate::domain::{ApiClient, ClientId, DirectoryError, Scope, Scopes, UserStore};
use crate::http::answer::{Answer, json as json_answer};
use crate::http::call::Call;
use crate::http::edge::failure_limit::Attempt;
use crate::http::problem::{Problem, ProblemKind};
use crate::http::read_request::require_acceptable;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, PRAGMA};
use http::{HeaderMap, HeaderValue};
use percent_encoding::percent_decode_str;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

const FORM: &str = "application/x-www-form-urlencoded";

/// How long a client's secret waits to be checked while others are; then 503.
const TURN_TIMEOUT: Duration = Duration::from_secs(1);

/// Whom a token was issued to: in the extensions of the answer, for the access log.
#[derive(Clone)]
pub(in crate::http) struct IssuedTo(Arc<str>);

impl IssuedTo {
    /// The client that got a token by this answer.
    pub(in crate::http) fn of(answer: &Answer) -> Option<&str> {
        answer.extensions().get().map(|Self(id)| &**id)
    }
}

/// Issues an access token to a registered client (RFC 6749 §4.4).
pub(super) async fn issue<S: UserStore>(
    service: &Service<S>,
    call: &Call,
) -> Result<Answer, Problem> {
    require_acceptable(call.headers(), "application/json")?;
    require_form(call.headers())?;
    let credentials = basic_credentials(call.headers())?;
    let form = Form::read(&call.body)?;
    if form.client_secret {
        return Err(OauthError::InvalidRequest
            .with_detail("send the secret by HTTP Basic, not in the body"));
    }
    let grant = form
        .grant_type
        .ok_or_else(|| OauthError::InvalidRequest.with_detail("grant_type is missing"))?;
    if grant != "client_credentials" {
        return Err(OauthError::UnsupportedGrantType
            .with_detail("the only supported grant type is client_credentials"));
    }
    let tokens = &service.tokens;
    let keys = tokens.keys().ok_or_else(|| {
        OauthError::UnsupportedGrantType
            .with_detail("this service does not issue tokens: request one from its OIDC issuer")
    })?;
    let (id, secret) = credentials.ok_or_else(|| {
        OauthError::InvalidClient.with_detail("send the client's id and secret as HTTP Basic")
    })?;
    let client = authenticated(service, call, &id, secret).await?;
    let scopes = match &form.scope {
        None => client.scopes,
        Some(names) => granted(names, client.scopes)?,
    };
    let token = tokens
        .issue(&keys, &client, scopes, service.source.now().unix_seconds())
        .map_err(|error| Problem::from(DirectoryError::Internal(Box::new(error))))?;
    let document = json!({
        "access_token": token,
        "token_type": "Bearer",
        "expires_in": tokens.lifetime_s,
        "scope": scopes.to_string(),
    });
    let mut answer = json_answer(document.to_string());
    answer
        .extensions_mut()
        .insert(IssuedTo(client.id.as_str().into()));
    // RFC 6749 §5.1 requires it beside Cache-Control, for caches of HTTP/1.0.
    answer
        .headers_mut()
        .insert(PRAGMA, HeaderValue::from_static("no-cache"));
    Ok(answer)
}

/// The client, once its secret is verified: a secret that comes after too many wrong ones is not looked at.
async fn authenticated<S: UserStore>(
    service: &Service<S>,
    call: &Call,
    id: &str,
    secret: String,
) -> Result<ApiClient, Problem> {
    // What is not an id has no count of its own, so that the table holds none of it.
    let attempt = match ClientId::parse(id) {
        Some(id) => Attempt::by_secret(call.address, id.as_str()),
        None => Attempt::by_token(call.address),
    };
    if let Some(limit) = &service.failures {
        limit.admit(&attempt)?;
    }
    let patience = tokio::time::sleep(TURN_TIMEOUT);
    let client = service.tokens.clients.authenticate(id, secret, patience);
    let client = client.await?;
    if let Some(limit) = &service.failures {
        match client {
            Some(_) => limit.succeeded(&attempt),
            None => limit.failed(&attempt),
        }
    }
    client.ok_or_else(|| {
        OauthError::InvalidClient
            .with_detail("the client is unknown or revoked, or the secret is wrong")
    })
}

/// Reads the key set (RFC 7517) that verifies the tokens of [`issue`].
pub(super) async fn keys<S: UserStore>(
    service: &Service<S>,
    call: &Call,
) -> Result<Answer, Problem> {
    require_acceptable(call.headers(), "application/json")?;
    let none = || Bytes::from_static(br#"{"keys":[]}"#);
    let keys = service.tokens.keys();
    Ok(json_answer(keys.map_or_else(none, |keys| keys.jwks())))
}

fn require_form(headers: &HeaderMap) -> Result<(), Problem> {
    let media_type = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or("");
    let essence = media_type.split(';').next().unwrap_or("").trim();
    if essence.eq_ignore_ascii_case(FORM) {
        return Ok(());
    }
    let problem = ProblemKind::UnsupportedMediaType
        .with_detail("the body must be application/x-www-form-urlencoded");
    Err(problem
        .with_member("error", "invalid_request")
        .with_header(ACCEPT, HeaderValue::from_static(FORM)))
}

/// Id and secret from HTTP Basic, each form-encoded (RFC 6749 §2.3.1).
fn basic_credentials(headers: &HeaderMap) -> Result<Option<(String, String)>, Problem> {
    let malformed =
        || OauthError::InvalidClient.with_detail("the Authorization field is not valid HTTP Basic");
    let mut fields = headers.get_all(AUTHORIZATION).iter();
    let Some(field) = fields.next() else {
        return Ok(None);
    };
    let text = field
        .to_str()
        .ok()
        .filter(|_| fields.next().is_none())
        .ok_or_else(malformed)?;
    let (scheme, encoded) = text.split_once(' ').ok_or_else(malformed)?;
    if !scheme.eq_ignore_ascii_case("Basic") {
        return Err(malformed());
    }
    let decoded = STANDARD.decode(encoded.trim()).map_err(|_| malformed())?;
    let decoded = String::from_utf8(decoded).map_err(|_| malformed())?;
    let (id, secret) = decoded.split_once(':').ok_or_else(malformed)?;
    Ok(Some((
        form_decoded(id).ok_or_else(malformed)?,
        form_decoded(secret).ok_or_else(malformed)?,
    )))
}

/// The parameters of the form that are used.
#[derive(Default)]
struct Form {
    grant_type: Option<String>,
    scope: Option<String>,
    /// Whether a secret was sent in the body.
    client_secret: bool,
}

/// Whether the body is a form that a token can be requested by.
#[cfg(any(test, fuzzing))]
pub(super) fn is_form(body: &[u8]) -> bool {
    Form::read(body).is_ok()
}

impl Form {
    fn read(body: &[u8]) -> Result<Self, Problem> {
        let malformed = || {
            OauthError::InvalidRequest
                .with_detail("the body is not valid application/x-www-form-urlencoded")
        };
        let text = std::str::from_utf8(body).map_err(|_| malformed())?;
        let mut form = Self::default();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = form_decoded(name).ok_or_else(malformed)?;
            let value = form_decoded(value).ok_or_else(malformed)?;
            // RFC 6749 §3.2: a parameter without a value counts as omitted, an unknown one is ignored.
            if value.is_empty() {
                continue;
            }
            let slot = match name.as_str() {
                "grant_type" => &mut form.grant_type,
                "scope" => &mut form.scope,
                "client_secret" => {
                    form.client_secret = true;
                    continue;
                }
                _ => continue,
            };
            if slot.replace(value).is_some() {
                return Err(OauthError::InvalidRequest.with_detail("a parameter occurs twice"));
            }
        }
        Ok(form)
    }
}

fn form_decoded(text: &str) -> Option<String> {
    let spaced = text.replace('+', " ");
    percent_decode_str(&spaced)
        .decode_utf8()
        .ok()
        .map(std::borrow::Cow::into_owned)
}

/// The requested scopes, if all of them are allowed for the client.
fn granted(names: &str, allowed: Scopes) -> Result<Scopes, Problem> {
    let asked: Option<Scopes> = names
        .split(' ')
        .filter(|name| !name.is_empty())
        .map(Scope::parse)
        .collect();
    asked
        .filter(|asked| !asked.is_empty() && allowed.contains_all(*asked))
        .ok_or_else(|| {
            OauthError::InvalidScope
                .with_detail("a scope is unknown or not allowed for this client")
        })
}

#[cfg(test)]
mod tests {
    use super::{Form, basic_credentials, granted};
    use crate::domain::{Scope, Scopes};
    use http::{HeaderMap, header};

    #[test]
    fn credentials_are_decoded_as_rfc_6749_encodes_them() {
        let read = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::AUTHORIZATION, value.parse().unwrap());
            basic_credentials(&headers).ok().flatten()
        };
        // "a%2Eb:s+e%25" in base64.
        assert_eq!(
            read("Basic YSUyRWI6cytlJTI1"),
            Some(("a.b".into(), "s e%".into()))
        );
        assert_eq!(read("basic YTpi"), Some(("a".into(), "b".into())));
        for bad in [
            "Basic",
            "Basic !!!",
            "Basic YQ==",
            "Bearer YTpi",
            "Basic /zpi",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_form_gives_each_parameter_once() {
        let form =
            Form::read(b"grant_type=client_credentials&scope=users%3Aread+users:write&x=y&z=")
                .ok()
                .unwrap();
        assert_eq!(form.grant_type.as_deref(), Some("client_credentials"));
        assert_eq!(form.scope.as_deref(), Some("users:read users:write"));
        assert!(Form::read(b"grant_type=a&grant_type=b").is_err());
        assert!(Form::read(b"grant_type=%ff").is_err());
        assert!(Form::read(b"\xff").is_err());
        assert!(Form::read(b"scope=").ok().unwrap().scope.is_none());
    }

    #[test]
    fn no_scope_is_granted_that_the_client_may_not_have() {
        let read: Scopes = [Scope::UsersRead].into_iter().collect();
        assert_eq!(granted("users:read", Scopes::all()).ok(), Some(read));
        assert!(granted("users:read users:write", read).is_err());
        assert!(granted("users:admin", Scopes::all()).is_err());
        assert!(granted(" ", Scopes::all()).is_err());
    }
}
