//! Clients that mean no good, or do not know better: spoken to in bytes.

use crate::test_app::TestApp;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Sends bytes as they are and reads until the service closes the connection.
async fn raw(app: &TestApp, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(app.address).await.unwrap();
    // The service may refuse before it has read everything.
    let _ = stream.write_all(bytes).await;
    read_to_end(&mut stream).await
}

async fn read_to_end(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let _ = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut answer))
        .await
        .expect("the connection is closed");
    String::from_utf8_lossy(&answer).into_owned()
}

/// Demands an answer with this status and a problem of this slug.
fn assert_problem(answer: &str, status: u16, slug: &str) {
    assert!(
        answer.starts_with(&format!("HTTP/1.1 {status} ")),
        "{status} in {answer}"
    );
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    assert!(
        head.contains("content-type: application/problem+json"),
        "{head}"
    );
    let document: Value =
        serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {body}"));
    assert_eq!(document["type"], format!("/problems/{slug}"));
    assert!(
        head.contains(&format!(
            "x-request-id: {}",
            document["request_id"].as_str().unwrap()
        )),
        "{head}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_over_the_limit_is_refused_whether_announced_or_not() {
    let app = TestApp::start().await;
    let pad = |total: usize| {
        let empty = json!({"email": "a@example.com", "name": "A", "title": null}).to_string();
        format!("{}{}", empty, " ".repeat(total - empty.len()))
    };
    let fits = app
        .send("POST", "/v1/users", crate::test_app::JSON, &pad(65_536))
        .await;
    assert_eq!(fits.status, 201, "{fits:?}");
    let announced = app
        .send("POST", "/v1/users", crate::test_app::JSON, &pad(65_537))
        .await;
    assert_eq!(
        (announced.status.as_u16(), announced.problem().as_str()),
        (413, "content-too-large")
    );
    let mut chunked = b"POST /v1/users HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
    for _ in 0..40 {
        chunked.extend_from_slice(b"1000\r\n");
        chunked.extend_from_slice(&[b' '; 0x1000]);
        chunked.extend_from_slice(b"\r\n");
    }
    assert_problem(&raw(&app, &chunked).await, 413, "content-too-large");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_trickles_is_given_up() {
    let app = TestApp::start_with(&["--request-timeout-ms", "400"]).await;
    let mut stream = TcpStream::connect(app.address).await.unwrap();
    stream.write_all(b"POST /v1/users HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n").await.unwrap();
    let (mut reader, mut writer) = stream.into_split();
    let trickle = tokio::spawn(async move {
        while writer.write_all(b" ").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    let mut answer = Vec::new();
    let _ = tokio::time::timeout(Duration::from_secs(20), reader.read_to_end(&mut answer))
        .await
        .expect("the connection is closed");
    trickle.abort();
    assert_problem(&String::from_utf8_lossy(&answer), 408, "request-timeout");
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_and_targets_over_the_limit_are_refused() {
    let app = TestApp::start().await;
    let with_header = |bytes: usize| {
        format!(
            "GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\nx-pad: {}\r\n\r\n",
            "a".repeat(bytes)
        )
    };
    assert!(
        raw(&app, with_header(15_000).as_bytes())
            .await
            .starts_with("HTTP/1.1 200 ")
    );
    assert_problem(
        &raw(&app, with_header(17_000).as_bytes()).await,
        431,
        "headers-too-large",
    );
    // Beyond what is even buffered, and without end.
    assert_problem(
        &raw(&app, with_header(200_000).as_bytes()).await,
        431,
        "headers-too-large",
    );
    let many = "x-a: 1\r\n".repeat(500);
    assert_problem(
        &raw(
            &app,
            format!("GET / HTTP/1.1\r\nhost: x\r\n{many}\r\n").as_bytes(),
        )
        .await,
        431,
        "headers-too-large",
    );
    let target = |bytes: usize| {
        format!(
            "GET /v1/users?q={} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
            "a".repeat(bytes)
        )
    };
    assert_problem(
        &raw(&app, target(9000).as_bytes()).await,
        414,
        "uri-too-long",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_http_is_refused_with_a_problem() {
    let app = TestApp::start().await;
    for bytes in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"[..],
        b"GET / HTTP/1.1\r\nbad header\r\n\r\n",
        b"GET  / HTTP/9.9\r\n\r\n",
    ] {
        assert_problem(&raw(&app, bytes).await, 400, "malformed-request");
    }
    assert_eq!(app.get("/").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_body_is_not_read() {
    let app = TestApp::start().await;
    let head = format!(
        "POST /nowhere HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n",
        300 << 20
    );
    let mut stream = TcpStream::connect(app.address).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    let (mut reader, mut writer) = stream.into_split();
    let sending = tokio::spawn(async move {
        let chunk = vec![b'x'; 64 << 10];
        let mut sent = 0_usize;
        while sent < 300 << 20 && writer.write_all(&chunk).await.is_ok() {
            sent += chunk.len();
        }
        sent
    });
    let mut answer = Vec::new();
    let _ = tokio::time::timeout(Duration::from_secs(20), reader.read_to_end(&mut answer))
        .await
        .expect("the connection is closed");
    assert_problem(&String::from_utf8_lossy(&answer), 404, "not-found");
    let sent = sending.await.unwrap();
    assert!(sent < 32 << 20, "{sent} bytes were taken");
}
