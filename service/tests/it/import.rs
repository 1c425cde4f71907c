//! `POST /v1/users/import`

use crate::test_app::{Answer, TestApp, id};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};

pub(crate) const LINES: (&str, &str) = ("content-type", "application/jsonl");
const CSV: (&str, &str) = ("content-type", "text/csv");

pub(crate) fn user(n: u32) -> Value {
    json!({"email": format!("u{n}@example.com"), "name": format!("User {n}")})
}

pub(crate) fn body(users: &[Value]) -> String {
    let mut body = String::new();
    for user in users {
        let _ = writeln!(body, "{user}");
    }
    body
}

/// Imports; the records that are reported, and the last one.
async fn import(app: &TestApp, query: &str, body: &str) -> (Vec<Value>, Value) {
    let answer = app
        .send("POST", &format!("/v1/users/import?{query}"), &[LINES], body)
        .await;
    assert_eq!(answer.status, 200, "{answer:?}");
    report(&answer)
}

pub(crate) fn report(answer: &Answer) -> (Vec<Value>, Value) {
    let mut lines = answer.lines();
    let last = lines.pop().expect("a last record");
    (lines, last)
}

fn counts(summary: &Value) -> [u64; 5] {
    ["created", "updated", "unchanged", "refused", "removed"]
        .map(|name| summary[name].as_u64().unwrap())
}

async fn changes(app: &TestApp) -> Vec<Value> {
    let page = app.get("/v1/users/changes?limit=200").await.json();
    page["items"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn valid_records_are_kept_whatever_their_neighbours_are() {
    let app = TestApp::start().await;
    app.created(&user(1)).await;
    let lines = [
        user(2).to_string(),
        json!({"email": "bad", "name": " ", "shoe": 1}).to_string(),
        "{not json".to_owned(),
        String::new(),
        user(1).to_string(),
        json!({"email": "U2@example.com", "name": "Again"}).to_string(),
        "\u{fffd}[]".to_owned(),
        user(3).to_string(),
    ];
    let (refused, last) = import(&app, "", &lines.join("\n")).await;
    assert_eq!(counts(&last), [2, 0, 0, 5, 0]);
    assert_eq!(last["records"], 7);
    let problems: Vec<_> = refused
        .iter()
        .map(|line| {
            (
                line["line"].as_u64().unwrap(),
                line["problem"].as_str().unwrap(),
            )
        })
        .collect();
    let expected = [
        (2, "validation-failed"),
        (3, "malformed-request"),
        (5, "email-taken"),
        (6, "email-taken"),
        (7, "malformed-request"),
    ];
    assert_eq!(problems, expected);
    // The same faults as those of a single call.
    let single = app
        .create(&json!({"email": "bad", "name": " ", "shoe": 1}))
        .await;
    assert_eq!(single.json()["errors"], refused[0]["errors"]);
    let users = app.walk("").await;
    assert_eq!(users.len(), 3);
    let kinds: Vec<_> = changes(&app)
        .await
        .iter()
        .map(|c| c["type"].clone())
        .collect();
    assert_eq!(kinds, ["created", "created", "created"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upsert_replaces_what_differs_and_nothing_else() {
    let app = TestApp::start().await;
    let same = app.created(&user(1)).await;
    let other = app.created(&user(2)).await;
    let lines = [
        user(1),
        json!({"email": "u2@EXAMPLE.com", "name": "Changed", "department": "D"}),
        user(3),
    ];
    let (all, last) = import(&app, "mode=upsert&report=all", &body(&lines)).await;
    assert_eq!(counts(&last), [1, 1, 1, 0, 0]);
    let outcomes: Vec<_> = all
        .iter()
        .map(|line| line["outcome"].as_str().unwrap())
        .collect();
    assert_eq!(outcomes, ["unchanged", "updated", "created"]);
    assert_eq!((id(&all[0]), id(&all[1])), (id(&same), id(&other)));
    let changed = app.get(&format!("/v1/users/{}", id(&other))).await.json();
    assert_eq!(
        (&changed["name"], &changed["department"]),
        (&json!("Changed"), &json!("D"))
    );
    assert_eq!(changed["email"], "u2@EXAMPLE.com");
    let kinds: Vec<_> = changes(&app)
        .await
        .iter()
        .map(|c| c["type"].clone())
        .collect();
    assert_eq!(kinds.len(), 4);
    assert!(kinds[2..].contains(&json!("created")) && kinds[2..].contains(&json!("updated")));
    // Again: nothing is left to do, nothing in the feed.
    let (_, last) = import(&app, "mode=upsert", &body(&lines)).await;
    assert_eq!(counts(&last), [0, 0, 3, 0, 0]);
    assert_eq!(changes(&app).await.len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_later_record_of_one_address_replaces_the_earlier_one() {
    let app = TestApp::start().await;
    let lines = [
        user(1),
        json!({"email": "U1@example.com", "name": "Later"}),
        user(2),
    ];
    let (all, last) = import(&app, "mode=upsert&report=all", &body(&lines)).await;
    assert_eq!(counts(&last), [2, 1, 0, 0, 0]);
    let outcomes: Vec<_> = all
        .iter()
        .map(|line| line["outcome"].as_str().unwrap())
        .collect();
    assert_eq!(outcomes, ["created", "updated", "created"]);
    let named = app.walk("q=later").await;
    assert_eq!(named.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_reports_the_same_and_writes_nothing() {
    let app = TestApp::start().await;
    app.created(&user(1)).await;
    app.created(&user(2)).await;
    let lines = [
        user(1),
        json!({"email": "u2@example.com", "name": "New"}),
        user(3),
        user(3),
        json!({"email": "x"}),
    ];
    for mode in ["mode=create", "mode=upsert", "mode=sync&max_deletes=5"] {
        let before = changes(&app).await.len();
        let (_, dry) = import(
            &app,
            &format!("{mode}&dry_run=true&report=all"),
            &body(&lines),
        )
        .await;
        assert_eq!(changes(&app).await.len(), before, "{mode}");
        assert_eq!(dry["dry_run"], true);
        let expected = match mode {
            "mode=create" => [1, 0, 0, 4, 0],
            _ => [1, 2, 1, 1, 0],
        };
        assert_eq!(counts(&dry), expected, "{mode}");
    }
    assert_eq!(app.walk("").await.len(), 2);
    let (_, real) = import(&app, "mode=create", &body(&lines)).await;
    assert_eq!(counts(&real), [1, 0, 0, 4, 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn csv_is_read_with_quotes_line_breaks_and_a_byte_order_mark() {
    let app = TestApp::start().await;
    let csv = "\u{feff}name,email,department,id\r\n\"Lovelace, \"\"Ada\"\"\",ada@example.com,,7\r\n\r\n\
               \"Two\nlines\",b@example.com,D,\r\nToo few,c@example.com\r\nGrace,grace@example.com,Navy,\r\n";
    let answer = app.send("POST", "/v1/users/import", &[CSV], csv).await;
    let (refused, last) = report(&answer);
    assert_eq!(counts(&last), [2, 0, 0, 2, 0], "{answer:?}");
    let lines: Vec<_> = refused
        .iter()
        .map(|line| line["line"].as_u64().unwrap())
        .collect();
    assert_eq!(lines, [4, 6]);
    assert_eq!(refused[0]["errors"][0]["pointer"], "/name");
    let ada = &app.walk("q=lovelace").await[0];
    assert_eq!(
        (&ada["name"], &ada["department"]),
        (&json!("Lovelace, \"Ada\""), &Value::Null)
    );
    for bad in [
        "email\r\na@example.com\r\n",
        "email,name,shoe\r\n",
        "email,name,email\r\n",
    ] {
        let answer = app.send("POST", "/v1/users/import", &[CSV], bad).await;
        assert_eq!(answer.problem(), "malformed-request", "{bad}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_is_an_import_of_another_directory() {
    let (one, other) = (TestApp::start().await, TestApp::start().await);
    for n in 0..5 {
        one.created(&json!({"email": format!("u{n}@example.com"), "name": "a, \"b\"", "phone": "+442071234567", "status": "suspended"})).await;
    }
    for (accept, sent) in [("application/jsonl", LINES), ("text/csv", CSV)] {
        let exported = one
            .send("GET", "/v1/users/export", &[("accept", accept)], "")
            .await;
        let text = std::str::from_utf8(&exported.body).unwrap();
        let answer = other
            .send("POST", "/v1/users/import?mode=upsert", &[sent], text)
            .await;
        let (refused, last) = report(&answer);
        assert_eq!(
            (refused.len(), last["records"].as_u64()),
            (0, Some(5)),
            "{answer:?}"
        );
    }
    let without = |mut user: Value| {
        for member in ["id", "created_at", "updated_at"] {
            user.as_object_mut().unwrap().remove(member);
        }
        user
    };
    let users = async |app: &TestApp| -> Vec<Value> {
        app.walk("sort=email")
            .await
            .into_iter()
            .map(without)
            .collect()
    };
    assert_eq!(users(&one).await, users(&other).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_synchronisation_removes_the_absent_only_as_many_as_confirmed() {
    let app = TestApp::start().await;
    for n in 0..250 {
        app.created(&user(n)).await;
    }
    let kept: Vec<Value> = (0..20).map(user).collect();
    let (_, last) = import(&app, "mode=sync&max_deletes=229", &body(&kept)).await;
    assert_eq!(
        (&last["absent"], &last["removed"]),
        (&json!(230), &json!(0))
    );
    assert!(last["not_removed"].is_string());
    assert_eq!(app.walk("").await.len(), 250);
    // A record that was refused may be one of theirs.
    let lines = body(&kept) + "{\"email\": \"u30@example.com\"}\n";
    let (_, last) = import(&app, "mode=sync&max_deletes=250", &lines).await;
    assert!(last["not_removed"].is_string() && last["removed"] == 0);
    let (_, last) = import(&app, "mode=sync&max_deletes=230&dry_run=true", &body(&kept)).await;
    assert_eq!(
        (&last["absent"], &last["removed"]),
        (&json!(230), &json!(0))
    );
    let (_, last) = import(
        &app,
        "mode=sync&max_deletes=230&absent=suspend",
        &body(&kept),
    )
    .await;
    assert_eq!(
        (&last["absent"], &last["removed"]),
        (&json!(230), &json!(230))
    );
    assert_eq!(app.walk("status=suspended").await.len(), 230);
    // Suspended ones need not be suspended again.
    let (_, last) = import(&app, "mode=sync&max_deletes=0&absent=suspend", &body(&kept)).await;
    assert_eq!((&last["absent"], &last["removed"]), (&json!(0), &json!(0)));
    let (_, last) = import(&app, "mode=sync&max_deletes=230", &body(&kept)).await;
    assert_eq!(
        (&last["absent"], &last["removed"]),
        (&json!(230), &json!(230))
    );
    let left = app.walk("").await;
    assert_eq!(left.len(), 20);
    let sql = app.sql().await;
    let deleted = sql.query_one(
        "SELECT count(*) FROM user_changes WHERE kind = 'deleted'",
        &[],
    );
    assert_eq!(deleted.await.unwrap().get::<_, i64>(0), 230);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_import_is_answered_as_the_first_was() {
    let app = TestApp::start().await;
    let lines = body(&[user(1), json!({"email": "x"}), user(2)]);
    let headers = [LINES, ("idempotency-key", "first")];
    let send = async |query: &str, body: &str| {
        app.send("POST", &format!("/v1/users/import?{query}"), &headers, body)
            .await
    };
    let first = send("report=all", &lines).await;
    let again = send("report=all", &lines).await;
    assert_eq!(first.header("idempotency-replayed"), "");
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(first.body, again.body);
    assert_eq!(app.walk("").await.len(), 2);
    assert_eq!(changes(&app).await.len(), 2);
    // Another import under the same key is refused, whatever differs.
    let more = lines.clone() + &user(3).to_string();
    let other = body(&[user(4), json!({"email": "x"}), user(2)]);
    for (query, body) in [
        ("report=all", &other),
        ("report=all", &more),
        ("report=all", &body(&[user(1)])),
        ("report=refused", &lines),
        ("report=all&mode=upsert", &lines),
    ] {
        assert_eq!(
            send(query, body).await.problem(),
            "idempotency-key-reused",
            "{query}"
        );
    }
    // Without a key it is another import.
    let (refused, _) = import(&app, "", &lines).await;
    assert_eq!(refused.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_sends_all_before_it_reads_gets_every_refusal() {
    let app = TestApp::start().await;
    let mut lines = String::new();
    let refused = 40_000;
    for n in 0..refused {
        let _ = writeln!(lines, "{{\"email\":\"{n}\",\"name\":\"\",\"phone\":\"1\"}}");
    }
    let address = app.address;
    let report = tokio::task::spawn_blocking(move || {
        let mut socket = TcpStream::connect(address).unwrap();
        let head = format!(
            "POST /v1/users/import HTTP/1.1\r\nhost: roster\r\nconnection: close\r\ncontent-type: application/jsonl\r\ncontent-length: {}\r\n\r\n",
            lines.len()
        );
        socket.write_all(head.as_bytes()).unwrap();
        socket.write_all(lines.as_bytes()).unwrap();
        socket.shutdown(Shutdown::Write).unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).unwrap();
        answer
    });
    let report = report.await.unwrap();
    assert!(
        report.len() > 8 * 1024 * 1024,
        "more than the connection's buffers hold: {}",
        report.len()
    );
    assert_eq!(report.matches("\"outcome\":\"refused\"").count(), refused);
    assert!(report.contains(&format!("\"refused\":{refused},")));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_import_cannot_be_is_refused_before_it_is_read() {
    let app = TestApp::start().await;
    for (query, headers, problem) in [
        ("mode=all", vec![LINES], "invalid-query"),
        ("mode=sync", vec![LINES], "invalid-query"),
        (
            "",
            vec![("content-type", "application/json")],
            "unsupported-media-type",
        ),
        (
            "",
            vec![LINES, ("content-encoding", "gzip")],
            "unsupported-media-type",
        ),
        ("", vec![LINES, ("accept", "text/html")], "not-acceptable"),
        (
            "",
            vec![LINES, ("idempotency-key", "")],
            "malformed-request",
        ),
        (
            "",
            vec![LINES, ("if-match", "\"1\"")],
            "precondition-failed",
        ),
    ] {
        let path = format!("/v1/users/import?{query}");
        let answer = app.send("POST", &path, &headers, &body(&[user(1)])).await;
        assert_eq!(answer.problem(), problem, "{query} {headers:?}");
    }
    assert_eq!(
        app.send("GET", "/v1/users/import", &[], "").await.problem(),
        "method-not-allowed"
    );
    let (_, last) = import(&app, "", "").await;
    assert_eq!(counts(&last), [0; 5]);
    // A record that is too long is one refused record.
    let long = format!("{{\"email\":\"{}\"}}\n", "x".repeat(300_000));
    let (refused, last) = import(&app, "", &(long + &body(&[user(1)]))).await;
    assert_eq!(refused[0]["problem"], "content-too-large");
    assert_eq!(counts(&last), [1, 0, 0, 1, 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_passes_users_that_others_hold_or_change() {
    let app = TestApp::start().await;
    for n in 0..50 {
        app.created(&user(n)).await;
    }
    // One row is held by somebody else for as long as it takes to find out.
    let sql = app.sql().await;
    sql.batch_execute("BEGIN; SELECT FROM users WHERE email_key = 'u7@example.com' FOR UPDATE")
        .await
        .unwrap();
    let release = tokio::spawn(async move {
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        sql.batch_execute("COMMIT").await.unwrap();
    });
    let lines: Vec<_> = (0..60)
        .map(|n| json!({"email": format!("u{n}@example.com"), "name": "changed"}))
        .collect();
    let (_, last) = import(&app, "mode=upsert", &body(&lines)).await;
    release.await.unwrap();
    assert_eq!(counts(&last), [10, 50, 0, 0, 0]);
    assert_eq!(app.walk("q=changed").await.len(), 60);
}
