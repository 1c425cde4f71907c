//! Which errors each operation may answer with.

use crate::http::problem::ProblemKind;
use serde_json::{Value, json};

/// Adds the errors that an operation may answer with, each with the header fields that go with it.
pub(super) fn describe_problems(path: &str, method: &str, operation: &mut Value) {
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
        if kind == ProblemKind::RateLimited {
            for (name, tells) in RATE_HEADERS {
                response["headers"][name] =
                    json!({"schema": {"type": "string"}, "description": tells});
            }
        }
    }
}

/// What a refused client is told of its rate (draft-ietf-httpapi-ratelimit-headers).
const RATE_HEADERS: [(&str, &str); 2] = [
    ("RateLimit", "What is left, and when there will be more"),
    (
        "RateLimit-Policy",
        "How many requests are taken in how many seconds",
    ),
];

fn may_occur(kind: ProblemKind, path: &str, method: &str) -> bool {
    let reads_body = matches!(method, "post" | "put" | "patch" | "query");
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
        ProblemKind::InvalidQuery => users && matches!(method, "get" | "query") && !one_user,
        ProblemKind::Unauthorized => users || path == "/oauth/token",
        ProblemKind::InsufficientScope | ProblemKind::RateLimited => users,
        ProblemKind::UserNotFound => one_user,
        ProblemKind::NotFound => path == "/problems/{slug}",
        ProblemKind::MethodNotAllowed => false,
        ProblemKind::RequestTimeout
        | ProblemKind::ContentTooLarge
        | ProblemKind::UnsupportedMediaType => reads_body,
        ProblemKind::EmailTaken | ProblemKind::ValidationFailed => {
            users && reads_body && method != "query"
        }
        ProblemKind::IdempotencyInProgress | ProblemKind::IdempotencyKeyReused => {
            path == "/v1/users" && method == "post"
        }
        ProblemKind::PatchTestFailed => method == "patch",
        ProblemKind::PreconditionFailed | ProblemKind::PreconditionRequired => changes_one,
    }
}
