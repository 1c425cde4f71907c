//! Verifies bearer tokens: against the service's own keys, against those of an OIDC issuer, and, for
//! a token that was seen before, against memory.
//!
//! What a key may verify (algorithm, issuer, audience) is fixed when the key is configured or fetched;
//! a token's header chooses among keys and nothing else. Knows nothing of requests.

#[cfg(test)]
mod tests;

use super::bad_token::BadToken;
use super::caller::Caller;
use super::claims::{Expected, ScopeClaims};
use super::client_tokens::ClientTokens;
use super::oidc::OidcIssuer;
use super::signing_keys::SigningKeys;
use super::trusted_keys::{TrustedKeys, unix_now};
use crate::metrics::Metrics;
use arc_swap::ArcSwap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// An unknown key id, or a wrong signature, has the issuer's keys fetched, but not more often than this.
const REFETCH_PAUSE: Duration = Duration::from_secs(10);
/// The longest that a request waits for such a fetch: like any other it is answered within two seconds.
const PATIENCE: Duration = Duration::from_millis(1500);
/// How often the issuer's keys are fetched anyway, so that one that was withdrawn is no longer trusted.
const REFRESH_INTERVAL: Duration = Duration::from_mins(5);
/// The longest pause between two attempts while the issuer has not answered yet.
const MAX_RETRY_PAUSE: Duration = Duration::from_secs(30);

/// What the service's own tokens say.
#[derive(Clone, Debug)]
pub struct OwnTokens {
    /// Who issues them: `iss`.
    pub issuer: String,
    /// Whom they are for: `aud`.
    pub audience: String,
}

impl OwnTokens {
    fn expected(&self) -> Expected {
        Expected {
            issuer: self.issuer.as_str().into(),
            audience: self.audience.as_str().into(),
            scope_claims: Arc::new(ScopeClaims::default()),
            is_own: true,
            client_prefix: "",
        }
    }
}

/// Verifies bearer tokens.
pub struct TokenVerifier {
    own: OwnTokens,
    issuer: Option<Arc<OidcIssuer>>,
    keys: ArcSwap<TrustedKeys>,
    /// Held while `keys` is rebuilt from one of its two sources.
    change: Mutex<()>,
    /// Whether the last fetch of the issuer's keys failed, or there was none yet.
    issuer_is_away: AtomicBool,
    /// When an unknown key id last led to a fetch; locked while one is under way.
    refetched: Arc<tokio::sync::Mutex<Option<Instant>>>,
    client_tokens: ClientTokens,
    metrics: Arc<Metrics>,
}

impl TokenVerifier {
    /// Verifies tokens signed by `keys` (when given) and by `issuer` (when given).
    pub fn new(
        own: OwnTokens,
        keys: Option<&SigningKeys>,
        issuer: Option<OidcIssuer>,
        metrics: Arc<Metrics>,
    ) -> Arc<Self> {
        // Which library signs and verifies is said once for the process; saying it again changes nothing.
        let _ = jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default();
        let own_keys = keys.map_or(&[][..], SigningKeys::public);
        let trusted = TrustedKeys::of_own(own_keys, &own.expected());
        let verifier = Arc::new(Self {
            own,
            issuer: issuer.map(Arc::new),
            keys: ArcSwap::from_pointee(trusted),
            change: Mutex::new(()),
            issuer_is_away: AtomicBool::new(true),
            refetched: Arc::default(),
            client_tokens: ClientTokens::default(),
            metrics,
        });
        let watched = Arc::downgrade(&verifier);
        verifier.metrics.before_scrape(move |metrics| {
            if let Some(verifier) = watched.upgrade() {
                metrics.set_token_cache_entries(verifier.keys.load().remembered());
            }
        });
        verifier
    }

    /// Long-lived tokens.
    pub fn client_tokens(&self) -> &ClientTokens {
        &self.client_tokens
    }

    /// Whether all that tokens could be verified with is at hand. `false` until the issuer has answered once.
    pub fn is_ready(&self) -> bool {
        self.issuer.is_none() || self.keys.load().has_issuer_keys()
    }

    /// Trusts other keys of the service's own from now on.
    pub fn set_own_keys(&self, keys: &SigningKeys) {
        self.change(|trusted| trusted.with_own_keys(keys.public(), &self.own.expected()));
    }

    /// The caller of a token that was verified before and has not ended. Allocates nothing.
    pub fn recall(&self, token: impl AsRef<[u8]>) -> Option<Caller> {
        let caller = self.keys.load().recall(token.as_ref(), unix_now());
        self.metrics.token_looked_up(caller.is_some());
        caller
    }

    /// The caller of a token that was not seen before.
    ///
    /// # Errors
    /// When the token is not good, or cannot be judged because its issuer does not answer.
    pub async fn verify(self: &Arc<Self>, token: &str) -> Result<Caller, BadToken> {
        let keys = self.keys.load_full();
        let first = keys.verify(token, unix_now());
        match (first, &self.issuer) {
            // A wrong signature may be that of a new key under the id of an old one.
            (
                Err(BadToken::UnknownKey | BadToken::WrongAlgorithm | BadToken::BadSignature),
                Some(issuer),
            ) if issuer.is_named_by(token) => {
                let fetched = tokio::time::timeout(PATIENCE, self.refetch(&keys)).await;
                let is_away = fetched.is_err() || self.issuer_is_away.load(Ordering::Relaxed);
                match self.keys.load().verify(token, unix_now()) {
                    Err(BadToken::UnknownKey) if is_away => Err(BadToken::IssuerAway),
                    outcome => outcome,
                }
            }
            (outcome, _) => outcome,
        }
    }

    /// The caller of a token that was not seen before, without asking the issuer for keys that are not known.
    ///
    /// # Errors
    /// When no known key says that the token is good.
    pub fn verify_by_known_keys(&self, token: &str) -> Result<Caller, BadToken> {
        self.keys.load().verify(token, unix_now())
    }

    /// Fetches the issuer's keys because `judged_by` could not verify a token, unless that was done just now.
    async fn refetch(self: &Arc<Self>, judged_by: &Arc<TrustedKeys>) {
        let mut refetched = self.refetched.clone().lock_owned().await;
        // A request that waited here is served by the fetch that it waited for.
        let changed_since = !Arc::ptr_eq(judged_by, &self.keys.load());
        if changed_since || refetched.is_some_and(|at| at.elapsed() < REFETCH_PAUSE) {
            return;
        }
        *refetched = Some(Instant::now());
        let verifier = self.clone();
        // A task of its own: a client that hangs up must not end the one fetch that the others wait for.
        let fetch = tokio::spawn(async move {
            verifier.fetch().await;
            drop(refetched);
        });
        let _ = fetch.await;
    }

    /// Fetches the issuer's keys, and takes them up when that worked; the old ones stay otherwise.
    async fn fetch(&self) -> bool {
        let Some(issuer) = &self.issuer else {
            return true;
        };
        let fetched = issuer.fetch().await;
        self.metrics.oidc_fetched(fetched.is_ok());
        self.issuer_is_away
            .store(fetched.is_err(), Ordering::Relaxed);
        match fetched {
            Ok(keys) => {
                if self.change(|trusted| trusted.with_issuer_keys(&keys, &issuer.expected())) {
                    tracing::info!(
                        issuer = issuer.name(),
                        keys = keys.len(),
                        "took up the keys of the OIDC issuer"
                    );
                }
                true
            }
            Err(error) => {
                let cached = self.keys.load().has_issuer_keys();
                tracing::warn!(issuer = issuer.name(), error = %error, cached, "the keys of the OIDC issuer could not be fetched");
                false
            }
        }
    }

    /// Rebuilds the trusted keys; `make` returns `None` if they are unchanged.
    fn change(&self, make: impl FnOnce(&TrustedKeys) -> Option<TrustedKeys>) -> bool {
        let _only_one = self.change.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = make(&self.keys.load());
        let is_changed = changed.is_some();
        if let Some(trusted) = changed {
            self.keys.store(Arc::new(trusted));
        }
        is_changed
    }

    /// Fetches the issuer's keys now and again, until the verifier is gone.
    pub fn start_refreshing(self: &Arc<Self>) {
        if self.issuer.is_none() {
            return;
        }
        let watched = Arc::downgrade(self);
        tokio::spawn(async move {
            let mut pause = Duration::from_millis(500);
            while let Some(verifier) = watched.upgrade() {
                let fetched = verifier.fetch().await;
                pause = if fetched {
                    REFRESH_INTERVAL
                } else {
                    (pause * 2).min(MAX_RETRY_PAUSE)
                };
                drop(verifier);
                tokio::time::sleep(pause).await;
                if fetched {
                    pause = Duration::from_millis(500);
                }
            }
        });
    }
}
