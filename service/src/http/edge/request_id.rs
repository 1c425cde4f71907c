//! Request ids: the client's `X-Request-Id` when it is acceptable, else a new one.

use http::{HeaderMap, HeaderName, HeaderValue};

/// The header field, in requests and responses.
pub(in crate::http) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

const MAX_BYTES: usize = 128;

/// The request's id: 1 to 128 visible ASCII characters.
pub(in crate::http) fn request_id(headers: &HeaderMap) -> HeaderValue {
    match headers.get(&X_REQUEST_ID) {
        Some(given)
            if (1..=MAX_BYTES).contains(&given.len())
                && given.as_bytes().iter().all(u8::is_ascii_graphic) =>
        {
            given.clone()
        }
        _ => new(),
    }
}

/// The id as text.
pub(in crate::http) fn as_text(id: &HeaderValue) -> &str {
    // Visible ASCII by construction.
    id.to_str().unwrap_or("")
}

/// A new id: 128 random bits in hexadecimal. It only has to be unlikely to occur twice.
fn new() -> HeaderValue {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = [0_u8; 32];
    let bits = fastrand::u128(..).to_be_bytes();
    for (pair, byte) in text.chunks_exact_mut(2).zip(bits) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 15)];
    }
    HeaderValue::from_bytes(&text).unwrap_or(HeaderValue::from_static("unknown"))
}

#[cfg(test)]
mod tests {
    use super::{X_REQUEST_ID, request_id};
    use http::{HeaderMap, HeaderValue};

    #[test]
    fn a_clients_id_is_kept_when_it_is_short_visible_ascii() {
        let with = |value: &[u8]| {
            request_id(&HeaderMap::from_iter([(
                X_REQUEST_ID,
                HeaderValue::from_bytes(value).unwrap(),
            )]))
        };
        assert_eq!(with(b"abc-1"), "abc-1");
        assert_eq!(with(&[b'x'; 128]).len(), 128);
        for bad in [&b""[..], b"a b", "é".as_bytes(), &[b'x'; 129]] {
            assert_eq!(with(bad).len(), 32, "{}", bad.escape_ascii());
        }
        assert_ne!(request_id(&HeaderMap::new()), request_id(&HeaderMap::new()));
    }
}
