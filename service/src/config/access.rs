//! The settings of tokens, rate limits and TLS.

#![allow(
    clippy::doc_markdown,
    rustdoc::bare_urls,
    reason = "these comments are the text of --help, where Markdown would show"
)]

use super::error::ConfigError;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// Whether requests need an access token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum AuthMode {
    /// Every request needs a token with the scope of its operation
    Required,
    /// No request needs a token: everyone may do everything. For trials only
    Disabled,
}

/// Tokens.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Tokens")]
pub struct TokenArgs {
    /// OpenID Connect issuer whose tokens are accepted, such as https://login.example.com/tenant. Its keys are found by discovery.
    #[arg(long, env = "ROSTER_OIDC_ISSUER", value_name = "URL")]
    pub oidc_issuer: Option<String>,
    /// Audience (aud) that the issuer's tokens must have.
    #[arg(long, env = "ROSTER_OIDC_AUDIENCE", value_name = "NAME")]
    pub oidc_audience: Option<String>,
    /// PEM file with the certificate authorities trusted to sign the issuer's certificate; Mozilla's when not set.
    #[arg(long, env = "ROSTER_OIDC_CA_FILE", value_name = "FILE")]
    pub oidc_ca_file: Option<PathBuf>,
    /// Accept an issuer over plain HTTP that is not on this host. Anyone on the network path can then forge tokens.
    #[arg(long, env = "ROSTER_OIDC_ALLOW_PLAIN_HTTP")]
    pub oidc_allow_plain_http: bool,
    /// Claims of the issuer's tokens that name scopes: strings with spaces, or lists. Add roles for Entra app roles,
    /// permissions for Auth0.
    #[arg(
        long,
        env = "ROSTER_OIDC_SCOPE_CLAIMS",
        value_delimiter = ',',
        default_values = ["scope", "scp"],
        value_name = "NAME,…"
    )]
    pub oidc_scope_claims: Vec<String>,
    /// Text before each scope in the issuer's tokens, such as roster/ of a Cognito resource server. Scopes without it are
    /// ignored.
    #[arg(
        long,
        env = "ROSTER_OIDC_SCOPE_PREFIX",
        default_value = "",
        value_name = "TEXT"
    )]
    pub oidc_scope_prefix: String,
    /// PEM file with the private keys of Roster's own tokens, reloaded on SIGHUP. The first signs, all verify;
    /// 'roster token keygen' creates one.
    #[arg(long, env = "ROSTER_TOKEN_KEYS_FILE", value_name = "FILE")]
    pub token_keys_file: Option<PathBuf>,
    /// Issuer (iss) of Roster's own tokens.
    #[arg(
        long,
        env = "ROSTER_TOKEN_ISSUER",
        default_value = "roster",
        value_name = "NAME"
    )]
    pub token_issuer: String,
    /// Audience (aud) of Roster's own tokens.
    #[arg(
        long,
        env = "ROSTER_TOKEN_AUDIENCE",
        default_value = "roster",
        value_name = "NAME"
    )]
    pub token_audience: String,
    /// Lifetime of Roster's own tokens, in seconds. The last token of a revoked client stays valid for as long.
    #[arg(long, env = "ROSTER_TOKEN_LIFETIME_S", default_value_t = 3600, value_parser = clap::value_parser!(u32).range(60..=86_400), value_name = "S")]
    pub token_lifetime_s: u32,
    /// Maximum number of client secrets verified at a time; each takes a core and 19 MiB for about 20 ms. Further ones wait up to a second.
    #[arg(long, env = "ROSTER_TOKEN_CONCURRENCY", default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=64), value_name = "N")]
    pub token_concurrency: u16,
    /// Wrong secrets and bad tokens per minute from each address (of IPv6: one /64 network), and wrong secrets of each client;
    /// further ones are answered 429. 0 sets no limit. Behind a proxy, set --trusted-proxies.
    #[arg(long, env = "ROSTER_AUTH_FAILURES_PER_MINUTE", default_value_t = 300, value_parser = clap::value_parser!(u32).range(0..=1_000_000), value_name = "N")]
    pub auth_failures_per_minute: u32,
    /// Sustained requests per second of each client; 0 sets no limit.
    #[arg(
        long,
        env = "ROSTER_RATE_LIMIT_PER_SECOND",
        default_value_t = 0,
        value_name = "N"
    )]
    pub rate_limit_per_second: u32,
    /// Requests that each client may make at once after a pause; 0 allows those of one second.
    #[arg(
        long,
        env = "ROSTER_RATE_LIMIT_BURST",
        default_value_t = 0,
        value_name = "N"
    )]
    pub rate_limit_burst: u32,
}

/// TLS.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "TLS")]
pub struct TlsArgs {
    /// PEM file with the certificate and its intermediates; makes the listener serve HTTPS. A renewed file is loaded
    /// automatically.
    #[arg(
        long,
        env = "ROSTER_TLS_CERT",
        value_name = "FILE",
        requires = "tls_key"
    )]
    pub tls_cert: Option<PathBuf>,
    /// PEM file with the certificate's private key.
    #[arg(
        long,
        env = "ROSTER_TLS_KEY",
        value_name = "FILE",
        requires = "tls_cert"
    )]
    pub tls_key: Option<PathBuf>,
    /// How long browsers are to use HTTPS alone (Strict-Transport-Security), in seconds; sent with responses over HTTPS: with
    /// --tls-cert, and where a proxy reports it with --redirect-plain-http. 0 sends nothing.
    #[arg(
        long,
        env = "ROSTER_HSTS_MAX_AGE_S",
        default_value_t = 31_536_000,
        value_parser = clap::value_parser!(u32).range(0..=63_072_000),
        value_name = "S"
    )]
    pub hsts_max_age_s: u32,
    /// Accept HTTP/2 without TLS too, from clients with prior knowledge (RFC 9113, 3.3).
    #[arg(long, env = "ROSTER_H2C", conflicts_with = "tls_cert")]
    pub h2c: bool,
}

/// How errors name the file of the signing keys.
pub const KEYS_FILE_SETTING: &str = "--token-keys-file (ROSTER_TOKEN_KEYS_FILE)";

impl TokenArgs {
    /// Refuses settings that contradict each other: tokens that are required but that nothing can verify, and an issuer
    /// without an audience.
    pub fn check(&self, auth: AuthMode) -> Result<(), ConfigError> {
        let nothing_verifies = self.token_keys_file.is_none() && self.oidc_issuer.is_none();
        if auth == AuthMode::Required && nothing_verifies {
            return Err(ConfigError::Missing {
                setting: "--token-keys-file (ROSTER_TOKEN_KEYS_FILE) or --oidc-issuer (ROSTER_OIDC_ISSUER)",
                next: "tokens are required, and nothing can verify them; 'roster token keygen --output keys.pem' creates a key, --auth disabled admits everyone",
            });
        }
        self.issuer_and_audience().map(drop)
    }

    /// The issuer whose tokens are accepted, and the audience that they must have.
    pub fn issuer_and_audience(&self) -> Result<Option<(&str, &str)>, ConfigError> {
        let Some(issuer) = &self.oidc_issuer else {
            return Ok(None);
        };
        let missing = ConfigError::Missing {
            setting: "--oidc-audience (ROSTER_OIDC_AUDIENCE)",
            next: "without it, tokens that the issuer issued for other services would be accepted",
        };
        let audience = self.oidc_audience.as_ref().ok_or(missing)?;
        Ok(Some((issuer, audience)))
    }
}
