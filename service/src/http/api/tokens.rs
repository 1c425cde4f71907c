//! The service's own tokens: `POST /oauth/token` (client credentials, RFC 6749 §4.4) and the keys to verify them with.

use super::openapi::{KeySet, TokenRequest, TokenResponse};
use super::users::JSON;
use crate::domain::{ApiClient, ClientRegistry, DirectoryError, Scope, Scopes, UserStore};
use crate::http::auth::signing_keys::{SigningKeyError, SigningKeys};
use crate::http::auth::token_verifier::OwnTokens;
use crate::http::problem::{Problem, ProblemKind};
use crate::http::read_request::{body_of, demand_acceptable};
use crate::http::{Answer, Request, Service};
use arc_swap::ArcSwapOption;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, PRAGMA, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, Response};
use http_body_util::Full;
use percent_encoding::percent_decode_str;
use serde::Serialize;
use serde_json::json;
use std::sync::Arc;
use uuid::Uuid;

const FORM: &str = "application/x-www-form-urlencoded";

/// Issues the service's own tokens.
pub struct TokenIssuer {
    /// Who may have one.
    pub clients: ClientRegistry,
    /// What they say.
    pub own: OwnTokens,
    /// How long they live, in seconds.
    pub lifetime_s: u32,
    keys: ArcSwapOption<SigningKeys>,
}

/// The claims of RFC 9068.
#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    aud: &'a str,
    sub: &'a str,
    client_id: &'a str,
    scope: String,
    iat: i64,
    exp: i64,
    jti: Uuid,
}

impl TokenIssuer {
    /// Issues tokens signed by `keys`; without them, none.
    pub fn new(
        clients: ClientRegistry,
        own: OwnTokens,
        lifetime_s: u32,
        keys: Option<Arc<SigningKeys>>,
    ) -> Self {
        Self {
            clients,
            own,
            lifetime_s,
            keys: ArcSwapOption::new(keys),
        }
    }

    /// Signs with other keys from now on.
    pub fn set_keys(&self, keys: Arc<SigningKeys>) {
        self.keys.store(Some(keys));
    }

    /// A token for `client` with these scopes.
    ///
    /// # Errors
    /// When the library fails.
    fn issue(
        &self,
        keys: &SigningKeys,
        client: &ApiClient,
        scopes: Scopes,
        now_s: i64,
    ) -> Result<String, SigningKeyError> {
        keys.sign(&Claims {
            iss: &self.own.issuer,
            aud: &self.own.audience,
            sub: client.id.as_str(),
            client_id: client.id.as_str(),
            scope: scopes.to_string(),
            iat: now_s,
            exp: now_s + i64::from(self.lifetime_s),
            jti: Uuid::now_v7(),
        })
    }
}

/// The members `error` of RFC 6749 §5.2.
#[derive(Clone, Copy)]
enum OauthError {
    InvalidRequest,
    InvalidClient,
    UnsupportedGrantType,
    InvalidScope,
}

impl OauthError {
    fn with_detail(self, detail: &'static str) -> Problem {
        let (kind, error) = match self {
            Self::InvalidRequest => (ProblemKind::MalformedRequest, "invalid_request"),
            Self::InvalidClient => (ProblemKind::Unauthorized, "invalid_client"),
            Self::UnsupportedGrantType => (ProblemKind::MalformedRequest, "unsupported_grant_type"),
            Self::InvalidScope => (ProblemKind::MalformedRequest, "invalid_scope"),
        };
        let problem = kind
            .with_detail(detail)
            .with_member("error", error)
            .with_member("error_description", detail);
        match self {
            Self::InvalidClient => problem.with_header(
                WWW_AUTHENTICATE,
                HeaderValue::from_static(r#"Basic realm="roster", charset="UTF-8""#),
            ),
            _ => problem,
        }
    }
}

/// The problem with the member `error` that clients of RFC 6749 look for, whoever found it.
pub(in crate::http) fn with_oauth_error(problem: &Problem) -> Problem {
    let problem = problem.clone();
    if problem.has_member("error") {
        return problem;
    }
    // The last two are those of RFC 6749 §4.1.2.1: §5.2 has none for a server that fails.
    let error = match problem.kind {
        ProblemKind::Internal => "server_error",
        ProblemKind::Unavailable => "temporarily_unavailable",
        _ => "invalid_request",
    };
    problem.with_member("error", error)
}

/// `POST /oauth/token`
#[utoipa::path(post, path = "/oauth/token", tag = "tokens", operation_id = "issueToken", security(("client" = [])),
    request_body(content = TokenRequest, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, description = "A token with the scopes that were asked for, or all of the client's", body = TokenResponse)))]
pub(super) async fn issue<S: UserStore>(
    service: Arc<Service<S>>,
    request: Request,
) -> Result<Answer, Problem> {
    demand_acceptable(request.headers(), "application/json")?;
    demand_form(request.headers())?;
    let credentials = basic_credentials(request.headers())?;
    let form = Form::read(&body_of(request).await)?;
    if form.client_secret {
        return Err(OauthError::InvalidRequest
            .with_detail("a secret belongs into HTTP Basic, never into the body"));
    }
    let grant = form
        .grant_type
        .ok_or_else(|| OauthError::InvalidRequest.with_detail("grant_type is missing"))?;
    if grant != "client_credentials" {
        return Err(OauthError::UnsupportedGrantType
            .with_detail("the one grant type here is client_credentials"));
    }
    let tokens = &service.tokens;
    let keys = tokens.keys.load_full().ok_or_else(|| {
        OauthError::UnsupportedGrantType.with_detail(
            "this service issues no tokens of its own: ask the OIDC issuer that it trusts",
        )
    })?;
    let (id, secret) = credentials.ok_or_else(|| {
        OauthError::InvalidClient.with_detail("send the client's id and secret as HTTP Basic")
    })?;
    let client = tokens
        .clients
        .authenticate(&id, secret)
        .await?
        .ok_or_else(|| {
            OauthError::InvalidClient
                .with_detail("the client is unknown or revoked, or its secret is wrong")
        })?;
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
    let mut answer = json_answer(Bytes::from(document.to_string()));
    // RFC 6749 §5.1 wants it beside Cache-Control, for caches of HTTP/1.0.
    answer
        .headers_mut()
        .insert(PRAGMA, HeaderValue::from_static("no-cache"));
    Ok(answer)
}

/// `GET /.well-known/jwks.json`
#[utoipa::path(get, path = "/.well-known/jwks.json", tag = "tokens", operation_id = "readKeys",
    responses((status = 200, description = "The keys that verify the service's own tokens (RFC 7517)", body = KeySet)))]
pub(super) async fn keys<S: UserStore>(
    service: Arc<Service<S>>,
    request: Request,
) -> Result<Answer, Problem> {
    demand_acceptable(request.headers(), "application/json")?;
    let none = || Bytes::from_static(br#"{"keys":[]}"#);
    Ok(json_answer(
        service
            .tokens
            .keys
            .load()
            .as_ref()
            .map_or_else(none, |keys| keys.jwks()),
    ))
}

fn json_answer(body: Bytes) -> Answer {
    let mut answer = Response::new(Full::new(body));
    answer.headers_mut().insert(CONTENT_TYPE, JSON);
    answer
}

fn demand_form(headers: &HeaderMap) -> Result<(), Problem> {
    let media_type = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or("");
    let essence = media_type.split(';').next().unwrap_or("").trim();
    if essence.eq_ignore_ascii_case(FORM) {
        return Ok(());
    }
    let problem = ProblemKind::UnsupportedMediaType
        .with_detail("a token is asked for with application/x-www-form-urlencoded");
    Err(problem
        .with_member("error", "invalid_request")
        .with_header(ACCEPT, HeaderValue::from_static(FORM)))
}

/// Id and secret from HTTP Basic, each form-encoded as RFC 6749 §2.3.1 wants.
fn basic_credentials(headers: &HeaderMap) -> Result<Option<(String, String)>, Problem> {
    let malformed = || {
        OauthError::InvalidClient
            .with_detail("the Authorization field is not HTTP Basic as it has to be")
    };
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

/// The parameters that mean something here.
#[derive(Default)]
struct Form {
    grant_type: Option<String>,
    scope: Option<String>,
    /// Whether a secret was sent in the body.
    client_secret: bool,
}

impl Form {
    fn read(body: &[u8]) -> Result<Self, Problem> {
        let malformed =
            || OauthError::InvalidRequest.with_detail("the body is no form as it has to be");
        let text = std::str::from_utf8(body).map_err(|_| malformed())?;
        let mut form = Self::default();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = form_decoded(name).ok_or_else(malformed)?;
            let value = form_decoded(value).ok_or_else(malformed)?;
            // RFC 6749 §3.2: one without a value counts as left out, an unknown one is ignored.
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
                return Err(OauthError::InvalidRequest.with_detail("a parameter is given twice"));
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

/// The scopes that are asked for, if the client may have them all.
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
                .with_detail("a scope is unknown, or the client may not have it")
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
    fn nobody_is_granted_more_than_the_client_may_have() {
        let read: Scopes = [Scope::UsersRead].into_iter().collect();
        assert_eq!(granted("users:read", Scopes::all()).ok(), Some(read));
        assert!(granted("users:read users:write", read).is_err());
        assert!(granted("users:admin", Scopes::all()).is_err());
        assert!(granted(" ", Scopes::all()).is_err());
    }
}
