//! Several hosts in a connection string, and hosts that take connections and then say nothing.

use crate::spawned::roster;
use crate::test_app::{JSON, TestApp, database, path};
use dev_postgres::Relay;
use serde_json::json;
use std::process::Stdio;
use std::time::{Duration, Instant};

/// One server's limit: far below that of a request, and long enough for the one that answers on the busiest machine.
const LIMITS: &[&str] = &["--connect-timeout-ms=5000"];
/// How often connections to the good host are cut.
const CUTS: usize = 3;
/// How long anything may take on the busiest machine.
const PATIENCE: Duration = Duration::from_secs(120);

#[tokio::test(flavor = "multi_thread")]
async fn a_first_host_that_says_nothing_is_passed_over_and_not_asked_again() {
    let database = database().await;
    let frozen = Relay::start(database.url()).await.expect("a relay");
    frozen.silence();
    let live = Relay::start(database.url()).await.expect("a relay");
    let app = TestApp::start_on(&Relay::url_of(&[&frozen, &live]), LIMITS).await;
    let user = app
        .created(&json!({"email": "a@example.com", "name": "A"}))
        .await;
    assert!(frozen.taken() > 0, "the first host was never asked");
    let asked = frozen.taken();
    for _ in 0..CUTS {
        live.cut_once();
        assert_eq!(app.get(&path(&user)).await.status, 200);
        assert_eq!(app.get("/v1/users").await.status, 200);
    }
    // A connection that is made at the very moment of a cut fails, and the other host is asked then.
    let again = frozen.taken() - asked;
    assert!(again < CUTS, "the last good host is asked first: {again}");
}

/// The first request that waits in vain, for an answer or for a connection, finds out for all: no kept connection costs
/// another request its time.
#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_freezes_under_the_service_is_left_for_the_next() {
    let database = database().await;
    let first = Relay::start(database.url()).await.expect("a relay");
    let second = Relay::start(database.url()).await.expect("a relay");
    let limits = ["--connect-timeout-ms=5000", "--database-timeout-ms=6000"];
    let app = TestApp::start_on(&Relay::url_of(&[&first, &second]), &limits).await;
    let user = app
        .created(&json!({"email": "a@example.com", "name": "A"}))
        .await;
    first.silence();
    let begun = Instant::now();
    loop {
        let answer = app.get(&path(&user)).await;
        if answer.status == 200 {
            break;
        }
        assert_eq!(answer.problem(), "unavailable");
        assert!(begun.elapsed() < PATIENCE, "never recovers: {answer:?}");
    }
    let replacement = json!({"email": "a@example.com", "name": "B"}).to_string();
    for (method, at, body) in [
        ("PUT", path(&user), replacement.as_str()),
        ("GET", "/v1/users".into(), ""),
        ("GET", "/v1/users/changes".into(), ""),
    ] {
        let answer = app.send(method, &at, JSON, body).await;
        assert_eq!(answer.status, 200, "{method} {at}: {answer:?}");
    }
}

/// A request that gives up before a host has used up its own limit must not keep the next one from being asked.
#[tokio::test(flavor = "multi_thread")]
async fn a_limit_of_requests_below_that_of_a_host_still_leads_to_the_next() {
    let database = database().await;
    let first = Relay::start(database.url()).await.expect("a relay");
    let second = Relay::start(database.url()).await.expect("a relay");
    let limits = ["--connect-timeout-ms=30000", "--database-timeout-ms=5000"];
    let app = TestApp::start_on(&Relay::url_of(&[&first, &second]), &limits).await;
    // By one whose requests may take their time.
    let patient = TestApp::start_on(database.url(), &["--database-timeout-ms=60000"]).await;
    let user = patient
        .created(&json!({"email": "a@example.com", "name": "A"}))
        .await;
    first.silence();
    let begun = Instant::now();
    while app.get(&path(&user)).await.status != 200 {
        assert!(begun.elapsed() < PATIENCE, "the second host is never asked");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_end_where_the_server_says_nothing_and_say_so() {
    let database = database().await;
    let relay = Relay::start(database.url()).await.expect("a relay");
    relay.silence();
    for arguments in [&["migrate"][..], &["client", "list"]] {
        let mut child = roster()
            .args(arguments)
            .arg("--connect-timeout-ms=500")
            .env("ROSTER_DATABASE_URL", relay.url())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let begun = Instant::now();
        while child.try_wait().expect("a child").is_none() {
            if begun.elapsed() > Duration::from_secs(20) {
                child.kill().expect("is killed");
                panic!("{arguments:?} hangs");
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let output = child.wait_with_output().expect("its output");
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(3), "{arguments:?}: {words}");
        assert!(words.contains("no answer within 500 ms"), "{words}");
    }
}
