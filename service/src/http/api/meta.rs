//! The root document, and what the types of problems mean.

use super::openapi::Root;
use super::users::JSON;
use crate::domain::UserStore;
use crate::http::problem::{Problem, ProblemKind};
use crate::http::read_request::demand_acceptable;
use crate::http::{Answer, Request, Service};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response};
use http_body_util::Full;
use serde_json::json;
use std::sync::Arc;

/// `GET /`
#[utoipa::path(get, path = "/", tag = "service", operation_id = "readRoot",
    responses((status = 200, description = "Name, version and links", body = Root)))]
pub(super) async fn root<S: UserStore>(
    service: Arc<Service<S>>,
    request: Request,
) -> Result<Answer, Problem> {
    demand_acceptable(request.headers(), "application/json")?;
    let document = json!({
        "name": "roster",
        "version": service.settings.version,
        "links": {
            "users": "/v1/users",
            "changes": "/v1/users/changes",
            "token": "/oauth/token",
            "jwks": "/.well-known/jwks.json",
            "openapi": "/openapi.json",
            "docs": "/docs",
        },
    });
    let mut answer = Response::new(Full::new(Bytes::from(document.to_string())));
    answer.headers_mut().insert(CONTENT_TYPE, JSON);
    Ok(answer)
}

/// `GET /problems/{slug}`
#[utoipa::path(get, path = "/problems/{slug}", tag = "service", operation_id = "readProblem",
    params(("slug" = String, Path, description = "The last part of a problem's type", example = "email-taken")),
    responses((status = 200, description = "What the problem means", body = String, content_type = "text/plain; charset=utf-8")))]
pub(super) async fn problem<S: UserStore>(
    _: Arc<Service<S>>,
    request: Request,
) -> Result<Answer, Problem> {
    let slug = request.uri().path().rsplit('/').next().unwrap_or("");
    let kind = ProblemKind::ALL
        .into_iter()
        .find(|kind| kind.slug() == slug)
        .ok_or_else(|| ProblemKind::NotFound.into_problem())?;
    let text = format!(
        "{} ({})\n\n{}\n",
        kind.title(),
        kind.status().as_u16(),
        kind.explanation()
    );
    let mut answer = Response::new(Full::new(Bytes::from(text)));
    answer.headers_mut().insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    Ok(answer)
}
