//! One request on its way from the edge to its handler and back. Knows no handler and no user.

use super::api::route::Route;
use super::edge::request_id::{as_text, request_id};
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderValue};
use std::sync::Arc;

/// A request, and what the edge knows of it. Made once, when the head of the request has arrived; handlers borrow it.
pub(in crate::http) struct Call {
    /// Method, target and header fields, as they were sent.
    pub(in crate::http) parts: Parts,
    /// The whole body; empty until the edge has admitted the call and read it.
    pub(in crate::http) body: Bytes,
    /// The authenticated client; `None` until the edge has admitted the call, and where no token is needed.
    pub(in crate::http) client: Option<Arc<str>>,
    /// Whether the client may read users.
    pub(in crate::http) may_read: bool,
    /// The route that the path names, whatever of it is percent-encoded.
    pub(in crate::http) route: Route,
    /// The request's id in the response and in the log.
    pub(in crate::http) request_id: HeaderValue,
}

impl Call {
    /// A call that is not admitted yet.
    pub(in crate::http) fn new(parts: Parts) -> Self {
        Self {
            route: Route::of(parts.uri.path()),
            request_id: request_id(&parts.headers),
            body: Bytes::new(),
            client: None,
            may_read: false,
            parts,
        }
    }

    /// The header fields.
    pub(in crate::http) fn headers(&self) -> &HeaderMap {
        &self.parts.headers
    }

    /// The path as it was sent, percent-encoding included.
    pub(in crate::http) fn path(&self) -> &str {
        self.parts.uri.path()
    }

    /// The query without its question mark; empty when there is none.
    pub(in crate::http) fn query(&self) -> &str {
        self.parts.uri.query().unwrap_or("")
    }

    /// The request's id as text.
    pub(in crate::http) fn request_id(&self) -> &str {
        as_text(&self.request_id)
    }
}
