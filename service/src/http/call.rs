//! One request on its way from the edge to its handler and back. Knows no handler and no user.

use super::api::route::Route;
use super::edge::request_id::{as_text, request_id};
use crate::domain::Actor;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderValue};
use hyper::body::Incoming;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

/// How a request reached this service, in the extensions of calls of SCIM, whose answers name the service's own URL.
#[derive(Clone, Copy, Debug)]
pub(in crate::http) struct Transport {
    /// The address at the other end of the connection: the client, or the last proxy in front.
    pub(in crate::http) peer: IpAddr,
    /// Whether the connection itself is encrypted.
    pub(in crate::http) is_tls: bool,
}

/// A body that its handler reads as it arrives, in the extensions of calls that have one.
#[derive(Clone, Debug)]
pub(in crate::http) struct Upload(Arc<Mutex<Option<Incoming>>>);

impl Upload {
    /// The body of `body`, which gets it back when the handler has answered.
    pub(in crate::http) fn of(body: &mut Option<Incoming>) -> Self {
        Self(Arc::new(Mutex::new(body.take())))
    }

    /// Takes the body to read it. What is not put back was read to its end.
    pub(in crate::http) fn take(&self) -> Option<Incoming> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Puts back a body that was not read to its end.
    pub(in crate::http) fn put_back(&self, body: Incoming) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(body);
    }

    /// What is left of the body.
    pub(in crate::http) fn give_back(&self, body: &mut Option<Incoming>) {
        *body = self.take();
    }
}

/// A request, and what the edge knows of it. Made once, when the head of the request has arrived; handlers borrow it.
pub(in crate::http) struct Call {
    /// Method, target and header fields, as they were sent.
    pub(in crate::http) parts: Parts,
    /// The whole body; empty until the edge has admitted the call and read it.
    pub(in crate::http) body: Bytes,
    /// The client; `None` until the edge has authenticated the call.
    pub(in crate::http) client: Option<Arc<str>>,
    /// Whether that client is authenticated: it is not where no token is needed.
    pub(in crate::http) is_authenticated: bool,
    /// The address of the client.
    pub(in crate::http) address: IpAddr,
    /// Whether the client may read users.
    pub(in crate::http) may_read: bool,
    /// The route that the path names, whatever of it is percent-encoded.
    pub(in crate::http) route: Route,
    /// The request's id in the response and in the log.
    pub(in crate::http) request_id: HeaderValue,
}

impl Call {
    /// A call that is not admitted yet.
    pub(in crate::http) fn new(parts: Parts, address: IpAddr) -> Self {
        Self {
            route: Route::of(parts.uri.path()),
            request_id: request_id(&parts.headers),
            body: Bytes::new(),
            client: None,
            is_authenticated: false,
            address,
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

    /// The client, if it is authenticated.
    pub(in crate::http) fn authenticated_client(&self) -> Option<&Arc<str>> {
        self.client.as_ref().filter(|_| self.is_authenticated)
    }

    /// Who makes the changes of this request.
    pub(in crate::http) fn actor(&self) -> Option<Actor> {
        self.authenticated_client().cloned().map(Actor::new)
    }

    /// The request's id as text.
    pub(in crate::http) fn request_id(&self) -> &str {
        as_text(&self.request_id)
    }
}
