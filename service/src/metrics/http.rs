//! The metrics of requests and connections, their handles resolved into arrays.
//!
//! A series of (method, route, code) is created on first use, because all combinations would be thousands; those of GET
//! exist from the start. After that it is found by index, without a lock.

use std::sync::OnceLock;

use prometheus::{Histogram, HistogramVec, IntCounter, IntCounterVec, IntGauge, Opts, Registry};

use super::register::{counter, counters, each, histograms, int_gauge, registered};

const REQUEST_SECONDS: &[f64] = &[
    0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5,
];
const BODY_BYTES: &[f64] = &[64.0, 256.0, 1_024.0, 4_096.0, 16_384.0, 65_536.0, 262_144.0];

/// The status codes of the contract; any other is counted as `other`.
const CODES: [u16; 22] = [
    200, 201, 204, 304, 400, 401, 403, 404, 405, 406, 408, 409, 412, 413, 414, 415, 422, 428, 429,
    431, 500, 503,
];
const OTHER_CODE: usize = CODES.len();
/// Created with the first request of a (method, route), so that a replica's first error is an increase from 0, not a
/// new series, which `rate()` cannot see.
const ERROR_CODES: [u16; 2] = [500, 503];

/// The request method as a label: the contract's methods, and `other`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MethodLabel {
    /// GET
    Get,
    /// HEAD
    Head,
    /// POST
    Post,
    /// PUT
    Put,
    /// PATCH
    Patch,
    /// DELETE
    Delete,
    /// QUERY (RFC 10008)
    Query,
    /// OPTIONS
    Options,
    /// Any other
    Other,
}

impl MethodLabel {
    const ALL: [Self; 9] = [
        Self::Get,
        Self::Head,
        Self::Post,
        Self::Put,
        Self::Patch,
        Self::Delete,
        Self::Query,
        Self::Options,
        Self::Other,
    ];

    /// The label of a method's name; methods are case-sensitive (RFC 9110, section 9.1).
    pub fn from_name(name: &str) -> Self {
        Self::ALL
            .into_iter()
            .find(|method| method.as_str() == name)
            .unwrap_or(Self::Other)
    }

    /// The label's value.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
            Self::Query => "QUERY",
            Self::Options => "OPTIONS",
            Self::Other => "other",
        }
    }
}

/// Why an authentication failed, as a label and as a word of the access log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AuthFailure {
    /// The request has no token.
    NoToken,
    /// The token is not a JSON Web Token of a supported form.
    Malformed,
    /// The token is longer than any that is read.
    TooLong,
    /// The token's type is not that of access tokens.
    WrongType,
    /// No trusted key has signed the token.
    UnknownKey,
    /// The key that the token names does not verify by its algorithm.
    WrongAlgorithm,
    /// The signature is not that of the key.
    BadSignature,
    /// The token has expired.
    Expired,
    /// The token is not valid yet.
    NotYetValid,
    /// Another issuer.
    WrongIssuer,
    /// Another audience.
    WrongAudience,
    /// A claim is missing or of another form.
    BadClaims,
    /// The issuer cannot be asked for its keys, or publishes none that is usable.
    IssuerAway,
    /// The client is unknown or revoked, or its secret is missing, malformed or wrong.
    BadSecret,
    /// The token lacks the scope of the operation.
    ScopeLacking,
    /// Too many failures before this one.
    Limited,
}

impl AuthFailure {
    pub(super) const ALL: [Self; 16] = [
        Self::NoToken,
        Self::Malformed,
        Self::TooLong,
        Self::WrongType,
        Self::UnknownKey,
        Self::WrongAlgorithm,
        Self::BadSignature,
        Self::Expired,
        Self::NotYetValid,
        Self::WrongIssuer,
        Self::WrongAudience,
        Self::BadClaims,
        Self::IssuerAway,
        Self::BadSecret,
        Self::ScopeLacking,
        Self::Limited,
    ];

    /// The label's value.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoToken => "no_token",
            Self::Malformed => "malformed",
            Self::TooLong => "too_long",
            Self::WrongType => "wrong_type",
            Self::UnknownKey => "unknown_key",
            Self::WrongAlgorithm => "wrong_algorithm",
            Self::BadSignature => "bad_signature",
            Self::Expired => "expired",
            Self::NotYetValid => "not_yet_valid",
            Self::WrongIssuer => "wrong_issuer",
            Self::WrongAudience => "wrong_audience",
            Self::BadClaims => "bad_claims",
            Self::IssuerAway => "issuer_away",
            Self::BadSecret => "bad_secret",
            Self::ScopeLacking => "scope_lacking",
            Self::Limited => "limited",
        }
    }
}

/// The metrics of one (method, route): a duration, and a counter per code.
#[derive(Default)]
pub(super) struct Endpoint {
    pub(super) duration: OnceLock<Histogram>,
    pub(super) codes: [OnceLock<IntCounter>; OTHER_CODE + 1],
}

pub(super) struct HttpMetrics {
    pub(super) routes: &'static [&'static str],
    pub(super) requests: IntCounterVec,
    pub(super) durations: HistogramVec,
    pub(super) endpoints: Vec<[Endpoint; MethodLabel::ALL.len()]>,
    pub(super) request_bytes: Vec<Histogram>,
    pub(super) response_bytes: Vec<Histogram>,
    pub(super) in_flight: IntGauge,
    pub(super) connections: IntGauge,
    pub(super) shed: IntCounter,
    pub(super) rate_limited: IntCounter,
    pub(super) write_timeouts: IntCounter,
    pub(super) auth_failures: [IntCounter; AuthFailure::ALL.len()],
}

impl HttpMetrics {
    pub(super) fn new(r: &Registry, routes: &'static [&'static str]) -> prometheus::Result<Self> {
        let requests = Opts::new("roster_http_requests_total", "Requests answered.");
        let request_bytes = histograms(
            r,
            "roster_http_request_body_bytes",
            "Sizes of request bodies.",
            &["route"],
            BODY_BYTES,
        )?;
        let response_bytes = histograms(
            r,
            "roster_http_response_body_bytes",
            "Sizes of response bodies.",
            &["route"],
            BODY_BYTES,
        )?;
        let by_route = |sizes: &HistogramVec| {
            let sizes = routes
                .iter()
                .map(|route| sizes.get_metric_with_label_values(&[route]));
            sizes.collect::<prometheus::Result<Vec<_>>>()
        };
        let auth_failures = counters(
            r,
            "roster_authentication_failures_total",
            "Requests rejected for their token or secret, by reason.",
            "reason",
        )?;
        let made = Self {
            routes,
            requests: registered(
                r,
                IntCounterVec::new(requests, &["method", "route", "code"])?,
            )?,
            durations: histograms(
                r,
                "roster_http_request_duration_seconds",
                "Time from a request's head to the end of its response.",
                &["method", "route"],
                REQUEST_SECONDS,
            )?,
            endpoints: routes.iter().map(|_| Default::default()).collect(),
            request_bytes: by_route(&request_bytes)?,
            response_bytes: by_route(&response_bytes)?,
            in_flight: int_gauge(r, "roster_http_requests_in_flight", "Requests in progress.")?,
            connections: int_gauge(r, "roster_http_connections", "Open client connections.")?,
            shed: counter(
                r,
                "roster_http_requests_shed_total",
                "Requests rejected because too many were in progress.",
            )?,
            rate_limited: counter(
                r,
                "roster_http_requests_rate_limited_total",
                "Requests rejected by their client's rate limit.",
            )?,
            write_timeouts: counter(
                r,
                "roster_http_write_timeouts_total",
                "Connections closed because their client did not read its responses.",
            )?,
            auth_failures: each(&auth_failures, AuthFailure::ALL.map(AuthFailure::as_str))?,
        };
        // The SLO indicators exist before the first request: no traffic must not look like a missing metric.
        for (route, methods) in made.endpoints.iter().enumerate() {
            let endpoint = &methods[MethodLabel::Get as usize];
            endpoint
                .duration
                .get_or_init(|| made.first_seen(endpoint, MethodLabel::Get, route));
        }
        Ok(made)
    }

    pub(super) fn counter(
        &self,
        endpoint: &Endpoint,
        method: MethodLabel,
        route: usize,
        code: usize,
    ) -> IntCounter {
        let text = CODES
            .get(code)
            .map_or_else(|| "other".to_owned(), u16::to_string);
        let made = endpoint.codes[code].get_or_init(|| {
            let labels = [method.as_str(), self.routes[route], &text];
            self.requests.with_label_values(&labels)
        });
        made.clone()
    }

    pub(super) fn first_seen(
        &self,
        endpoint: &Endpoint,
        method: MethodLabel,
        route: usize,
    ) -> Histogram {
        for code in ERROR_CODES {
            self.counter(endpoint, method, route, code_index(code));
        }
        self.durations
            .with_label_values(&[method.as_str(), self.routes[route]])
    }
}

/// A request in progress while this value lives.
#[must_use = "the request counts as finished once this is dropped"]
pub struct InFlight(pub(super) IntGauge);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// An open connection while this value lives.
#[must_use = "the connection counts as closed once this is dropped"]
pub struct OpenConnection(pub(super) IntGauge);

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.dec();
    }
}

pub(super) fn code_index(status: u16) -> usize {
    CODES.binary_search(&status).unwrap_or(OTHER_CODE)
}
