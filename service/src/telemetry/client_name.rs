//! A client as the access log names it, without personal data.
//!
//! The ids of Roster's own clients are words that their operators chose. The subject of another issuer's token may be a
//! person's login name or e-mail address: it is replaced by a hash, by which its lines are still found.

use crate::domain::ClientId;
use aws_lc_rs::digest::{SHA256, digest};

/// A hash is shorter.
const MAX_BYTES: usize = ClientId::MAX_BYTES;
const PREFIX: &[u8] = b"sha256:";
/// Of the hash; enough to distinguish clients.
const HASH_BYTES: usize = 16;

/// A client's name, inline: the hot path does not allocate. Empty where there is none.
#[derive(Clone, Copy)]
pub(super) struct ClientName {
    length: u8,
    bytes: [u8; MAX_BYTES],
}

impl ClientName {
    pub(super) fn of(client: Option<&str>) -> Self {
        let mut name = Self {
            length: 0,
            bytes: [0; MAX_BYTES],
        };
        match client {
            None => {}
            Some(client) if ClientId::is_valid(client) => name.push(client.as_bytes()),
            Some(client) => {
                name.push(PREFIX);
                for byte in &digest(&SHA256, client.as_bytes()).as_ref()[..HASH_BYTES] {
                    const DIGITS: &[u8; 16] = b"0123456789abcdef";
                    name.push(&[
                        DIGITS[usize::from(byte >> 4)],
                        DIGITS[usize::from(byte & 15)],
                    ]);
                }
            }
        }
        name
    }

    pub(super) fn as_str(&self) -> &str {
        str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }

    fn push(&mut self, more: &[u8]) {
        let length = usize::from(self.length);
        if let Some(room) = self.bytes.get_mut(length..length + more.len()) {
            room.copy_from_slice(more);
            self.length += u8::try_from(more.len()).unwrap_or(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ClientId, ClientName, MAX_BYTES};

    #[test]
    fn the_id_of_a_client_is_kept_and_every_other_subject_is_replaced_by_a_hash() {
        let name = |client: &str| ClientName::of(Some(client)).as_str().to_owned();
        let longest = "x".repeat(MAX_BYTES);
        for id in ["billing", "hr.sync-2_b", &longest] {
            assert_eq!(name(id), id);
            assert!(ClientId::parse(id).is_some());
        }
        assert_eq!(ClientName::of(None).as_str(), "");
        let long = "x".repeat(MAX_BYTES + 1);
        for other in ["oidc:ada", "oidc:ada@example.com", "a\"b", "é", "", &long] {
            let hashed = name(other);
            assert!(
                hashed.starts_with("sha256:") && hashed.len() == 7 + 32,
                "{hashed}"
            );
            assert_eq!(hashed, name(other), "the same every time");
            assert!(ClientId::parse(other).is_none());
        }
        assert_ne!(name("oidc:ada@example.com"), name("oidc:bob@example.com"));
    }
}
