//! Cursors as clients see them: encrypted and authenticated, so that a client can neither read an address in one nor
//! forge a position, and bound to their query, so that one cannot be used for another.

use crate::domain::{ChangeId, Cursor, FeedPosition, SortPosition, Timestamp, UserId, Version};
use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, Nonce, RandomizedNonceKey};
use std::sync::Arc;
use uuid::Uuid;

const NONCE_BYTES: usize = 12;
/// What a cursor holds, by its first byte. The small letters are of releases that did not record the newest change.
const TIME: u8 = b'T';
const TEXT: u8 = b'X';
const POSITION: u8 = b'P';
const OLD_TIME: u8 = b't';
const OLD_TEXT: u8 = b'x';
const OLD_POSITION: u8 = b'p';

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
    pub(in crate::http) fn seal(&self, query: &[u8], cursor: &Cursor) -> Option<String> {
        let mut plain = Vec::with_capacity(128);
        let (time, text) = match cursor.seen {
            Some(_) => (TIME, TEXT),
            None => (OLD_TIME, OLD_TEXT),
        };
        plain.push(match cursor.after {
            SortPosition::Time(..) => time,
            SortPosition::Text(..) => text,
        });
        if let Some(seen) = cursor.seen {
            write_position(&mut plain, seen);
        }
        match &cursor.after {
            SortPosition::Time(at, id) => {
                plain.extend_from_slice(id.0.as_bytes());
                plain.extend_from_slice(&at.unix_micros().to_be_bytes());
            }
            SortPosition::Text(text, id) => {
                plain.extend_from_slice(id.0.as_bytes());
                plain.extend_from_slice(text.as_bytes());
            }
        }
        self.seal_bytes(query, plain)
    }

    /// Opens a cursor of the list `query`; `None` when it is not one.
    pub(in crate::http) fn open(&self, query: &[u8], sealed: &str) -> Option<Cursor> {
        let plain = self.open_bytes(query, sealed)?;
        let (kind, mut rest) = plain.split_first()?;
        let seen = match *kind {
            TIME | TEXT => Some(read_position(&mut rest)?),
            _ => None,
        };
        let (id, value) = rest.split_at_checked(16)?;
        let id = UserId(Uuid::from_slice(id).ok()?);
        let after = match *kind {
            TIME | OLD_TIME => {
                let micros = i64::from_be_bytes(value.try_into().ok()?);
                SortPosition::Time(Timestamp::from_unix_micros(micros), id)
            }
            TEXT | OLD_TEXT => SortPosition::Text(String::from_utf8(value.to_vec()).ok()?, id),
            _ => return None,
        };
        Some(Cursor { after, seen })
    }

    /// A cursor of the change feed.
    pub(super) fn seal_position(&self, position: FeedPosition) -> Option<String> {
        let mut plain = Vec::with_capacity(64);
        plain.push(POSITION);
        write_position(&mut plain, position);
        self.seal_bytes(b"changes", plain)
    }

    /// Opens a cursor of the change feed; `None` when it is not one.
    pub(super) fn open_position(&self, sealed: &str) -> Option<FeedPosition> {
        let plain = self.open_bytes(b"changes", sealed)?;
        let (kind, mut rest) = plain.split_first()?;
        let position = match *kind {
            POSITION => read_position(&mut rest)?,
            OLD_POSITION => FeedPosition {
                position: read_number(&mut rest)?,
                change: None,
            },
            _ => return None,
        };
        rest.is_empty().then_some(position)
    }

    pub(super) fn seal_bytes(&self, context: &[u8], mut bytes: Vec<u8>) -> Option<String> {
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

/// Appends a position and its change; the nil UUID stands for none.
fn write_position(out: &mut Vec<u8>, FeedPosition { position, change }: FeedPosition) {
    let (user, version) = change.map_or((Uuid::nil(), 0), |id| (id.user.0, id.version.0));
    out.extend_from_slice(&position.to_be_bytes());
    out.extend_from_slice(user.as_bytes());
    out.extend_from_slice(&version.to_be_bytes());
}

fn read_position(rest: &mut &[u8]) -> Option<FeedPosition> {
    let position = read_number(rest)?;
    let (user, behind) = rest.split_at_checked(16)?;
    *rest = behind;
    let user = Uuid::from_slice(user).ok()?;
    let version = Version(read_number(rest)?);
    let change = (!user.is_nil()).then_some(ChangeId {
        user: UserId(user),
        version,
    });
    Some(FeedPosition { position, change })
}

fn read_number(rest: &mut &[u8]) -> Option<i64> {
    let (number, behind) = rest.split_first_chunk()?;
    *rest = behind;
    Some(i64::from_be_bytes(*number))
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
    use super::*;

    fn position(change: bool) -> FeedPosition {
        let user = UserId(Uuid::from_u128(9));
        let version = Version(1 << 52);
        FeedPosition {
            position: 42,
            change: change.then_some(ChangeId { user, version }),
        }
    }

    #[test]
    fn a_cursor_opens_for_its_own_query_alone() {
        let seal = CursorSeal::new(&[7; 32]).unwrap();
        let id = UserId(Uuid::from_u128(5));
        let places = [
            SortPosition::Time(Timestamp::from_unix_micros(12), id),
            SortPosition::Text("ada@example.com".into(), id),
        ];
        let seen = [None, Some(position(false)), Some(position(true))];
        let cursors = places.into_iter().flat_map(|after| {
            seen.map(|seen| Cursor {
                after: after.clone(),
                seen,
            })
        });
        for cursor in cursors {
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
        let sealed = seal.seal_position(position(true)).unwrap();
        assert_eq!(seal.open_position(&sealed), Some(position(true)));
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

    #[test]
    fn a_position_of_a_release_that_recorded_no_change_is_still_read() {
        let seal = CursorSeal::new(&[7; 32]).unwrap();
        let mut old = vec![OLD_POSITION];
        old.extend_from_slice(&42_i64.to_be_bytes());
        let sealed = seal.seal_bytes(b"changes", old).unwrap();
        assert_eq!(seal.open_position(&sealed), Some(position(false)));
    }
}
