//! Proves who a client is. Hashing is slow by intent, so it runs beside the requests and never
//! more than a few at a time; an unknown client costs as much time as a wrong secret.

use super::client::{ApiClient, ClientId, ClientStore, SALT_BYTES, Scopes, SecretHash};
use super::{DirectoryError, ScimProfile, Timestamp, Unavailable};
use futures_util::future::{Either, select};
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// What no secret has as its hash, with the parameters of every hash: to compare with it takes as long. Written here,
/// because to compute one at every start costs as much as the rest of the start, and 19 MiB.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// The clients of the service.
#[derive(Clone)]
pub struct ClientRegistry {
    store: Arc<dyn ClientStore>,
    turns: Arc<Semaphore>,
    /// What the secret of a client that does not exist is compared with.
    nobody: SecretHash,
}

impl ClientRegistry {
    /// The clients in `store`, of which at most `concurrency` are proven at a time.
    pub fn new(store: Arc<dyn ClientStore>, concurrency: usize) -> Self {
        Self {
            store,
            turns: Arc::new(Semaphore::new(concurrency.max(1))),
            nobody: SecretHash::from_stored(NOBODY.to_owned()),
        }
    }

    /// The client with this id and secret, or `None`: the answer does not distinguish which of the two was wrong.
    ///
    /// # Errors
    /// [`Unavailable::Exhausted`] when `patience` is ready before it is this proof's turn.
    pub async fn authenticate(
        &self,
        id: &str,
        secret: String,
        patience: impl Future<Output = ()> + Send,
    ) -> Result<Option<ApiClient>, DirectoryError> {
        let client = match ClientId::parse(id) {
            Some(id) => self.store.find(&id).await?,
            None => None,
        };
        let client = client.filter(|client| client.revoked_at.is_none());
        let hash = client
            .as_ref()
            .map_or_else(|| self.nobody.clone(), |client| client.secret_hash.clone());
        let turn = pin!(self.turns.clone().acquire_owned());
        let Either::Left((Ok(turn), _)) = select(turn, pin!(patience)).await else {
            return Err(DirectoryError::Unavailable {
                reason: Unavailable::Exhausted,
                source: None,
            });
        };
        let proof = tokio::task::spawn_blocking(move || {
            // Kept to the end of the work, also when the request is given up meanwhile.
            let _turn = turn;
            hash.matches(&secret)
        });
        let proven = proof
            .await
            .map_err(|error| DirectoryError::Internal(Box::new(error)))?;
        Ok(client.filter(|_| proven))
    }

    /// Adds a client; `None` when the id is taken.
    pub async fn register(
        &self,
        request: Registration,
    ) -> Result<Option<ApiClient>, DirectoryError> {
        let Registration {
            id,
            name,
            scopes,
            secret,
            salt,
            scim_profile,
            at,
        } = request;
        let secret_hash = tokio::task::spawn_blocking(move || SecretHash::of(&secret, salt))
            .await
            .map_err(|error| DirectoryError::Internal(Box::new(error)))?
            .ok_or_else(hashing_failed)?;
        let client = ApiClient {
            id,
            name,
            secret_hash,
            scopes,
            created_at: at,
            revoked_at: None,
            scim_profile,
        };
        Ok(self.store.add(&client).await?.then_some(client))
    }

    /// All clients, the oldest first.
    pub async fn list(&self) -> Result<Vec<ApiClient>, DirectoryError> {
        self.store.list().await
    }

    /// Ends a client: it gets no more tokens, and those it has end by themselves.
    pub async fn revoke(&self, id: &ClientId, at: Timestamp) -> Result<bool, DirectoryError> {
        self.store.revoke(id, at).await
    }
}

/// A client to be added.
pub struct Registration {
    /// The name by which it will be known.
    pub id: ClientId,
    /// A display name.
    pub name: String,
    /// What it may do.
    pub scopes: Scopes,
    /// Its secret; only the hash is kept.
    pub secret: String,
    /// Chance, for the hash.
    pub salt: [u8; SALT_BYTES],
    /// What it expects of SCIM.
    pub scim_profile: ScimProfile,
    /// Now.
    pub at: Timestamp,
}

fn hashing_failed() -> DirectoryError {
    DirectoryError::Internal("Argon2id refused to hash".into())
}

#[cfg(test)]
mod tests {
    use super::super::client::{ClientOutcome, Scope};
    use super::*;
    use std::sync::Mutex;

    #[derive(Default)]
    struct InMemory(Mutex<Vec<ApiClient>>);

    impl ClientStore for InMemory {
        fn add<'a>(&'a self, client: &'a ApiClient) -> ClientOutcome<'a, bool> {
            self.0.lock().unwrap().push(client.clone());
            Box::pin(async { Ok(true) })
        }

        fn find<'a>(&'a self, id: &'a ClientId) -> ClientOutcome<'a, Option<ApiClient>> {
            let found = self
                .0
                .lock()
                .unwrap()
                .iter()
                .find(|client| client.id == *id)
                .cloned();
            Box::pin(async { Ok(found) })
        }

        fn list(&self) -> ClientOutcome<'_, Vec<ApiClient>> {
            let all = self.0.lock().unwrap().clone();
            Box::pin(async { Ok(all) })
        }

        fn revoke<'a>(&'a self, id: &'a ClientId, at: Timestamp) -> ClientOutcome<'a, bool> {
            let mut clients = self.0.lock().unwrap();
            let found = clients.iter_mut().find(|client| client.id == *id);
            let revoked = found.map(|client| client.revoked_at = Some(at)).is_some();
            Box::pin(async move { Ok(revoked) })
        }
    }

    async fn registry_with(id: &str, secret: &str) -> ClientRegistry {
        let registry = ClientRegistry::new(Arc::new(InMemory::default()), 2);
        let registration = Registration {
            id: ClientId::parse(id).expect("a good id"),
            name: "a test".into(),
            scopes: [Scope::UsersRead].into_iter().collect(),
            secret: secret.into(),
            salt: [1; SALT_BYTES],
            scim_profile: ScimProfile::default(),
            at: Timestamp::from_unix_micros(1),
        };
        registry
            .register(registration)
            .await
            .expect("works")
            .expect("is new");
        registry
    }

    #[test]
    fn nobodys_hash_is_made_like_every_other() {
        let real = SecretHash::of("s3cret", [1; SALT_BYTES]).expect("hashing works");
        let parameters = |hash: &str| hash.rsplitn(3, '$').last().map(str::to_owned);
        assert_eq!(parameters(NOBODY), parameters(real.as_str()));
        assert_eq!(NOBODY.len(), real.as_str().len());
    }

    #[tokio::test]
    async fn only_the_right_secret_of_a_client_that_is_not_revoked_proves_it() {
        let registry = registry_with("billing", "s3cret").await;
        let proven = |id: &'static str, secret: &'static str| {
            let registry = registry.clone();
            async move {
                registry
                    .authenticate(id, secret.into(), std::future::pending())
                    .await
                    .expect("works")
                    .is_some()
            }
        };
        assert!(proven("billing", "s3cret").await);
        assert!(!proven("billing", "wrong").await);
        assert!(!proven("billing", "").await);
        assert!(!proven("nobody", "s3cret").await);
        assert!(
            !proven("nobody", "").await,
            "the stand-in's secret lets nobody in"
        );
        assert!(!proven("no:body\u{0}", "").await);
        let id = ClientId::parse("billing").expect("a good id");
        assert!(
            registry
                .revoke(&id, Timestamp::from_unix_micros(2))
                .await
                .expect("works")
        );
        assert!(!proven("billing", "s3cret").await);
    }

    /// A wrong secret, an unknown client and a text that is not an id all take a turn, and so a hash: none is refused sooner.
    #[tokio::test]
    async fn every_proof_takes_a_turn_whoever_asks_for_it() {
        let registry = registry_with("billing", "s3cret").await;
        let turns = registry.turns.clone();
        let _all = turns.acquire_many(2).await.expect("turns");
        for id in ["billing", "nobody", "no:body\u{0}"] {
            let refused = registry
                .authenticate(id, "wrong".into(), std::future::ready(()))
                .await;
            let exhausted = matches!(
                refused,
                Err(DirectoryError::Unavailable {
                    reason: Unavailable::Exhausted,
                    ..
                })
            );
            assert!(exhausted, "{id:?}");
        }
    }
}
