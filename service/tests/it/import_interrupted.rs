//! Imports that are interrupted: by a service that is killed or shuts down, and by clients that go away.

use crate::import::{LINES, body, report, user};
use crate::spawned::{Program, free_address};
use crate::test_app::{TestApp, call, database};
use serde_json::{Value, json};
use std::io::Write;
use std::net::TcpStream;
use std::time::Duration;

/// How often it is killed: a few times, or as often as is wanted.
fn kills() -> u32 {
    let wanted = std::env::var("ROSTER_TEST_IMPORT_KILLS").ok();
    wanted.map_or(4, |text| {
        text.parse().expect("ROSTER_TEST_IMPORT_KILLS is a number")
    })
}

/// Users, of which every tenth is refused, for an import whose report is known.
fn lines(count: u32) -> Vec<Value> {
    let line = |n: u32| match n % 10 {
        9 => json!({"email": n.to_string(), "name": "Refused"}),
        _ => user(n),
    };
    (0..count).map(line).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_that_breaks_off_and_is_repeated_takes_each_record_once() {
    let database = database().await;
    let addresses = (free_address(), free_address());
    let flags = [
        "--auth=disabled",
        "--log-format=off",
        "--import-batch-limit=20",
        "--statement-timeout-ms=30000",
        "--database-timeout-ms=30000",
    ];
    let folder = tempfile::tempdir().expect("a folder");
    let words = folder.path().join("words");
    let mut program = Program::spawn(addresses, database.url(), &flags, Some(&words));
    program.ready().await;
    let count = 4000;
    let text = body(&lines(count));
    let headers = [LINES, ("idempotency-key", "moving-in")];
    let (mut left, mut interrupted) = (kills(), 0);
    let answer = loop {
        let (client, address) = (program.client.clone(), program.address);
        let request = call(
            &client,
            address,
            "POST",
            "/v1/users/import?report=all",
            &headers,
            &text,
        );
        if left == 0 {
            break request.await.expect("an answer");
        }
        left -= 1;
        let killed = async {
            tokio::time::sleep(Duration::from_millis(fastrand::u64(20..400))).await;
            program.kill();
        };
        if let (Err(_), ()) = tokio::join!(request, killed) {
            interrupted += 1;
        }
        program = Program::spawn(addresses, database.url(), &flags, Some(&words));
        program.ready().await;
    };
    assert_eq!(answer.status, 200, "{answer:?}");
    let (records, last) = report(&answer);
    let numbers: Vec<_> = records
        .iter()
        .map(|record| record["line"].as_u64().unwrap())
        .collect();
    assert_eq!(
        numbers,
        (1..=u64::from(count)).collect::<Vec<_>>(),
        "each is reported once"
    );
    let refused = u64::from(count / 10);
    assert_eq!(last["created"], u64::from(count) - refused);
    assert_eq!(last["refused"], refused);
    let (sql, connection) = tokio_postgres::connect(database.url(), tokio_postgres::NoTls)
        .await
        .unwrap();
    tokio::spawn(connection);
    for (query, wanted) in [
        ("SELECT count(*) FROM users", u64::from(count) - refused),
        (
            "SELECT count(*) FROM user_changes",
            u64::from(count) - refused,
        ),
        (
            "SELECT count(DISTINCT user_id) FROM user_changes",
            u64::from(count) - refused,
        ),
    ] {
        let found: i64 = sql.query_one(query, &[]).await.unwrap().get(0);
        assert_eq!(u64::try_from(found).unwrap(), wanted, "{query}");
    }
    println!("interrupted {interrupted} times; each of {count} records was taken once");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_is_continued_where_a_service_that_shut_down_left_it() {
    let mut app =
        TestApp::start_with(&["--import-batch-limit=1", "--import-share-percent=5"]).await;
    let other = TestApp::start_on(app.database_url(), &[]).await;
    let text = body(&lines(2000));
    let headers = [LINES, ("idempotency-key", "moving-in")];
    let first = app.try_send("POST", "/v1/users/import", &headers, &text);
    let stop = async {
        while other.walk("limit=200").await.len() < 10 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        app.begin_stop();
    };
    let (first, ()) = tokio::join!(first, stop);
    let first = first.expect("an answer");
    assert_eq!(first.problem(), "unavailable");
    let done = first.json()["records"].as_u64().unwrap();
    assert!((10..2000).contains(&done), "{done}");
    app.stop().await;
    let second = other
        .send("POST", "/v1/users/import", &headers, &text)
        .await;
    let (refused, last) = report(&second);
    assert_eq!((refused.len(), &last["created"]), (200, &json!(1800)));
    assert_eq!(other.walk("limit=200").await.len(), 1800);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_continued_by_one_request_at_a_time_and_after_a_client_has_gone() {
    let app = TestApp::start_with(&["--import-batch-limit=50"]).await;
    let users: Vec<_> = (0..300).map(user).collect();
    let text = body(&users);
    let mut socket = TcpStream::connect(app.address).unwrap();
    let head = format!(
        "POST /v1/users/import HTTP/1.1\r\nhost: roster\r\ncontent-type: application/jsonl\r\nidempotency-key: k\r\ncontent-length: {}\r\n\r\n",
        text.len()
    );
    socket.write_all(head.as_bytes()).unwrap();
    socket
        .write_all(&text.as_bytes()[..text.len() / 2])
        .unwrap();
    while app.walk("limit=200").await.len() < 100 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let headers = [LINES, ("idempotency-key", "k")];
    let beside = app.send("POST", "/v1/users/import", &headers, &text).await;
    assert_eq!(beside.problem(), "idempotency-in-progress");
    drop(socket);
    let answer = loop {
        let answer = app.send("POST", "/v1/users/import", &headers, &text).await;
        if answer.status != 409 {
            break answer;
        }
    };
    let (refused, last) = report(&answer);
    assert_eq!((refused.len(), &last["created"]), (0, &json!(300)));
}
