//! Connections without a request: kept for longer than a head may take, and then ended in order.

use crate::test_app::TestApp;
use bytes::Bytes;
use http::Request;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

/// What takes as long hangs.
const HANGING: Duration = Duration::from_secs(30);
const GET: &[u8] = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n";

async fn answered(stream: &mut TcpStream) {
    stream.write_all(GET).await.unwrap();
    let mut bytes = [0; 4096];
    let count = timeout(HANGING, stream.read(&mut bytes))
        .await
        .expect("an answer")
        .unwrap();
    assert!(bytes[..count].starts_with(b"HTTP/1.1 200 "));
}

async fn ends(stream: &mut TcpStream) {
    let mut rest = Vec::new();
    let read = timeout(HANGING, stream.read_to_end(&mut rest)).await;
    assert_eq!(read.expect("it ends").unwrap_or(0), 0, "{rest:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_time_for_a_head_does_not_end_a_connection_that_is_kept() {
    let app = TestApp::start_with(&["--header-timeout-ms=300", "--h2c"]).await;
    let mut kept = TcpStream::connect(app.address).await.unwrap();
    answered(&mut kept).await;
    let stream = TcpStream::connect(app.address).await.unwrap();
    let (mut client, connection) = h2::client::handshake(stream).await.expect("HTTP/2");
    tokio::spawn(connection);
    let request = || Request::get("http://localhost/").body(()).unwrap();
    let first = client.send_request(request(), true).expect("is sent").0;
    assert_eq!(first.await.expect("an answer").status(), 200);
    sleep(Duration::from_secs(2)).await;
    answered(&mut kept).await;
    let mut client = client.ready().await.expect("it is open");
    let second = client.send_request(request(), true).expect("is sent").0;
    assert_eq!(second.await.expect("an answer").status(), 200);

    // Once a head has begun, its time runs.
    kept.write_all(&GET[..10]).await.unwrap();
    ends(&mut kept).await;
    let mut silent = TcpStream::connect(app.address).await.unwrap();
    ends(&mut silent).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_trickles_is_given_up() {
    let app = TestApp::start_with(&["--header-timeout-ms=400"]).await;
    let mut stream = TcpStream::connect(app.address).await.unwrap();
    answered(&mut stream).await;
    let (mut reader, mut writer) = stream.into_split();
    let trickle = tokio::spawn(async move {
        while writer.write_all(b"G").await.is_ok() {
            sleep(Duration::from_millis(50)).await;
        }
    });
    let mut rest = Vec::new();
    let _ = timeout(HANGING, reader.read_to_end(&mut rest))
        .await
        .expect("it ends");
    trickle.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_kept_in_vain_ends() {
    let app = TestApp::start_with(&["--keep-alive-timeout-ms=500", "--h2c"]).await;
    let mut kept = TcpStream::connect(app.address).await.unwrap();
    answered(&mut kept).await;
    ends(&mut kept).await;
    let stream = TcpStream::connect(app.address).await.unwrap();
    let (mut client, connection) = h2::client::handshake(stream).await.expect("HTTP/2");
    let request = Request::get("http://localhost/").body(()).unwrap();
    let running = tokio::spawn(connection);
    let (answer, _) = client.send_request(request, true).expect("is sent");
    assert_eq!(answer.await.expect("an answer").status(), 200);
    timeout(HANGING, running)
        .await
        .expect("it ends")
        .unwrap()
        .expect("in order");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_at_work_is_not_idle() {
    let app = TestApp::start_with(&["--keep-alive-timeout-ms=300", "--h2c"]).await;
    let end = app.get("/v1/users/changes").await.json()["next"]
        .as_str()
        .unwrap()
        .to_owned();
    let waiting = app
        .get(&format!("/v1/users/changes?after={end}&wait=2"))
        .await;
    assert_eq!(waiting.status, 200);
    let stream = TcpStream::connect(app.address).await.unwrap();
    let (mut client, connection) = h2::client::handshake(stream).await.expect("HTTP/2");
    tokio::spawn(connection);
    let request = Request::post("http://localhost/v1/users")
        .header("content-type", "application/json")
        .body(())
        .unwrap();
    let (answer, mut body) = client.send_request(request, false).expect("is sent");
    sleep(Duration::from_secs(2)).await;
    let user = Bytes::from_static(br#"{"email":"a@example.com","name":"A"}"#);
    body.send_data(user, true).expect("it is open");
    assert_eq!(answer.await.expect("an answer").status(), 201);
}
