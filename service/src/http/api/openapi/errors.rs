//! Which errors each operation may answer with.

use crate::http::api::route::{Operation, Route};
use crate::http::problem::ProblemKind;
use serde_json::{Value, json};

/// Adds the errors that an operation may answer with, each with the header fields that go with it.
pub(super) fn describe_problems(route: Route, operation: Operation, item: &mut Value) {
    for kind in ProblemKind::ALL
        .into_iter()
        .filter(|kind| may_occur(*kind, route, operation))
    {
        let status = kind.status().as_u16().to_string();
        let name = kind.slug();
        let response = &mut item["responses"][&status];
        if response.is_null() {
            *response = json!({
                "description": kind.title(),
                "headers": {"X-Request-Id": {"schema": {"type": "string"}, "description": "The id of the request in the log"}},
                "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": {}}},
            });
        }
        response["content"]["application/problem+json"]["examples"][name] = json!({"value": {
            "type": format!("/problems/{name}"), "title": kind.title(), "status": kind.status().as_u16(),
            "detail": kind.title(), "instance": route.template(), "request_id": "5f3c1d0e9b7a4c2d8e6f0a1b2c3d4e5f",
        }});
        let header = match kind {
            ProblemKind::RateLimited | ProblemKind::Unavailable => "Retry-After",
            ProblemKind::Unauthorized | ProblemKind::InsufficientScope => "WWW-Authenticate",
            _ => continue,
        };
        response["headers"][header] = json!({"schema": {"type": "string"}});
        if kind == ProblemKind::RateLimited {
            for (name, description) in RATE_HEADERS {
                response["headers"][name] =
                    json!({"schema": {"type": "string"}, "description": description});
            }
        }
    }
}

/// The state of the rate limit (draft-ietf-httpapi-ratelimit-headers).
const RATE_HEADERS: [(&str, &str); 2] = [
    (
        "RateLimit",
        "Remaining requests, and seconds until more are available",
    ),
    (
        "RateLimit-Policy",
        "Allowed requests, and the window in seconds",
    ),
];

fn may_occur(kind: ProblemKind, route: Route, operation: Operation) -> bool {
    let needs_token = operation.scope().is_some();
    let is_list = matches!(
        operation,
        Operation::ListUsers
            | Operation::QueryUsers
            | Operation::ReadChanges
            | Operation::ExportUsers
            | Operation::ImportUsers
    );
    let changes_one = matches!(
        operation,
        Operation::ReplaceUser | Operation::PatchUser | Operation::DeleteUser
    );
    match kind {
        ProblemKind::MalformedRequest
        | ProblemKind::UriTooLong
        | ProblemKind::HeadersTooLarge
        | ProblemKind::NotAcceptable
        | ProblemKind::Internal
        | ProblemKind::PreconditionFailed
        // Possible everywhere behind a proxy that takes plain HTTP, and nowhere else.
        | ProblemKind::HttpsRequired
        | ProblemKind::Unavailable => true,
        ProblemKind::InvalidQuery => is_list,
        ProblemKind::Unauthorized | ProblemKind::RateLimited => {
            needs_token || operation == Operation::IssueToken
        }
        ProblemKind::InsufficientScope => needs_token,
        ProblemKind::UserNotFound => route == Route::User,
        ProblemKind::NotFound => operation == Operation::ReadProblem,
        ProblemKind::MethodNotAllowed => false,
        ProblemKind::RequestTimeout
        | ProblemKind::ContentTooLarge
        | ProblemKind::UnsupportedMediaType => operation.reads_body(),
        ProblemKind::EmailTaken | ProblemKind::ValidationFailed => matches!(
            operation,
            Operation::CreateUser | Operation::ReplaceUser | Operation::PatchUser
        ),
        ProblemKind::IdempotencyInProgress | ProblemKind::IdempotencyKeyReused => {
            matches!(operation, Operation::CreateUser | Operation::ImportUsers)
        }
        ProblemKind::PatchTestFailed => operation == Operation::PatchUser,
        ProblemKind::PreconditionRequired => changes_one,
    }
}
