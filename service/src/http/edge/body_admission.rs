//! Bodies that do not come with their head: how many may be on their way at a time, so that a slow sender takes neither
//! a permit to be worked on nor more memory than its share.
//!
//! A body that is there when the request is looked at is not counted. Knows nothing of what is in a body.

use super::counts_by_key::{CountsByKey, Held};
use super::rate_limit::RateKey;
use crate::http::problem::{Problem, ProblemKind};
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many bodies may be on their way at a time.
#[derive(Clone, Copy, Debug)]
pub struct BodyLimits {
    /// In all.
    pub total: usize,
    /// From one address; of IPv6, from one network.
    pub per_address: usize,
    /// On one connection.
    pub per_connection: usize,
}

/// Counts the bodies that are on their way.
pub(super) struct BodyAdmission {
    limits: BodyLimits,
    total: AtomicUsize,
    by_address: CountsByKey<RateKey>,
}

/// A body that is on its way; no longer counted when this is dropped.
pub(super) struct ArrivingBody<'a> {
    _total: Counted<'a>,
    _connection: Counted<'a>,
    _address: Held<'a, RateKey>,
}

struct Counted<'a>(&'a AtomicUsize);

impl<'a> Counted<'a> {
    fn one_of(count: &'a AtomicUsize, limit: usize) -> Option<Self> {
        // Made first, so that it is given back whatever happens.
        let before = count.fetch_add(1, Ordering::Relaxed);
        let counted = Self(count);
        (before < limit).then_some(counted)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl BodyAdmission {
    pub(super) fn new(limits: BodyLimits) -> Self {
        Self {
            limits,
            total: AtomicUsize::new(0),
            by_address: CountsByKey::new(limits.per_address),
        }
    }

    /// Lets a body from `peer` arrive; `on_connection` counts those of its connection.
    ///
    /// # Errors
    /// 503 when there are as many as there may be.
    pub(super) fn admit<'a>(
        &'a self,
        peer: IpAddr,
        on_connection: &'a AtomicUsize,
    ) -> Result<ArrivingBody<'a>, Problem> {
        let full = |of_whom: &str| {
            ProblemKind::Unavailable
                .with_detail(format!(
                    "too many request bodies are arriving {of_whom}; retry, and send the body at once"
                ))
                .retry_after(1)
        };
        let connection = Counted::one_of(on_connection, self.limits.per_connection);
        let connection = connection.ok_or_else(|| full("on this connection"))?;
        let address = self.by_address.hold(RateKey::of_peer(peer));
        let address = address.ok_or_else(|| full("from this address"))?;
        let total = Counted::one_of(&self.total, self.limits.total);
        Ok(ArrivingBody {
            _total: total.ok_or_else(|| full("at a time"))?,
            _connection: connection,
            _address: address,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{BodyAdmission, BodyLimits};
    use std::sync::atomic::AtomicUsize;

    #[test]
    fn bodies_are_bounded_on_a_connection_from_an_address_and_in_all() {
        let admission = BodyAdmission::new(BodyLimits {
            total: 3,
            per_address: 2,
            per_connection: 1,
        });
        let [first, second, third] = [(); 3].map(|()| AtomicUsize::new(0));
        let (near, far) = ([192, 0, 2, 1].into(), [192, 0, 2, 2].into());
        let mut held = vec![admission.admit(near, &first).ok().unwrap()];
        assert!(admission.admit(near, &first).is_err(), "on the connection");
        held.push(admission.admit(near, &second).ok().unwrap());
        assert!(admission.admit(near, &third).is_err(), "from the address");
        held.push(admission.admit(far, &third).ok().unwrap());
        assert!(
            admission.admit(far, &AtomicUsize::new(0)).is_err(),
            "in all"
        );
        held.clear();
        assert!(admission.admit(near, &first).is_ok(), "all are given back");
    }
}
