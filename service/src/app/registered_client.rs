//! The client of the smoke test, registered by `roster migrate` with the id and secret that a deployment chose: it needs the
//! tables, which an install makes, and the install's own test needs it (docs/adr/0071).

#![allow(
    clippy::doc_markdown,
    reason = "these comments are the text of --help, where Markdown would show"
)]

use super::client_commands::registry;
use super::commands::{CommandError, now, random};
use crate::config::DatabaseArgs;
use crate::domain::client::SALT_BYTES;
use crate::domain::{ClientId, Registration, ScimProfile, Scope, Scopes};
use clap::Args;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// A shorter secret could be guessed; a random one of 16 bytes has 22 characters in base64.
const SHORTEST_SECRET: usize = 22;

/// A client whose id and secret exist before the tables.
#[derive(Args)]
pub struct ClientFilesArgs {
    /// File with the id of a client to register with the scopes users:read and users:write; a missing file registers none.
    #[arg(long, value_name = "FILE", requires = "client_secret_file")]
    client_id_file: Option<PathBuf>,
    /// File with that client's secret, at least 22 random characters.
    #[arg(long, value_name = "FILE", requires = "client_id_file")]
    client_secret_file: Option<PathBuf>,
}

/// Registers the client, unless it is registered with this secret already; returns the text for standard output.
pub async fn register(
    database: &DatabaseArgs,
    args: &ClientFilesArgs,
) -> Result<String, CommandError> {
    let (Some(id_file), Some(secret_file)) = (&args.client_id_file, &args.client_secret_file)
    else {
        return Ok(String::new());
    };
    let (Some(id), Some(secret)) = (read(id_file)?, read(secret_file)?) else {
        return Ok(format!(
            "no client was registered: {} or {} does not exist\n",
            id_file.display(),
            secret_file.display()
        ));
    };
    let Some(client_id) = ClientId::parse(&id) else {
        return Err(refused(
            id_file,
            "it must have 1 to 64 of A-Z a-z 0-9 . _ -",
        ));
    };
    if secret.chars().count() < SHORTEST_SECRET {
        return Err(refused(
            secret_file,
            "it must have at least 22 random characters, such as of 'openssl rand -hex 32'",
        ));
    }
    let registration = Registration {
        id: client_id,
        name: "smoke test".to_owned(),
        scopes: [Scope::UsersRead, Scope::UsersWrite]
            .into_iter()
            .collect::<Scopes>(),
        secret: secret.clone(),
        salt: random::<SALT_BYTES>()?,
        scim_profile: ScimProfile::default(),
        at: now(),
    };
    let registry = registry(database).await?;
    if registry.register(registration).await?.is_some() {
        return Ok(format!("registered the client {id}\n"));
    }
    let known = registry.authenticate(&id, secret, std::future::pending());
    if known.await?.is_some() {
        return Ok(format!("the client {id} is registered already\n"));
    }
    Err(CommandError::Refused(format!(
        "the client {id} is revoked, or has another secret than the one in {}; next: put a new id and a new secret into both files \
         (delete the Secret and run 'cargo xtask setup' again)",
        secret_file.display()
    )))
}

/// The content of the file, trimmed; `None` if it does not exist.
fn read(file: &Path) -> Result<Option<String>, CommandError> {
    match std::fs::read_to_string(file) {
        Ok(text) => Ok(Some(text.trim().to_owned())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(refused(file, &error.to_string())),
    }
}

fn refused(file: &Path, why: &str) -> CommandError {
    CommandError::Refused(format!("{} cannot be used: {why}", file.display()))
}
