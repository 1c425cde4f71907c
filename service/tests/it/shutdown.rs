//! Graceful shutdown.

use crate::program::Program;
use crate::test_app::{TestApp, database, path};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[tokio::test(flavor = "multi_thread")]
async fn no_request_that_was_accepted_is_dropped() {
    let mut app = TestApp::start().await;
    let user = app
        .created(&json!({"email": "a@example.com", "name": "A"}))
        .await;
    let answered = Arc::new(AtomicUsize::new(0));
    let mut clients = Vec::new();
    for n in 0..32 {
        let (address, target, answered) = (
            app.address,
            if n % 2 == 0 {
                path(&user)
            } else {
                "/v1/users".into()
            },
            answered.clone(),
        );
        clients.push(tokio::spawn(async move {
            let mut stream = TcpStream::connect(address).await.unwrap();
            let request = format!("GET {target} HTTP/1.1\r\nhost: x\r\n\r\n");
            let mut buffer = Vec::new();
            loop {
                // A client that was asked to close does not send again.
                let goes_on = exchange(&mut stream, &mut buffer, &request, "HTTP/1.1 200 ").await;
                answered.fetch_add(1, Ordering::Relaxed);
                if !goes_on {
                    return;
                }
            }
        }));
    }
    while answered.load(Ordering::Relaxed) < 500 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(app.stop().await, 0, "connections were cut off");
    for client in clients {
        client.await.expect("every request was answered");
    }
}

/// Sends one request and reads its whole answer; whether the connection stays open after it.
async fn exchange(
    stream: &mut TcpStream,
    buffer: &mut Vec<u8>,
    request: &str,
    status_line: &str,
) -> bool {
    stream
        .write_all(request.as_bytes())
        .await
        .expect("the connection is open until the service asks to close it");
    let (head, length) = read_head(stream, buffer).await;
    assert!(head.starts_with(status_line), "{head}");
    while buffer.len() < length {
        let read = stream.read_buf(buffer).await.expect("a whole body");
        assert!(read > 0, "the body broke off");
    }
    buffer.drain(..length);
    !head.to_ascii_lowercase().contains("connection: close")
}

/// Creates users one after the other until it is asked to close; returns how many were acknowledged.
async fn create_until_closed(address: String, client: u32, answered: Arc<AtomicUsize>) -> usize {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let mut buffer = Vec::new();
    for n in 1.. {
        let body = json!({"email": format!("u{client}-{n}@example.com"), "name": "A"}).to_string();
        let request = format!(
            "POST /v1/users HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let goes_on = exchange(&mut stream, &mut buffer, &request, "HTTP/1.1 201 ").await;
        answered.fetch_add(1, Ordering::Relaxed);
        if !goes_on {
            return n;
        }
    }
    unreachable!("a client goes on until it is asked to close")
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_under_load_ends_the_program_with_every_write_answered_and_kept() {
    let database = database().await;
    let mut program = Program::start(&database, &[]);
    let answered = Arc::new(AtomicUsize::new(0));
    let clients: Vec<_> = (0..32)
        .map(|n| {
            let address = program.address.clone();
            tokio::spawn(create_until_closed(address, n, answered.clone()))
        })
        .collect();
    while answered.load(Ordering::Relaxed) < 500 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    program.terminate();
    let mut acknowledged = 0;
    for client in clients {
        acknowledged += client.await.expect("every request was answered");
    }
    assert_eq!(program.exit_code(), Some(0));
    let (sql, connection) = tokio_postgres::connect(database.url(), tokio_postgres::NoTls)
        .await
        .unwrap();
    tokio::spawn(connection);
    let rows = sql
        .query_one("SELECT count(*) FROM users", &[])
        .await
        .unwrap();
    let kept: i64 = rows.get(0);
    println!("{acknowledged} creates acknowledged, {kept} kept");
    assert_eq!(usize::try_from(kept).unwrap(), acknowledged);
}

async fn read_head(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> (String, usize) {
    loop {
        if let Some(end) = buffer.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
            let head = String::from_utf8(buffer.drain(..end + 4).collect()).unwrap();
            let length = head
                .lines()
                .find_map(|line| {
                    line.to_ascii_lowercase()
                        .strip_prefix("content-length: ")
                        .and_then(|n| n.parse().ok())
                })
                .expect("a length");
            return (head, length);
        }
        let read = stream.read_buf(buffer).await.expect("an answer");
        assert!(read > 0, "the connection was closed instead of answering");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_stops_is_not_ready_but_lives() {
    let app = TestApp::start_with(&["--drain-delay-ms", "3000"]).await;
    let probe = async |path: &str| {
        let mut stream = TcpStream::connect(app.admin_address).await.unwrap();
        stream
            .write_all(
                format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").as_bytes(),
            )
            .await
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    };
    assert!(probe("/readyz").await.starts_with("HTTP/1.1 200 "));
    app.begin_stop();
    assert!(probe("/readyz").await.starts_with("HTTP/1.1 503 "));
    assert!(probe("/livez").await.starts_with("HTTP/1.1 200 "));
    // It still takes requests, for those who have not heard yet.
    let answer = app.get("/v1/users").await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("connection")),
        (200, "close")
    );
    assert!(
        probe("/metrics")
            .await
            .contains("roster_http_requests_total")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_waits_for_changes_does_not_hold_up_the_end() {
    let mut app = TestApp::start().await;
    let address = app.address;
    let waiting = tokio::spawn(async move {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream
            .write_all(b"GET /v1/users/changes?wait=30 HTTP/1.1\r\nhost: x\r\n\r\n")
            .await
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    });
    tokio::time::sleep(Duration::from_millis(300)).await;
    let told = Instant::now();
    assert_eq!(app.stop().await, 0);
    assert!(
        told.elapsed() < Duration::from_secs(20),
        "{:?}",
        told.elapsed()
    );
    assert!(waiting.await.unwrap().starts_with("HTTP/1.1 200 "));
}
