//! What the edge reports of requests and connections.

use super::Metrics;
use super::http::{AuthFailure, InFlight, MethodLabel, OpenConnection, code_index};
use super::register::as_f64;
use std::time::Duration;

impl Metrics {
    /// Counts a finished request. `route` is an index into the route templates given at start; one out of range is a
    /// bug and counts as the last, which is for unmatched paths.
    pub fn http_finished(
        &self,
        route: usize,
        method: MethodLabel,
        status: u16,
        duration: Duration,
        request_bytes: usize,
        response_bytes: usize,
    ) {
        let http = &self.http;
        let route = route.min(http.routes.len().saturating_sub(1));
        let Some(endpoint) = http
            .endpoints
            .get(route)
            .map(|methods| &methods[method as usize])
        else {
            return;
        };
        endpoint
            .duration
            .get_or_init(|| http.first_seen(endpoint, method, route))
            .observe(duration.as_secs_f64());
        let code = code_index(status);
        match endpoint.codes[code].get() {
            Some(counter) => counter.inc(),
            None => http.counter(endpoint, method, route, code).inc(),
        }
        http.request_bytes[route].observe(as_f64(request_bytes));
        http.response_bytes[route].observe(as_f64(response_bytes));
    }

    /// Counts a request as in progress until the guard is dropped.
    pub fn request_started(&self) -> InFlight {
        self.http.in_flight.inc();
        InFlight(self.http.in_flight.clone())
    }

    /// Counts a connection as open until the guard is dropped.
    pub fn connection_opened(&self) -> OpenConnection {
        self.http.connections.inc();
        OpenConnection(self.http.connections.clone())
    }

    /// Counts a request rejected under load.
    pub fn request_shed(&self) {
        self.http.shed.inc();
    }

    /// Counts a connection closed because its client did not read.
    pub fn write_timed_out(&self) {
        self.http.write_timeouts.inc();
    }

    /// Counts a request rejected for its token or secret.
    pub fn authentication_failed(&self, reason: AuthFailure) {
        self.http.auth_failures[reason as usize].inc();
    }

    /// Counts a request rejected by its client's rate limit.
    pub fn request_rate_limited(&self) {
        self.http.rate_limited.inc();
    }
}
