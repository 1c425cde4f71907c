//! Names, addresses, tokens, secrets and bodies never leave by a log, a metric or an error.
//!
//! The program itself is walked through every route and every error with values that stand nowhere else, with all of
//! its sinks open at the lowest level; then everything that it wrote is searched for them.

mod cases;
mod listeners;
mod scim;
mod story;

use crate::access::client_command;
use crate::spawned::{Program, free_address, roster};
use crate::test_app::{Answer, database};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use cases::stumble;
use dev_postgres::Relay;
use listeners::{Collector, awaited, syslog_server};
use roster::http::{KeyKind, SigningKeys, TEMPLATES, generate_signing_key};
use serde_json::Value;
use std::path::Path;
use story::{
    BODY, Caller, DEPARTMENT, EMAIL, KEY, NAME, OTHER, PHONE, QUERY, SECRET, TITLE, TOKEN, admin,
    be_refused, break_down, walk,
};
use tokio_postgres::NoTls;

/// What was written, and what must not be in it.
#[derive(Default)]
struct Findings {
    canaries: Vec<(&'static str, String)>,
    errors: Vec<(String, String)>,
}

impl Findings {
    pub(super) fn canary(&mut self, what: &'static str, value: &str) {
        for form in [
            value.to_owned(),
            value.replace('@', "%40"),
            STANDARD.encode(value),
        ] {
            self.canaries.push((what, form.to_lowercase()));
        }
    }

    pub(super) fn error(&mut self, what: &str, answer: &Answer) {
        assert!(answer.status.as_u16() >= 400, "{what}: {answer:?}");
        self.note(what, answer);
    }

    pub(super) fn note(&mut self, what: &str, answer: &Answer) {
        let text = format!(
            "{:?} {}",
            answer.headers,
            String::from_utf8_lossy(&answer.body)
        );
        self.errors.push((format!("the answer to {what}"), text));
    }

    fn search(&self, place: &str, text: &str) -> Vec<String> {
        let text = text.to_lowercase();
        let mut found = Vec::new();
        for (what, value) in &self.canaries {
            if let Some(at) = text.find(value.as_str()) {
                let from = text.floor_char_boundary(at.saturating_sub(160));
                found.push(format!(
                    "{what} in {place}: …{}",
                    &text[from..at + value.len()]
                ));
            }
        }
        found
    }
}

/// One run with lines of one format on standard output; returns what must not be found, and where it was looked for.
async fn run(format: &str) -> (Findings, Vec<(String, String)>) {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    let text = |name: &str| at(name).to_str().expect("UTF-8").to_owned();
    let database = database().await;
    let relay = Relay::start(database.url()).await.expect("a relay");
    let pem = generate_signing_key(KeyKind::Ed25519).expect("a key");
    std::fs::write(at("keys.pem"), &pem).expect("is written");
    let keys = SigningKeys::from_pem(pem.as_bytes()).expect("keys");
    let syslog = syslog_server(&at("log"));
    let (keys_file, log_file) = (text("keys.pem"), text("roster.log"));
    let target = format!("unix:{}", text("log"));
    let mut flags = vec![
        "--scim",
        "--token-keys-file",
        &keys_file,
        "--log-file",
        &log_file,
        "--syslog",
        &target,
        "--log-level",
        "trace",
        "--log-format",
        format,
        "--queue-target-ms",
        "0",
        "--body-limit-bytes",
        "8192",
        "--request-timeout-ms",
        "2000",
    ];
    let collector = Collector::start();
    let endpoint = collector.as_ref().map(Collector::endpoint);
    if let Some(endpoint) = &endpoint {
        flags.extend(["--otlp-endpoint", endpoint]);
    }
    let made = client_command(
        database.url(),
        &["create", "--scope", "users:read,users:write,scim", "--json"],
    )
    .await;
    let made: Value = serde_json::from_str(&made.expect("a client")).expect("JSON");
    let (id, secret) = (
        made["client_id"].as_str().unwrap(),
        made["client_secret"].as_str().unwrap(),
    );
    let long_lived = client_command(database.url(), &["token", "create", id, "--json"]).await;
    let long_lived: Value = serde_json::from_str(&long_lived.expect("a token")).expect("JSON");
    let long_lived = long_lived["token"].as_str().expect("a token");
    let mut findings = Findings::default();
    findings.canary("a long-lived token", long_lived);
    for (what, value) in [
        ("a name", NAME),
        ("an address", EMAIL),
        ("a host", "canaryhost"),
        ("a title", TITLE),
        ("a department", DEPARTMENT),
        ("a phone number", PHONE),
        ("a body", BODY),
        ("a key of an attempt", KEY),
        ("a token", TOKEN),
        ("a secret", SECRET),
        ("a query", QUERY),
        ("a header field", OTHER),
        ("a subject", "canary subject"),
        ("a scope", "canaryscope"),
    ] {
        findings.canary(what, value);
    }
    findings.canary("the client's secret", secret);
    findings.canary("the signing key", pem.lines().nth(1).expect("a line"));
    let password = database
        .url()
        .split_once("://")
        .and_then(|(_, rest)| rest.split_once('@'));
    if let Some((_, password)) = password.and_then(|(pair, _)| pair.split_once(':')) {
        findings.canary("the database's password", password);
    }

    let mut program = Program::spawn(
        (free_address(), free_address()),
        relay.url(),
        &flags,
        Some(&at("stdout")),
    );
    program.ready().await;
    let basic = format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")));
    let headers = [
        ("authorization", basic.as_str()),
        ("content-type", "application/x-www-form-urlencoded"),
    ];
    let token = program
        .send(
            "POST",
            "/oauth/token",
            &headers,
            "grant_type=client_credentials",
        )
        .await
        .json();
    let token = token["access_token"].as_str().expect("a token").to_owned();
    findings.canary(
        "the client's token",
        token.rsplit_once('.').expect("three parts").1,
    );
    let (sql, connection) = tokio_postgres::connect(database.url(), NoTls)
        .await
        .expect("PostgreSQL");
    tokio::spawn(connection);
    let caller = Caller {
        program: &program,
        bearer: format!("Bearer {token}"),
    };
    let provider = Caller {
        program: &program,
        bearer: format!("Bearer {long_lived}"),
    };
    scim::provision(&provider, &mut findings).await;
    let (path, etag) = walk(&caller, &mut findings).await;
    stumble(&caller, &mut findings, &path, &etag).await;
    be_refused(&program, &mut findings, &keys, id).await;
    break_down(&caller, &mut findings, &sql, &relay, &path).await;
    let metrics = admin(&program, "/metrics").await;
    let process = format!("/proc/{}/cmdline", program.id());
    let mut places = vec![
        (
            "the metrics".to_owned(),
            String::from_utf8_lossy(&metrics.body).into_owned(),
        ),
        (
            "the process list".to_owned(),
            std::fs::read_to_string(process).unwrap_or_default(),
        ),
        (
            "check-config".to_owned(),
            checked_config(relay.url(), &flags),
        ),
        (
            "client list".to_owned(),
            client_command(database.url(), &["list", "--json"])
                .await
                .expect("a list"),
        ),
    ];
    let tokens = client_command(database.url(), &["token", "list", "--json"]).await;
    places.push(("client token list".to_owned(), tokens.expect("a list")));
    program.end().await;
    places.push(("standard output".to_owned(), read_lossy(&at("stdout"))));
    places.push(("the log file".to_owned(), read_lossy(&at("roster.log"))));
    places.push(("syslog".to_owned(), awaited(&syslog)));
    if let Some(collector) = collector {
        places.push(("the collector".to_owned(), collector.received()));
    }
    (findings, places)
}

fn read_lossy(path: &Path) -> String {
    String::from_utf8_lossy(&std::fs::read(path).unwrap_or_default()).into_owned()
}

fn checked_config(url: &str, flags: &[&str]) -> String {
    let output = roster()
        .arg("check-config")
        .args(flags)
        .env("ROSTER_DATABASE_URL", url)
        .output()
        .expect("runs");
    assert!(output.status.success(), "{output:?}");
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_clients_send_and_no_secret_is_in_any_log_metric_or_error() {
    for format in ["json", "human"] {
        let (findings, places) = run(format).await;
        let mut leaks = Vec::new();
        let mut searched = 0;
        for (place, text) in places.iter().chain(&findings.errors) {
            leaks.extend(findings.search(place, text));
            searched += text.len();
        }
        assert!(
            leaks.is_empty(),
            "{} leaks:\n{}",
            leaks.len(),
            leaks.join("\n")
        );
        // A search of nothing finds nothing.
        for (place, text) in places.iter().filter(|(place, _)| {
            ["standard output", "the log file", "syslog"].contains(&place.as_str())
        }) {
            for route in TEMPLATES {
                assert!(text.contains(route), "{place} says nothing of {route}");
            }
            assert!(
                text.contains("a request failed"),
                "{place} says nothing of the bug"
            );
        }
        println!(
            "{format}: {} forms of canaries in none of {} logs, metrics and listings and {} answers, {searched} bytes",
            findings.canaries.len(),
            places.len(),
            findings.errors.len()
        );
    }
}
