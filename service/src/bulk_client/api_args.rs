//! How commands reach a running service; not a part of the service's own settings.

#![allow(
    clippy::doc_markdown,
    rustdoc::bare_urls,
    reason = "these comments are the text of --help, where Markdown would show"
)]

use crate::config::ConfigError;
use clap::Args;
use http::Uri;
use std::path::{Path, PathBuf};

/// The service that a command talks to, and the credentials for it. A token is never an argument, which others could see.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Service")]
pub struct ApiArgs {
    /// URL of the service, such as https://roster.example.
    #[arg(
        long,
        env = "ROSTER_URL",
        default_value = "http://127.0.0.1:8080",
        value_name = "URL"
    )]
    pub url: Uri,
    /// PEM file with the certificate authorities trusted to sign the service's certificate; Mozilla's when not set.
    #[arg(long, env = "ROSTER_CA_FILE", value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
    /// File with an access token or a long-lived token. The environment variable ROSTER_TOKEN contains the token itself.
    #[arg(long, env = "ROSTER_TOKEN_FILE", value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// File with the id of a registered client, which asks for a token; with --client-secret-file.
    #[arg(
        long,
        env = "ROSTER_CLIENT_ID_FILE",
        requires = "client_secret_file",
        conflicts_with = "token_file",
        value_name = "FILE"
    )]
    pub client_id_file: Option<PathBuf>,
    /// File with that client's secret.
    #[arg(
        long,
        env = "ROSTER_CLIENT_SECRET_FILE",
        requires = "client_id_file",
        value_name = "FILE"
    )]
    pub client_secret_file: Option<PathBuf>,
}

/// What a command shows the service.
#[derive(Clone, PartialEq, Eq)]
pub enum ApiCredentials {
    /// Nothing: the service needs none.
    None,
    /// A token.
    Token(String),
    /// The id and the secret of a client.
    Client(String, String),
}

impl ApiArgs {
    /// Reads the credentials.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn credentials(&self) -> Result<ApiCredentials, ConfigError> {
        if let (Some(id), Some(secret)) = (&self.client_id_file, &self.client_secret_file) {
            return Ok(ApiCredentials::Client(
                read("--client-id-file", id)?,
                read("--client-secret-file", secret)?,
            ));
        }
        if let Some(file) = &self.token_file {
            return Ok(ApiCredentials::Token(read("--token-file", file)?));
        }
        let token = std::env::var("ROSTER_TOKEN").ok();
        let token = token.filter(|token| !token.trim().is_empty());
        Ok(token.map_or(ApiCredentials::None, |token| {
            ApiCredentials::Token(token.trim().to_owned())
        }))
    }
}

fn read(setting: &'static str, path: &Path) -> Result<String, ConfigError> {
    let text = std::fs::read_to_string(path).map_err(|source| ConfigError::File {
        setting,
        path: path.display().to_string(),
        source,
    })?;
    Ok(text.trim().to_owned())
}
