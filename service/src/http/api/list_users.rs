//! Lists of users, asked for by GET or by QUERY.

use super::list_query::{Parameters, context, seal};
use super::service::Service;
use super::user_json::{TYPICAL_BYTES, write_text, write_user};
use crate::domain::{Page, PageRequest, UserStore};
use crate::http::answer::{Answer, json};
use crate::http::call::Call;
use crate::http::problem::{Problem, ProblemKind};
use crate::http::read_request::{parse_json, require_acceptable, require_json};
use bytes::Bytes;
use http::HeaderValue;
use http::header::{HeaderName, LINK};

/// The media types of queries (RFC 10008).
pub(in crate::http) const ACCEPT_QUERY: HeaderName = HeaderName::from_static("accept-query");

/// Lists users by the parameters in the query; `Link` leads to the next page.
pub(super) async fn list<S: UserStore>(
    service: &Service<S>,
    call: &Call,
) -> Result<Answer, Problem> {
    require_acceptable(call.headers(), "application/json")?;
    let query = call.query();
    let page_request = Parameters::from_url(query)?.read_page_request(&service.cursors)?;
    let page = service.directory.list(&page_request).await?;
    let WrittenPage { text, next } = write(service, &page_request, &page)?;
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

/// Lists users by the parameters in the body.
pub(super) async fn query<S: UserStore>(
    service: &Service<S>,
    call: &Call,
) -> Result<Answer, Problem> {
    require_acceptable(call.headers(), "application/json")?;
    require_json(call.headers(), ACCEPT_QUERY)?;
    if !call.query().is_empty() {
        return Err(ProblemKind::InvalidQuery
            .with_detail("QUERY takes its parameters in the body, none in the URL"));
    }
    let parameters =
        Parameters::from_json(parse_json(&call.body, service.settings.body_limit_bytes)?)?;
    let page_request = parameters.read_page_request(&service.cursors)?;
    let page = service.directory.list(&page_request).await?;
    Ok(json(write(service, &page_request, &page)?.text))
}

/// A page as clients are given it.
#[derive(Clone)]
struct WrittenPage {
    text: Bytes,
    /// Where to go on, as clients hand it back.
    next: Option<String>,
}

/// Writes the page, once for all requests that share it.
fn write<S>(
    service: &Service<S>,
    request: &PageRequest,
    page: &Page,
) -> Result<WrittenPage, Problem> {
    page.derived(|page| {
        let bound = || context(&request.filters, request.sort);
        let next = page.next.as_ref();
        let next = next.map(|next| seal(&service.cursors, &bound(), next));
        let next = next.transpose()?;
        Ok(WrittenPage {
            text: text(page, next.as_deref()),
            next,
        })
    })
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
