//! Receives bodies: at once where they have arrived, else without the permit that others need for their work.
//!
//! Knows how large a body may be and how long it may take. Must not know what is in one.

use super::body_admission::{ArrivingBody, BodyAdmission};
use super::concurrency_limit::{Admission, ConcurrencyLimit, Permit};
use crate::http::api::route::Route;
use crate::http::problem::{Problem, ProblemKind};
use crate::http::read_request::{Arrival, begin_body, finish_body};
use crate::http::settings::HttpSettings;
use crate::metrics::Metrics;
use bytes::Bytes;
use http::HeaderMap;
use hyper::body::Incoming;
use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::atomic::AtomicUsize;
use std::time::{Duration, Instant};

/// The permit of a request, and since when it has it.
pub(super) struct Work<'a> {
    /// None while its body is on the way.
    pub(super) permit: Option<Permit<'a>>,
    pub(super) since: Instant,
}

/// Who sends a body.
#[derive(Clone, Copy)]
pub(super) struct Sender<'a> {
    pub(super) address: IpAddr,
    /// Counts the bodies that are on their way on the same connection.
    pub(super) arriving_on_connection: &'a AtomicUsize,
}

/// Where bodies are received.
pub(super) struct Reception {
    requests: Rules,
    /// Of requests for tokens, which anybody may send.
    token_requests: Rules,
    /// Of bulk requests of SCIM.
    bulk_requests: Rules,
}

struct Rules {
    limit_bytes: usize,
    deadline: Duration,
    admission: BodyAdmission,
}

/// A body, as far as it has arrived.
pub(super) enum Received<'a> {
    Whole(Bytes),
    /// On the heap, so that requests whose body is there carry no room for it.
    Partial(Box<Rest<'a>>),
}

/// What has yet to come of a body.
pub(super) struct Rest<'a> {
    bytes: Pin<Box<dyn Future<Output = Result<Bytes, Problem>> + Send + 'a>>,
    deadline: Duration,
    arriving: Result<ArrivingBody<'a>, Problem>,
}

impl Reception {
    pub(super) fn new(settings: &HttpSettings) -> Self {
        Self {
            requests: Rules {
                limit_bytes: settings.body_limit_bytes,
                deadline: settings.body_timeout,
                admission: BodyAdmission::new(settings.bodies),
            },
            token_requests: Rules {
                limit_bytes: settings.token_body_limit_bytes,
                deadline: settings.token_body_timeout,
                admission: BodyAdmission::new(settings.token_bodies),
            },
            bulk_requests: Rules {
                limit_bytes: settings
                    .scim
                    .as_ref()
                    .map_or(settings.body_limit_bytes, |scim| scim.bulk_limit_bytes),
                deadline: settings.body_timeout,
                admission: BodyAdmission::new(settings.bodies),
            },
        }
    }

    /// Reads what has arrived of a body.
    ///
    /// # Errors
    /// 413, 415 and 400 for a body that cannot be taken.
    pub(super) fn receive<'a>(
        &'a self,
        headers: &HeaderMap,
        body: &'a mut Incoming,
        route: Route,
        sender: Sender<'a>,
    ) -> Result<Received<'a>, Problem> {
        let rules = match route {
            Route::Token => &self.token_requests,
            Route::ScimBulk => &self.bulk_requests,
            _ => &self.requests,
        };
        Ok(match begin_body(headers, body, rules.limit_bytes)? {
            Arrival::Whole(bytes) => Received::Whole(bytes),
            Arrival::Partial(bytes) => Received::Partial(Box::new(Rest {
                bytes,
                deadline: rules.deadline,
                arriving: rules
                    .admission
                    .admit(sender.address, sender.arriving_on_connection),
            })),
        })
    }
}

impl Rest<'_> {
    /// Gives back the permit, waits for the rest, and asks for a permit again.
    ///
    /// # Errors
    /// 503 when too many bodies are on their way, or no permit is free afterwards; 408 when the rest does not come in
    /// time; 413 and 400 as before.
    pub(super) async fn wait<'q>(
        self,
        work: &mut Work<'q>,
        concurrency: &'q ConcurrencyLimit,
        metrics: &Metrics,
    ) -> Result<Bytes, Problem> {
        let arriving = self.arriving.inspect_err(|_| metrics.request_shed())?;
        work.permit = None;
        let bytes = finish_body(self.bytes, self.deadline).await?;
        drop(arriving);
        work.permit = concurrency.admit(Admission::Request);
        work.since = Instant::now();
        if work.permit.is_none() {
            metrics.request_shed();
            return Err(overloaded());
        }
        Ok(bytes)
    }
}

/// The problem of a request for which there is no permit.
pub(super) fn overloaded() -> Problem {
    ProblemKind::Unavailable
        .with_detail("the service has as many requests in progress as it can serve")
        .retry_after(1)
}
