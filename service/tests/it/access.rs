//! What tests of access need: keys in files, clients, tokens.

use crate::test_app::{Answer, TestApp, database};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::Parser;
use dev_postgres::Database;
use roster::client_commands::{ClientCommand, run_client};
use roster::http::{KeyKind, SigningKeys, generate_signing_key};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};
use tempfile::TempDir;

#[derive(Parser)]
struct ClientLine {
    #[command(subcommand)]
    command: ClientCommand,
}

/// Runs `roster client …` on a database; returns what it prints.
pub(crate) async fn client_command(url: &str, line: &[&str]) -> Result<String, String> {
    let database = ["--connect-timeout-ms", "30000", "--database-url", url];
    let line = ["client"].iter().chain(line).chain(&database);
    let command = ClientLine::parse_from(line).command;
    run_client(&command)
        .await
        .map_err(|error| error.to_string())
}

/// A service that wants tokens, and gives them out itself.
pub(crate) struct GuardedApp {
    pub(crate) app: TestApp,
    pub(crate) keys: SigningKeys,
    pub(crate) keys_file: PathBuf,
    pub(crate) database: Database,
    // Dropped last, with the keys in it.
    _folder: TempDir,
}

impl GuardedApp {
    pub(crate) async fn start(flags: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let keys_file = folder.path().join("keys.pem");
        let pem = generate_signing_key(KeyKind::Ed25519).expect("a key");
        std::fs::write(&keys_file, &pem).expect("is written");
        let database = database().await;
        let file = keys_file.to_str().expect("UTF-8");
        let own = ["--auth", "required", "--token-keys-file", file];
        let flags: Vec<_> = own.iter().chain(flags).copied().collect();
        let app = TestApp::start_on(database.url(), &flags).await;
        let keys = SigningKeys::from_pem(pem.as_bytes()).expect("keys");
        Self {
            app,
            keys,
            keys_file,
            database,
            _folder: folder,
        }
    }

    /// A new client: its id and its secret.
    pub(crate) async fn client(&self, scope: &str) -> (String, String) {
        let line = ["create", "--scope", scope, "--json"];
        let made = client_command(self.database.url(), &line)
            .await
            .expect("a client");
        let made: Value = serde_json::from_str(&made).expect("JSON");
        let text = |name: &str| made[name].as_str().expect("text").to_owned();
        (text("client_id"), text("client_secret"))
    }

    /// Asks for a token.
    pub(crate) async fn ask(&self, id: &str, secret: &str, form: &str) -> Answer {
        let basic = format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")));
        let headers = [
            ("authorization", basic.as_str()),
            ("content-type", "application/x-www-form-urlencoded"),
        ];
        self.app.send("POST", "/oauth/token", &headers, form).await
    }

    /// A token of a new client with this scope.
    pub(crate) async fn token(&self, scope: &str) -> String {
        let (id, secret) = self.client(scope).await;
        let answer = self
            .ask(&id, &secret, "grant_type=client_credentials")
            .await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()["access_token"]
            .as_str()
            .expect("a token")
            .to_owned()
    }

    /// Sends a request with this token.
    pub(crate) async fn send(&self, token: &str, method: &str, path: &str, body: &str) -> Answer {
        let bearer = format!("Bearer {token}");
        let headers = [
            ("authorization", bearer.as_str()),
            ("content-type", "application/json"),
        ];
        self.app.send(method, path, &headers, body).await
    }
}

/// Claims that the service takes, with these changes; `null` takes one out.
pub(crate) fn claims(issuer: &str, audience: &str, changes: Value) -> Value {
    let mut claims = json!({
        "iss": issuer, "aud": audience, "sub": "tester", "scope": "users:read users:write",
        "exp": unix_now() + 600, "nbf": unix_now() - 5, "iat": unix_now() - 5,
    });
    let Value::Object(changes) = changes else {
        panic!("changes are an object")
    };
    for (name, value) in changes {
        let members = claims.as_object_mut().expect("an object");
        if value.is_null() {
            members.remove(&name);
        } else {
            members.insert(name, value);
        }
    }
    claims
}

pub(crate) fn unix_now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("after 1970")
        .as_secs()
}
