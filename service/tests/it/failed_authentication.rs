//! Wrong secrets and bad tokens are limited by address and by client; a success costs nothing and hinders nobody.

use crate::access::{GuardedApp, claims};
use crate::spawned::roster;
use crate::test_app::{Answer, database};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use std::time::Duration;

const GRANT: &str = "grant_type=client_credentials";
const THREE: [&str; 2] = ["--auth-failures-per-minute", "3"];

fn seen(answer: &Answer) -> (u16, String) {
    let error = answer.json()["error"].as_str().unwrap_or("").to_owned();
    (answer.status.as_u16(), error)
}

/// Asks for a token as a proxy forwards it.
async fn ask_from(guarded: &GuardedApp, from: &str, id: &str, secret: &str) -> Answer {
    let basic = format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")));
    let headers = [
        ("authorization", basic.as_str()),
        ("content-type", "application/x-www-form-urlencoded"),
        ("x-forwarded-for", from),
    ];
    let app = &guarded.app;
    app.send("POST", "/oauth/token", &headers, GRANT).await
}

fn refused(guarded: &str) -> String {
    guarded
        .lines()
        .find(|line| line.starts_with("roster_authentication_failures_total{reason=\"limited\"}"))
        .expect("the metric")
        .rsplit(' ')
        .next()
        .expect("a value")
        .to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_secrets_are_answered_429_and_a_client_that_was_proven_before_goes_on() {
    let guarded = GuardedApp::start(&THREE).await;
    let (proven, proven_secret) = guarded.client("users:read").await;
    let (other, other_secret) = guarded.client("users:read").await;
    for _ in 0..6 {
        let answer = guarded.ask(&proven, &proven_secret, GRANT).await;
        assert_eq!(answer.status, 200, "a success costs nothing");
    }
    for _ in 0..3 {
        let answer = guarded.ask("nobody", "wrong", GRANT).await;
        assert_eq!(seen(&answer), (401, "invalid_client".into()));
    }
    let limited = guarded.ask("nobody", "wrong", GRANT).await;
    assert_eq!(seen(&limited), (429, "temporarily_unavailable".into()));
    assert_eq!(limited.problem(), "rate-limited");
    let seconds: u64 = limited.header("retry-after").parse().expect("seconds");
    assert!((1..=20).contains(&seconds), "{seconds}");

    let unproven = guarded.ask(&other, &other_secret, GRANT).await;
    assert_eq!(unproven.status, 429, "the secret is not even looked at");
    let goes_on = guarded.ask(&proven, &proven_secret, GRANT).await;
    assert_eq!(goes_on.status, 200, "{goes_on:?}");
    assert_eq!(refused(&guarded.app.metrics().await), "2");

    tokio::time::sleep(Duration::from_secs(seconds)).await;
    let later = guarded.ask(&other, &other_secret, GRANT).await;
    assert_eq!(later.status, 200, "obeying Retry-After leads to success");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_secret_of_a_proven_client_cannot_be_guessed_without_limit() {
    let guarded = GuardedApp::start(&THREE).await;
    let (id, secret) = guarded.client("users:read").await;
    assert_eq!(guarded.ask(&id, &secret, GRANT).await.status, 200);
    for _ in 0..3 {
        assert_eq!(guarded.ask(&id, "wrong", GRANT).await.status, 401);
    }
    assert_eq!(guarded.ask(&id, "wrong", GRANT).await.status, 429);
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_tokens_are_answered_429_and_a_good_one_is_served() {
    let guarded = GuardedApp::start(&THREE).await;
    let bad = guarded
        .keys
        .sign(&claims("elsewhere", "roster", json!({})))
        .expect("a token");
    for status in [401, 401, 401, 429, 429] {
        let answer = guarded.send(&bad, "GET", "/v1/users", "").await;
        assert_eq!(answer.status, status, "{answer:?}");
        assert_eq!(answer.headers.contains_key("retry-after"), status == 429);
    }
    let good = guarded
        .keys
        .sign(&claims("roster", "roster", json!({})))
        .expect("a token");
    let answer = guarded.send(&good, "GET", "/v1/users", "").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let metrics = guarded.app.metrics().await;
    assert_eq!(refused(&metrics), "2");
    let wrong = "roster_authentication_failures_total{reason=\"wrong_issuer\"} 3";
    assert!(metrics.contains(wrong), "{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_trusted_proxy_the_address_is_the_clients() {
    let proxied = [&THREE[..], &["--trusted-proxies", "127.0.0.0/8,10.0.0.1"]].concat();
    let guarded = GuardedApp::start(&proxied).await;
    for from in [
        "192.0.2.1",
        "198.51.100.7, 192.0.2.1",
        "192.0.2.1:4711, 10.0.0.1",
    ] {
        let answer = ask_from(&guarded, from, "nobody", "wrong").await;
        assert_eq!(answer.status, 401);
    }
    let limited = ask_from(&guarded, "203.0.113.9,192.0.2.1", "somebody", "wrong").await;
    assert_eq!(limited.status, 429, "what the client wrote does not count");
    let other = ask_from(&guarded, "192.0.2.2", "somebody", "wrong").await;
    assert_eq!(other.status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_trusted_proxy_no_client_names_its_own_address() {
    let guarded = GuardedApp::start(&THREE).await;
    for (last, status) in [(1, 401), (2, 401), (3, 401), (4, 429)] {
        let from = format!("192.0.2.{last}");
        let answer = ask_from(&guarded, &from, &format!("nobody-{last}"), "wrong").await;
        assert_eq!(answer.status, status, "{from}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_whose_secret_is_guessed_from_many_addresses_is_limited_by_its_id() {
    let proxied = [&THREE[..], &["--trusted-proxies", "127.0.0.0/8"]].concat();
    let guarded = GuardedApp::start(&proxied).await;
    let (id, secret) = guarded.client("users:read").await;
    let home = "2001:db8:1::1";
    assert_eq!(ask_from(&guarded, home, &id, &secret).await.status, 200);
    for (last, status) in [(1, 401), (2, 401), (3, 401), (4, 429)] {
        let answer = ask_from(&guarded, &format!("192.0.2.{last}"), &id, "wrong").await;
        assert_eq!(answer.status, status);
    }
    let same_network = ask_from(&guarded, "2001:db8:1::2", &id, &secret).await;
    assert_eq!(same_network.status, 200, "it was proven from there before");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_limit_is_set_by_zero() {
    let guarded = GuardedApp::start(&["--auth-failures-per-minute", "0"]).await;
    for _ in 0..12 {
        let answer = guarded.send("x.y.z", "GET", "/v1/users", "").await;
        assert_eq!(answer.status, 401);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_has_merely_expired_is_answered_401_and_keeps_nobody_from_a_new_one() {
    let guarded = GuardedApp::start(&THREE).await;
    let (client, secret) = guarded.client("users:read").await;
    let expired = claims("roster", "roster", json!({"exp": 1}));
    let expired = guarded.keys.sign(&expired).expect("a token");
    for _ in 0..6 {
        let answer = guarded.send(&expired, "GET", "/v1/users", "").await;
        assert_eq!(answer.status, 401, "{answer:?}");
    }
    let renewed = guarded.ask(&client, &secret, GRANT).await;
    assert_eq!(renewed.status, 200, "{renewed:?}");
    for _ in 0..4 {
        guarded.send("no.good.token", "GET", "/v1/users", "").await;
    }
    let after_a_neighbour = guarded.send(&expired, "GET", "/v1/users", "").await;
    assert_eq!(after_a_neighbour.status, 401, "{after_a_neighbour:?}");
}

/// The id of the client and its secret are printed once, and kept nowhere.
#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_nobody_could_read_is_an_error() {
    let database = database().await;
    let migrated = roster()
        .arg("migrate")
        .env("ROSTER_DATABASE_URL", database.url())
        .status();
    assert!(migrated.expect("it runs").success());
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let output = roster()
        .args(["client", "create", "--scope", "users:read"])
        .env("ROSTER_DATABASE_URL", database.url())
        .stdout(writer)
        .stderr(std::process::Stdio::piped())
        .spawn()
        .and_then(std::process::Child::wait_with_output)
        .expect("it ends");
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{words}");
    assert!(words.contains("the secret in it is lost"), "{words}");
}
