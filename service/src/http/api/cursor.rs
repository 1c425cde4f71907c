//! Cursors as clients see them: encrypted and authenticated, so that a client can neither read an address in one nor
//! forge a position, and bound to their query, so that one cannot be used for another.

use crate::domain::{Cursor, Timestamp, UserId};
use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, Nonce, RandomizedNonceKey};
use std::sync::Arc;
use uuid::Uuid;

const NONCE_BYTES: usize = 12;
const TIME: u8 = b't';
const TEXT: u8 = b'x';
const POSITION: u8 = b'p';

/// Seals and opens cursors.
#[derive(Clone)]
pub struct CursorSeal(Arc<RandomizedNonceKey>);

/// The cursor key is not usable.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the cursor key cannot be used")]
pub struct BadCursorKey;

impl CursorSeal {
    /// A seal with a key that all replicas share.
    pub fn new(key: &[u8; 32]) -> Result<Self, BadCursorKey> {
        RandomizedNonceKey::new(&AES_256_GCM_SIV, key)
            .map(|key| Self(Arc::new(key)))
            .map_err(|_| BadCursorKey)
    }

    /// A cursor of a list; `query` is everything that decides which users come in which order.
    pub(super) fn seal(&self, query: &[u8], cursor: &Cursor) -> Option<String> {
        let mut plain = Vec::with_capacity(64);
        match cursor {
            Cursor::Time(at, id) => {
                plain.push(TIME);
                plain.extend_from_slice(id.0.as_bytes());
                plain.extend_from_slice(&at.unix_micros().to_be_bytes());
            }
            Cursor::Text(text, id) => {
                plain.push(TEXT);
                plain.extend_from_slice(id.0.as_bytes());
                plain.extend_from_slice(text.as_bytes());
            }
        }
        self.seal_bytes(query, plain)
    }

    /// Opens a cursor of the list `query`; `None` when it is not one.
    pub(super) fn open(&self, query: &[u8], sealed: &str) -> Option<Cursor> {
        let plain = self.open_bytes(query, sealed)?;
        let (kind, rest) = plain.split_first()?;
        let (id, value) = rest.split_at_checked(16)?;
        let id = UserId(Uuid::from_slice(id).ok()?);
        match *kind {
            TIME => Some(Cursor::Time(
                Timestamp::from_unix_micros(i64::from_be_bytes(value.try_into().ok()?)),
                id,
            )),
            TEXT => Some(Cursor::Text(String::from_utf8(value.to_vec()).ok()?, id)),
            _ => None,
        }
    }

    /// A cursor of the change feed.
    pub(super) fn seal_position(&self, position: i64) -> Option<String> {
        let mut plain = vec![POSITION];
        plain.extend_from_slice(&position.to_be_bytes());
        self.seal_bytes(b"changes", plain)
    }

    /// Opens a cursor of the change feed; `None` when it is not one.
    pub(super) fn open_position(&self, sealed: &str) -> Option<i64> {
        let plain = self.open_bytes(b"changes", sealed)?;
        let (kind, value) = plain.split_first()?;
        (*kind == POSITION).then(|| value.try_into().ok().map(i64::from_be_bytes))?
    }

    fn seal_bytes(&self, context: &[u8], mut bytes: Vec<u8>) -> Option<String> {
        let nonce = self
            .0
            .seal_in_place_append_tag(Aad::from(context), &mut bytes)
            .ok()?;
        bytes.extend_from_slice(nonce.as_ref());
        Some(base64_url::encode(&bytes))
    }

    fn open_bytes(&self, context: &[u8], sealed: &str) -> Option<Vec<u8>> {
        let mut bytes = base64_url::decode(sealed)?;
        let nonce = bytes.split_off(bytes.len().checked_sub(NONCE_BYTES)?);
        let nonce = Nonce::try_assume_unique_for_key(&nonce).ok()?;
        Some(
            self.0
                .open_in_place(nonce, Aad::from(context), &mut bytes)
                .ok()?
                .to_vec(),
        )
    }
}

/// base64url without padding (RFC 4648, 5).
mod base64_url {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    pub(super) fn encode(bytes: &[u8]) -> String {
        URL_SAFE_NO_PAD.encode(bytes)
    }

    pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
        URL_SAFE_NO_PAD.decode(text).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::CursorSeal;
    use crate::domain::{Cursor, Timestamp, UserId};
    use uuid::Uuid;

    #[test]
    fn a_cursor_opens_for_its_own_query_alone() {
        let seal = CursorSeal::new(&[7; 32]).unwrap();
        let id = UserId(Uuid::from_u128(5));
        for cursor in [
            Cursor::Time(Timestamp::from_unix_micros(12), id),
            Cursor::Text("ada@example.com".into(), id),
        ] {
            let sealed = seal.seal(b"sort=name", &cursor).unwrap();
            assert!(!sealed.contains("ada"));
            assert_eq!(seal.open(b"sort=name", &sealed), Some(cursor));
            assert_eq!(seal.open(b"sort=-name", &sealed), None);
            assert_eq!(
                CursorSeal::new(&[8; 32])
                    .unwrap()
                    .open(b"sort=name", &sealed),
                None
            );
            assert_eq!(seal.open_position(&sealed), None);
        }
    }

    #[test]
    fn a_cursor_that_was_tampered_with_does_not_open() {
        let seal = CursorSeal::new(&[7; 32]).unwrap();
        let sealed = seal.seal_position(42).unwrap();
        assert_eq!(seal.open_position(&sealed), Some(42));
        for at in 0..sealed.len() {
            let mut bytes = sealed.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            assert_eq!(
                seal.open_position(std::str::from_utf8(&bytes).unwrap()),
                None,
                "byte {at}"
            );
        }
        assert_eq!(seal.open_position(""), None);
    }
}
