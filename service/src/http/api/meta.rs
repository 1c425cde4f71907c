//! The root document, and what the types of problems mean.

use super::route::Route;
use super::service::Service;
use crate::domain::UserStore;
use crate::http::answer::{Answer, AnswerBody, json as json_answer};
use crate::http::call::Call;
use crate::http::problem::{Problem, ProblemKind};
use crate::http::read_request::require_acceptable;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response};
use serde_json::json;

/// Reads name, version and links.
pub(super) async fn root<S: UserStore>(
    service: &Service<S>,
    call: &Call,
) -> Result<Answer, Problem> {
    require_acceptable(call.headers(), "application/json")?;
    let document = json!({
        "name": "roster",
        "version": service.settings.version,
        "links": {
            "users": Route::Users.template(),
            "changes": Route::Changes.template(),
            "token": Route::Token.template(),
            "jwks": Route::Jwks.template(),
            "openapi": Route::OpenApi.template(),
            "docs": Route::Docs.template(),
        },
    });
    Ok(json_answer(document.to_string()))
}

/// Reads what a problem type means, as text.
pub(super) async fn problem<S: UserStore>(_: &Service<S>, call: &Call) -> Result<Answer, Problem> {
    let slug = call.path().rsplit('/').next().unwrap_or("");
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
    let mut answer = Response::new(AnswerBody::new(Bytes::from(text)));
    answer.headers_mut().insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    Ok(answer)
}
