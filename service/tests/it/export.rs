//! `GET /v1/users/export`

use crate::test_app::{Answer, TestApp, path};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// More users than the buffers of a connection hold.
const MANY: i64 = 30_000;

async fn fill(app: &TestApp, users: i64) {
    let insert = "
        INSERT INTO users (id, email, email_key, name, name_key, department, status, row_version, created_at, updated_at, search_grams)
        SELECT gen_random_uuid(), 'u' || n || '@example.com', 'u' || n || '@example.com', repeat('x', 150), 'x',
               'D' || n % 3, 'active', 1, now(), now(), ''
        FROM generate_series(1, $1::bigint) AS n";
    app.sql().await.execute(insert, &[&users]).await.unwrap();
}

/// An export, its users and its last record.
async fn exported(app: &TestApp, query: &str) -> (Answer, Vec<Value>, Value) {
    let path = format!("/v1/users/export{query}");
    let answer = app.send("GET", &path, &[("te", "trailers")], "").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let mut lines = answer.lines();
    let last = lines.pop().expect("a last record");
    (answer, lines, last)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_has_every_user_once_and_the_feed_continues_it() {
    let app = TestApp::start().await;
    fill(&app, 1000).await;
    let ada = json!({"email": "ada@example.com", "name": "Ada \"\\ Lovelace", "title": "Countess"});
    let ada = app.created(&ada).await;
    let (answer, users, last) = exported(&app, "").await;
    assert_eq!(answer.header("content-type"), "application/jsonl");
    assert_eq!(last["users"], 1001);
    let emails: HashSet<_> = users.iter().map(|user| user["email"].as_str()).collect();
    assert_eq!((users.len(), emails.len()), (1001, 1001));
    let found = users.iter().find(|user| user["id"] == ada["id"]);
    assert_eq!(found, Some(&ada), "a user is as it is everywhere");
    let next = last["next"].as_str().expect("a cursor").to_owned();
    assert_eq!(answer.header("changes-cursor"), next);
    assert_eq!(answer.trailers["changes-cursor"].to_str().unwrap(), next);

    let after = format!("/v1/users/changes?after={next}");
    assert_eq!(app.get(&after).await.json()["items"], json!([]));
    app.send("DELETE", &path(&ada), &[], "").await;
    let changes = app.get(&after).await.json();
    assert_eq!(changes["items"].as_array().unwrap().len(), 1);
    assert_eq!(changes["items"][0]["type"], "deleted");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_directory_is_exported_too() {
    let app = TestApp::start().await;
    let (_, users, last) = exported(&app, "").await;
    assert_eq!((users.len(), &last["users"]), (0, &json!(0)));
    let after = format!("/v1/users/changes?after={}", last["next"].as_str().unwrap());
    app.created(&json!({"email": "a@example.com", "name": "A"}))
        .await;
    let changes = app.get(&after).await.json();
    assert_eq!(changes["items"].as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_has_the_filters_of_lists_and_no_order() {
    let app = TestApp::start().await;
    fill(&app, 30).await;
    let ada = json!({"email": "ada@example.com", "name": "Ada Lovelace", "status": "suspended"});
    app.created(&ada).await;
    for (query, users) in [
        ("?department=D1", 10),
        ("?status=suspended", 1),
        ("?q=lovelace", 1),
        ("?email=ADA@example.com", 1),
        ("?email=nobody@example.com", 0),
        ("?department=D1&status=suspended", 0),
    ] {
        let (_, found, last) = exported(&app, query).await;
        assert_eq!(found.len(), users, "{query}");
        assert_eq!(last["users"], users, "{query}");
    }
    for query in [
        "sort=name",
        "limit=5",
        "cursor=x",
        "status=gone",
        "formula_safe=1",
        "page=1",
    ] {
        let answer = app.get(&format!("/v1/users/export?{query}")).await;
        assert_eq!(answer.problem(), "invalid-query", "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_is_csv_for_clients_that_want_it() {
    let app = TestApp::start().await;
    let user = json!({"email": "a@example.com", "name": "Lovelace, \"Ada\"", "title": "=1+1", "phone": "+442071234567"});
    let user = app.created(&user).await;
    let csv = async |query: &str| {
        let path = format!("/v1/users/export{query}");
        let answer = app
            .send(
                "GET",
                &path,
                &[("accept", "text/csv"), ("te", "trailers")],
                "",
            )
            .await;
        assert_eq!(
            answer.header("content-type"),
            "text/csv; charset=utf-8; header=present"
        );
        assert!(!answer.trailers["changes-cursor"].is_empty());
        String::from_utf8(answer.body.to_vec()).unwrap()
    };
    let (id, at) = (
        user["id"].as_str().unwrap(),
        user["created_at"].as_str().unwrap(),
    );
    let header = "id,email,name,phone,title,department,status,created_at,updated_at\r\n";
    let row = format!(
        "{id},a@example.com,\"Lovelace, \"\"Ada\"\"\",+442071234567,=1+1,,active,{at},{at}\r\n"
    );
    assert_eq!(csv("").await, format!("{header}{row}"));
    let safe = csv("?formula_safe=true").await;
    assert!(safe.contains(",'+442071234567,'=1+1,"), "{safe}");
    let refused = app
        .send("GET", "/v1/users/export", &[("accept", "text/html")], "")
        .await;
    assert_eq!(refused.problem(), "not-acceptable");
    let head = app.send("HEAD", "/v1/users/export", &[], "").await;
    assert_eq!((head.status.as_u16(), head.body.len()), (200, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_is_compressed_for_clients_that_accept_it() {
    let app = TestApp::start().await;
    fill(&app, 2000).await;
    for coding in ["gzip", "zstd"] {
        let headers = [("accept-encoding", coding), ("te", "trailers")];
        let answer = app.send("GET", "/v1/users/export", &headers, "").await;
        assert_eq!(answer.header("content-encoding"), coding);
        let mut text = String::new();
        match coding {
            "gzip" => flate2::read::GzDecoder::new(&answer.body[..])
                .read_to_string(&mut text)
                .unwrap(),
            _ => zstd::Decoder::new(&answer.body[..])
                .unwrap()
                .read_to_string(&mut text)
                .unwrap(),
        };
        assert_eq!(text.lines().count(), 2001);
        assert!(
            answer.body.len() * 3 < text.len(),
            "{coding}: {}",
            answer.body.len()
        );
        assert!(answer.trailers.contains_key("changes-cursor"));
    }
}

/// Begins an export and reads its head alone.
fn begin(app: &TestApp) -> TcpStream {
    let mut socket = TcpStream::connect(app.address).unwrap();
    socket
        .write_all(b"GET /v1/users/export HTTP/1.1\r\nhost: roster\r\n\r\n")
        .unwrap();
    let mut first = [0; 15];
    socket.read_exact(&mut first).unwrap();
    assert_eq!(&first, b"HTTP/1.1 200 OK");
    socket
}

/// The value of a metric without labels, or with these.
async fn metric(app: &TestApp, name: &str) -> f64 {
    let text = app.metrics().await;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {name}")).parse().unwrap()
}

/// Waits until a metric is what it has to be.
async fn until(app: &TestApp, name: &str, wanted: impl Fn(f64) -> bool) {
    while !wanted(metric(app, name).await) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn exports_are_bounded_and_end_with_their_clients() {
    let app = TestApp::start_with(&["--export-limit=1"]).await;
    fill(&app, MANY).await;
    let reader = begin(&app);
    let second = app.get("/v1/users/export").await;
    assert_eq!(second.problem(), "rate-limited");
    assert_eq!(second.header("retry-after"), "10");
    let age = "roster_export_snapshot_age_seconds";
    until(&app, age, |age| age > 0.0).await;
    until(&app, "roster_http_requests_in_flight", |requests| {
        requests >= 1.0
    })
    .await;
    drop(reader);
    until(&app, age, |age| age <= 0.0).await;
    until(
        &app,
        "roster_exports_total{result=\"aborted\"}",
        |exports| exports > 0.5,
    )
    .await;
    let (_, users, _) = exported(&app, "").await;
    assert_eq!(i64::try_from(users.len()).unwrap(), MANY);
    until(
        &app,
        "roster_exports_total{result=\"complete\"}",
        |exports| exports > 0.5,
    )
    .await;
    until(
        &app,
        "roster_bulk_in_progress{kind=\"export\"}",
        |exports| exports == 0.0,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_whose_time_is_up_breaks_off_where_the_client_can_see_it() {
    let app = TestApp::start_with(&["--export-timeout-ms=1000"]).await;
    fill(&app, MANY).await;
    let mut reader = begin(&app);
    until(&app, "roster_export_snapshot_age_seconds", |age| age <= 0.0).await;
    let mut rest = Vec::new();
    let _ = reader.read_to_end(&mut rest);
    assert!(
        !rest.ends_with(b"\r\n0\r\n\r\n"),
        "it does not look complete"
    );
    let users = rest
        .windows(7)
        .filter(|bytes| bytes == b"{\"id\":\"")
        .count();
    assert!(i64::try_from(users).unwrap() < MANY, "{users}");
    assert!(!rest.windows(7).any(|bytes| bytes == b"\"next\":"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_shuts_down_does_not_wait_for_an_export() {
    let mut app = TestApp::start_with(&["--drain-timeout-ms=1000"]).await;
    fill(&app, MANY).await;
    let reader = begin(&app);
    app.stop().await;
    drop(reader);
}
