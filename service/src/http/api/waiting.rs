//! Whether a reader of the change feed waits, and for how long: read by the edge, which admits it, and by the handler.
//!
//! One reading for both, so that they cannot differ.

use super::list_query::pairs;

/// The longest wait, in seconds.
const MAX_WAIT_SECONDS: u64 = 30;

/// Whether a query asks to wait for changes.
pub(super) fn asks_to_wait(query: &str) -> bool {
    pairs(query)
        .filter_map(Result::ok)
        .any(|(name, value)| name == "wait" && wait_seconds(&value).is_some_and(|wait| wait > 0))
}

/// The value of the parameter `wait`; `None` when it is not valid.
pub(super) fn wait_seconds(value: &str) -> Option<u64> {
    let seconds = value.parse().ok()?;
    let is_plain = value.bytes().all(|b| b.is_ascii_digit());
    (is_plain && seconds <= MAX_WAIT_SECONDS).then_some(seconds)
}
