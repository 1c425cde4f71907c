//! `roster client` and `roster token`: create, list and revoke API clients, and generate signing keys.
//!
//! Secrets go to standard output or a file, once, and nowhere else.

#![allow(
    clippy::doc_markdown,
    reason = "these comments are the text of --help, where Markdown would show"
)]

use super::client_token_commands::{self, ClientTokenCommand};
use super::commands::{CommandError, display_name, now, random, rfc3339, seconds, store_of};
use crate::config::DatabaseArgs;
use crate::domain::client::SALT_BYTES;
use crate::domain::{
    ApiClient, ClientId, ClientRegistry, Registration, ScimProfile, Scope, Scopes,
};
use crate::http::{KeyKind, generate_signing_key};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;
use std::fmt::Write as _;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::sync::Arc;
use uuid::Uuid;

/// Random bytes in a client's secret.
const SECRET_BYTES: usize = 32;
/// The prefix of secrets, so that secret scanners can recognise them.
const SECRET_PREFIX: &str = "roster_";

/// What to do with clients.
#[derive(Subcommand)]
pub enum ClientCommand {
    /// Create a client, and print its id and secret. The secret is shown once: only its hash is stored.
    Create(CreateArgs),
    /// List clients: id, scopes, creation, revocation, name.
    List {
        /// How to reach the database.
        #[command(flatten)]
        database: DatabaseArgs,
        /// One JSON array.
        #[arg(long)]
        json: bool,
    },
    /// Create, list and revoke long-lived tokens, for clients that cannot request short-lived ones.
    #[command(subcommand)]
    Token(ClientTokenCommand),
    /// Revoke a client: it gets no more tokens. Its tokens expire within --token-lifetime-s, its long-lived ones at once.
    Revoke {
        /// How to reach the database.
        #[command(flatten)]
        database: DatabaseArgs,
        /// The client's id.
        #[arg(value_name = "CLIENT_ID")]
        id: String,
    },
}

/// A client to create.
#[derive(Args)]
pub struct CreateArgs {
    /// How to reach the database.
    #[command(flatten)]
    database: DatabaseArgs,
    /// A scope of the client; repeatable.
    #[arg(long = "scope", required = true, value_name = "SCOPE", value_delimiter = ',', value_parser = PossibleValuesParser::new(Scope::ALL.map(Scope::as_str)))]
    scopes: Vec<String>,
    /// A display name.
    #[arg(long, default_value = "unnamed", value_name = "TEXT")]
    name: String,
    /// What the client expects of SCIM where the standard and providers contradict each other.
    #[arg(long, default_value = "rfc", value_name = "PROFILE", value_parser = PossibleValuesParser::new(ScimProfile::ALL.map(ScimProfile::as_str)))]
    scim_profile: String,
    /// Its id, 1 to 64 of A-Z a-z 0-9 . _ - [default: a new one].
    #[arg(long, value_name = "CLIENT_ID")]
    id: Option<String>,
    /// One JSON object: client_id, client_secret, scope.
    #[arg(long)]
    json: bool,
}

/// What to do with signing keys.
#[derive(Subcommand)]
pub enum TokenCommand {
    /// Generate a private key that signs tokens, as PKCS#8 in PEM. To rotate: append the new key to the file of
    /// --token-keys-file on every replica and send SIGHUP, then move it to the front and send SIGHUP, and remove the
    /// old one once its last token has expired.
    Keygen {
        /// Kind of the key.
        #[arg(long, default_value = "ed25519", value_name = "KIND")]
        algorithm: KeyAlgorithm,
        /// File to write, readable only by its owner; it must not exist [default: standard output].
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
}

/// Kind of a signing key.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum KeyAlgorithm {
    /// Ed25519 (EdDSA).
    Ed25519,
    /// ECDSA on P-256 (ES256), for clients that do not support Ed25519.
    P256,
}

/// Runs a client command; returns the text for standard output.
pub async fn run_client(command: &ClientCommand) -> Result<String, CommandError> {
    match command {
        ClientCommand::Create(args) => create(args).await,
        ClientCommand::List { database, json } => {
            let clients = registry(database).await?.list().await?;
            Ok(if *json {
                format!(
                    "{}\n",
                    clients.iter().map(as_json).collect::<serde_json::Value>()
                )
            } else {
                as_lines(&clients)
            })
        }
        ClientCommand::Token(command) => client_token_commands::run(command).await,
        ClientCommand::Revoke { database, id } => {
            let unknown = || {
                CommandError::Refused(format!(
                    "there is no active client {id:?}: see 'roster client list'"
                ))
            };
            let client = ClientId::parse(id).ok_or_else(unknown)?;
            if !registry(database).await?.revoke(&client, now()).await? {
                return Err(unknown());
            }
            Ok(format!("revoked {client}\n"))
        }
    }
}

/// Runs a signing key command; returns the text for standard output.
pub fn run_token(command: &TokenCommand) -> Result<String, CommandError> {
    let TokenCommand::Keygen { algorithm, output } = command;
    let kind = match algorithm {
        KeyAlgorithm::Ed25519 => KeyKind::Ed25519,
        KeyAlgorithm::P256 => KeyKind::P256,
    };
    let pem =
        generate_signing_key(kind).map_err(|error| CommandError::Refused(error.to_string()))?;
    let Some(path) = output else { return Ok(pem) };
    let written = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| file.write_all(pem.as_bytes()));
    written.map_err(|error| {
        CommandError::Refused(format!(
            "{} cannot be written: {error}; an existing file is never replaced",
            path.display()
        ))
    })?;
    Ok(format!("wrote {}\n", path.display()))
}

async fn create(args: &CreateArgs) -> Result<String, CommandError> {
    let id = args
        .id
        .clone()
        .unwrap_or_else(|| Uuid::now_v7().to_string());
    let wrong_id = || CommandError::Refused("--id must be 1 to 64 of A-Z a-z 0-9 . _ -".into());
    let name = display_name(&args.name)?;
    let scopes: Scopes = args
        .scopes
        .iter()
        .filter_map(|name| Scope::parse(name))
        .collect();
    let secret = format!(
        "{SECRET_PREFIX}{}",
        URL_SAFE_NO_PAD.encode(random::<SECRET_BYTES>()?)
    );
    let registration = Registration {
        id: ClientId::parse(&id).ok_or_else(wrong_id)?,
        name,
        scopes,
        secret: secret.clone(),
        salt: random::<SALT_BYTES>()?,
        scim_profile: ScimProfile::parse(&args.scim_profile).unwrap_or_default(),
        at: now(),
    };
    let taken = || {
        CommandError::Refused(format!(
            "the client id {id:?} is or was in use: choose another --id"
        ))
    };
    registry(&args.database)
        .await?
        .register(registration)
        .await?
        .ok_or_else(taken)?;
    Ok(if args.json {
        format!(
            "{}\n",
            json!({ "client_id": id, "client_secret": secret, "scope": scopes.to_string() })
        )
    } else {
        format!("client_id     {id}\nclient_secret {secret}\nscope         {scopes}\n")
    })
}

pub(super) async fn registry(database: &DatabaseArgs) -> Result<ClientRegistry, CommandError> {
    Ok(ClientRegistry::new(Arc::new(store_of(database).await?), 1))
}

fn as_json(client: &ApiClient) -> serde_json::Value {
    json!({
        "client_id": client.id.as_str(),
        "name": client.name,
        "scope": client.scopes.to_string(),
        "scim_profile": client.scim_profile.as_str(),
        "created_at": rfc3339(client.created_at),
        "revoked_at": client.revoked_at.map(rfc3339),
    })
}

fn as_lines(clients: &[ApiClient]) -> String {
    let mut text = format!(
        "{:<38}{:<25}{:<22}{:<22}NAME\n",
        "CLIENT ID", "SCOPE", "CREATED", "REVOKED"
    );
    for client in clients {
        let revoked = seconds(client.revoked_at);
        let (id, scope) = (client.id.as_str(), client.scopes.to_string());
        let _ = writeln!(
            text,
            "{id:<38}{scope:<25}{:<22}{revoked:<22}{}",
            seconds(Some(client.created_at)),
            client.name
        );
    }
    text
}
