//! Credentials: a signing key, an API client, and its token.
//!
//! The token is in a file that `curl -H @FILE` reads, so that no process list shows it. The client is revoked and the
//! file removed at the end.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use tokio::process::Command;

use xtask::failure::{Failure, Kind};

const CALL_TIMEOUT: Duration = Duration::from_secs(10);
const BODY: &str = "grant_type=client_credentials";

/// An API client of the running service, revoked on drop.
pub struct Access {
    program: PathBuf,
    database_url: String,
    /// The key that signs tokens, in PEM.
    pub keys_file: PathBuf,
    /// The client that was registered.
    pub client: Client,
    /// Its access token; empty before [`Access::fetch_token`].
    pub token: String,
    /// Its long-lived token, as identity providers use it for SCIM.
    pub scim_token: String,
    /// A file with the whole header, for `curl -H @FILE`.
    pub header_file: PathBuf,
}

/// The output of `roster client create --json`.
#[derive(Deserialize)]
pub struct Client {
    /// The OAuth 2.0 client id.
    pub client_id: String,
    /// Its secret, shown once.
    pub client_secret: String,
}

/// The output of `roster client token create --json`.
#[derive(Deserialize)]
struct MadeToken {
    token: String,
}

#[derive(Deserialize)]
struct TokenAnswer {
    access_token: String,
}

impl Access {
    /// Creates the signing key in `folder`, unless it exists, and a client with all scopes.
    pub async fn prepare(
        program: &Path,
        database_url: &str,
        folder: &Path,
        name: &str,
    ) -> Result<Self> {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot create {}", folder.display()))?;
        let folder = folder.canonicalize()?;
        let keys_file = folder.join("token-keys.pem");
        if !keys_file.is_file() {
            let output = Command::new(program)
                .args(["token", "keygen", "--output"])
                .arg(&keys_file)
                .output()
                .await?;
            succeeded("token keygen", &output)?;
        }
        let output = Command::new(program)
            .args(["client", "create", "--json", "--name", name])
            .args(["--scope", "users:read,users:write,scim"])
            .env("ROSTER_DATABASE_URL", database_url)
            .kill_on_drop(true)
            .output()
            .await?;
        succeeded("client create", &output)?;
        let client: Client = serde_json::from_slice(&output.stdout)
            .context("roster client create did not print valid JSON")?;
        let output = Command::new(program)
            .args(["client", "token", "create", "--json", "--name", name])
            .args(["--expires-in-days", "1"])
            .arg(&client.client_id)
            .env("ROSTER_DATABASE_URL", database_url)
            .kill_on_drop(true)
            .output()
            .await?;
        succeeded("client token create", &output)?;
        let made: MadeToken = serde_json::from_slice(&output.stdout)
            .context("roster client token create did not print valid JSON")?;
        let header_file = folder.join("authorization");
        let (program, database_url) = (program.to_path_buf(), database_url.to_owned());
        Ok(Self {
            program,
            database_url,
            keys_file,
            client,
            token: String::new(),
            scim_token: made.token,
            header_file,
        })
    }

    /// Requests a token from the running service and writes it to the header file.
    pub async fn fetch_token(&mut self, url: &str) -> Result<()> {
        let pair = format!("{}:{}", self.client.client_id, self.client.client_secret);
        let (url, basic) = (
            format!("{url}/oauth/token"),
            format!("Basic {}", STANDARD.encode(pair)),
        );
        let asked = tokio::task::spawn_blocking(move || {
            let request = http_client::agent(CALL_TIMEOUT)
                .post(&url)
                .header("authorization", &basic);
            let request = request.header("content-type", "application/x-www-form-urlencoded");
            request
                .send(BODY)
                .and_then(|mut answer| answer.body_mut().read_json::<TokenAnswer>())
        });
        self.token = asked
            .await?
            .context("the service did not issue a token")?
            .access_token;
        let written = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&self.header_file);
        written
            .and_then(|mut file| writeln!(file, "authorization: Bearer {}", self.token))
            .with_context(|| format!("cannot write {}", self.header_file.display()))
    }
}

impl Drop for Access {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.header_file);
        let _ = std::process::Command::new(&self.program)
            .args(["client", "revoke", &self.client.client_id])
            .env("ROSTER_DATABASE_URL", &self.database_url)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
    }
}

fn succeeded(command: &str, output: &Output) -> Result<()> {
    if output.status.success() {
        return Ok(());
    }
    let why = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    let next = "fix the reported problem; to run without tokens: cargo xtask dev --no-auth";
    Err(Failure::new(Kind::Check, format!("roster {command} failed"), why, next).into())
}
