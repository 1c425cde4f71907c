//! The access log says who sent a request, from where, and why a token was refused.

use crate::access::{claims, client_command};
use crate::spawned::{Program, free_address};
use crate::test_app::database;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use roster::http::{KeyKind, SigningKeys, generate_signing_key};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn a_line_names_the_client_the_peer_and_why_a_token_was_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    let pem = generate_signing_key(KeyKind::Ed25519).expect("a key");
    std::fs::write(at("keys.pem"), &pem).expect("is written");
    let keys = SigningKeys::from_pem(pem.as_bytes()).expect("keys");
    let database = database().await;
    let line = ["create", "--scope", "users:read", "--json"];
    let made = client_command(database.url(), &line)
        .await
        .expect("a client");
    let made: Value = serde_json::from_str(&made).expect("JSON");
    let text = |name: &str| made[name].as_str().expect("text").to_owned();
    let (id, secret) = (text("client_id"), text("client_secret"));

    let keys_file = at("keys.pem").display().to_string();
    let flags = [
        "--token-keys-file",
        &keys_file,
        "--log-format",
        "json",
        "--trusted-proxies",
        "127.0.0.1",
    ];
    let log = at("log");
    let addresses = (free_address(), free_address());
    let mut program = Program::spawn(addresses, database.url(), &flags, Some(&log));
    program.ready().await;

    let signed = |changes| {
        keys.sign(&claims("roster", "roster", changes))
            .expect("a token")
    };
    let stranger = SigningKeys::from_pem(
        generate_signing_key(KeyKind::Ed25519)
            .expect("a key")
            .as_bytes(),
    );
    let stranger = stranger.expect("keys");
    let unknown = stranger
        .sign(&claims("roster", "roster", json!({})))
        .expect("a token");
    let good = signed(json!({}));
    let forged = format!("{}AAAA", &good[..good.len() - 4]);
    let person = signed(json!({"sub": "ada@example.com"}));
    let hostile = signed(json!({"sub": "a\" status=\"200"}));
    for (name, token) in [
        ("good", &good),
        ("expired", &signed(json!({"exp": 1}))),
        ("not_yet_valid", &signed(json!({"nbf": 4_000_000_000_u64}))),
        ("unknown_key", &unknown),
        ("bad_signature", &forged),
        ("wrong_issuer", &signed(json!({"iss": "elsewhere"}))),
        ("wrong_audience", &signed(json!({"aud": "elsewhere"}))),
        ("bad_claims", &signed(json!({"sub": null}))),
        ("malformed", &"x".to_owned()),
        ("scope_lacking", &signed(json!({"scope": "other"}))),
        ("person", &person),
        ("hostile", &hostile),
    ] {
        let bearer = format!("Bearer {token}");
        let headers = [("authorization", &*bearer), ("x-request-id", name)];
        program.send("GET", "/v1/users", &headers, "").await;
    }
    let basic = |secret: &str| format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")));
    let (right, wrong) = (basic(&secret), basic("wrong"));
    for (name, basic) in [("issued", &right), ("bad_secret", &wrong)] {
        let headers = [
            ("authorization", &**basic),
            ("content-type", "application/x-www-form-urlencoded"),
            ("x-request-id", name),
        ];
        let form = "grant_type=client_credentials";
        program.send("POST", "/oauth/token", &headers, form).await;
    }
    let headers = [
        ("x-request-id", "no_token"),
        ("x-forwarded-for", "2001:db8::7"),
    ];
    program.send("GET", "/v1/users", &headers, "").await;
    program.end().await;

    let written = std::fs::read_to_string(&log).expect("a log");
    let lines: Vec<Value> = written
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    let line = |name: &str| {
        let found = lines.iter().find(|line| line["request_id"] == name);
        found.unwrap_or_else(|| panic!("no line of {name} in {written}"))
    };
    let reasons = [
        "expired",
        "not_yet_valid",
        "unknown_key",
        "bad_signature",
        "wrong_issuer",
        "wrong_audience",
        "bad_claims",
        "malformed",
        "bad_secret",
        "no_token",
    ];
    for reason in reasons {
        assert_eq!(line(reason)["refused"], reason);
        assert_eq!(
            line(reason)["client"],
            Value::Null,
            "nobody is named who is not proven"
        );
    }
    assert_eq!(
        (&line("good")["client"], &line("good")["refused"]),
        (&json!("tester"), &Value::Null)
    );
    assert_eq!(line("good")["peer"], "127.0.0.1");
    assert_eq!(line("no_token")["peer"], "2001:db8::7");
    assert_eq!(line("issued")["client"], *id);
    let lacking = line("scope_lacking");
    assert_eq!(
        (&lacking["client"], &lacking["refused"]),
        (&json!("tester"), &json!("scope_lacking"))
    );
    for name in ["person", "hostile"] {
        let client = line(name)["client"].as_str().expect("a client");
        assert!(
            client.starts_with("sha256:") && client.len() == 7 + 32,
            "{client}"
        );
        assert_eq!(line(name)["status"], 200);
    }
    assert!(!written.contains("ada@example.com"), "{written}");
}
