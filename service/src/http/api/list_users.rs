//! Lists of users, asked for by GET or by QUERY.

use super::list_query::{Parameters, context};
use super::openapi::{ListParameters, UserPage};
use super::user_json::{TYPICAL_BYTES, write_text, write_user};
use super::users::JSON;
use crate::domain::{Page, PageRequest, UserStore, WrittenPage};
use crate::http::problem::{Problem, ProblemKind};
use crate::http::read_request::{body_of, demand_acceptable, demand_json, parse_json};
use crate::http::{Answer, Request, Service};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, LINK};
use http::{HeaderValue, Response};
use http_body_util::Full;
use std::sync::Arc;

/// The media types of queries (RFC 10008).
pub(in crate::http) const ACCEPT_QUERY: HeaderName = HeaderName::from_static("accept-query");

/// `GET /v1/users`
#[utoipa::path(get, path = "/v1/users", tag = "users", operation_id = "listUsers", security(("bearer" = ["users:read"])),
    params(ListParameters),
    responses((status = 200, description = "A page of users", body = UserPage,
        headers(("Link" = String, description = "The next page, while there is one (RFC 8288)")))))]
pub(super) async fn list<S: UserStore>(
    service: Arc<Service<S>>,
    request: Request,
) -> Result<Answer, Problem> {
    demand_acceptable(request.headers(), "application/json")?;
    let query = request.uri().query().unwrap_or("");
    let page_request = Parameters::from_url(query)?.read_page_request(&service.cursors)?;
    let page = service.directory.list(&page_request).await?;
    let WrittenPage { text, next } = write(&service, &page_request, &page)?;
    let mut answer = json(text);
    if let Some(next) = next {
        // The same query, but for the cursor: nothing in it has to be known to follow it.
        let kept = query
            .split('&')
            .filter(|pair| !pair.is_empty() && !pair.starts_with("cursor="));
        let query: Vec<&str> = kept.collect();
        let separator = if query.is_empty() { "" } else { "&" };
        let link = format!(
            "</v1/users?{}{separator}cursor={next}>; rel=\"next\"",
            query.join("&")
        );
        if let Ok(link) = HeaderValue::from_maybe_shared(Bytes::from(link)) {
            answer.headers_mut().insert(LINK, link);
        }
    }
    answer
        .headers_mut()
        .insert(ACCEPT_QUERY, HeaderValue::from_static("application/json"));
    Ok(answer)
}

/// `QUERY /v1/users`
pub(super) async fn query<S: UserStore>(
    service: Arc<Service<S>>,
    request: Request,
) -> Result<Answer, Problem> {
    demand_acceptable(request.headers(), "application/json")?;
    demand_json(request.headers(), ACCEPT_QUERY)?;
    if request.uri().query().is_some_and(|query| !query.is_empty()) {
        return Err(ProblemKind::InvalidQuery
            .with_detail("QUERY takes its parameters in the body, none in the URL"));
    }
    let parameters = Parameters::from_json(parse_json(&body_of(request).await)?)?;
    let page_request = parameters.read_page_request(&service.cursors)?;
    let page = service.directory.list(&page_request).await?;
    Ok(json(write(&service, &page_request, &page)?.text))
}

/// Writes the page, once for all who were given this very page.
fn write<S>(
    service: &Service<S>,
    request: &PageRequest,
    page: &Page,
) -> Result<WrittenPage, Problem> {
    if let Some(written) = page.written.get() {
        return Ok(written.clone());
    }
    let next = next_cursor(service, request, page)?;
    let written = WrittenPage {
        text: text(page, next.as_deref()),
        next,
    };
    // Another may have been quicker: theirs is as good.
    let _ = page.written.set(written.clone());
    Ok(written)
}

fn next_cursor<S>(
    service: &Service<S>,
    request: &PageRequest,
    page: &Page,
) -> Result<Option<String>, Problem> {
    let Some(cursor) = &page.next else {
        return Ok(None);
    };
    let sealed = service
        .cursors
        .seal(&context(&request.filters, request.sort), cursor);
    sealed
        .map(Some)
        .ok_or_else(|| ProblemKind::Internal.with_detail("the cursor could not be sealed"))
}

fn text(page: &Page, next: Option<&str>) -> Bytes {
    let mut body = Vec::with_capacity(64 + page.users.len() * TYPICAL_BYTES);
    body.extend_from_slice(b"{\"items\":[");
    for (at, user) in page.users.iter().enumerate() {
        if at > 0 {
            body.push(b',');
        }
        write_user(&mut body, user);
    }
    body.extend_from_slice(b"],\"next\":");
    match next {
        Some(next) => write_text(&mut body, next),
        None => body.extend_from_slice(b"null"),
    }
    body.push(b'}');
    Bytes::from(body)
}

fn json(text: Bytes) -> Answer {
    let mut answer = Response::new(Full::new(text));
    answer.headers_mut().insert(CONTENT_TYPE, JSON);
    answer
}
