//! Authentication, rate limits and certificates, created from the settings and reloaded on SIGHUP.

use crate::config::{AuthMode, ConfigError, ServeArgs, TlsArgs, TokenArgs};
use crate::domain::ClientRegistry;
use crate::http::{
    Auth, Gate, OidcIssuer, Protocols, RateLimits, SigningKeys, Tls, TokenIssuer, TokenVerifier,
};
use crate::metrics::Metrics;
use crate::store::PgUserStore;
use std::sync::Arc;

/// The access controls of the service.
#[derive(Clone)]
pub(super) struct Access {
    pub(super) auth: Auth,
    pub(super) protocols: Protocols,
    keys: Option<Arc<SigningKeys>>,
}

impl Access {
    /// Reads keys and certificates, and starts fetching the issuer's keys.
    pub(super) fn open(args: &ServeArgs, metrics: &Arc<Metrics>) -> Result<Self, ConfigError> {
        args.tokens.check(args.http.auth)?;
        let keys = args.tokens.signing_keys()?.map(Arc::new);
        Ok(Self {
            auth: auth(args.http.auth, &args.tokens, keys.as_deref(), metrics)?,
            protocols: protocols(&args.tls, metrics)?,
            keys,
        })
    }

    /// The token endpoint for the clients in `store`.
    pub(super) fn token_issuer(&self, args: &TokenArgs, store: &PgUserStore) -> TokenIssuer {
        let concurrency = usize::from(args.token_concurrency);
        let clients = ClientRegistry::new(Arc::new(store.clients()), concurrency);
        TokenIssuer::new(
            clients,
            args.own(),
            args.token_lifetime_s,
            self.keys.clone(),
        )
    }

    /// The request gate.
    pub(super) fn gate(&self, args: &TokenArgs) -> Gate {
        Gate {
            auth: self.auth.clone(),
            rate_limits: args.rate_quota().map(RateLimits::new),
        }
    }

    /// Reloads keys and certificates. The current ones stay if the new ones cannot be used.
    pub(super) fn reload(&self, args: &TokenArgs, issuer: &TokenIssuer) {
        match args.signing_keys() {
            Ok(Some(keys)) => {
                // Trusted before they sign, so that every issued token is accepted.
                if let Auth::Required(verifier) = &self.auth {
                    verifier.set_own_keys(&keys);
                }
                issuer.set_keys(Arc::new(keys));
            }
            Ok(None) => {}
            Err(error) => {
                tracing::error!(error = %error, "cannot reload the signing keys; the current ones stay in use");
            }
        }
        if let Protocols::Https(tls) = &self.protocols {
            tls.reload();
        }
    }
}

fn auth(
    mode: AuthMode,
    tokens: &TokenArgs,
    keys: Option<&SigningKeys>,
    metrics: &Arc<Metrics>,
) -> Result<Auth, ConfigError> {
    if mode == AuthMode::Disabled {
        return Ok(Auth::Disabled);
    }
    let issuer = tokens.oidc()?.map(OidcIssuer::new).transpose();
    let issuer = issuer.map_err(|error| ConfigError::Invalid {
        setting: "--oidc-issuer (ROSTER_OIDC_ISSUER)",
        why: format!("cannot be used: {error}"),
    })?;
    let verifier = TokenVerifier::new(tokens.own(), keys, issuer, metrics.clone());
    verifier.start_refreshing();
    Ok(Auth::Required(verifier))
}

fn protocols(args: &TlsArgs, metrics: &Arc<Metrics>) -> Result<Protocols, ConfigError> {
    let Some(files) = args.files() else {
        return Ok(if args.h2c {
            Protocols::Http1AndH2c
        } else {
            Protocols::Http1
        });
    };
    let tls = Tls::load(files, metrics.clone()).map_err(|error| ConfigError::Invalid {
        setting: "--tls-cert (ROSTER_TLS_CERT) and --tls-key (ROSTER_TLS_KEY):",
        why: error.to_string(),
    })?;
    tls.start_watching();
    Ok(Protocols::Https(tls))
}
