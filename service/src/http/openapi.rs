//! The service described by itself: `OpenAPI` 3.1, generated from the handlers and the documents that they speak.
//!
//! The types here are what the documents look like on the wire; the handlers read and write them by hand.

#![allow(
    dead_code,
    reason = "the fields are read by the derive that describes them, not by code"
)]

use super::problem::{Problem, ProblemKind};
use super::read_request::demand_acceptable;
use super::users::JSON;
use super::{Answer, Request, Service, changes, list_users, meta, tokens, users};
use crate::domain::UserStore;
use bytes::Bytes;
use http::Response;
use http::header::CONTENT_TYPE;
use http_body_util::Full;
use serde_json::{Value, json};
use std::sync::{Arc, LazyLock};
use utoipa::{IntoParams, OpenApi, ToSchema};
use uuid::Uuid;

/// `GET /openapi.json`
pub(super) async fn read<S: UserStore>(
    _: Arc<Service<S>>,
    request: Request,
) -> Result<Answer, Problem> {
    static DOCUMENT: LazyLock<Bytes> = LazyLock::new(|| Bytes::from(document().to_string()));
    demand_acceptable(request.headers(), "application/json")?;
    let mut answer = Response::new(Full::new(DOCUMENT.clone()));
    answer.headers_mut().insert(CONTENT_TYPE, JSON);
    Ok(answer)
}

#[derive(OpenApi)]
#[openapi(
    info(title = "Roster", description = "A small, very fast user directory."),
    paths(
        meta::root, meta::problem, users::create, users::read, users::replace, users::patch, users::delete,
        list_users::list, changes::read, tokens::issue, tokens::keys
    ),
    components(schemas(ProblemDocument, ListQuery)),
    tags(
        (name = "users", description = "The directory"),
        (name = "tokens", description = "Who may use it"),
        (name = "service", description = "The service itself")
    )
)]
struct Described;

/// A user.
#[derive(ToSchema)]
#[schema(as = User)]
pub(super) struct UserDocument {
    /// A `UUIDv7` (RFC 9562), given by the server.
    #[schema(example = "01936f5e-8c3a-7000-8000-000000000001")]
    id: Uuid,
    /// Unique without regard to case.
    #[schema(example = "ada@example.com")]
    email: String,
    #[schema(example = "Ada Lovelace")]
    name: String,
    #[schema(example = "+442071234567", required = true)]
    phone: Option<String>,
    #[schema(example = "Analyst", required = true)]
    title: Option<String>,
    #[schema(example = "Engines", required = true)]
    department: Option<String>,
    status: UserStatusWord,
    /// RFC 3339, UTC, microseconds.
    #[schema(format = DateTime, example = "2026-01-02T03:04:05.678901Z")]
    created_at: String,
    /// RFC 3339, UTC, microseconds.
    #[schema(format = DateTime, example = "2026-01-02T03:04:05.678901Z")]
    updated_at: String,
}

/// Whether a user may act.
#[derive(ToSchema)]
#[schema(as = UserStatus, rename_all = "lowercase")]
enum UserStatusWord {
    Active,
    Suspended,
}

/// What a client sets of a user.
#[derive(ToSchema)]
pub(super) struct NewUser {
    /// One address: a dot-atom, '@', and a domain of two or more labels; at most 254 bytes.
    #[schema(
        max_length = 254,
        example = "ada@example.com",
        pattern = "^[^\\s@\\x00-\\x1f\\x7f-\\x9f\"(),:;<>\\[\\]\\\\.]+(\\.[^\\s@\\x00-\\x1f\\x7f-\\x9f\"(),:;<>\\[\\]\\\\.]+)*@([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$"
    )]
    email: String,
    /// Trimmed; no control characters.
    #[schema(
        min_length = 1,
        max_length = 200,
        pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]*[^\\s\\x00-\\x1f\\x7f-\\x9f][^\\x00-\\x1f\\x7f-\\x9f]*$",
        example = "Ada Lovelace"
    )]
    name: String,
    /// E.164.
    #[schema(pattern = "^\\+[0-9]{7,15}$", example = "+442071234567")]
    phone: Option<String>,
    /// Trimmed; no control characters.
    #[schema(
        min_length = 1,
        max_length = 100,
        pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]*[^\\s\\x00-\\x1f\\x7f-\\x9f][^\\x00-\\x1f\\x7f-\\x9f]*$",
        example = "Analyst"
    )]
    title: Option<String>,
    /// Trimmed; no control characters.
    #[schema(
        min_length = 1,
        max_length = 100,
        pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]*[^\\s\\x00-\\x1f\\x7f-\\x9f][^\\x00-\\x1f\\x7f-\\x9f]*$",
        example = "Engines"
    )]
    department: Option<String>,
    #[schema(required = false, default = "active")]
    status: UserStatusWord,
}

/// A merge patch of a user (RFC 7396): a member that is null is removed.
#[derive(ToSchema)]
pub(super) struct UserPatch {
    #[schema(required = false, nullable = false, example = "ada@example.com")]
    email: Option<String>,
    #[schema(
        required = false,
        nullable = false,
        min_length = 1,
        max_length = 200,
        example = "Ada Lovelace"
    )]
    name: Option<String>,
    #[schema(pattern = "^\\+[0-9]{7,15}$")]
    phone: Option<String>,
    #[schema(min_length = 1, max_length = 100)]
    title: Option<String>,
    #[schema(min_length = 1, max_length = 100)]
    department: Option<String>,
    status: Option<UserStatusWord>,
}

/// One operation of a JSON Patch (RFC 6902).
#[derive(ToSchema)]
pub(super) struct PatchOperation {
    op: PatchVerb,
    /// A JSON Pointer (RFC 6901).
    #[schema(example = "/name")]
    path: String,
    /// For `move` and `copy`: a JSON Pointer.
    #[schema(required = false, nullable = false)]
    from: Option<String>,
    /// For `add`, `replace` and `test`.
    #[schema(required = false)]
    value: Option<Value>,
}

#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
enum PatchVerb {
    Add,
    Remove,
    Replace,
    Move,
    Copy,
    Test,
}

/// A page of users.
#[derive(ToSchema)]
pub(super) struct UserPage {
    items: Vec<UserDocument>,
    /// The cursor of the next page, while there is one.
    #[schema(required = true)]
    next: Option<String>,
}

/// The query of a list.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ListParameters {
    /// The most users on a page.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u8>,
    /// Where the page begins: `next` of the page before, with the other parameters as they were.
    cursor: Option<String>,
    /// The order; ties are broken by the id.
    #[param(inline)]
    sort: Option<SortWord>,
    /// The user with this address, without regard to case.
    email: Option<String>,
    /// Users of this department, exactly.
    #[param(min_length = 1, max_length = 100)]
    department: Option<String>,
    #[param(inline)]
    status: Option<UserStatusWord>,
    /// Users whose name or address contains this, without regard to case.
    #[param(min_length = 2, max_length = 100)]
    q: Option<String>,
}

/// The body of QUERY: the same as the query of a list.
#[derive(ToSchema)]
struct ListQuery {
    #[schema(
        minimum = 1,
        maximum = 200,
        default = 50,
        required = false,
        nullable = false
    )]
    limit: Option<u8>,
    #[schema(required = false, nullable = false)]
    cursor: Option<String>,
    #[schema(required = false, nullable = false)]
    sort: Option<SortWord>,
    #[schema(required = false, nullable = false, example = "ada@example.com")]
    email: Option<String>,
    #[schema(required = false, nullable = false)]
    department: Option<String>,
    #[schema(required = false, nullable = false)]
    status: Option<UserStatusWord>,
    #[schema(required = false, nullable = false, min_length = 2, max_length = 100)]
    q: Option<String>,
}

#[derive(ToSchema)]
#[schema(default = "created_at")]
enum SortWord {
    #[schema(rename = "created_at")]
    CreatedAt,
    #[schema(rename = "-created_at")]
    LatestFirst,
    #[schema(rename = "name")]
    Name,
    #[schema(rename = "-name")]
    NameBackwards,
    #[schema(rename = "email")]
    Email,
    #[schema(rename = "-email")]
    EmailBackwards,
}

/// A run of the change feed.
#[derive(ToSchema)]
pub(super) struct ChangesPage {
    items: Vec<ChangeDocument>,
    /// Where to go on.
    next: String,
}

/// One committed change.
#[derive(ToSchema)]
#[schema(as = Change)]
struct ChangeDocument {
    cursor: String,
    r#type: ChangeWord,
    #[schema(format = DateTime)]
    at: String,
    id: Uuid,
    /// The user as the change left it; null after a deletion.
    #[schema(required = true)]
    user: Option<UserDocument>,
}

#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
enum ChangeWord {
    Created,
    Updated,
    Deleted,
}

/// The query of the change feed.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ChangesParameters {
    /// The cursor of the last change that was seen; from the beginning of the feed when absent.
    after: Option<String>,
    /// The most changes.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u8>,
    /// Seconds to wait for a change when there is none yet.
    #[param(minimum = 0, maximum = 30, default = 0)]
    wait: Option<u8>,
}

/// The form of a request for a token (RFC 6749, 4.4.2).
#[derive(ToSchema)]
pub(super) struct TokenRequest {
    #[schema(pattern = "^client_credentials$", example = "client_credentials")]
    grant_type: String,
    /// Scopes, parted by spaces; all of the client's when absent.
    #[schema(required = false, nullable = false, example = "users:read users:write")]
    scope: Option<String>,
}

/// A token (RFC 6749, 5.1).
#[derive(ToSchema)]
pub(super) struct TokenResponse {
    access_token: String,
    #[schema(example = "Bearer")]
    token_type: String,
    /// Seconds until the token ends.
    #[schema(example = 3600)]
    expires_in: u32,
    #[schema(example = "users:read users:write")]
    scope: String,
}

/// Keys (RFC 7517).
#[derive(ToSchema)]
pub(super) struct KeySet {
    keys: Vec<Value>,
}

/// The root document.
#[derive(ToSchema)]
pub(super) struct Root {
    #[schema(example = "roster")]
    name: String,
    version: String,
    links: Value,
}

/// An error (RFC 9457).
#[derive(ToSchema)]
#[schema(as = Problem)]
struct ProblemDocument {
    #[schema(example = "/problems/user-not-found")]
    r#type: String,
    title: String,
    status: u16,
    detail: String,
    instance: String,
    request_id: String,
    /// Every fault of a body that is not valid.
    #[schema(required = false, nullable = false)]
    errors: Option<Vec<FaultDocument>>,
    /// The error of RFC 6749, on `/oauth/token` alone.
    #[schema(required = false, nullable = false)]
    error: Option<String>,
}

#[derive(ToSchema)]
#[schema(as = Fault)]
struct FaultDocument {
    /// A JSON Pointer (RFC 6901).
    #[schema(example = "/email")]
    pointer: String,
    detail: String,
}

/// The whole document.
pub fn document() -> Value {
    let mut document = serde_json::to_value(Described::openapi()).unwrap_or_default();
    document["components"]["securitySchemes"] = json!({
        "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT",
                   "description": "A token with the scope that the operation names"},
        "client": {"type": "http", "scheme": "basic", "description": "The id and the secret of a client"},
    });
    for closed in ["NewUser", "UserPatch", "ListQuery"] {
        document["components"]["schemas"][closed]["additionalProperties"] = false.into();
    }
    let Some(paths) = document["paths"].as_object_mut() else {
        return document;
    };
    for (path, item) in paths.iter_mut() {
        for (method, operation) in item.as_object_mut().into_iter().flatten() {
            describe_problems(path, method, operation);
        }
    }
    // OpenAPI has a place for QUERY from 3.2 on.
    let mut query = document["paths"]["/v1/users"]["get"].clone();
    query["operationId"] = "queryUsers".into();
    query["requestBody"] = json!({"required": true,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/ListQuery"}}}});
    if let Some(query) = query.as_object_mut() {
        query.remove("parameters");
    }
    document["paths"]["/v1/users"]["x-query"] = query;
    document
}

/// Adds the errors that an operation may answer with, each with the header fields that go with it.
fn describe_problems(path: &str, method: &str, operation: &mut Value) {
    for kind in ProblemKind::ALL
        .into_iter()
        .filter(|kind| may_occur(*kind, path, method))
    {
        let status = kind.status().as_u16().to_string();
        let name = kind.slug();
        let response = &mut operation["responses"][&status];
        if response.is_null() {
            *response = json!({
                "description": kind.title(),
                "headers": {"X-Request-Id": {"schema": {"type": "string"}, "description": "The request in the log"}},
                "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": {}}},
            });
        }
        response["content"]["application/problem+json"]["examples"][name] = json!({"value": {
            "type": format!("/problems/{name}"), "title": kind.title(), "status": kind.status().as_u16(),
            "detail": kind.title(), "instance": path, "request_id": "5f3c1d0e9b7a4c2d8e6f0a1b2c3d4e5f",
        }});
        let header = match kind {
            ProblemKind::RateLimited | ProblemKind::Unavailable => "Retry-After",
            ProblemKind::Unauthorized | ProblemKind::InsufficientScope => "WWW-Authenticate",
            _ => continue,
        };
        response["headers"][header] = json!({"schema": {"type": "string"}});
    }
}

fn may_occur(kind: ProblemKind, path: &str, method: &str) -> bool {
    let reads_body = matches!(method, "post" | "put" | "patch");
    let one_user = path == "/v1/users/{id}";
    let users = path.starts_with("/v1/");
    let changes_one = one_user && method != "get";
    match kind {
        ProblemKind::MalformedRequest
        | ProblemKind::UriTooLong
        | ProblemKind::HeadersTooLarge
        | ProblemKind::NotAcceptable
        | ProblemKind::Internal
        | ProblemKind::Unavailable => true,
        ProblemKind::InvalidQuery => users && method == "get" && !one_user,
        ProblemKind::Unauthorized => users || path == "/oauth/token",
        ProblemKind::InsufficientScope | ProblemKind::RateLimited => users,
        ProblemKind::UserNotFound => one_user,
        ProblemKind::NotFound => path == "/problems/{slug}",
        ProblemKind::MethodNotAllowed => false,
        ProblemKind::RequestTimeout
        | ProblemKind::ContentTooLarge
        | ProblemKind::UnsupportedMediaType => reads_body,
        ProblemKind::EmailTaken | ProblemKind::ValidationFailed => users && reads_body,
        ProblemKind::IdempotencyInProgress | ProblemKind::IdempotencyKeyReused => {
            path == "/v1/users" && method == "post"
        }
        ProblemKind::PatchTestFailed => method == "patch",
        ProblemKind::PreconditionFailed | ProblemKind::PreconditionRequired => changes_one,
    }
}

#[cfg(test)]
mod tests {
    use super::super::routes::Route;
    use super::document;
    use std::path::Path;

    #[test]
    fn the_file_in_the_repository_is_the_document() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
        let written = serde_json::to_string_pretty(&document()).unwrap() + "\n";
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            kept == written,
            "service/openapi.json has drifted: write it anew with 'roster openapi > service/openapi.json'"
        );
    }

    #[test]
    fn every_method_of_every_path_is_described() {
        let document = document();
        let paths = document["paths"].as_object().unwrap();
        for (path, item) in paths {
            let route = Route::of(&path.replace("{id}", "1").replace("{slug}", "1"));
            let mut described: Vec<_> = item
                .as_object()
                .unwrap()
                .keys()
                .map(|key| key.trim_start_matches("x-").to_uppercase())
                .collect();
            described.sort_unstable();
            let mut known: Vec<_> = route
                .allow()
                .split(", ")
                .filter(|method| !["HEAD", "OPTIONS"].contains(method))
                .collect();
            known.sort_unstable();
            assert_eq!(described, known, "{path}");
        }
        for path in [
            "/",
            "/v1/users",
            "/v1/users/{id}",
            "/v1/users/changes",
            "/oauth/token",
            "/.well-known/jwks.json",
        ] {
            assert!(paths.contains_key(path), "{path}");
        }
    }
}
