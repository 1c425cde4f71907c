//! Roster as measured, with all features on: authentication, access log to a file, metrics, validation, change feed.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::programs::{FOLDER, Program};
use super::server::{self, Launch, Question, Server};
use xtask::run_tool::tool;

/// The variable with Roster's database URL; never an argument, because it contains a password.
const DATABASE_URL: &str = "ROSTER_DATABASE_URL";

/// What is on while it is measured.
pub(super) const PARTS: &str = "with auth (a JWT of its own in every request), access log to a file, metrics, request \
                                ids, validation, entity tags and change feed on; the peers have none of these";

/// A migrated database and credentials.
pub(super) struct Roster {
    program: Program,
    url: String,
    keys: PathBuf,
    /// A file with a token for all scopes.
    pub(super) token_file: PathBuf,
    queue: &'static [&'static str],
}

/// Admits all connections of a closed loop: nothing is rejected where latency and cost are measured.
const ROOM_FOR_ALL: &[&str] = &["--queue-limit", "4096"];
const ROOM_AND_SCIM: &[&str] = &["--queue-limit", "4096", "--scim"];

#[derive(Deserialize)]
struct Client {
    client_id: String,
    client_secret: String,
}

#[derive(Deserialize)]
struct Token {
    access_token: String,
}

/// Migrates a database to the schema of this build.
pub(super) fn migrate(program: &Program, url: &str) -> Result<()> {
    roster(program, url).arg("migrate").output().map(drop)
}

impl Roster {
    /// Creates a signing key, a client and a token. Later instances use the same key, so the token stays valid.
    pub(super) fn prepare(program: &Program, url: &str) -> Result<Self> {
        Self::prepare_with(program, url, "users:read,users:write", ROOM_FOR_ALL)
    }

    /// The same with SCIM on, which the token allows too.
    pub(super) fn prepare_for_scim(program: &Program, url: &str) -> Result<Self> {
        Self::prepare_with(program, url, "users:read,users:write,scim", ROOM_AND_SCIM)
    }

    fn prepare_with(
        program: &Program,
        url: &str,
        scopes: &str,
        queue: &'static [&'static str],
    ) -> Result<Self> {
        let folder = std::path::absolute(FOLDER)?;
        let this = Self {
            program: program.clone(),
            url: url.to_owned(),
            keys: folder.join("roster-keys.pem"),
            token_file: folder.join("roster-token"),
            queue,
        };
        for file in [&this.keys, &this.token_file] {
            let _ = std::fs::remove_file(file);
        }
        let keygen = roster(program, url).args(["token", "keygen", "--output"]);
        keygen.arg(&this.keys).output()?;
        let create = ["client", "create", "--name", "bench", "--json"];
        let scopes = ["--scope", scopes];
        let client: Client =
            serde_json::from_str(&roster(program, url).args(create).args(scopes).output()?)
                .context("`roster client create --json` did not print valid JSON")?;
        let server = this.start(
            "roster-token",
            Question::of("/.well-known/jwks.json", None)?,
        )?;
        let token = ask_for_token(server.address, &client)?;
        server.stop()?;
        write_secret(&this.token_file, &token.access_token)?;
        Ok(this)
    }

    /// With the default queue limit.
    pub(super) fn with_default_queue(self) -> Self {
        Self { queue: &[], ..self }
    }

    /// Starts it and waits until it serves a user.
    pub(super) fn serve(&self) -> Result<Server> {
        self.serve_as("roster")
    }

    /// Starts it with further flags.
    pub(super) fn serve_with(&self, flags: &[&str]) -> Result<Server> {
        let question = Question::for_a_user(Some(&self.token_file))?;
        let mut launch = self.launch("roster", question)?;
        launch
            .args
            .extend(flags.iter().map(|flag| (*flag).to_owned()));
        Server::start("roster", &self.program, &launch)
    }

    /// Starts one of several, each with its own log.
    pub(super) fn serve_as(&self, name: &str) -> Result<Server> {
        self.start(name, Question::for_a_user(Some(&self.token_file))?)
    }

    fn start(&self, name: &str, question: Question) -> Result<Server> {
        Server::start(name, &self.program, &self.launch(name, question)?)
    }

    /// Its arguments, also for a program that runs it.
    pub(super) fn launch(&self, name: &str, question: Question) -> Result<Launch> {
        let address = server::free_address()?;
        let log = std::path::absolute(FOLDER)?.join(format!("logs/{name}-access.log"));
        let args = format!(
            "serve --listen {address} --admin-listen {} --log-format off --log-level info --log-file {} \
             --auth required --token-keys-file {} --token-lifetime-s 86400",
            server::free_address()?,
            log.display(),
            self.keys.display()
        );
        Ok(Launch {
            args: args
                .split(' ')
                .chain(self.queue.iter().copied())
                .map(str::to_owned)
                .collect(),
            env: vec![(DATABASE_URL, self.url.clone())],
            address,
            question,
        })
    }
}

fn roster(program: &Program, url: &str) -> xtask::run_tool::Run {
    tool(program.path.display().to_string())
        .args(&program.args)
        .quiet()
        .secret_env(DATABASE_URL, url)
}

fn ask_for_token(address: SocketAddr, client: &Client) -> Result<Token> {
    let basic = STANDARD.encode(format!("{}:{}", client.client_id, client.client_secret));
    let mut answer = http_client::agent(Duration::from_secs(30))
        .post(format!("http://{address}/oauth/token"))
        .header("authorization", format!("Basic {basic}"))
        .send_form([("grant_type", "client_credentials")])
        .context("Roster did not issue a token")?;
    let status = answer.status();
    let text = answer.body_mut().read_to_string()?;
    anyhow::ensure!(status == 200, "Roster did not issue a token: {status}");
    Ok(serde_json::from_str(&text)?)
}

fn write_secret(path: &Path, text: &str) -> Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    Ok(file.write_all(text.as_bytes())?)
}
