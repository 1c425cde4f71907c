//! Authentication, rate limits and certificates, created from the settings and reloaded on SIGHUP.

use crate::config::{AuthMode, ConfigError, KEYS_FILE_SETTING, ServeArgs, TlsArgs, TokenArgs};
use crate::domain::ClientRegistry;
use crate::http::{
    Auth, FailureLimit, Gate, OidcIssuer, OidcSettings, OwnTokens, Protocols, RateLimits,
    RateQuota, ScopeClaims, SigningKeys, Tls, TlsFiles, TokenIssuer, TokenVerifier,
};
use crate::metrics::Metrics;
use crate::store::PgUserStore;
use std::num::NonZeroU32;
use std::sync::Arc;

/// The access controls of the service.
#[derive(Clone)]
pub(super) struct Access {
    pub(super) auth: Auth,
    pub(super) protocols: Protocols,
    pub(super) failures: Option<Arc<FailureLimit>>,
    keys: Option<Arc<SigningKeys>>,
}

impl Access {
    /// Reads keys and certificates, and starts fetching the issuer's keys.
    pub(super) fn open(args: &ServeArgs, metrics: &Arc<Metrics>) -> Result<Self, ConfigError> {
        args.tokens.check(args.http.auth)?;
        let keys = signing_keys(&args.tokens)?.map(Arc::new);
        Ok(Self {
            auth: auth(args.http.auth, &args.tokens, keys.as_deref(), metrics)?,
            protocols: protocols(&args.tls, metrics)?,
            failures: NonZeroU32::new(args.tokens.auth_failures_per_minute)
                .map(|per_minute| Arc::new(FailureLimit::new(per_minute))),
            keys,
        })
    }

    /// The token endpoint for the clients in `store`, whose long-lived tokens are accepted from now on.
    pub(super) fn token_issuer(&self, args: &TokenArgs, store: &PgUserStore) -> TokenIssuer {
        let concurrency = usize::from(args.token_concurrency);
        if let Auth::Required(verifier) = &self.auth {
            verifier.client_tokens().accept(Arc::new(store.clients()));
        }
        let clients = ClientRegistry::new(Arc::new(store.clients()), concurrency);
        TokenIssuer::new(
            clients,
            own_tokens(args),
            args.token_lifetime_s,
            self.keys.clone(),
        )
    }

    /// The request gate.
    pub(super) fn gate(&self, args: &TokenArgs) -> Gate {
        Gate {
            auth: self.auth.clone(),
            rate_limits: rate_quota(args).map(RateLimits::new),
            failures: self.failures.clone(),
        }
    }

    /// Reloads keys and certificates. The current ones stay if the new ones cannot be used.
    pub(super) fn reload(&self, args: &TokenArgs, issuer: &TokenIssuer) {
        match signing_keys(args) {
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
    let issuer = oidc(tokens)?.map(OidcIssuer::new).transpose();
    let issuer = issuer.map_err(|error| ConfigError::Invalid {
        setting: "--oidc-issuer (ROSTER_OIDC_ISSUER)",
        why: format!("cannot be used: {error}"),
    })?;
    let verifier = TokenVerifier::new(own_tokens(tokens), keys, issuer, metrics.clone());
    verifier.start_refreshing();
    Ok(Auth::Required(verifier))
}

fn protocols(args: &TlsArgs, metrics: &Arc<Metrics>) -> Result<Protocols, ConfigError> {
    let Some(files) = tls_files(args) else {
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

/// Whether the settings of tokens can be used, without asking an issuer: `roster check-config`.
pub fn check_tokens(args: &TokenArgs, auth: AuthMode) -> Result<(), ConfigError> {
    args.check(auth)?;
    signing_keys(args).map(drop)
}

fn signing_keys(args: &TokenArgs) -> Result<Option<SigningKeys>, ConfigError> {
    let Some(path) = &args.token_keys_file else {
        return Ok(None);
    };
    let pem = std::fs::read(path).map_err(|source| ConfigError::File {
        setting: KEYS_FILE_SETTING,
        path: path.display().to_string(),
        source,
    })?;
    let invalid = |why: String| ConfigError::Invalid {
        setting: KEYS_FILE_SETTING,
        why: format!("names {}, which cannot be used: {why}", path.display()),
    };
    SigningKeys::from_pem(&pem)
        .map(Some)
        .map_err(|error| invalid(error.to_string()))
}

fn oidc(args: &TokenArgs) -> Result<Option<OidcSettings>, ConfigError> {
    let trusted = args.issuer_and_audience()?;
    Ok(trusted.map(|(issuer, audience)| OidcSettings {
        issuer: issuer.to_owned(),
        audience: audience.to_owned(),
        ca_file: args.oidc_ca_file.clone(),
        allow_plain_http: args.oidc_allow_plain_http,
        scope_claims: ScopeClaims {
            names: args.oidc_scope_claims.clone(),
            prefix: args.oidc_scope_prefix.clone(),
        },
    }))
}

fn own_tokens(args: &TokenArgs) -> OwnTokens {
    OwnTokens {
        issuer: args.token_issuer.clone(),
        audience: args.token_audience.clone(),
    }
}

fn rate_quota(args: &TokenArgs) -> Option<RateQuota> {
    let per_second = NonZeroU32::new(args.rate_limit_per_second)?;
    Some(RateQuota {
        per_second,
        burst: NonZeroU32::new(args.rate_limit_burst).unwrap_or(per_second),
    })
}

fn tls_files(args: &TlsArgs) -> Option<TlsFiles> {
    Some(TlsFiles {
        certificate: args.tls_cert.clone()?,
        key: args.tls_key.clone()?,
    })
}
