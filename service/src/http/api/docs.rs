//! The page on which a person reads the document and tries it: Swagger UI, served by the service itself.

use super::route::Route;
use super::service::Service;
use crate::domain::{DirectoryError, UserStore};
use crate::http::answer::{Answer, AnswerBody};
use crate::http::call::Call;
use crate::http::problem::{Problem, ProblemKind};
use bytes::Bytes;
use http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION};
use http::{HeaderValue, Response, StatusCode};
use std::borrow::Cow;
use std::sync::{Arc, LazyLock};
use utoipa_swagger_ui::{Config, Url};

/// The page needs nothing from anywhere else, and may not ask for it. Swagger UI sets styles and images inline.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'",
);

/// The document of the directory itself.
const DIRECTORY_DOCUMENT: &str = "/openapi.json";

/// Reads the page or one of its files.
pub(super) async fn read<S: UserStore>(
    service: &Service<S>,
    call: &Call,
) -> Result<Answer, Problem> {
    static DIRECTORY: LazyLock<Arc<Config<'static>>> =
        LazyLock::new(|| Arc::new(Config::from(DIRECTORY_DOCUMENT)));
    static WITH_SCIM: LazyLock<Arc<Config<'static>>> = LazyLock::new(|| {
        let scim = Route::ScimOpenApi.template();
        let documents = [("Roster", DIRECTORY_DOCUMENT), ("Roster SCIM", scim)];
        Arc::new(Config::new(
            documents.map(|(name, url)| Url::new(name, url)),
        ))
    });
    let Some(file) = call.path().strip_prefix("/docs/") else {
        // The page names its files beside itself, so it has to stand in a folder.
        let mut answer = Response::new(AnswerBody::default());
        *answer.status_mut() = StatusCode::PERMANENT_REDIRECT;
        answer
            .headers_mut()
            .insert(LOCATION, HeaderValue::from_static("/docs/index.html"));
        return Ok(answer);
    };
    let config = match service.settings.scim {
        Some(_) => &*WITH_SCIM,
        None => &*DIRECTORY,
    };
    let file = utoipa_swagger_ui::serve(file, config.clone())
        .map_err(|error| Problem::from(DirectoryError::Internal(error.to_string().into())))?
        .ok_or_else(|| ProblemKind::NotFound.into_problem())?;
    let bytes = match file.bytes {
        Cow::Borrowed(bytes) => Bytes::copy_from_slice(bytes),
        Cow::Owned(bytes) => Bytes::from(bytes),
    };
    let mut answer = Response::new(AnswerBody::new(bytes));
    let headers = answer.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, POLICY);
    if let Ok(content_type) = HeaderValue::from_str(&file.content_type) {
        headers.insert(CONTENT_TYPE, content_type);
    }
    Ok(answer)
}
