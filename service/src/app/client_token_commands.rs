//! `roster client token`: create, list and revoke long-lived tokens. A token goes to standard output, once, and nowhere else.

#![allow(
    clippy::doc_markdown,
    reason = "these comments are the text of --help, where Markdown would show"
)]

use super::commands::{CommandError, display_name, now, random, rfc3339, seconds, store_of};
use crate::config::DatabaseArgs;
use crate::domain::{ClientId, ClientToken, ClientTokenStore, Timestamp};
use crate::http::{CLIENT_TOKEN_PREFIX, hash_client_token};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clap::{Args, Subcommand};
use serde_json::json;
use std::fmt::Write as _;
use uuid::Uuid;

/// Random bytes in a token.
const TOKEN_BYTES: usize = 32;
const MICROS_PER_DAY: i64 = 86_400_000_000;

/// What to do with long-lived tokens.
#[derive(Subcommand)]
pub enum ClientTokenCommand {
    /// Create a long-lived token of a client, and print it. It is shown once: only its hash is stored.
    Create(CreateTokenArgs),
    /// List long-lived tokens: id, client, creation, expiry, revocation, name.
    List {
        /// How to reach the database.
        #[command(flatten)]
        database: DatabaseArgs,
        /// One JSON array.
        #[arg(long)]
        json: bool,
    },
    /// Revoke a long-lived token; within ten seconds no service accepts it any more.
    Revoke {
        /// How to reach the database.
        #[command(flatten)]
        database: DatabaseArgs,
        /// The token's id.
        #[arg(value_name = "TOKEN_ID")]
        id: String,
    },
}

/// A token to create.
#[derive(Args)]
pub struct CreateTokenArgs {
    /// How to reach the database.
    #[command(flatten)]
    database: DatabaseArgs,
    /// The client's id.
    #[arg(value_name = "CLIENT_ID")]
    client: String,
    /// A display name.
    #[arg(long, default_value = "unnamed", value_name = "TEXT")]
    name: String,
    /// Days until the token expires [default: it does not].
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=3650), value_name = "DAYS")]
    expires_in_days: Option<u16>,
    /// One JSON object: token_id, client_id, token, expires_at.
    #[arg(long)]
    json: bool,
}

/// Runs a command; returns the text for standard output.
pub(super) async fn run(command: &ClientTokenCommand) -> Result<String, CommandError> {
    match command {
        ClientTokenCommand::Create(args) => create(args).await,
        ClientTokenCommand::List { database, json } => {
            let tokens = store_of(database).await?.list_tokens().await?;
            Ok(if *json {
                let tokens: serde_json::Value = tokens.iter().map(as_json).collect();
                format!("{tokens}\n")
            } else {
                as_lines(&tokens)
            })
        }
        ClientTokenCommand::Revoke { database, id } => {
            if !store_of(database).await?.revoke_token(id, now()).await? {
                return Err(CommandError::Refused(format!(
                    "there is no active token {id:?}: see 'roster client token list'"
                )));
            }
            Ok(format!("revoked {id}\n"))
        }
    }
}

async fn create(args: &CreateTokenArgs) -> Result<String, CommandError> {
    let name = display_name(&args.name)?;
    let id = &args.client;
    let unknown = || {
        CommandError::Refused(format!(
            "there is no active client {id:?}: see 'roster client list'"
        ))
    };
    let client = ClientId::parse(id).ok_or_else(unknown)?;
    let encoded = URL_SAFE_NO_PAD.encode(random::<TOKEN_BYTES>()?);
    let token = format!("{CLIENT_TOKEN_PREFIX}{encoded}");
    let created_at = now();
    let expires_at = args.expires_in_days.map(|days| {
        let micros = created_at.unix_micros() + i64::from(days) * MICROS_PER_DAY;
        Timestamp::from_unix_micros(micros)
    });
    let kept = ClientToken {
        id: Uuid::now_v7().to_string(),
        client,
        name,
        created_at,
        expires_at,
        revoked_at: None,
    };
    let store = store_of(&args.database).await?;
    if !store.add_token(&kept, hash_client_token(&token)).await? {
        return Err(unknown());
    }
    let expires = expires_at.map(rfc3339);
    Ok(if args.json {
        let document =
            json!({"token_id": kept.id, "client_id": id, "token": token, "expires_at": expires});
        format!("{document}\n")
    } else {
        let expires = expires.as_deref().unwrap_or("never");
        format!(
            "token_id   {}\nclient_id  {id}\ntoken      {token}\nexpires_at {expires}\n",
            kept.id
        )
    })
}

fn as_json(token: &ClientToken) -> serde_json::Value {
    json!({
        "token_id": token.id,
        "client_id": token.client.as_str(),
        "name": token.name,
        "created_at": rfc3339(token.created_at),
        "expires_at": token.expires_at.map(rfc3339),
        "revoked_at": token.revoked_at.map(rfc3339),
    })
}

fn as_lines(tokens: &[ClientToken]) -> String {
    let mut lines = format!(
        "{:<38}{:<38}{:<22}{:<22}{:<22}NAME\n",
        "TOKEN ID", "CLIENT ID", "CREATED", "EXPIRES", "REVOKED"
    );
    for token in tokens {
        let _ = writeln!(
            lines,
            "{:<38}{:<38}{:<22}{:<22}{:<22}{}",
            token.id,
            token.client.as_str(),
            seconds(Some(token.created_at)),
            seconds(token.expires_at),
            seconds(token.revoked_at),
            token.name
        );
    }
    lines
}
