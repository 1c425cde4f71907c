//! Clients that never finish what they send, and those who only read beside them.

use crate::access::GuardedApp;
use crate::test_app::TestApp;
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use http::Request;
use serde_json::json;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// What takes as long hangs.
const HANGING: Duration = Duration::from_secs(30);
/// Far more than the permits, and than the bodies that may be on their way.
const SENDERS: usize = 60;
const LIMITS: &[&str] = &[
    "--queue-limit=4",
    "--arriving-body-limit=16",
    "--arriving-bodies-per-address=8",
    "--arriving-bodies-per-connection=6",
    "--arriving-token-body-limit=8",
    "--token-body-timeout-ms=60000",
];

/// Requests whose bodies never end, over HTTP/1.1: the connections, as long as they are to be held.
async fn begin_http1(app: &TestApp, path: &str) -> Vec<TcpStream> {
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{{"
    );
    let mut senders = Vec::new();
    for _ in 0..SENDERS {
        let mut sender = TcpStream::connect(app.address).await.unwrap();
        sender.write_all(head.as_bytes()).await.unwrap();
        senders.push(sender);
    }
    senders
}

/// Waits until a further sender is refused: then as many as may are being received.
async fn wait_until_full(app: &TestApp, path: &str) {
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{{"
    );
    loop {
        let mut sender = TcpStream::connect(app.address).await.unwrap();
        sender.write_all(head.as_bytes()).await.unwrap();
        let mut answer = [0; 12];
        let read = timeout(Duration::from_secs(1), sender.read_exact(&mut answer)).await;
        if read.is_ok_and(|read| read.is_ok()) {
            assert_eq!(&answer, b"HTTP/1.1 503");
            return;
        }
    }
}

/// Readers, and writers whose body comes with the head, are served as if nobody else was there.
async fn others_are_served(app: &TestApp, round: &str) {
    for n in 0..30 {
        let read = timeout(HANGING, app.get("/v1/users"))
            .await
            .expect("an answer");
        assert_eq!(read.status, 200, "{round}: {read:?}");
        let user = json!({"email": format!("{round}{n}@example.com"), "name": "A"});
        let created = timeout(HANGING, app.create(&user))
            .await
            .expect("an answer");
        assert_eq!(created.status, 201, "{round}: {created:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unfinished_bodies_take_no_permit_from_readers_over_http_1() {
    let app = TestApp::start_with(LIMITS).await;
    let _users = begin_http1(&app, "/v1/users").await;
    wait_until_full(&app, "/v1/users").await;
    others_are_served(&app, "users").await;
    let _tokens = begin_http1(&app, "/oauth/token").await;
    wait_until_full(&app, "/oauth/token").await;
    others_are_served(&app, "tokens").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unfinished_bodies_take_no_permit_from_readers_over_http_2() {
    let flags: Vec<_> = LIMITS.iter().copied().chain(["--h2c"]).collect();
    let app = TestApp::start_with(&flags).await;
    let (mut bodies, mut clients) = (Vec::new(), Vec::new());
    let mut answers = FuturesUnordered::new();
    for _ in 0..2 {
        let stream = TcpStream::connect(app.address).await.unwrap();
        let (mut client, connection) = h2::client::handshake(stream).await.expect("HTTP/2");
        tokio::spawn(connection);
        for n in 0..30 {
            client = client.ready().await.expect("ready");
            let path = if n % 2 == 0 {
                "v1/users"
            } else {
                "oauth/token"
            };
            let request = Request::post(format!("http://localhost/{path}"))
                .header("content-type", "application/json")
                .body(())
                .unwrap();
            let (answer, mut body) = client.send_request(request, false).expect("is sent");
            let _ = body.send_data(Bytes::from_static(b"{"), false);
            answers.push(answer);
            bodies.push(body);
        }
        clients.push(client);
    }
    // At most six are held on a connection, eight of users and two for tokens from an address.
    for _ in 0..50 {
        let refused = timeout(HANGING, answers.next()).await.expect("a refusal");
        let refused = refused.expect("an answer").expect("an answer");
        assert_eq!(refused.status(), 503);
    }
    others_are_served(&app, "http2").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_for_a_token_is_small_and_soon_there() {
    let guarded = GuardedApp::start(&["--token-body-timeout-ms=300"]).await;
    let (id, secret) = guarded.client("users:read").await;
    let padded = |bytes: usize| {
        let form = "grant_type=client_credentials&x=";
        format!("{form}{}", "y".repeat(bytes - form.len()))
    };
    assert_eq!(guarded.ask(&id, &secret, &padded(8192)).await.status, 200);
    let large = guarded.ask(&id, &secret, &padded(8193)).await;
    assert_eq!(
        (large.status.as_u16(), large.problem().as_str()),
        (413, "content-too-large")
    );

    let mut slow = TcpStream::connect(guarded.app.address).await.unwrap();
    slow.write_all(b"POST /oauth/token HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: 10\r\n\r\n")
        .await
        .unwrap();
    let mut answer = String::new();
    timeout(HANGING, slow.read_to_string(&mut answer))
        .await
        .expect("it ends")
        .unwrap();
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_arrives_in_pieces_is_taken() {
    let app = TestApp::start_with(LIMITS).await;
    let user = json!({"email": "a@example.com", "name": "A"}).to_string();
    let head = format!(
        "POST /v1/users HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        user.len()
    );
    let mut stream = TcpStream::connect(app.address).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    for byte in user.as_bytes() {
        stream.write_all(&[*byte]).await.unwrap();
        tokio::task::yield_now().await;
    }
    let mut answer = String::new();
    timeout(HANGING, stream.read_to_string(&mut answer))
        .await
        .expect("it ends")
        .unwrap();
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
}
