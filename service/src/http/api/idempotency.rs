//! `Idempotency-Key`: read into the domain's claim, and `Idempotency-Replayed` where an earlier attempt is answered again.

use crate::domain::{IdempotencyClaim, IdempotencyKey};
use crate::http::call::Call;
use crate::http::problem::{IDEMPOTENCY_REPLAYED, Problem, ProblemKind};
use aws_lc_rs::digest::{SHA256, digest};
use http::header::HeaderName;
use http::{HeaderMap, HeaderValue};

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The claim that a request makes, if it has a key.
///
/// # Errors
/// `malformed-request` when the key is given twice or is not 1 to 255 visible ASCII characters.
pub(super) fn read_claim(call: &Call) -> Result<Option<IdempotencyClaim>, Problem> {
    Ok(read_key(call)?.map(|key| IdempotencyClaim {
        client: call.client.as_deref().unwrap_or_default().to_owned(),
        key,
        // The same key with another body is another request.
        fingerprint: digest(&SHA256, &call.body)
            .as_ref()
            .try_into()
            .unwrap_or([0; 32]),
    }))
}

/// The key of a request, if it has one.
///
/// # Errors
/// As [`read_claim`].
pub(super) fn read_key(call: &Call) -> Result<Option<IdempotencyKey>, Problem> {
    let mut values = call.headers().get_all(IDEMPOTENCY_KEY).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    let key = value
        .to_str()
        .ok()
        .and_then(IdempotencyKey::parse)
        .filter(|_| values.next().is_none());
    let Some(key) = key else {
        let wanted = "send one Idempotency-Key of 1 to 255 visible ASCII characters";
        return Err(ProblemKind::MalformedRequest.with_detail(wanted));
    };
    Ok(Some(key))
}

/// Marks the answer as that of an earlier attempt.
pub(super) fn mark_replayed(headers: &mut HeaderMap) {
    headers.insert(IDEMPOTENCY_REPLAYED, HeaderValue::from_static("true"));
}
