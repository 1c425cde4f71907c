//! Which keys of retries are being worked on in this process: a second request with one of them is told to wait.

use crate::domain::IdempotencyClaim;
use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

type Keys = Arc<Mutex<HashSet<(String, String)>>>;

/// The keys whose first request is still running.
#[derive(Default)]
pub(super) struct KeysInProgress(Keys);

impl KeysInProgress {
    /// Marks the key until the guard is dropped; `None` when it is marked already.
    pub(super) fn enter(&self, claim: &IdempotencyClaim) -> Option<InProgress> {
        let name = (claim.client.clone(), claim.key.as_str().to_owned());
        let entered = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(name.clone());
        entered.then(|| InProgress {
            keys: self.0.clone(),
            name,
        })
    }
}

/// Unmarks the key when dropped.
pub(super) struct InProgress {
    keys: Keys,
    name: (String, String),
}

impl Drop for InProgress {
    fn drop(&mut self) {
        self.keys
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&self.name);
    }
}

#[cfg(test)]
mod tests {
    use super::KeysInProgress;
    use crate::domain::{IdempotencyClaim, IdempotencyKey};

    #[test]
    fn a_key_is_held_by_one_request_of_one_client_at_a_time() {
        let keys = KeysInProgress::default();
        let claim = |client: &str| IdempotencyClaim {
            client: client.into(),
            key: IdempotencyKey::parse("k").unwrap(),
            fingerprint: [0; 32],
        };
        let first = keys.enter(&claim("a"));
        assert!(first.is_some());
        assert!(keys.enter(&claim("a")).is_none());
        assert!(keys.enter(&claim("b")).is_some());
        drop(first);
        assert!(keys.enter(&claim("a")).is_some());
    }
}
